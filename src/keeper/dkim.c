/* dkim.c - see dkim.h. */
#include "keeper/dkim.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "keeper/keeper.h"
#include "keeper/order.h"

enum { SELECTOR_MAX = 64, PUBLIC_MAX = 1024, SIGNING_MAX = 4 };

static void pkey_auto(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

static int count(struct db *db, struct slice domain, int64_t *out, struct err *err)
{
	return db_get_int(db, out, err, "SELECT count(*) FROM dkim WHERE domain = ?", db_t(domain));
}

/* "20260131-rsa", and if that is there already "20260131-rsa2". */
static int find_selector(
	struct db *db, struct slice domain, bool is_rsa, char out[SELECTOR_MAX], struct err *err)
{
	const time_t now = (time_t)clock_wall_s();
	const char *kind = is_rsa ? "rsa" : "ed";
	char day[16];
	struct tm tm;
	int64_t n = 1;
	int rc = 0;

	gmtime_r(&now, &tm);
	strftime(day, sizeof(day), "%Y%m%d", &tm);
	for (unsigned i = 1; rc == 0 && n > 0; i++) {
		if (i == 1)
			snprintf(out, SELECTOR_MAX, "%s-%s", day, kind);
		else
			snprintf(out, SELECTOR_MAX, "%s-%s%u", day, kind, i);
		rc = db_get_int(db, &n, err,
			"SELECT count(*) FROM dkim WHERE domain = ? AND selector = ?", db_t(domain),
			db_t(slice_str(out)));
	}
	return rc;
}

static int add_one(struct task *t, struct db *db, bool is_rsa, int64_t from_s, struct err *err)
{
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL;
	char name[CHAIN_KEY_NAME_MAX], selector[SELECTOR_MAX];
	int rc = find_selector(db, t->f[0].s, is_rsa, selector, err);

	if (rc == 0)
		rc = keys_make(t->desk->keys, CHAIN_KEY_DKIM, is_rsa ? KEYS_RSA : KEYS_ED25519,
			name, &pkey, err);
	if (rc == 0)
		rc = db_do(db, err,
			"INSERT INTO dkim (domain, selector, is_rsa, key, from_s) VALUES (?, ?, ?, "
			"?, ?)",
			db_t(t->f[0].s), db_t(slice_str(selector)), db_i(is_rsa),
			db_t(slice_str(name)), db_i(from_s));
	if (rc == 0)
		log_info(NULL, "dkim_key", log_s("domain", t->f[0].s), log_c("selector", selector));
	return rc;
}

/* The keys that sign without end do so until the new ones begin. A key made here whose row is then
 * not written stays on disk unused. */
static int add_both(struct task *t, struct db *db, struct err *err)
{
	const int64_t from_s = clock_wall_s() + (int64_t)t->f[1].n;
	int64_t n;
	int rc = count(db, t->f[0].s, &n, err);

	if (rc == 0 && t->f[2].n && n == 0)
		return err_set(err, ERR_NOTFOUND, "the domain has no keys for DKIM");
	if (rc == 0 && !t->f[2].n && n > 0)
		return err_set(err, ERR_EXISTS, "the domain has keys for DKIM");
	if (rc == 0 && n + 2 > DKIM_KEYS_OF_DOMAIN_MAX)
		return err_set(err, ERR_QUOTA, "remove keys that are not needed any more first");
	if (rc == 0)
		rc = db_do(db, err, "UPDATE dkim SET until_s = ? WHERE domain = ? AND until_s = 0",
			db_i(from_s), db_t(t->f[0].s));
	if (rc == 0)
		rc = add_one(t, db, true, from_s, err);
	if (rc == 0)
		rc = add_one(t, db, false, from_s, err);
	return rc;
}

/* Domain, seconds, whether there must be others. */
void dkim_add(struct task *t)
{
	struct db *db;
	struct err err;
	int rc;

	if (!order_is_host(t->f[0].s) || t->f[1].n > DKIM_AFTER_MAX_S) {
		rc = err_set(&err, ERR_SYNTAX, "not a domain, or too long a time");
	} else {
		rc = secrets_change(t->desk->secrets, &db, &err);
		if (rc == 0)
			rc = secrets_change_end(t->desk->secrets, add_both(t, db, &err), &err);
	}
	task_end(t, rc, &err);
}

/* What the DNS record has after "p=": RFC 6376 3.6.1 for RSA, RFC 8463 4.2 for Ed25519. */
static int put_public(struct task *t, struct slice name, bool is_rsa, struct err *err)
{
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL;
	struct buf text AUTO(buf_done);
	unsigned char raw[PUBLIC_MAX], *p = raw;
	size_t n = sizeof(raw);
	int length, rc;

	buf_init(&text, 2 * PUBLIC_MAX);
	rc = keys_get(t->desk->keys, CHAIN_KEY_DKIM, name, &pkey, err);
	if (rc < 0)
		return rc;
	if (is_rsa) {
		length = i2d_PUBKEY(pkey, NULL);
		if (length <= 0 || length > PUBLIC_MAX || i2d_PUBKEY(pkey, &p) != length)
			return err_set(err, ERR_IO, "cannot write a public key");
		n = (size_t)length;
	} else if (EVP_PKEY_get_raw_public_key(pkey, raw, &n) != 1) {
		return err_set(err, ERR_IO, "cannot write a public key");
	}
	base64_encode(&text, (struct slice){(const char *)raw, n});
	task_put(t, buf_slice(&text));
	return 0;
}

static enum keeper_dkim_state state_of(int64_t from_s, int64_t until_s)
{
	const int64_t now = clock_wall_s();

	if (until_s && until_s <= now)
		return KEEPER_DKIM_FORMER;
	return from_s > now ? KEEPER_DKIM_NEXT : KEEPER_DKIM_SIGNS;
}

static int list_rows(struct task *t, struct db *db, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &stmt, err,
		"SELECT domain, selector, is_rsa, from_s, until_s, key FROM dkim"
		" WHERE ? IN ('', domain) ORDER BY domain, from_s, selector",
		db_t(t->f[0].s));

	while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
		const bool is_rsa = db_int(stmt, 2);

		task_put(t, db_text(stmt, 0));
		task_put(t, db_text(stmt, 1));
		task_put_u64(t, is_rsa);
		task_put_u64(t, (uint64_t)db_int(stmt, 3));
		task_put_u64(t, (uint64_t)db_int(stmt, 4));
		task_put_u64(t, state_of(db_int(stmt, 3), db_int(stmt, 4)));
		rc = put_public(t, db_text(stmt, 5), is_rsa, err);
	}
	return rc;
}

void dkim_list(struct task *t)
{
	struct err err;
	const int rc = list_rows(t, secrets_read(t->desk->secrets), &err);

	secrets_read_end(t->desk->secrets);
	if (rc < 0)
		task_fail(t, &err);
	else
		task_reply(t);
}

static int remove_rows(struct task *t, struct db *db, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	const struct slice domain = t->f[0].s, selector = t->f[1].s;
	size_t n = 0;
	int rc = db_query(db, &stmt, err,
		"SELECT key FROM dkim WHERE domain = ? AND ? IN ('', selector)", db_t(domain),
		db_t(selector));

	for (; rc == 0 && (rc = db_step(stmt, err)) == 1; n++)
		rc = keys_delete(t->desk->keys, CHAIN_KEY_DKIM, db_text(stmt, 0), err);
	if (rc == 0 && n == 0)
		return err_set(err, ERR_NOTFOUND, "there is no such key for DKIM");
	if (rc == 0)
		rc = db_do(db, err, "DELETE FROM dkim WHERE domain = ? AND ? IN ('', selector)",
			db_t(domain), db_t(selector));
	return rc;
}

/* Domain, selector. A key goes before its row: without it the row is good for nothing. */
void dkim_remove(struct task *t)
{
	struct db *db;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &db, &err);

	if (rc == 0)
		rc = secrets_change_end(t->desk->secrets, remove_rows(t, db, &err), &err);
	if (rc == 0)
		log_info(NULL, "dkim_key_removed", log_s("domain", t->f[0].s));
	task_end(t, rc, &err);
}

static int list_signing(struct task *t, struct db *db, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	const int64_t now = clock_wall_s();
	int rc = db_query(db, &stmt, err,
		"SELECT selector, key, is_rsa FROM dkim WHERE domain = ? AND from_s <= ?"
		" AND (until_s = 0 OR until_s > ?) ORDER BY from_s DESC, is_rsa DESC LIMIT ?",
		db_t(t->f[0].s), db_i(now), db_i(now), db_i(SIGNING_MAX));

	while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
		task_put(t, db_text(stmt, 0));
		task_put(t, db_text(stmt, 1));
		task_put_u64(t, (uint64_t)db_int(stmt, 2));
		rc = 0;
	}
	return rc;
}

void dkim_keys(struct task *t)
{
	struct err err;
	const int rc = list_signing(t, secrets_read(t->desk->secrets), &err);

	secrets_read_end(t->desk->secrets);
	if (rc < 0)
		task_fail(t, &err);
	else
		task_reply(t);
}
