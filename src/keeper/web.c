/* web.c - see web.h for the contract. */
#include "keeper/web.h"

#include <string.h>

#include "base/clock.h"
#include "keeper/grant.h"
#include "keeper/logins.h"
#include "keeper/mint.h"
#include "keeper/revoke.h"
#include "keeper/seen.h"

enum {
	HOUR_S = 3600,
	DAY_S = 86400,
	PENDING_S = 600,
	SHORT_IDLE_S = 4 * HOUR_S,
	SHORT_S = DAY_S,
	LONG_IDLE_S = 30 * DAY_S,
	LONG_S = 180 * DAY_S,
	SESSIONS_MAX = 200, /* of an account; the one longest unused goes */
};

static struct slice mac_slice(const unsigned char mac[MINT_MAC_LEN])
{
	return (struct slice){(const char *)mac, MINT_MAC_LEN};
}

static bool is_over(struct desk *desk, const struct web *w)
{
	const int64_t now = clock_wall_s(), noted = seen_last(desk->seen, w->session);
	const int64_t seen = noted > w->seen_s ? noted : w->seen_s;

	if (w->is_pending)
		return now - w->made_s >= PENDING_S;
	if (w->is_long)
		return now - w->made_s >= LONG_S || now - seen >= LONG_IDLE_S;
	return now - w->made_s >= SHORT_S || now - seen >= SHORT_IDLE_S;
}

int web_purge(struct db *change, struct err *err)
{
	return db_do(change, err,
		"DELETE FROM web WHERE made_s < ?1 - iif(is_pending, ?2, iif(is_long, ?3, ?4))"
		" OR seen_s < ?1 - iif(is_long, ?5, ?6)",
		db_i(clock_wall_s()), db_i(PENDING_S), db_i(LONG_S), db_i(SHORT_S),
		db_i(LONG_IDLE_S), db_i(SHORT_IDLE_S));
}

static int read_web(
	struct db *db, const unsigned char mac[MINT_MAC_LEN], struct web *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_row(db, &row, err,
		"SELECT id, account, credential, is_pending, is_long, made_s, seen_s, "
		"fresh_until_s,"
		" peer FROM web WHERE mac = ?",
		db_b(mac_slice(mac)));

	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_DENIED, "not signed in");
	*out = (struct web){.session = (uint64_t)db_int(row, 0),
		.account.id = (uint64_t)db_int(row, 1),
		.credential = (uint64_t)db_int(row, 2),
		.is_pending = db_int(row, 3) != 0,
		.is_long = db_int(row, 4) != 0,
		.made_s = db_int(row, 5),
		.seen_s = db_int(row, 6),
		.fresh_until_s = db_int(row, 7),
		.place = place_of((uint64_t)db_int(row, 1), db_text(row, 8))};
	return 0;
}

int web_find(
	struct desk *desk, struct db *db, struct slice cookie, struct web *out, struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	struct web web;
	int rc = mint_mac(MINT_COOKIE, cookie, desk->mac_key, mac, err);

	if (rc == 0)
		rc = read_web(db, mac, &web, err);
	if (rc == 0)
		rc = account_get(db, web.account.id, &web.account, err);
	if (rc == 0 && (is_over(desk, &web) || !(web.account.scopes & SCOPE_WEB)))
		rc = -ERR_DENIED;
	if (rc == -ERR_DENIED || rc == -ERR_NOTFOUND)
		return err_set(err, ERR_DENIED, "not signed in");
	if (rc == 0)
		*out = web;
	return rc;
}

int web_find_in(struct desk *desk, struct db *db, struct slice cookie, bool is_fresh,
	struct web *out, struct err *err)
{
	struct web web;
	int rc = web_find(desk, db, cookie, &web, err);

	if (rc < 0)
		return rc;
	if (web.is_pending)
		return err_set(err, ERR_DENIED, "the second factor is missing");
	if (is_fresh && clock_wall_s() >= web.fresh_until_s)
		return err_set(err, ERR_DENIED, "give the password or a second factor again first");
	*out = web;
	return 0;
}

int web_may_manage(const struct web *web, struct db *db, uint64_t account, struct err *err)
{
	const struct account *a = &web->account;
	struct account other;
	int rc;

	if (account == a->id || a->role == ROLE_OPERATOR)
		return 0;
	if (a->role != ROLE_GROUP_ADMIN || !a->member_of)
		return err_set(err, ERR_DENIED, "not one of your accounts");
	rc = account_get(db, account, &other, err);
	if (rc == -ERR_NOTFOUND ||
		(rc == 0 && (other.member_of != a->member_of || other.role == ROLE_OPERATOR)))
		return err_set(err, ERR_DENIED, "not one of your accounts");
	return rc;
}

void web_put(struct task *t, const struct web *web, const char *cookie, bool is_new_place)
{
	const struct account *a = &web->account;

	task_put_u64(t, a->id);
	task_put_u64(t, web->session);
	task_put_u64(t, web->is_pending);
	task_put_u64(t, a->factors);
	task_put_u64(t, (uint64_t)web->fresh_until_s);
	task_put_u64(t, a->role);
	task_put_u64(t, a->member_of);
	task_put_u64(t, a->must_change);
	task_put_u64(t, (uint64_t)a->change_by_s);
	task_put_u64(t, is_new_place);
	task_put(t, cookie ? slice_str(cookie) : (struct slice){0});
}

int session_end_all(
	struct db *change, const struct frame_session *what, uint64_t kept, struct err *err)
{
	int rc = db_do(change, err, "DELETE FROM web WHERE (account = ?1 OR ?1 = 0) AND id <> ?2",
		db_i((int64_t)what->account), db_i((int64_t)kept));

	if (rc == 0)
		rc = grant_remove_all(change, what->account, err);
	return rc < 0 ? rc : revoke_note(change, what, err);
}

/* ---- what who is signed in asks for ---- */

void web_change(struct task *t, bool is_fresh, web_act_fn *act)
{
	struct db *change;
	struct web web;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = web_find_in(t->desk, change, t->f[0].s, is_fresh, &web, &err);
		if (rc == 0)
			rc = act(t, change, &web, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	task_end(t, rc, &err);
}

void web_list(struct task *t, web_list_fn *put)
{
	struct db *db = secrets_read(t->desk->secrets);
	struct web web = {0};
	struct err err;
	int rc = web_find_in(t->desk, db, t->f[0].s, false, &web, &err);
	const uint64_t account = t->f[1].n ? t->f[1].n : web.account.id;

	if (rc == 0)
		rc = web_may_manage(&web, db, account, &err);
	if (rc == 0)
		rc = put(t, db, account, web.session, &err);
	secrets_read_end(t->desk->secrets);
	task_end(t, rc, &err);
}

/* ---- coming in ---- */

/* The account's state may have changed since the password was checked. */
static int check_current(struct db *change, const struct entering *e, struct err *err)
{
	int64_t floor;
	int rc = db_get_int(change, &floor, err,
		"SELECT max(a.revoked, c.revoked) FROM account a, counter c WHERE a.id = ?",
		db_i((int64_t)e->entry.account));

	if (rc == 0 && (int64_t)e->entry.seq < floor)
		rc = -ERR_NOTFOUND;
	return rc == -ERR_NOTFOUND ? err_set(err, ERR_DENIED, "wrong password") : rc;
}

int web_insert(struct desk *desk, struct db *change, const struct web_client *client,
	struct web *web, char cookie[MINT_TEXT], struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	int rc;

	mint_make(MINT_COOKIE, cookie);
	rc = mint_mac(MINT_COOKIE, slice_str(cookie), desk->mac_key, mac, err);
	if (rc == 0)
		rc = secrets_take_seq(change, &web->session, err);
	if (rc == 0)
		rc = db_do(change, err,
			"DELETE FROM web WHERE id IN (SELECT id FROM web WHERE account = ?"
			" ORDER BY seen_s DESC, id DESC LIMIT -1 OFFSET ?)",
			db_i((int64_t)web->account.id), db_i(SESSIONS_MAX - 1));
	if (rc == 0)
		rc = db_do(change, err,
			"INSERT INTO web (id, account, mac, credential, is_pending, is_long, "
			"made_s,"
			" seen_s, fresh_until_s, peer, program)"
			" VALUES (?, ?, ?, ?, ?, ?, ?7, ?7, ?, ?, ?)",
			db_i((int64_t)web->session), db_i((int64_t)web->account.id),
			db_b(mac_slice(mac)), db_i((int64_t)web->credential), db_i(web->is_pending),
			db_i(web->is_long), db_i(web->made_s), db_i(web->fresh_until_s),
			db_t(slice_head(client->peer, SEEN_PEER_MAX)),
			db_t(slice_head(client->program, SEEN_PROGRAM_MAX)));
	return rc;
}

static void make_session(struct task *t)
{
	const struct entering *e = t->state;
	const bool is_main = e->entry.credential == 0;
	struct web web = {.account = e->account,
		.credential = e->entry.credential,
		.is_pending = is_main ? e->account.factors != 0 : e->needs_factor,
		.is_long = t->f[6].n != 0,
		.made_s = clock_wall_s()};
	const struct web_client client = {e->attempt.peer, e->attempt.program};
	char cookie[MINT_TEXT];
	struct db *change;
	struct err err;
	int rc;

	web.fresh_until_s = is_main && !web.is_pending ? web.made_s + KEEPER_FRESH_S : 0;
	rc = secrets_change(t->desk->secrets, &change, &err);
	if (rc == 0) {
		rc = check_current(change, e, &err);
		if (rc == 0)
			rc = web_insert(t->desk, change, &client, &web, cookie, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	if (rc == 0)
		web_put(t, &web, cookie, e->entry.is_new_place);
	task_end(t, rc, &err);
}

static void entered(struct task *t)
{
	task_next(t, TASK_CLERK, make_session);
}

void verb_web_begin(struct task *t)
{
	enter_begin(t, true, entered);
}

void verb_web_check(struct task *t)
{
	struct db *db = secrets_read(t->desk->secrets);
	struct web web;
	struct err err;
	int rc = web_find(t->desk, db, t->f[0].s, &web, &err);

	secrets_read_end(t->desk->secrets);
	if (rc == 0) {
		if (!web.is_pending)
			seen_note(
				t->desk->seen, SEEN_WEB, web.session, t->f[1].s, (struct slice){0});
		web_put(t, &web, NULL, false);
	}
	task_end(t, rc, &err);
}

/* ---- rising ---- */

int web_rise(struct desk *desk, struct db *change, struct web *web, char cookie_out[MINT_TEXT],
	struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	const int64_t now = clock_wall_s();
	int rc;

	mint_make(MINT_COOKIE, cookie_out);
	rc = mint_mac(MINT_COOKIE, slice_str(cookie_out), desk->mac_key, mac, err);
	if (rc == 0)
		rc = db_do(change, err,
			"UPDATE web SET mac = ?, is_pending = 0, fresh_until_s = ?, seen_s = ?,"
			" made_s = ? WHERE id = ?",
			db_b(mac_slice(mac)), db_i(now + KEEPER_FRESH_S), db_i(now),
			db_i(web->is_pending ? now : web->made_s), db_i((int64_t)web->session));
	if (rc < 0)
		return rc;
	web->is_pending = false;
	web->fresh_until_s = now + KEEPER_FRESH_S;
	return 0;
}

static void rise(struct task *t)
{
	char cookie[MINT_TEXT];
	struct db *change;
	struct web web;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		/* It may have ended while the password was checked. */
		rc = web_find_in(t->desk, change, t->f[0].s, false, &web, &err);
		if (rc == 0)
			rc = web_rise(t->desk, change, &web, cookie, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	if (rc == 0)
		web_put(t, &web, cookie, false);
	task_end(t, rc, &err);
}

/* Fields: cookie, factor, data, peer. */
static void rise_by_factor(struct task *t)
{
	char cookie[MINT_TEXT];
	struct db *change;
	struct web web;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = web_find(t->desk, change, t->f[0].s, &web, &err);
		if (rc == 0)
			rc = web_check_factor(t->desk, change, &web, (enum keeper_factor)t->f[1].n,
				t->f[2].s, t->f[3].s, &err);
		if (rc == 0)
			rc = web_rise(t->desk, change, &web, cookie, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	if (rc == 0)
		web_put(t, &web, cookie, false);
	task_end(t, rc, &err);
}

static void on_password(void *context, const struct logins_verdict *verdict)
{
	struct task *t = context;
	struct err err;

	if (verdict->rc == 0) {
		task_next(t, TASK_CLERK, rise);
		return;
	}
	err_set(&err, (enum err_code) - verdict->rc, "%s", verdict->reason);
	task_fail(t, &err);
}

/* The password again, to be fresh; who has a second factor gives that. */
void verb_web_factor(struct task *t)
{
	struct db *db = secrets_read(t->desk->secrets);
	const bool is_password = t->f[1].n == FACTOR_PASSWORD;
	struct place place;
	struct web web;
	struct err err;
	int rc = web_find(t->desk, db, t->f[0].s, &web, &err);

	secrets_read_end(t->desk->secrets);
	if (rc == 0 && is_password == (web.account.factors != 0))
		rc = err_set(&err, ERR_DENIED, "this account does not have this factor");
	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	if (!is_password) {
		task_next(t, TASK_CLERK, rise_by_factor);
		return;
	}
	place = place_of(web.account.id, t->f[3].s);
	logins_check(t->desk->logins, &place, t->f[2].s, on_password, t);
}
