/* web_end.c - web sessions end, and are listed; see web.h for the contract. */
#include "keeper/revoke.h"
#include "keeper/seen.h"
#include "keeper/web.h"

void item_put(struct task *t, const struct keeper_item *item)
{
	task_put_u64(t, item->id);
	task_put_u64(t, (uint64_t)item->created_s);
	task_put_u64(t, (uint64_t)item->seen_s);
	task_put_u64(t, item->kind);
	task_put_u64(t, item->scopes);
	task_put_u64(t, item->is_this);
	task_put_u64(t, item->needs_factor);
	task_put_u64(t, item->is_before_change);
	task_put(t, item->name);
	task_put(t, item->peer);
	task_put(t, item->program);
}

/* One session, and what a server holds open for it. */
static int end_one(struct task *t, struct db *change, struct frame_session *what, struct err *err)
{
	struct web web;
	int rc = web_find(t->desk, change, t->f[0].s, &web, err);

	if (rc < 0)
		return rc;
	if (web.is_pending && t->f[1].n)
		return err_set(err, ERR_DENIED, "the second factor is missing");
	*what = (struct frame_session){.account = web.account.id,
		.credential = t->f[1].n ? t->f[1].n : web.session,
		.scopes = SCOPE_ALL};
	rc = db_do(change, err, "DELETE FROM web WHERE id = ? AND account = ?",
		db_i((int64_t)what->credential), db_i((int64_t)what->account));
	if (rc == 0 && db_changes(change) == 0)
		rc = err_set(err, ERR_NOTFOUND, "no such session");
	if (rc == 0)
		rc = secrets_take_seq(change, &what->seq, err);
	return rc < 0 ? rc : revoke_note(change, what, err);
}

void verb_web_end(struct task *t)
{
	struct frame_session what;
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = end_one(t, change, &what, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	if (rc < 0)
		task_fail(t, &err);
	else
		task_revoke(t, &what, 1);
}

void verb_web_end_all(struct task *t)
{
	struct frame_session what = {.scopes = SCOPE_ALL};
	struct db *change;
	struct web web;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = web_find_in(t->desk, change, t->f[0].s, false, &web, &err);
		if (rc == 0)
			rc = secrets_take_seq(change, &what.seq, &err);
		what.account = rc == 0 ? web.account.id : 0;
		if (rc == 0)
			rc = session_end_all(change, &what, web.session, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	if (rc < 0)
		task_fail(t, &err);
	else
		task_revoke(t, &what, 1);
}

static int put_sessions(
	struct task *t, struct db *db, uint64_t account, uint64_t this_one, struct err *err)
{
	struct db_stmt *row;
	int rc = db_query(db, &row, err,
		"SELECT id, made_s, seen_s, peer, program FROM web"
		" WHERE account = ? AND is_pending = 0 ORDER BY id DESC",
		db_i((int64_t)account));

	while (rc == 0 && (rc = db_step(row, err)) == 1) {
		const uint64_t id = (uint64_t)db_int(row, 0);
		const int64_t noted = seen_last(t->desk->seen, id), seen = db_int(row, 2);
		const struct keeper_item item = {.id = id,
			.created_s = db_int(row, 1),
			.seen_s = noted > seen ? noted : seen,
			.scopes = SCOPE_WEB,
			.is_this = id == this_one,
			.peer = db_text(row, 3),
			.program = db_text(row, 4)};

		item_put(t, &item);
		rc = 0;
	}
	return rc;
}

void verb_list_sessions(struct task *t)
{
	web_list(t, put_sessions);
}
