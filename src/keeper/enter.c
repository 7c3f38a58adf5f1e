/* enter.c - see enter.h for the contract. */
#include "keeper/enter.h"

#include <stdlib.h>

#include "base/clock.h"
#include "keeper/grant.h"
#include "keeper/logins.h"
#include "keeper/mint.h"
#include "keeper/scram_login.h"
#include "keeper/seen.h"

int account_get(struct db *db, uint64_t id, struct account *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_row(db, &row, err,
		"SELECT member_of, scopes, factors, role, must_change, change_by_s, changed_s"
		" FROM account WHERE id = ?",
		db_i((int64_t)id));

	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "no such account");
	*out = (struct account){.id = id,
		.member_of = (uint64_t)db_int(row, 0),
		.scopes = (unsigned)db_int(row, 1),
		.factors = (unsigned)db_int(row, 2),
		.role = (enum keeper_role)db_int(row, 3),
		.must_change = db_int(row, 4) != 0,
		.change_by_s = db_int(row, 5),
		.changed_s = db_int(row, 6)};
	return 0;
}

/* Reading IMAP is open where IMAP is. */
static unsigned open_scopes(const struct account *a)
{
	return (a->scopes & ~(unsigned)SCOPE_IMAP_READ) |
	       (a->scopes & SCOPE_IMAP ? SCOPE_IMAP_READ : 0);
}

/* Of several that would do one is enough. Where IMAP is wanted, reading it is something. */
static bool opens(unsigned scopes, unsigned wanted)
{
	if (wanted & SCOPE_IMAP)
		wanted |= SCOPE_IMAP_READ;
	return (scopes & wanted) != 0;
}

/* The secret was right: may it open this? */
static int decide(const struct entering *e, struct err *err)
{
	const struct account *a = &e->account;
	const bool is_main = e->entry.credential == 0;
	const unsigned open = open_scopes(a), wanted = e->attempt.scope;

	if (is_main && a->factors && !e->is_web)
		return err_set(err, ERR_CONFLICT,
			"This account has a second factor: use an alternative password here");
	if (!opens(open, wanted))
		return err_set(err, ERR_CONFLICT, "This service is turned off for this account");
	if (!opens(open & e->entry.scopes, wanted))
		return err_set(err, ERR_CONFLICT, "This password is for other services");
	if (e->needs_factor && !a->factors)
		return err_set(err, ERR_CONFLICT,
			"This password needs a second factor, and the account has none");
	if (is_main && a->must_change && a->change_by_s && clock_wall_s() >= a->change_by_s &&
		!(wanted & SCOPE_WEB))
		return err_set(err, ERR_CONFLICT,
			"The password must be changed first: sign in on the web page");
	return 0;
}

/* Only while the password that was checked is the account's. */
static int store_main(struct task *t, struct db *change, struct err *err)
{
	const struct entering *e = t->state;
	int64_t n = 0;
	int rc = db_get_int(change, &n, err,
		"SELECT count(*) FROM secret WHERE account = ? AND epoch = ?",
		db_i((int64_t)e->attempt.account), db_i((int64_t)e->epoch));

	if (rc < 0 || n == 0)
		return rc;
	return scram_store(t->desk, change, e->attempt.account, 0, e->attempt.secret, err);
}

static void note_place(struct task *t)
{
	struct entering *e = t->state;
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = guesses_note(
			t->desk->guesses, change, &e->place, &e->entry.is_new_place, &err);
		if (rc == 0 && e->wants_scram)
			rc = store_main(t, change, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	if (rc < 0)
		task_fail(t, &err);
	else
		e->then(t);
}

/* The secret was right; on the reader's thread. */
static void go_on(struct task *t)
{
	struct entering *e = t->state;
	struct err err;
	struct db *db = secrets_read(t->desk->secrets);
	int rc = account_get(db, e->attempt.account, &e->account, &err);

	/* Of SCRAM the password is not known. */
	e->wants_scram = rc == 0 && e->entry.credential == 0 && e->attempt.secret.len &&
			 scram_wants_main(t->desk, db, e->attempt.account);
	secrets_read_end(t->desk->secrets);
	if (rc == -ERR_NOTFOUND)
		rc = err_set(&err, ERR_DENIED, "wrong password");
	if (rc == 0)
		rc = decide(e, &err);
	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	e->entry.account = e->attempt.account;
	e->entry.scopes &= open_scopes(&e->account);
	e->entry.must_change = e->account.must_change;
	e->entry.change_by_s = e->account.change_by_s;
	if (guesses_good(t->desk->guesses, &e->place) || e->wants_scram)
		task_next(t, TASK_CLERK, note_place);
	else
		e->then(t);
}

static void on_verdict(void *context, const struct logins_verdict *verdict)
{
	struct task *t = context;
	struct entering *e = t->state;
	struct err err;

	if (verdict->rc < 0) {
		err_set(&err, (enum err_code) - verdict->rc, "%s", verdict->reason);
		task_fail(t, &err);
		return;
	}
	e->entry.seq = verdict->seq;
	e->epoch = verdict->epoch;
	e->entry.scopes = SCOPE_ALL;
	task_next(t, TASK_READER, go_on);
}

void enter_found(struct task *t, uint64_t credential, unsigned scopes, uint64_t seq)
{
	struct entering *e = t->state;

	e->entry.credential = credential;
	e->entry.scopes = scopes;
	e->entry.seq = seq;
	go_on(t);
}

/* 1: there is such an alternative login. Whose a certificate is need not be said. */
static int find_app(struct task *t, const unsigned char mac[MINT_MAC_LEN], uint64_t *id_out,
	unsigned *scopes_out, struct err *err)
{
	struct entering *e = t->state;
	const bool is_certificate = e->attempt.kind == SECRET_CERTIFICATE;
	const int64_t account = (int64_t)e->attempt.account;
	struct db *db = secrets_read(t->desk->secrets);
	struct db_stmt *row;
	int rc = db_row(db, &row, err,
		"SELECT id, scopes, needs_factor, account FROM app"
		" WHERE mac = ? AND is_certificate = ? AND (account = ? OR ?)",
		db_b((struct slice){(const char *)mac, MINT_MAC_LEN}), db_i(is_certificate),
		db_i(account), db_i(is_certificate && !account));

	if (rc == 1) {
		*id_out = (uint64_t)db_int(row, 0);
		*scopes_out = (unsigned)db_int(row, 1);
		e->needs_factor = db_int(row, 2) != 0;
		e->attempt.account = (uint64_t)db_int(row, 3);
		e->place = place_of(e->attempt.account, e->attempt.peer);
	}
	if (rc >= 0)
		db_reset(row);
	secrets_read_end(t->desk->secrets);
	return rc;
}

static void try_app(struct task *t, const unsigned char mac[MINT_MAC_LEN])
{
	const struct entering *e = t->state;
	const uint64_t seq = secrets_seq(t->desk->secrets); /* before anything is read */
	unsigned scopes = 0;
	uint64_t id = 0;
	struct err err;
	int rc = find_app(t, mac, &id, &scopes, &err);

	if (rc == 0) {
		guesses_failed(t->desk->guesses, &e->place);
		rc = err_set(&err, ERR_DENIED, "wrong password");
	}
	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	seen_note(t->desk->seen, SEEN_APP, id, e->attempt.peer, e->attempt.program);
	enter_found(t, id, scopes, seq);
}

/* Whose a token is, it says itself; a name that was given must be the same. */
static void try_token(struct task *t)
{
	const uint64_t seq = secrets_seq(t->desk->secrets); /* before anything is read */
	struct entering *e = t->state;
	struct grant_found found = {0};
	struct err err;
	int rc = grant_find(
		t->desk->factors, secrets_read(t->desk->secrets), e->attempt.secret, &found, &err);

	secrets_read_end(t->desk->secrets);
	if (rc == 0 && e->attempt.account && e->attempt.account != found.account)
		rc = err_set(&err, ERR_DENIED, "the token is another user's");
	if (rc == -ERR_DENIED)
		guesses_failed(t->desk->guesses, &e->place);
	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	e->attempt.account = found.account;
	e->place = place_of(found.account, e->attempt.peer);
	seen_note(t->desk->seen, SEEN_TOKEN, found.id, e->attempt.peer, e->attempt.program);
	enter_found(t, found.id, found.scopes, seq);
}

static void try_certificate(struct task *t)
{
	const struct entering *e = t->state;
	unsigned char mac[MINT_MAC_LEN];
	struct err err;

	if (e->attempt.secret.len != MINT_PUBLIC_LEN) {
		err_set(&err, ERR_DENIED, "no hash of a key");
		task_fail(t, &err);
		return;
	}
	mint_mac_key((const unsigned char *)e->attempt.secret.ptr, t->desk->mac_key, mac);
	try_app(t, mac);
}

void enter_begin(struct task *t, bool is_web, task_fn *then)
{
	struct entering *e = task_keep(t, sizeof(*e));
	unsigned char mac[MINT_MAC_LEN];
	struct err err;

	e->attempt = (struct keeper_attempt){.account = t->f[0].n,
		.secret = t->f[1].s,
		.kind = (enum keeper_secret_kind)t->f[5].n,
		.scope = (unsigned)t->f[2].n & SCOPE_ALL,
		.peer = t->f[3].s,
		.program = t->f[4].s};
	e->place = place_of(e->attempt.account, e->attempt.peer);
	e->is_web = is_web;
	e->then = then;
	if (e->attempt.kind == SECRET_TOKEN) {
		try_token(t);
	} else if (e->attempt.kind == SECRET_CERTIFICATE) {
		try_certificate(t);
	} else if (mint_mac(MINT_APP, e->attempt.secret, t->desk->mac_key, mac, &err) == 0) {
		try_app(t, mac);
	} else {
		logins_check(t->desk->logins, &e->place, e->attempt.secret, on_verdict, t);
	}
}

void entry_put(struct task *t, const struct keeper_entry *entry)
{
	task_put_u64(t, entry->account);
	task_put_u64(t, entry->seq);
	task_put_u64(t, entry->credential);
	task_put_u64(t, entry->scopes);
	task_put_u64(t, entry->is_new_place);
	task_put_u64(t, entry->must_change);
	task_put_u64(t, (uint64_t)entry->change_by_s);
}

static void enter_reply(struct task *t)
{
	entry_put(t, &((struct entering *)t->state)->entry);
	task_reply(t);
}

void verb_enter(struct task *t)
{
	enter_begin(t, false, enter_reply);
}
