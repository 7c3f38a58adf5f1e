/* factor.c - setting factors up and taking them away; see factor.h for the contract. */
#include "keeper/factor.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/random.h"
#include "keeper/factor_internal.h"

enum {
	SEAL_NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	SEAL_TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
};

/* ---- sealing ---- */

void factor_seal(const struct factors *f, uint64_t account, struct slice plain, struct buf *out)
{
	unsigned char sealed[FACTOR_SEALED_MAX], owner[8];
	unsigned long long n;

	be64_put(owner, account);
	random_bytes(sealed, SEAL_NONCE);
	plain = slice_head(plain, TOTP_SECRET_MAX);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + SEAL_NONCE, &n,
		(const unsigned char *)plain.ptr, plain.len, owner, sizeof(owner), NULL, sealed,
		f->keys->seal);
	buf_append(out, (struct slice){(const char *)sealed, SEAL_NONCE + (size_t)n});
}

int factor_unseal(const struct factors *f, uint64_t account, struct slice sealed, struct totp *out,
	struct err *err)
{
	const unsigned char *p = (const unsigned char *)sealed.ptr;
	unsigned char owner[8];
	unsigned long long n = 0;

	be64_put(owner, account);
	*out = (struct totp){.digits = 6, .step_s = TOTP_STEP_S};
	if (sealed.len < SEAL_NONCE + SEAL_TAG || sealed.len > FACTOR_SEALED_MAX ||
		crypto_aead_xchacha20poly1305_ietf_decrypt(out->secret, &n, NULL, p + SEAL_NONCE,
			sealed.len - SEAL_NONCE, owner, sizeof(owner), p, f->keys->seal) != 0)
		return err_set(err, ERR_CORRUPT, "a stored factor is damaged");
	out->secret_len = (size_t)n;
	return 0;
}

void factor_user(const struct factors *f, uint64_t account, unsigned char out[WEBAUTHN_USER_LEN])
{
	unsigned char number[8];

	be64_put(number, account);
	crypto_generichash(
		out, WEBAUTHN_USER_LEN, number, sizeof(number), f->keys->user, FACTORS_KEY_LEN);
}

/* ---- what there is ---- */

int factor_codes_left(struct db *db, uint64_t account, unsigned *out, struct err *err)
{
	int64_t n;
	int rc = db_get_int(db, &n, err, "SELECT count(*) FROM recovery_code WHERE account = ?",
		db_i((int64_t)account));

	if (rc == 0)
		*out = (unsigned)n;
	return rc;
}

int factor_kinds(struct db *db, uint64_t account, unsigned *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	unsigned kinds = 0, codes = 0;
	int rc = db_query(db, &row, err, "SELECT DISTINCT kind FROM factor WHERE account = ?",
		db_i((int64_t)account));

	while (rc == 0 && (rc = db_step(row, err)) > 0) {
		kinds |= (unsigned)db_int(row, 0);
		rc = 0;
	}
	if (rc == 0)
		rc = factor_codes_left(db, account, &codes, err);
	if (rc == 0)
		*out = kinds | (codes ? FACTOR_RECOVERY : 0);
	return rc;
}

int factor_read_ids(struct db *db, uint64_t account, struct factor_ids *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &row, err,
		"SELECT secret FROM factor WHERE account = ? AND kind = ? LIMIT ?",
		db_i((int64_t)account), db_i(FACTOR_WEBAUTHN), db_i(FACTOR_MAX));

	*out = (struct factor_ids){.n = 0};
	arena_init(&out->arena, FACTOR_MAX * (WEBAUTHN_ID_MAX + 64));
	while (rc == 0 && (rc = db_step(row, err)) > 0) {
		out->ids[out->n++] = arena_dup(&out->arena, db_blob(row, 0));
		rc = 0;
	}
	return rc;
}

void factor_ids_done(struct factor_ids *ids)
{
	arena_done(&ids->arena);
}

int factor_note_kinds(struct db *change, uint64_t account, struct err *err)
{
	unsigned kinds;
	int rc = factor_kinds(change, account, &kinds, err);

	if (rc < 0)
		return rc;
	return db_do(change, err, "UPDATE account SET factors = ? WHERE id = ?", db_i(kinds),
		db_i((int64_t)account));
}

/* ---- recovery codes ---- */

static int make_codes(
	struct factors *f, struct db *change, uint64_t account, struct buf *out, struct err *err)
{
	int rc = db_do(
		change, err, "DELETE FROM recovery_code WHERE account = ?", db_i((int64_t)account));

	buf_reserve(out, FACTOR_CODES_TEXT); /* growing would leave copies behind */
	for (int i = 0; i < FACTOR_RECOVERY_CODES && rc == 0; i++) {
		unsigned char mac[MINT_MAC_LEN];
		char code[MINT_TEXT];

		mint_make(MINT_RECOVERY, code);
		rc = factors_mac(f, MINT_RECOVERY, slice_str(code), mac, err);
		if (rc == 0)
			rc = db_do(change, err,
				"INSERT INTO recovery_code (mac, account) VALUES (?, ?)",
				db_b((struct slice){(const char *)mac, sizeof(mac)}),
				db_i((int64_t)account));
		buf_printf(out, "%s\n", code);
		mem_wipe(code, sizeof(code));
	}
	return rc;
}

int factor_new_codes(
	struct factors *f, struct db *change, uint64_t account, struct buf *out, struct err *err)
{
	unsigned kinds;
	int rc = factor_kinds(change, account, &kinds, err);

	if (rc == 0 && (kinds & ~(unsigned)FACTOR_RECOVERY) == 0)
		rc = err_set(err, ERR_CONFLICT, "recovery codes stand in for a second factor");
	if (rc == 0)
		rc = make_codes(f, change, account, out, err);
	return rc < 0 ? rc : factor_note_kinds(change, account, err);
}

/* ---- begin ---- */

static int check_room(struct db *db, uint64_t account, struct err *err)
{
	int64_t n;
	int rc = db_get_int(db, &n, err, "SELECT count(*) FROM factor WHERE account = ?",
		db_i((int64_t)account));

	if (rc == 0 && n >= FACTOR_MAX)
		rc = err_set(err, ERR_QUOTA, "an account has at most %d factors", FACTOR_MAX);
	return rc;
}

static void begin_totp(
	struct factors *f, const struct factor_who *who, struct slice address, struct buf *out)
{
	struct totp totp = {.secret_len = TOTP_SECRET_LEN, .digits = 6, .step_s = TOTP_STEP_S};

	random_bytes(totp.secret, TOTP_SECRET_LEN);
	pending_put(f->people, PENDING_TOTP, who->place,
		(struct slice){(const char *)totp.secret, TOTP_SECRET_LEN}, FACTOR_BEGIN_S);
	totp_write_uri(&totp, slice_str(f->host), address, out);
	mem_wipe(&totp, sizeof(totp));
}

static int begin_webauthn(struct factors *f, struct db *db, const struct factor_who *who,
	struct slice address, struct buf *out, struct err *err)
{
	struct factor_ids ids AUTO(factor_ids_done) = {.n = 0};
	unsigned char challenge[WEBAUTHN_CHALLENGE_LEN];
	struct webauthn_user user = {.name = address};
	int rc = factor_read_ids(db, who->account, &ids, err);

	if (rc < 0)
		return rc;
	random_bytes(challenge, sizeof(challenge));
	pending_put(f->people, PENDING_CREATION, who->place,
		(struct slice){(const char *)challenge, sizeof(challenge)}, WEBAUTHN_TIMEOUT_S);
	factor_user(f, who->account, user.handle);
	user.ids = ids.ids;
	user.ids_n = ids.n;
	webauthn_write_creation(&f->party, &user, challenge, out);
	return 0;
}

int factor_begin(struct factors *f, struct db *db, const struct factor_who *who,
	enum keeper_factor kind, struct slice data, struct slice address, struct buf *out,
	struct err *err)
{
	char number[SMS_NUMBER_MAX + 1];
	int rc = check_room(db, who->account, err);

	if (rc < 0)
		return rc;
	switch (kind) {
	case FACTOR_TOTP:
		begin_totp(f, who, address, out);
		break;
	case FACTOR_WEBAUTHN:
		rc = begin_webauthn(f, db, who, address, out, err);
		break;
	case FACTOR_SMS:
		rc = sms_read_number(data, number, err);
		if (rc == 0)
			rc = factor_send_text(f, who, number, err);
		break;
	default:
		rc = err_set(err, ERR_SYNTAX, "this is no factor to be set up");
	}
	return rc < 0 ? rc : buf_check(out, "the answer", err);
}

/* ---- confirm ---- */

/* A row of `factor` in the making. */
struct made {
	struct buf secret, key;
	int64_t algorithm, count;
};

static void made_done(struct made *made)
{
	buf_done(&made->secret);
	buf_done(&made->key);
}

/* A wrong code leaves the secret where it is, for another try. */
static int confirm_totp(struct factors *f, const struct factor_who *who, struct slice code,
	struct made *made, struct err *err)
{
	struct totp totp = {.digits = 6, .step_s = TOTP_STEP_S};
	struct buf secret AUTO(buf_done);
	int rc;

	buf_init(&secret, TOTP_SECRET_MAX);
	if (!pending_read(f->people, PENDING_TOTP, who->place, &secret))
		return err_set(err, ERR_CONFLICT, "this took too long; begin again");
	memcpy(totp.secret, secret.ptr, secret.len);
	totp.secret_len = secret.len;
	rc = totp_check(&totp, code, clock_wall_s(), 0, &made->count, err);
	if (rc == 0) {
		mem_wipe(secret.ptr, secret.cap);
		buf_clear(&secret);
		/* Whoever else confirms the same secret at this moment comes too late. */
		if (!pending_take(f->people, PENDING_TOTP, who->place, &secret, NULL))
			rc = err_set(err, ERR_CONFLICT, "it was confirmed already");
		else
			factor_seal(f, who->account, buf_slice(&secret), &made->secret);
	}
	mem_wipe(secret.ptr, secret.cap);
	mem_wipe(&totp, sizeof(totp));
	return rc;
}

static int confirm_webauthn(struct factors *f, const struct factor_who *who, struct slice json,
	struct made *made, struct err *err)
{
	struct webauthn_credential found;
	struct buf challenge AUTO(buf_done);
	int rc;

	buf_init(&challenge, WEBAUTHN_CHALLENGE_LEN);
	if (!pending_take(f->people, PENDING_CREATION, who->place, &challenge, NULL))
		return err_set(err, ERR_CONFLICT, "this took too long; begin again");
	rc = webauthn_check_creation(
		&f->party, (const unsigned char *)challenge.ptr, json, &found, err);
	if (rc < 0)
		return rc;
	buf_append(&made->secret, (struct slice){(const char *)found.id, found.id_len});
	buf_append(&made->key, (struct slice){(const char *)found.key, found.key_len});
	made->algorithm = found.algorithm;
	made->count = found.count;
	return 0;
}

static int confirm_sms(struct factors *f, const struct factor_who *who, struct slice code,
	struct made *made, struct err *err)
{
	char number[SMS_NUMBER_MAX + 1];
	int rc = factor_check_text(f, who->place, code, number, err);

	if (rc == 0)
		buf_str(&made->secret, number);
	return rc;
}

static int store(struct db *change, const struct factor_who *who, uint64_t id,
	enum keeper_factor kind, struct slice name, const struct made *made, struct err *err)
{
	int rc = db_do(change, err,
		"INSERT INTO factor (id, account, kind, name, made_s, secret, key, algorithm, "
		"count)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		db_i((int64_t)id), db_i((int64_t)who->account), db_i(kind),
		db_t(slice_head(name, FACTOR_NAME_MAX)), db_i(clock_wall_s()),
		db_b(buf_slice(&made->secret)), db_b(buf_slice(&made->key)), db_i(made->algorithm),
		db_i(made->count));

	if (rc == -ERR_EXISTS)
		rc = err_set(err, ERR_EXISTS, "this key is in use already");
	return rc;
}

int factor_confirm(struct factors *f, struct db *change, const struct factor_who *who, uint64_t id,
	enum keeper_factor kind, struct slice name, struct slice data, struct buf *codes_out,
	struct err *err)
{
	struct made made AUTO(made_done) = {.count = 0};
	unsigned before;
	int rc = factor_kinds(change, who->account, &before, err);

	buf_init(&made.secret, FACTOR_SEALED_MAX + WEBAUTHN_ID_MAX);
	buf_init(&made.key, WEBAUTHN_KEY_MAX);
	if (rc == 0)
		rc = check_room(change, who->account, err);
	if (rc < 0)
		return rc;
	if (kind == FACTOR_TOTP)
		rc = confirm_totp(f, who, data, &made, err);
	else if (kind == FACTOR_WEBAUTHN)
		rc = confirm_webauthn(f, who, data, &made, err);
	else if (kind == FACTOR_SMS)
		rc = confirm_sms(f, who, data, &made, err);
	else
		rc = err_set(err, ERR_SYNTAX, "this is no factor to be set up");
	if (rc == 0)
		rc = store(change, who, id, kind, name, &made, err);
	if (rc == 0 && before == 0)
		rc = make_codes(f, change, who->account, codes_out, err);
	return rc < 0 ? rc : factor_note_kinds(change, who->account, err);
}

/* ---- remove ---- */

int factor_remove(struct db *change, uint64_t account, uint64_t id, struct err *err)
{
	unsigned kinds = 0;
	int rc = db_do(change, err, "DELETE FROM factor WHERE id = ? AND account = ?",
		db_i((int64_t)id), db_i((int64_t)account));

	if (rc == 0 && db_changes(change) == 0)
		rc = err_set(err, ERR_NOTFOUND, "there is no such factor");
	if (rc == 0)
		rc = factor_kinds(change, account, &kinds, err);
	if (rc == 0 && kinds == FACTOR_RECOVERY)
		rc = factor_remove_all(change, account, err);
	return rc < 0 ? rc : factor_note_kinds(change, account, err);
}

int factor_remove_all(struct db *change, uint64_t account, struct err *err)
{
	int rc = db_do(change, err, "DELETE FROM factor WHERE account = ?", db_i((int64_t)account));

	if (rc == 0)
		rc = db_do(change, err, "DELETE FROM recovery_code WHERE account = ?",
			db_i((int64_t)account));
	return rc < 0 ? rc : factor_note_kinds(change, account, err);
}
