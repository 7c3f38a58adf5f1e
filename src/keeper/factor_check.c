/* factor_check.c - asking for factors and checking them; see factor.h for the contract. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/random.h"
#include "keeper/factor_internal.h"

enum { LAST_DIGITS = 3, EXPIRY_LEN = 8, RANDOM_LEN = 8, MAC_LEN = 16, TRIES_LEN = 1 };

_Static_assert(EXPIRY_LEN + RANDOM_LEN + MAC_LEN == WEBAUTHN_CHALLENGE_LEN, "a challenge's parts");

/* ---- codes by text message ---- */

/* What is kept: how many tries are left, the code, the number. */
static void keep_text(struct factors *f, struct slice place, unsigned tries, const char *code,
	const char *number, int64_t seconds)
{
	char value[TRIES_LEN + FACTOR_SMS_DIGITS + SMS_NUMBER_MAX + 1];
	const int n =
		snprintf(value, sizeof(value), "%u%.*s%s", tries, FACTOR_SMS_DIGITS, code, number);

	pending_put(f->people, PENDING_SMS, place, (struct slice){value, (size_t)n}, seconds);
	mem_wipe(value, sizeof(value));
}

int factor_send_text(
	struct factors *f, const struct factor_who *who, const char *number, struct err *err)
{
	char code[FACTOR_SMS_DIGITS + 1], text[SMS_TEXT_MAX];
	int n, rc;

	snprintf(code, sizeof(code), "%06u", randombytes_uniform(1000000));
	n = snprintf(
		text, sizeof(text), "%s is your code for %s. Give it to nobody.", code, f->host);
	rc = sms_send(f->sms, who->account, number,
		(struct slice){text, n < SMS_TEXT_MAX ? (size_t)n : SMS_TEXT_MAX - 1}, err);
	if (rc == 0)
		keep_text(f, who->place, FACTOR_SMS_TRIES, code, number, FACTOR_BEGIN_S);
	mem_wipe(code, sizeof(code));
	mem_wipe(text, sizeof(text));
	return rc;
}

int factor_check_text(struct factors *f, struct slice place, struct slice code,
	char number_out[SMS_NUMBER_MAX + 1], struct err *err)
{
	struct buf kept AUTO(buf_done);
	unsigned tries;
	int64_t left;
	bool is_right;

	buf_init(&kept, PENDING_VALUE_MAX);
	if (!pending_take(f->people, PENDING_SMS, place, &kept, &left))
		return err_set(err, ERR_DENIED, "the code is no longer good; ask for another");
	buf_byte(&kept, '\0');
	code = slice_trim(code);
	tries = (unsigned)(kept.ptr[0] - '0');
	is_right = code.len == FACTOR_SMS_DIGITS &&
		   sodium_memcmp(code.ptr, kept.ptr + TRIES_LEN, FACTOR_SMS_DIGITS) == 0;
	if (!is_right && tries > 1)
		keep_text(f, place, tries - 1, kept.ptr + TRIES_LEN,
			kept.ptr + TRIES_LEN + FACTOR_SMS_DIGITS, left);
	if (is_right)
		snprintf(number_out, SMS_NUMBER_MAX + 1, "%s",
			kept.ptr + TRIES_LEN + FACTOR_SMS_DIGITS);
	mem_wipe(kept.ptr, kept.cap);
	return is_right ? 0 : err_set(err, ERR_DENIED, "wrong code");
}

/* ---- asking ---- */

static int challenge_webauthn(struct factors *f, struct db *db, const struct factor_who *who,
	struct buf *out, struct err *err)
{
	struct factor_ids ids AUTO(factor_ids_done) = {.n = 0};
	unsigned char challenge[WEBAUTHN_CHALLENGE_LEN];
	int rc = factor_read_ids(db, who->account, &ids, err);

	if (rc == 0 && ids.n == 0)
		rc = err_set(err, ERR_NOTFOUND, "the account has no security key");
	if (rc < 0)
		return rc;
	random_bytes(challenge, sizeof(challenge));
	pending_put(f->people, PENDING_REQUEST, who->place,
		(struct slice){(const char *)challenge, sizeof(challenge)}, WEBAUTHN_TIMEOUT_S);
	webauthn_write_request(&f->party, ids.ids, ids.n, false, challenge, out);
	return 0;
}

/* Whoever asks learns the last digits only. */
static int challenge_sms(struct factors *f, struct db *db, const struct factor_who *who,
	struct buf *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	char number[SMS_NUMBER_MAX + 1] = "";
	struct slice stored;
	int rc = db_row(db, &row, err,
		"SELECT secret FROM factor WHERE account = ? AND kind = ? ORDER BY id LIMIT 1",
		db_i((int64_t)who->account), db_i(FACTOR_SMS));

	if (rc < 0)
		return rc;
	stored = rc ? db_blob(row, 0) : (struct slice){0};
	if (stored.len <= LAST_DIGITS || stored.len > SMS_NUMBER_MAX)
		return err_set(err, ERR_NOTFOUND, "the account has no telephone's number");
	memcpy(number, stored.ptr, stored.len);
	buf_append(out, slice_from(slice_str(number), stored.len - LAST_DIGITS));
	return factor_send_text(f, who, number, err);
}

int factor_challenge(struct factors *f, struct db *db, const struct factor_who *who,
	enum keeper_factor kind, struct buf *out, struct err *err)
{
	if (kind == FACTOR_WEBAUTHN)
		return challenge_webauthn(f, db, who, out, err);
	if (kind == FACTOR_SMS)
		return challenge_sms(f, db, who, out, err);
	return err_set(err, ERR_SYNTAX, "this factor is not asked for");
}

/* ---- checking ---- */

/* The step is raised where the row still has the former one: of two with the same code one finds
 * it so. */
static int use_step(struct db *change, int64_t id, int64_t last, int64_t step, struct err *err)
{
	int rc = db_do(change, err,
		"UPDATE factor SET count = ?, seen_s = ? WHERE id = ? AND count = ?", db_i(step),
		db_i(clock_wall_s()), db_i(id), db_i(last));

	if (rc == 0 && db_changes(change) == 0)
		rc = err_set(err, ERR_DENIED, "this code was used already");
	return rc;
}

static int check_totp(
	struct factors *f, struct db *change, uint64_t account, struct slice code, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int64_t id = 0, last = 0, step = 0;
	int rc = db_query(change, &row, err,
		"SELECT id, secret, count FROM factor WHERE account = ? AND kind = ?",
		db_i((int64_t)account), db_i(FACTOR_TOTP));

	while (rc == 0 && id == 0 && (rc = db_step(row, err)) > 0) {
		struct totp totp;

		rc = factor_unseal(f, account, db_blob(row, 1), &totp, err);
		if (rc == 0)
			rc = totp_check(&totp, code, clock_wall_s(), db_int(row, 2), &step, err);
		mem_wipe(&totp, sizeof(totp));
		if (rc == 0) {
			id = db_int(row, 0);
			last = db_int(row, 2);
		} else if (rc == -ERR_DENIED) {
			rc = 0; /* of another of the account's, perhaps */
		}
	}
	db_reset(row);
	row = NULL;
	if (rc < 0)
		return rc;
	return id ? use_step(change, id, last, step, err)
		  : err_set(err, ERR_DENIED, "wrong code, or it was used already");
}

static int check_recovery(
	struct factors *f, struct db *change, uint64_t account, struct slice code, struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	int rc = factors_mac(f, MINT_RECOVERY, code, mac, err);

	if (rc == 0)
		rc = db_do(change, err, "DELETE FROM recovery_code WHERE mac = ? AND account = ?",
			db_b((struct slice){(const char *)mac, sizeof(mac)}),
			db_i((int64_t)account));
	if (rc == 0 && db_changes(change) == 0)
		rc = err_set(err, ERR_DENIED, "wrong code, or it was used already");
	return rc < 0 ? rc : factor_note_kinds(change, account, err);
}

/* The stored key that an assertion names, and whose it is. */
static int find_key(struct db *db, struct slice id, int64_t *row_id_out, uint64_t *account_out,
	struct webauthn_credential *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	struct slice key;
	int rc = db_row(db, &row, err,
		"SELECT id, account, key, algorithm, count FROM factor WHERE secret = ? AND kind = "
		"?",
		db_b(id), db_i(FACTOR_WEBAUTHN));

	if (rc < 0)
		return rc;
	key = rc ? db_blob(row, 2) : (struct slice){0};
	if (rc == 0 || id.len > WEBAUTHN_ID_MAX)
		return err_set(err, ERR_DENIED, "this key is not known here");
	if (key.len > WEBAUTHN_KEY_MAX)
		return err_set(err, ERR_CORRUPT, "a stored key is too long");
	*out = (struct webauthn_credential){.id_len = id.len,
		.key_len = key.len,
		.algorithm = (int)db_int(row, 3),
		.count = (uint32_t)db_int(row, 4)};
	memcpy(out->id, id.ptr, id.len);
	memcpy(out->key, key.ptr, key.len);
	*row_id_out = db_int(row, 0);
	*account_out = (uint64_t)db_int(row, 1);
	return 0;
}

/* A right answer to the challenge by a key of ours; account_out: whose. */
static int check_assertion(struct factors *f, struct db *change, const unsigned char *challenge,
	struct slice json, bool must_verify, uint64_t *account_out, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct webauthn_assertion assertion;
	struct webauthn_credential credential;
	unsigned char user[WEBAUTHN_USER_LEN];
	uint64_t account = 0;
	uint32_t count;
	int64_t id = 0;
	int rc;

	arena_init(&arena, WEBAUTHN_JSON_MAX);
	rc = webauthn_read_assertion(json, &arena, &assertion, err);
	if (rc == 0)
		rc = find_key(change, assertion.id, &id, &account, &credential, err);
	if (rc == 0)
		rc = webauthn_check_assertion(
			&f->party, challenge, &assertion, &credential, must_verify, &count, err);
	if (rc < 0)
		return rc;
	factor_user(f, account, user);
	if (assertion.user.len &&
		!slice_eq(assertion.user, (struct slice){(const char *)user, sizeof(user)}))
		return err_set(err, ERR_DENIED, "the key is another user's");
	*account_out = account;
	return db_do(change, err, "UPDATE factor SET count = ?, seen_s = ? WHERE id = ?",
		db_i(count), db_i(clock_wall_s()), db_i(id));
}

static int check_webauthn(struct factors *f, struct db *change, const struct factor_who *who,
	struct slice json, struct err *err)
{
	struct buf challenge AUTO(buf_done);
	uint64_t account = 0;
	int rc;

	buf_init(&challenge, WEBAUTHN_CHALLENGE_LEN);
	if (!pending_take(f->people, PENDING_REQUEST, who->place, &challenge, NULL))
		return err_set(err, ERR_DENIED, "this took too long; begin again");
	rc = check_assertion(
		f, change, (const unsigned char *)challenge.ptr, json, false, &account, err);
	if (rc == 0 && account != who->account)
		rc = err_set(err, ERR_DENIED, "the key is another user's");
	return rc;
}

/* A message's code counts only while the number is still the account's. */
static int check_sms(struct factors *f, struct db *change, const struct factor_who *who,
	struct slice code, struct err *err)
{
	char number[SMS_NUMBER_MAX + 1];
	int rc = factor_check_text(f, who->place, code, number, err);

	if (rc == 0)
		rc = db_do(change, err,
			"UPDATE factor SET seen_s = ? WHERE account = ? AND kind = ? AND secret = "
			"?",
			db_i(clock_wall_s()), db_i((int64_t)who->account), db_i(FACTOR_SMS),
			db_b(slice_str(number)));
	if (rc == 0 && db_changes(change) == 0)
		rc = err_set(err, ERR_DENIED, "the number is no longer yours");
	return rc;
}

static bool is_limited(struct factors *f, struct slice key)
{
	bool is_over;

	pthread_mutex_lock(&f->lock);
	is_over = tally_get(&f->wrong, key, clock_mono_ms()) >= FACTORS_WRONG_MAX;
	pthread_mutex_unlock(&f->lock);
	return is_over;
}

static void count_wrong(struct factors *f, struct slice key)
{
	pthread_mutex_lock(&f->lock);
	tally_add(&f->wrong, key, clock_mono_ms());
	pthread_mutex_unlock(&f->lock);
}

int factor_check(struct factors *f, struct db *change, const struct factor_who *who,
	enum keeper_factor kind, struct slice data, struct err *err)
{
	const struct slice key = who->home.len ? who->home : map_key_u64(&who->account);
	int rc;

	if (is_limited(f, key))
		return err_set(err, ERR_BUSY, "too many wrong codes; try again in some minutes");
	switch (kind) {
	case FACTOR_TOTP:
		rc = check_totp(f, change, who->account, data, err);
		break;
	case FACTOR_RECOVERY:
		rc = check_recovery(f, change, who->account, data, err);
		break;
	case FACTOR_WEBAUTHN:
		rc = check_webauthn(f, change, who, data, err);
		break;
	case FACTOR_SMS:
		rc = check_sms(f, change, who, data, err);
		break;
	default:
		return err_set(err, ERR_SYNTAX, "this is no second factor");
	}
	if (rc == -ERR_DENIED)
		count_wrong(f, key);
	return rc;
}

/* ---- passkeys ---- */

/* The last part of a challenge: it was made here, for this visitor, and not too long ago. */
static void challenge_mac(const struct factors *f, struct slice challenge_id,
	const unsigned char *front, unsigned char out[MAC_LEN])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, f->keys->passkey, FACTORS_KEY_LEN, MAC_LEN);
	crypto_generichash_update(&state, front, EXPIRY_LEN + RANDOM_LEN);
	crypto_generichash_update(&state,
		(const unsigned char *)(challenge_id.len ? challenge_id.ptr : ""),
		challenge_id.len);
	crypto_generichash_final(&state, out, MAC_LEN);
}

void factor_passkey_challenge(struct factors *f, struct slice challenge_id, struct buf *out)
{
	unsigned char challenge[WEBAUTHN_CHALLENGE_LEN];

	be64_put(challenge, (uint64_t)clock_wall_s() + WEBAUTHN_TIMEOUT_S);
	random_bytes(challenge + EXPIRY_LEN, RANDOM_LEN);
	challenge_mac(f, challenge_id, challenge, challenge + EXPIRY_LEN + RANDOM_LEN);
	webauthn_write_request(&f->party, NULL, 0, true, challenge, out);
}

/* Which challenge the answer claims to be for; whether it is comes later. */
static int read_challenge(struct factors *f, struct slice challenge_id, struct slice json,
	unsigned char out[WEBAUTHN_CHALLENGE_LEN], struct err *err)
{
	unsigned char mac[MAC_LEN];
	int rc = webauthn_read_challenge(json, out, err);

	if (rc < 0)
		return rc;
	challenge_mac(f, challenge_id, out, mac);
	if (sodium_memcmp(mac, out + EXPIRY_LEN + RANDOM_LEN, MAC_LEN) != 0 ||
		be64_get(out) < (uint64_t)clock_wall_s())
		return err_set(err, ERR_DENIED, "this took too long; begin again");
	return 0;
}

int factor_passkey_check(struct factors *f, struct db *change, struct slice challenge_id,
	struct slice data, uint64_t *account_out, struct err *err)
{
	unsigned char challenge[WEBAUTHN_CHALLENGE_LEN];
	const struct slice name = {(const char *)challenge, sizeof(challenge)};
	struct buf ignored AUTO(buf_done);
	int rc;

	buf_init(&ignored, 1);
	rc = read_challenge(f, challenge_id, data, challenge, err);
	if (rc == 0)
		rc = check_assertion(f, change, challenge, data, true, account_out, err);
	if (rc < 0)
		return rc;
	if (pending_read(f->people, PENDING_PASSKEY, name, &ignored))
		return err_set(err, ERR_DENIED, "this answer was used already");
	pending_put(f->people, PENDING_PASSKEY, name, (struct slice){0}, WEBAUTHN_TIMEOUT_S);
	return 0;
}
