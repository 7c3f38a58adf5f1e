/* app.c - alternative logins, services, settings; see account.h and credentials.h. */
#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"
#include "keeper/account.h"
#include "keeper/factor.h"
#include "keeper/recover.h"
#include "keeper/revoke.h"
#include "keeper/scram_login.h"
#include "keeper/seen.h"

enum {
	APPS_MAX = 100,
	NAME_MAX_BYTES = 100,
	CERTIFICATE_SCOPES = SCOPE_IMAP | SCOPE_IMAP_READ | SCOPE_SMTP, /* that have EXTERNAL */
};

static struct slice mac_slice(const unsigned char mac[MINT_MAC_LEN])
{
	return (struct slice){(const char *)mac, MINT_MAC_LEN};
}

/* What is to be added. */
struct new_app {
	struct slice name;
	uint64_t scopes;
	bool needs_factor, is_certificate;
	unsigned char mac[MINT_MAC_LEN];
};

static int check_app(
	const struct new_app *app, const struct account *account, struct db *db, struct err *err)
{
	int64_t n = 0;
	int rc = db_get_int(db, &n, err, "SELECT count(*) FROM app WHERE account = ?",
		db_i((int64_t)account->id));

	if (rc < 0)
		return rc;
	if (n >= APPS_MAX)
		return err_set(err, ERR_TOOBIG, "at most %d alternative logins", APPS_MAX);
	if (app->name.len == 0 || app->name.len > NAME_MAX_BYTES)
		return err_set(err, ERR_SYNTAX, "a name has 1 to %d bytes", NAME_MAX_BYTES);
	if (app->scopes == 0 || app->scopes > SCOPE_ALL)
		return err_set(err, ERR_SYNTAX, "which services it shall open is missing");
	if (app->is_certificate && app->scopes & ~(uint64_t)CERTIFICATE_SCOPES)
		return err_set(err, ERR_SYNTAX, "a certificate opens IMAP and sending");
	if (app->needs_factor && (!account->factors || !(app->scopes & SCOPE_WEB)))
		return err_set(err, ERR_SYNTAX,
			"only a login for the web, of an account with a second factor, can ask for "
			"it");
	return 0;
}

static int insert_app(struct db *change, const struct new_app *app, const struct account *account,
	uint64_t *id_out, struct err *err)
{
	int rc = check_app(app, account, change, err);

	if (rc == 0)
		rc = secrets_take_seq(change, id_out, err);
	if (rc < 0)
		return rc;
	rc = db_do(change, err,
		"INSERT INTO app (id, account, mac, name, scopes, needs_factor, made_s,"
		" is_certificate) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		db_i((int64_t)*id_out), db_i((int64_t)account->id), db_b(mac_slice(app->mac)),
		db_t(app->name), db_i((int64_t)app->scopes), db_i(app->needs_factor),
		db_i(clock_wall_s()), db_i(app->is_certificate));
	if (rc == -ERR_EXISTS)
		rc = err_set(err, ERR_EXISTS, "this certificate's key signs somebody in already");
	return rc;
}

static int add_password(struct task *t, struct db *change, const char *secret, struct err *err)
{
	struct new_app app = {
		.name = t->f[1].s, .scopes = t->f[2].n, .needs_factor = t->f[3].n != 0};
	struct web web;
	uint64_t id;
	int rc = web_find_in(t->desk, change, t->f[0].s, true, &web, err);

	if (rc == 0)
		rc = mint_mac(MINT_APP, slice_str(secret), t->desk->mac_key, app.mac, err);
	if (rc == 0)
		rc = insert_app(change, &app, &web.account, &id, err);
	if (rc == 0)
		rc = scram_store(t->desk, change, web.account.id, id, slice_str(secret), err);
	return rc;
}

/* Fields: cookie, name, scopes, needs a factor. */
void verb_app_add(struct task *t)
{
	char secret[MINT_TEXT];
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	mint_make(MINT_APP, secret);
	if (rc == 0) {
		rc = add_password(t, change, secret, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	if (rc == 0)
		task_put(t, slice_str(secret));
	mem_wipe(secret, sizeof(secret));
	task_end(t, rc, &err);
}

/* Fields 1 to 3: name, scopes, hash of the key. */
static int add_certificate(
	struct task *t, struct db *change, const struct account *account, struct err *err)
{
	struct new_app app = {.name = t->f[1].s, .scopes = t->f[2].n, .is_certificate = true};
	uint64_t id;

	if (t->f[3].s.len != MINT_PUBLIC_LEN)
		return err_set(err, ERR_SYNTAX, "no hash of a key");
	mint_mac_key((const unsigned char *)t->f[3].s.ptr, t->desk->mac_key, app.mac);
	return insert_app(change, &app, account, &id, err);
}

/* Fields: cookie, name, scopes, hash of the key. */
void verb_app_certificate(struct task *t)
{
	struct db *change;
	struct web web;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = web_find_in(t->desk, change, t->f[0].s, true, &web, &err);
		if (rc == 0)
			rc = add_certificate(t, change, &web.account, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	task_end(t, rc, &err);
}

/* With the sessions that came in by it. */
static int remove_app(struct db *change, struct frame_session *what, uint64_t id, struct err *err)
{
	const int64_t account = (int64_t)what->account, app = (int64_t)id;
	int rc = db_do(change, err, "DELETE FROM web WHERE account = ? AND credential = ?",
		db_i(account), db_i(app));

	if (rc == 0)
		rc = db_do(change, err, "DELETE FROM app WHERE account = ? AND id = ?",
			db_i(account), db_i(app));
	if (rc == 0 && db_changes(change) == 0)
		return err_set(err, ERR_NOTFOUND, "no such alternative login");
	if (rc == 0)
		rc = secrets_take_seq(change, &what->seq, err);
	what->credential = id;
	return rc < 0 ? rc : revoke_note(change, what, err);
}

/* Fields: cookie, id. */
void verb_app_remove(struct task *t)
{
	struct frame_session what = {.scopes = SCOPE_ALL};
	struct db *change;
	struct web web;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	rc = web_find_in(t->desk, change, t->f[0].s, false, &web, &err);
	if (rc == 0) {
		what.account = web.account.id;
		rc = remove_app(change, &what, t->f[1].n, &err);
	}
	change_revoke(t, rc, &what, &err);
}

static int put_apps(struct task *t, struct db *db, const struct account *account, struct err *err)
{
	struct db_stmt *row;
	int rc = db_query(db, &row, err,
		"SELECT a.id, made_s, seen_s, scopes, needs_factor, name, peer, program,"
		" a.id < s.epoch, is_certificate FROM app a JOIN secret s ON s.account = a.account"
		" WHERE a.account = ? ORDER BY a.id",
		db_i((int64_t)account->id));

	while (rc == 0 && (rc = db_step(row, err)) == 1) {
		const uint64_t id = (uint64_t)db_int(row, 0);
		const int64_t noted = seen_last(t->desk->seen, id), seen = db_int(row, 2);
		const struct keeper_item item = {.id = id,
			.created_s = db_int(row, 1),
			.seen_s = noted > seen ? noted : seen,
			.scopes = (unsigned)db_int(row, 3),
			.needs_factor = db_int(row, 4) != 0,
			.name = db_text(row, 5),
			.peer = db_text(row, 6),
			.program = db_text(row, 7),
			.is_before_change = db_int(row, 8) != 0,
			.kind = (unsigned)db_int(row, 9)};

		item_put(t, &item);
		rc = 0;
	}
	return rc;
}

static int put_apps_of(
	struct task *t, struct db *db, uint64_t id, uint64_t session, struct err *err)
{
	struct account account;
	int rc = account_get(db, id, &account, err);

	(void)session;
	return rc < 0 ? rc : put_apps(t, db, &account, err);
}

void verb_list_apps(struct task *t)
{
	web_list(t, put_apps_of);
}

/* ---- services ---- */

static int set_scopes(struct db *change, const struct account *account, unsigned open,
	struct frame_session *what, struct err *err)
{
	int rc = db_do(change, err, "UPDATE account SET scopes = ? WHERE id = ?", db_i(open),
		db_i((int64_t)account->id));

	if (rc == 0)
		rc = secrets_take_seq(change, &what->seq, err);
	what->account = account->id;
	what->scopes = account->scopes & ~open;
	if (what->scopes & SCOPE_IMAP)
		what->scopes |= SCOPE_IMAP_READ;
	return rc < 0 || !what->scopes ? rc : revoke_note(change, what, err);
}

static void end_scopes(struct task *t, int rc, const struct frame_session *what, struct err *err)
{
	if (what->scopes) {
		change_revoke(t, rc, what, err);
		return;
	}
	rc = secrets_change_end(t->desk->secrets, rc, err);
	task_end(t, rc, err);
}

/* Fields: cookie, scopes. Who is at the web page does not lock himself out of it. */
void verb_set_scopes(struct task *t)
{
	const unsigned open = ((unsigned)t->f[1].n & SCOPE_ALL) | SCOPE_WEB;
	struct frame_session what = {0};
	struct db *change;
	struct web web;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	rc = web_find_in(t->desk, change, t->f[0].s, true, &web, &err);
	if (rc == 0)
		rc = set_scopes(change, &web.account, open, &what, &err);
	end_scopes(t, rc, &what, &err);
}

/* Field: cookie. */
void verb_get_settings(struct task *t)
{
	struct db *db = secrets_read(t->desk->secrets);
	struct recovery recovery;
	unsigned codes = 0;
	struct web web;
	struct err err;
	int rc = web_find_in(t->desk, db, t->f[0].s, false, &web, &err);

	if (rc == 0)
		rc = factor_codes_left(db, web.account.id, &codes, &err);
	if (rc == 0)
		rc = recover_get(db, web.account.id, &recovery, &err);
	secrets_read_end(t->desk->secrets);
	if (rc == 0) {
		task_put_u64(t, web.account.scopes);
		task_put_u64(t, web.account.factors);
		task_put_u64(t, codes);
		task_put_u64(t, recovery.may_reset);
		task_put_u64(t, (uint64_t)web.account.changed_s);
		task_put(t, slice_str(recovery.address));
		task_put(t, slice_str(recovery.next));
	}
	task_end(t, rc, &err);
}

/* ---- the operator's ---- */

/* Fields: account. */
void verb_operator_apps(struct task *t)
{
	struct db *db = secrets_read(t->desk->secrets);
	struct account account;
	struct err err;
	int rc = account_get(db, t->f[0].n, &account, &err);

	if (rc == 0)
		rc = put_apps(t, db, &account, &err);
	secrets_read_end(t->desk->secrets);
	task_end(t, rc, &err);
}

/* Fields: account, name, scopes, hash of the key. */
void verb_operator_app_certificate(struct task *t)
{
	struct account account;
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = account_get(change, t->f[0].n, &account, &err);
		if (rc == 0)
			rc = add_certificate(t, change, &account, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	task_end(t, rc, &err);
}

/* Fields: account, id. */
void verb_operator_app_remove(struct task *t)
{
	struct frame_session what = {.account = t->f[0].n, .scopes = SCOPE_ALL};
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc < 0)
		task_fail(t, &err);
	else
		change_revoke(t, remove_app(change, &what, t->f[1].n, &err), &what, &err);
}

/* Fields: account, scopes that are changed, on. */
void verb_operator_scopes(struct task *t)
{
	const unsigned which = (unsigned)t->f[1].n & SCOPE_ALL;
	struct frame_session what = {0};
	struct account account;
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	rc = account_get(change, t->f[0].n, &account, &err);
	if (rc == 0)
		rc = set_scopes(change, &account,
			t->f[2].n ? account.scopes | which : account.scopes & ~which, &what, &err);
	end_scopes(t, rc, &what, &err);
}

static int end_listed(struct db *change, struct slice list, struct frame_session *told, size_t *n,
	struct err *err)
{
	struct frame_session what = {.scopes = SCOPE_ALL};
	int rc = secrets_take_seq(change, &what.seq, err);

	for (; rc == 0 && list.len; list = slice_from(list, 8)) {
		what.account = be64_get((const unsigned char *)list.ptr);
		rc = session_end_all(change, &what, 0, err);
		told[(*n)++] = what;
	}
	return rc;
}

/* Field: accounts; a single 0: all there are. */
void verb_log_out(struct task *t)
{
	struct frame_session *told;
	struct db *change;
	struct err err;
	size_t n = 0;
	int rc;

	if (t->f[0].s.len / 8 > KEEPER_ACCOUNTS_MAX) {
		err_set(&err, ERR_TOOBIG, "at most %d accounts at once", KEEPER_ACCOUNTS_MAX);
		task_fail(t, &err);
		return;
	}
	told = task_keep(t, KEEPER_ACCOUNTS_MAX * sizeof(*told));
	rc = secrets_change(t->desk->secrets, &change, &err);
	if (rc == 0)
		rc = secrets_change_end(
			t->desk->secrets, end_listed(change, t->f[0].s, told, &n, &err), &err);
	if (rc < 0)
		task_fail(t, &err);
	else
		task_revoke(t, told, n);
}

static int ask_listed(struct db *change, struct slice list, int64_t by_s, struct err *err)
{
	int rc = 0;

	for (; rc == 0 && list.len; list = slice_from(list, 8))
		rc = db_do(change, err,
			"UPDATE account SET must_change = 1, change_by_s = ?1"
			" WHERE id = ?2 OR ?2 = 0",
			db_i(by_s), db_i((int64_t)be64_get((const unsigned char *)list.ptr)));
	return rc;
}

/* Fields: by when (0: no date), accounts (a single 0: all). */
void verb_ask_password(struct task *t)
{
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0)
		rc = secrets_change_end(t->desk->secrets,
			ask_listed(change, t->f[1].s, (int64_t)t->f[0].n, &err), &err);
	task_end(t, rc, &err);
}

/* Field: after which account. Answer: pairs of account and date, so many as fit. */
void verb_list_pending(struct task *t)
{
	struct db *db = secrets_read(t->desk->secrets);
	struct db_stmt *row;
	struct err err;
	int rc = db_query(db, &row, &err,
		"SELECT id, change_by_s FROM account WHERE must_change AND id > ?"
		" ORDER BY id LIMIT ?",
		db_i((int64_t)t->f[0].n), db_i(KEEPER_ACCOUNTS_MAX));

	while (rc == 0 && (rc = db_step(row, &err)) == 1) {
		task_put_u64(t, (uint64_t)db_int(row, 0));
		task_put_u64(t, (uint64_t)db_int(row, 1));
		rc = 0;
	}
	secrets_read_end(t->desk->secrets);
	task_end(t, rc, &err);
}

/* Fields: account, role, group. What it could do before ends. */
void verb_set_role(struct task *t)
{
	struct db *change;
	struct err err;
	int rc = 0;

	if (t->f[1].n > ROLE_OPERATOR || (t->f[1].n == ROLE_GROUP_ADMIN && t->f[2].n == 0))
		rc = err_set(&err, ERR_SYNTAX, "not a role, or a group's without a group");
	if (rc == 0)
		rc = secrets_change(t->desk->secrets, &change, &err);
	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	rc = db_do(change, &err, "UPDATE account SET role = ?, member_of = ? WHERE id = ?",
		db_i((int64_t)t->f[1].n), db_i((int64_t)t->f[2].n), db_i((int64_t)t->f[0].n));
	if (rc == 0 && db_changes(change) == 0)
		rc = err_set(&err, ERR_NOTFOUND, "the account has no password");
	task_end(t, secrets_change_end(t->desk->secrets, rc, &err), &err);
}
