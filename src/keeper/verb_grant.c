/* verb_grant.c - see verb_grant.h; the fields of each verb stand in verbs.c. */
#include "keeper/verb_grant.h"

#include "base/log.h"
#include "base/mem.h"
#include "keeper/account.h"
#include "keeper/grant.h"
#include "keeper/revoke.h"

static void put_tokens(struct task *t, const struct keeper_tokens *tokens)
{
	task_put_u64(t, tokens->account);
	task_put_u64(t, tokens->scopes);
	task_put_u64(t, (uint64_t)tokens->expires_in_s);
	task_put(t, slice_str(tokens->access));
	task_put(t, slice_str(tokens->refresh));
}

/* ---- who signed in says yes ---- */

static int find_web(struct task *t, struct web *web, struct err *err)
{
	struct db *db = secrets_read(t->desk->secrets);
	int rc = web_find_in(t->desk, db, t->f[0].s, false, web, err);

	secrets_read_end(t->desk->secrets);
	return rc;
}

void verb_grant_code(struct task *t)
{
	char code[MINT_TEXT];
	struct web web;
	struct err err;
	int rc = find_web(t, &web, &err);

	if (rc == 0 && t->f[3].n & ~(uint64_t)GRANT_SCOPES)
		rc = err_set(&err, ERR_SYNTAX, "a scope that no program is given");
	if (rc == 0)
		rc = grant_code(t->desk->factors, web.account.id, t->f[1].s, t->f[2].s,
			(unsigned)t->f[3].n, t->f[4].s, code, &err);
	if (rc == 0)
		task_put(t, slice_str(code));
	mem_wipe(code, sizeof(code));
	task_end(t, rc, &err);
}

void verb_device_find(struct task *t)
{
	struct buf client AUTO(buf_done);
	struct keeper_item item = {0};
	struct web web;
	struct err err;
	int rc = find_web(t, &web, &err);

	buf_init(&client, GRANT_CLIENT_MAX);
	if (rc == 0)
		rc = grant_device_find(
			t->desk->factors, web.account.id, t->f[1].s, &client, &item.scopes, &err);
	item.name = buf_slice(&client);
	if (rc == 0)
		item_put(t, &item);
	task_end(t, rc, &err);
}

void verb_device_decide(struct task *t)
{
	struct web web;
	struct err err;
	int rc = find_web(t, &web, &err);

	if (rc == 0)
		rc = grant_device_decide(
			t->desk->factors, web.account.id, t->f[1].s, t->f[2].n != 0, &err);
	task_end(t, rc, &err);
}

/* ---- programs ---- */

void verb_device_begin(struct task *t)
{
	struct keeper_device device;

	grant_device_begin(
		t->desk->factors, t->f[0].s, (unsigned)t->f[1].n & GRANT_SCOPES, &device);
	task_put(t, slice_str(device.device_code));
	task_put(t, slice_str(device.user_code));
	task_put_u64(t, (uint64_t)device.expires_in_s);
	task_put_u64(t, (uint64_t)device.interval_s);
	task_reply(t);
}

static void refuse(struct task *t)
{
	struct err err;

	err_set(&err, ERR_DENIED, "the grant was used twice: it ends");
	task_fail(t, &err);
}

/* A grant that ended in the change: its sessions are told of, then the task goes on. */
static int note_end(struct db *change, const struct grant_result *result,
	struct frame_session *what, struct err *err)
{
	int rc;

	if (!result->ended)
		return 0;
	*what = (struct frame_session){
		.account = result->ended_account, .credential = result->ended, .scopes = SCOPE_ALL};
	rc = secrets_take_seq(change, &what->seq, err);
	return rc < 0 ? rc : revoke_note(change, what, err);
}

static void tell_end(struct task *t, const struct frame_session *what, task_fn *then)
{
	log_info(NULL, "grant_ended", log_n("account", (int64_t)what->account));
	t->run = then;
	revoke_tell(t->desk->revoker, what, 1, &t->job);
}

/* One step that gives tokens, or finds that the grant must end. */
typedef int step_fn(
	struct task *t, struct db *change, uint64_t id, struct grant_result *out, struct err *err);

static void take_step(struct task *t, step_fn *step)
{
	struct grant_result result = {.ended = 0};
	struct frame_session what = {0};
	struct db *change;
	struct err err;
	uint64_t id;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = secrets_take_seq(change, &id, &err);
		if (rc == 0)
			rc = step(t, change, id, &result, &err);
		if (rc == 0)
			rc = note_end(change, &result, &what, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	if (rc == 0 && what.scopes) {
		tell_end(t, &what, refuse);
		return;
	}
	if (rc == 0)
		put_tokens(t, &result.tokens);
	mem_wipe(&result, sizeof(result));
	task_end(t, rc, &err);
}

static int exchange(
	struct task *t, struct db *change, uint64_t id, struct grant_result *out, struct err *err)
{
	return grant_exchange(
		t->desk->factors, change, id, t->f[0].s, t->f[1].s, t->f[2].s, t->f[3].s, out, err);
}

static int refresh(
	struct task *t, struct db *change, uint64_t id, struct grant_result *out, struct err *err)
{
	(void)id;
	return grant_refresh(t->desk->factors, change, t->f[0].s, t->f[1].s, out, err);
}

static int poll_device(
	struct task *t, struct db *change, uint64_t id, struct grant_result *out, struct err *err)
{
	return grant_device_poll(t->desk->factors, change, id, t->f[0].s, t->f[1].s, out, err);
}

void verb_grant_exchange(struct task *t)
{
	take_step(t, exchange);
}

void verb_grant_refresh(struct task *t)
{
	take_step(t, refresh);
}

void verb_device_poll(struct task *t)
{
	take_step(t, poll_device);
}

/* ---- the end of a grant ---- */

void verb_token_revoke(struct task *t)
{
	struct grant_result result = {.ended = 0};
	struct frame_session what = {0};
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = grant_revoke(t->desk->factors, change, t->f[0].s, &result, &err);
		if (rc == 0)
			rc = note_end(change, &result, &what, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	if (rc == 0 && what.scopes)
		tell_end(t, &what, task_reply);
	else
		task_end(t, rc, &err);
}

void verb_token_remove(struct task *t)
{
	struct grant_result result = {.ended = t->f[1].n};
	struct frame_session what = {0};
	struct db *change;
	struct web web;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = web_find_in(t->desk, change, t->f[0].s, false, &web, &err);
		result.ended_account = rc == 0 ? web.account.id : 0;
		if (rc == 0)
			rc = grant_remove(change, web.account.id, result.ended, &err);
		if (rc == 0)
			rc = note_end(change, &result, &what, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	if (rc == 0)
		tell_end(t, &what, task_reply);
	else
		task_fail(t, &err);
}

static int put_grants(
	struct task *t, struct db *db, uint64_t account, uint64_t session, struct err *err)
{
	struct db_stmt *row;
	int rc = db_query(db, &row, err,
		"SELECT id, client, scopes, made_s, seen_s, peer FROM token WHERE account = ?"
		" ORDER BY id",
		db_i((int64_t)account));

	(void)session;
	while (rc == 0 && (rc = db_step(row, err)) == 1) {
		const struct keeper_item item = {.id = (uint64_t)db_int(row, 0),
			.name = db_text(row, 1),
			.scopes = (unsigned)db_int(row, 2),
			.created_s = db_int(row, 3),
			.seen_s = db_int(row, 4),
			.peer = db_text(row, 5)};

		item_put(t, &item);
		rc = 0;
	}
	return rc;
}

void verb_list_tokens(struct task *t)
{
	web_list(t, put_grants);
}
