/* grant.c - grants and their tokens; see grant.h for the contract. */
#include "keeper/grant_internal.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"

static const char *const invalid = "the grant is not good, or was used already";

/* ---- codes ---- */

static bool is_unreserved(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i], l = ascii_lower(c);

		if ((l < 'a' || l > 'z') && (c < '0' || c > '9') && (!c || !strchr("-._~", c)))
			return false;
	}
	return true;
}

int grant_code(struct factors *f, uint64_t account, struct slice client, struct slice redirect,
	unsigned scopes, struct slice challenge, char out[MINT_TEXT], struct err *err)
{
	struct buf value AUTO(buf_done);
	unsigned char mac[MINT_MAC_LEN];
	int rc;

	buf_init(&value, PENDING_VALUE_MAX);
	if (client.len == 0 || client.len > GRANT_CLIENT_MAX || redirect.len > GRANT_REDIRECT_MAX)
		return err_set(err, ERR_SYNTAX, "the client's name or its address is too long");
	if (challenge.len != GRANT_CHALLENGE_LEN || !is_unreserved(challenge))
		return err_set(err, ERR_SYNTAX, "a code challenge by S256 is needed");
	mint_make(MINT_GRANT, out);
	rc = factors_mac(f, MINT_GRANT, slice_str(out), mac, err);
	if (rc < 0)
		return rc;
	frame_put_u64(&value, GRANT_FRESH);
	frame_put_u64(&value, account);
	frame_put_u64(&value, scopes);
	frame_put(&value, client);
	frame_put(&value, redirect);
	frame_put(&value, challenge);
	pending_put(
		f->people, PENDING_GRANT, grant_mac_slice(mac), buf_slice(&value), GRANT_CODE_S);
	return 0;
}

/* RFC 7636 4.6 */
static bool fits(struct slice verifier, struct slice challenge)
{
	struct buf text AUTO(buf_done);
	unsigned char hash[SHA256_LEN];

	buf_init(&text, GRANT_CHALLENGE_LEN);
	if (verifier.len < GRANT_CHALLENGE_LEN || verifier.len > GRANT_VERIFIER_MAX ||
		!is_unreserved(verifier))
		return false;
	sha256(verifier, hash);
	base64url_encode(&text, (struct slice){(const char *)hash, sizeof(hash)});
	return text.len == challenge.len &&
	       sodium_memcmp(text.ptr, challenge.ptr, challenge.len) == 0;
}

static int end_grant(struct db *change, uint64_t id, struct grant_result *out, struct err *err)
{
	int64_t account = 0;
	int rc = db_get_int(
		change, &account, err, "SELECT account FROM token WHERE id = ?", db_i((int64_t)id));

	if (rc == -ERR_NOTFOUND)
		return 0; /* ended before */
	if (rc == 0)
		rc = grant_remove(change, (uint64_t)account, id, err);
	if (rc == 0) {
		out->ended = id;
		out->ended_account = (uint64_t)account;
	}
	return rc;
}

/* The code was used before, by somebody: RFC 6749 4.1.2. */
static int refuse_reuse(
	struct db *change, struct frame *value, struct grant_result *out, struct err *err)
{
	int rc = end_grant(change, frame_u64(value), out, err);

	if (rc == 0 && !out->ended)
		rc = err_set(err, ERR_DENIED, "%s", invalid);
	return rc;
}

static int use_code(struct factors *f, struct db *change, uint64_t id, struct frame *value,
	const unsigned char mac[MINT_MAC_LEN], struct slice client, struct slice redirect,
	struct slice verifier, struct grant_result *out, struct err *err)
{
	const struct grant_new grant = {.id = id,
		.account = frame_u64(value),
		.scopes = (unsigned)frame_u64(value),
		.client = frame_bytes(value)};
	const struct slice wanted_redirect = frame_bytes(value), challenge = frame_bytes(value);
	struct buf used AUTO(buf_done);
	int rc;

	buf_init(&used, PENDING_VALUE_MAX);
	if (!frame_end(value) || !slice_eq(client, grant.client) ||
		!slice_eq(redirect, wanted_redirect) || !fits(verifier, challenge))
		return err_set(err, ERR_DENIED, "%s", invalid);
	rc = grant_make(f, change, &grant, out, err);
	if (rc < 0)
		return rc;
	frame_put_u64(&used, GRANT_USED);
	frame_put_u64(&used, id);
	pending_put(
		f->people, PENDING_GRANT, grant_mac_slice(mac), buf_slice(&used), GRANT_DEVICE_S);
	return 0;
}

int grant_exchange(struct factors *f, struct db *change, uint64_t id, struct slice client,
	struct slice redirect, struct slice code, struct slice verifier, struct grant_result *out,
	struct err *err)
{
	struct buf kept AUTO(buf_done);
	unsigned char mac[MINT_MAC_LEN];
	struct frame value = {0};
	int rc = factors_mac(f, MINT_GRANT, code, mac, err);

	*out = (struct grant_result){.ended = 0};
	buf_init(&kept, PENDING_VALUE_MAX);
	if (rc == 0 && !pending_take(f->people, PENDING_GRANT, grant_mac_slice(mac), &kept, NULL))
		rc = err_set(err, ERR_DENIED, "%s", invalid);
	if (rc < 0)
		return rc;
	value.rest = buf_slice(&kept);
	if (frame_u64(&value) == GRANT_USED)
		return refuse_reuse(change, &value, out, err);
	return use_code(f, change, id, &value, mac, client, redirect, verifier, out, err);
}

/* ---- tokens ---- */

static int add_key(struct factors *f, struct db *change, uint64_t id, enum mint_kind kind,
	int64_t seconds, char out[KEEPER_SECRET_MAX], struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	int rc;

	mint_make(kind, out);
	rc = factors_mac(f, kind, slice_str(out), mac, err);
	if (rc < 0)
		return rc;
	return db_do(change, err,
		"INSERT INTO token_key (mac, token, is_refresh, is_used, until_s)"
		" VALUES (?, ?, ?, 0, ?)",
		db_b(grant_mac_slice(mac)), db_i((int64_t)id), db_i(kind == MINT_REFRESH),
		db_i(clock_wall_s() + seconds));
}

static int add_keys(struct factors *f, struct db *change, uint64_t id, struct grant_result *out,
	struct err *err)
{
	int rc = add_key(f, change, id, MINT_ACCESS, GRANT_ACCESS_S, out->tokens.access, err);

	if (rc == 0)
		rc = add_key(
			f, change, id, MINT_REFRESH, GRANT_REFRESH_S, out->tokens.refresh, err);
	out->tokens.expires_in_s = GRANT_ACCESS_S;
	return rc;
}

/* What nobody can use any more goes when the account gets new ones. */
static int sweep(struct db *change, uint64_t account, struct err *err)
{
	const int64_t now = clock_wall_s();
	int rc = db_do(change, err,
		"DELETE FROM token_key WHERE until_s < ? AND token IN"
		" (SELECT id FROM token WHERE account = ?)",
		db_i(now), db_i((int64_t)account));

	if (rc == 0)
		rc = db_do(change, err,
			"DELETE FROM token WHERE account = ? AND NOT EXISTS"
			" (SELECT 1 FROM token_key WHERE token_key.token = token.id)",
			db_i((int64_t)account));
	return rc;
}

int grant_make(struct factors *f, struct db *change, const struct grant_new *grant,
	struct grant_result *out, struct err *err)
{
	int64_t n = 0;
	int rc = sweep(change, grant->account, err);

	if (rc == 0)
		rc = db_get_int(change, &n, err, "SELECT count(*) FROM token WHERE account = ?",
			db_i((int64_t)grant->account));
	if (rc == 0 && n >= GRANT_OF_ACCOUNT)
		return err_set(err, ERR_DENIED, "the account lets in too many programs already");
	if (rc == 0)
		rc = db_do(change, err,
			"INSERT INTO token (id, account, client, scopes, made_s)"
			" VALUES (?, ?, ?, ?, ?)",
			db_i((int64_t)grant->id), db_i((int64_t)grant->account),
			db_t(grant->client), db_i(grant->scopes), db_i(clock_wall_s()));
	if (rc == 0)
		rc = add_keys(f, change, grant->id, out, err);
	out->tokens.account = grant->account;
	out->tokens.scopes = grant->scopes;
	return rc;
}

/* A token's row, if it is of that kind and not too old. */
struct key_row {
	uint64_t id, account;
	unsigned scopes;
	bool is_used;
	char client[GRANT_CLIENT_MAX];
	size_t client_len;
};

static int find_key(struct db *db, const unsigned char mac[MINT_MAC_LEN], bool is_refresh,
	struct key_row *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	struct slice client;
	int rc = db_row(db, &row, err,
		"SELECT t.id, t.account, t.scopes, k.is_used, t.client FROM token_key k, token t"
		" WHERE k.mac = ? AND k.is_refresh = ? AND k.until_s >= ? AND t.id = k.token",
		db_b(grant_mac_slice(mac)), db_i(is_refresh), db_i(clock_wall_s()));

	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_DENIED, "the token is not good, or too old");
	client = slice_head(db_text(row, 4), GRANT_CLIENT_MAX);
	*out = (struct key_row){.id = (uint64_t)db_int(row, 0),
		.account = (uint64_t)db_int(row, 1),
		.scopes = (unsigned)db_int(row, 2),
		.is_used = db_int(row, 3) != 0,
		.client_len = client.len};
	memcpy(out->client, client.ptr, client.len);
	return 0;
}

int grant_refresh(struct factors *f, struct db *change, struct slice client, struct slice token,
	struct grant_result *out, struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	struct key_row row;
	int rc = factors_mac(f, MINT_REFRESH, token, mac, err);

	*out = (struct grant_result){.ended = 0};
	if (rc == 0)
		rc = find_key(change, mac, true, &row, err);
	if (rc < 0)
		return rc;
	if (!slice_eq(client, (struct slice){row.client, row.client_len}))
		return err_set(err, ERR_DENIED, "%s", invalid);
	if (row.is_used)
		return end_grant(change, row.id, out, err);
	rc = db_do(change, err, "UPDATE token_key SET is_used = 1 WHERE mac = ?",
		db_b(grant_mac_slice(mac)));
	if (rc == 0)
		rc = db_do(change, err, "UPDATE token SET seen_s = ? WHERE id = ?",
			db_i(clock_wall_s()), db_i((int64_t)row.id));
	if (rc == 0)
		rc = add_keys(f, change, row.id, out, err);
	out->tokens.account = row.account;
	out->tokens.scopes = row.scopes;
	return rc;
}

int grant_find(struct factors *f, struct db *db, struct slice token, struct grant_found *out,
	struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	struct key_row row;
	int rc = factors_mac(f, MINT_ACCESS, token, mac, err);

	if (rc == 0)
		rc = find_key(db, mac, false, &row, err);
	if (rc == 0)
		*out = (struct grant_found){row.account, row.id, row.scopes};
	return rc;
}

int grant_revoke(struct factors *f, struct db *change, struct slice token, struct grant_result *out,
	struct err *err)
{
	const bool is_refresh = slice_starts_nocase(slice_trim(token), slice_lit("phf"));
	unsigned char mac[MINT_MAC_LEN];
	struct key_row row;
	int rc = factors_mac(f, is_refresh ? MINT_REFRESH : MINT_ACCESS, token, mac, err);

	*out = (struct grant_result){.ended = 0};
	if (rc == 0)
		rc = find_key(change, mac, is_refresh, &row, err);
	if (rc == -ERR_DENIED)
		return 0; /* RFC 7009 2.2: nothing to revoke is no error */
	return rc < 0 ? rc : end_grant(change, row.id, out, err);
}

int grant_remove(struct db *change, uint64_t account, uint64_t id, struct err *err)
{
	int rc = db_do(change, err, "DELETE FROM token WHERE id = ? AND account = ?",
		db_i((int64_t)id), db_i((int64_t)account));

	if (rc == 0 && db_changes(change) == 0)
		rc = err_set(err, ERR_NOTFOUND, "there is no such program");
	return rc;
}

int grant_remove_all(struct db *change, uint64_t account, struct err *err)
{
	return db_do(change, err, "DELETE FROM token WHERE account = ?1 OR ?1 = 0",
		db_i((int64_t)account));
}
