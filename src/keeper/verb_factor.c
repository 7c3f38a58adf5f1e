/* verb_factor.c - see verb_factor.h; the fields of each verb stand in verbs.c. */
#include "keeper/verb_factor.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/mem.h"
#include "keeper/account.h"
#include "keeper/factor.h"
#include "keeper/guesses.h"

enum { SESSION_NAME_LEN = 8 };

/* A session as the place of its challenges. It keeps its number when it rises. */
struct session_name {
	unsigned char bytes[SESSION_NAME_LEN];
};

static struct factor_who who_of(const struct web *web, struct session_name *name)
{
	be64_put(name->bytes, web->session);
	return (struct factor_who){
		.account = web->account.id, .place = {(const char *)name->bytes, SESSION_NAME_LEN}};
}

int web_check_factor(struct desk *desk, struct db *change, const struct web *web,
	enum keeper_factor factor, struct slice data, struct slice peer, struct err *err)
{
	const struct place place = place_of(web->account.id, peer);
	struct session_name name;
	struct factor_who who = who_of(web, &name);

	if (guesses_is_known(desk->guesses, &place))
		who.home = (struct slice){place.bytes, PLACE_LEN};
	return factor_check(desk->factors, change, &who, factor, data, err);
}

/* ---- setting up ---- */

void verb_factor_begin(struct task *t)
{
	struct db *db = secrets_read(t->desk->secrets);
	struct buf out AUTO(buf_done);
	struct session_name name;
	struct factor_who who;
	struct web web;
	struct err err;
	int rc = web_find_in(t->desk, db, t->f[0].s, true, &web, &err);

	buf_init(&out, WEBAUTHN_OPTIONS_MAX);
	if (rc == 0) {
		who = who_of(&web, &name);
		rc = factor_begin(t->desk->factors, db, &who, (enum keeper_factor)t->f[1].n,
			t->f[2].s, t->f[3].s, &out, &err);
	}
	secrets_read_end(t->desk->secrets);
	task_put(t, buf_slice(&out));
	if (out.ptr)
		mem_wipe(out.ptr, out.cap);
	task_end(t, rc, &err);
}

/* With the first factor the password alone opens nothing any more: what came in by it ends. */
static int confirm(struct task *t, struct db *change, struct frame_session *what, struct buf *codes,
	struct err *err)
{
	struct session_name name;
	struct factor_who who;
	struct web web;
	uint64_t id;
	int rc = web_find_in(t->desk, change, t->f[0].s, true, &web, err);

	if (rc == 0)
		rc = secrets_take_seq(change, &id, err);
	if (rc < 0)
		return rc;
	who = who_of(&web, &name);
	rc = factor_confirm(t->desk->factors, change, &who, id, (enum keeper_factor)t->f[1].n,
		t->f[2].s, t->f[3].s, codes, err);
	if (rc < 0 || web.account.factors)
		return rc;
	*what = (struct frame_session){.account = web.account.id, .scopes = SCOPE_ALL};
	rc = secrets_take_seq(change, &what->seq, err);
	return rc < 0 ? rc : session_end_all(change, what, web.session, err);
}

void verb_factor_confirm(struct task *t)
{
	struct frame_session what = {0};
	struct buf codes AUTO(buf_done);
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	buf_init(&codes, FACTOR_CODES_TEXT);
	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	rc = confirm(t, change, &what, &codes, &err);
	task_put(t, buf_slice(&codes));
	if (codes.ptr)
		mem_wipe(codes.ptr, codes.cap);
	if (rc == 0)
		log_info(NULL, "factor_added", log_n("kind", (int64_t)t->f[1].n));
	if (what.scopes) {
		change_revoke(t, rc, &what, &err);
		return;
	}
	rc = secrets_change_end(t->desk->secrets, rc, &err);
	task_end(t, rc, &err);
}

static int act_remove(struct task *t, struct db *change, struct web *web, struct err *err)
{
	return factor_remove(change, web->account.id, t->f[1].n, err);
}

void verb_factor_remove(struct task *t)
{
	web_change(t, true, act_remove);
}

/* The answer's one field; what held it before is wiped. */
static void put_secret(struct task *t, struct buf *secret)
{
	task_put(t, buf_slice(secret));
	if (secret->ptr)
		mem_wipe(secret->ptr, secret->cap);
}

static int act_codes(struct task *t, struct db *change, struct web *web, struct err *err)
{
	struct buf codes AUTO(buf_done);
	int rc;

	buf_init(&codes, FACTOR_CODES_TEXT);
	rc = factor_new_codes(t->desk->factors, change, web->account.id, &codes, err);
	put_secret(t, &codes);
	return rc;
}

void verb_recovery_codes(struct task *t)
{
	web_change(t, true, act_codes);
}

static int put_factors(
	struct task *t, struct db *db, uint64_t account, uint64_t session, struct err *err)
{
	struct db_stmt *row;
	int rc = db_query(db, &row, err,
		"SELECT id, kind, name, made_s, seen_s FROM factor WHERE account = ? ORDER BY id",
		db_i((int64_t)account));

	(void)session;
	while (rc == 0 && (rc = db_step(row, err)) == 1) {
		const struct keeper_item item = {.id = (uint64_t)db_int(row, 0),
			.kind = (unsigned)db_int(row, 1),
			.name = db_text(row, 2),
			.created_s = db_int(row, 3),
			.seen_s = db_int(row, 4)};

		item_put(t, &item);
		rc = 0;
	}
	return rc;
}

void verb_list_factors(struct task *t)
{
	web_list(t, put_factors);
}

/* ---- coming in ---- */

/* Before it is given, by a session that may still be pending. */
void verb_web_challenge(struct task *t)
{
	struct db *db = secrets_read(t->desk->secrets);
	struct buf out AUTO(buf_done);
	struct session_name name;
	struct factor_who who;
	struct web web;
	struct err err;
	int rc = web_find(t->desk, db, t->f[0].s, &web, &err);

	buf_init(&out, WEBAUTHN_OPTIONS_MAX);
	if (rc == 0) {
		who = who_of(&web, &name);
		rc = factor_challenge(
			t->desk->factors, db, &who, (enum keeper_factor)t->f[1].n, &out, &err);
	}
	secrets_read_end(t->desk->secrets);
	task_put(t, buf_slice(&out));
	task_end(t, rc, &err);
}

static int enter_by_passkey(struct task *t, struct db *change, struct web *web,
	char cookie[MINT_TEXT], bool *is_new_place, struct err *err)
{
	const struct web_client client = {t->f[2].s, t->f[3].s};
	const int64_t now = clock_wall_s();
	uint64_t account;
	int rc =
		factor_passkey_check(t->desk->factors, change, t->f[0].s, t->f[1].s, &account, err);

	if (rc == 0)
		rc = account_get(change, account, &web->account, err);
	if (rc == 0 && !(web->account.scopes & SCOPE_WEB))
		rc = err_set(err, ERR_DENIED, "The web is turned off for this account");
	if (rc < 0)
		return rc;
	web->place = place_of(account, client.peer);
	web->made_s = now;
	web->fresh_until_s = now + KEEPER_FRESH_S;
	if (guesses_good(t->desk->guesses, &web->place))
		rc = guesses_note(t->desk->guesses, change, &web->place, is_new_place, err);
	return rc < 0 ? rc : web_insert(t->desk, change, &client, web, cookie, err);
}

static void sign_in(struct task *t)
{
	struct web web = {0};
	char cookie[MINT_TEXT];
	bool is_new_place = false;
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = enter_by_passkey(t, change, &web, cookie, &is_new_place, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	if (rc == 0)
		web_put(t, &web, cookie, is_new_place);
	task_end(t, rc, &err);
}

void verb_web_passkey(struct task *t)
{
	struct buf out AUTO(buf_done);

	buf_init(&out, WEBAUTHN_OPTIONS_MAX);
	if (t->f[1].s.len) {
		task_next(t, TASK_CLERK, sign_in);
		return;
	}
	factor_passkey_challenge(t->desk->factors, t->f[0].s, &out);
	task_put(t, buf_slice(&out));
	task_reply(t);
}
