/* return_path.c - see return_path.h for the contract. */
#include "mailauth/return_path.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "wire/smtp/addr.h"

enum {
	DAY_S = 86400,
	WEEK = 7,
	SRS_DAYS = 1024, /* what two letters can tell apart */
	SRS_HASH_LEN = 6,
	SRS_DAY_LEN = 2,
	PRVS_DAYS = 1000,
	PRVS_DAY_LEN = 3,
	PRVS_HASH_LEN = 6,
	PRVS_TAG_LEN = 1 + PRVS_DAY_LEN + PRVS_HASH_LEN,
	ADDRESS_ARENA = 8192,
};

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

/* What the text says under this key; upper case and lower case say the same. */
static void hash(const struct return_keys *keys, size_t key, const char *purpose, struct slice text,
	unsigned char out[SHA256_LEN])
{
	struct buf all AUTO(buf_done);

	buf_init(&all, 2 * RETURN_PATH_MAX);
	buf_str(&all, purpose);
	for (size_t i = 0; i < text.len; i++)
		buf_byte(&all, (char)ascii_lower((unsigned char)text.ptr[i]));
	HMAC(EVP_sha256(), keys->list[key].bytes, RETURN_KEY_LEN, (const unsigned char *)all.ptr,
		all.len, out, NULL);
}

static bool is_same_nocase(const char *a, struct slice b, size_t n)
{
	unsigned char x[SHA256_LEN], y[SHA256_LEN];

	if (b.len != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		x[i] = ascii_lower((unsigned char)a[i]);
		y[i] = ascii_lower((unsigned char)b.ptr[i]);
	}
	return CRYPTO_memcmp(x, y, n) == 0;
}

/* RFC 5321 4.1.2: what needs no quotes. */
static bool is_dot_atom(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i];

		if (c <= ' ' || c == 0x7f || strchr("()<>[]:;@\\,\"", c))
			return false;
	}
	return s.len > 0;
}

static bool split(struct slice address, struct slice *local_out, struct slice *domain_out)
{
	const size_t at = slice_rchr(address, '@');

	if (at == SIZE_MAX || address.len > RETURN_PATH_MAX)
		return false;
	*local_out = slice_head(address, at);
	*domain_out = slice_from(address, at + 1);
	return domain_out->len > 0 && slice_chr(*domain_out, '=') == SIZE_MAX &&
	       is_dot_atom(*local_out);
}

/* ---- SRS ---- */

static void srs_hash(const struct return_keys *keys, size_t key, const char *kind,
	struct slice text, char out[SRS_HASH_LEN])
{
	unsigned char sum[SHA256_LEN];

	hash(keys, key, kind, text, sum);
	for (size_t i = 0; i < SRS_HASH_LEN; i++)
		out[i] = base32[sum[i] & 31];
}

/* "SRS0" or "SRS1" and one of the signs that somebody's program may put behind it. */
static bool is_srs(struct slice local, char digit)
{
	return local.len > 5 && slice_starts_nocase(local, slice_lit("SRS")) &&
	       local.ptr[3] == digit && strchr("=+-", local.ptr[4]);
}

/* What the hash is of. */
static void put_text(const struct smtp_addr *sender, int64_t now_s, struct buf *out)
{
	const uint64_t day = (uint64_t)(now_s / DAY_S);

	if (is_srs(sender->local, '1')) {
		/* Whoever came first and what it said stay; our hash takes the place of the last.
		 */
		struct slice rest;

		slice_cut(slice_from(sender->local, 5), '=', &rest);
		buf_append(out, rest);
	} else if (is_srs(sender->local, '0')) {
		buf_append(out, sender->domain);
		buf_byte(out, '=');
		buf_append(out, slice_from(sender->local, 4));
	} else {
		buf_byte(out, base32[day / 32 % 32]);
		buf_byte(out, base32[day % 32]);
		buf_byte(out, '=');
		buf_append(out, sender->domain);
		buf_byte(out, '=');
		buf_append(out, sender->local);
	}
}

bool srs_put(const struct return_keys *keys, struct slice sender, struct slice forwarder,
	int64_t now_s, struct buf *out)
{
	struct arena arena AUTO(arena_done);
	struct buf text AUTO(buf_done), local AUTO(buf_done);
	struct smtp_addr from, path;
	char sum[SRS_HASH_LEN];
	const char *kind;
	struct err err;

	arena_init(&arena, ADDRESS_ARENA);
	buf_init(&text, RETURN_PATH_MAX);
	buf_init(&local, RETURN_PATH_MAX);
	if (!keys->n || smtp_addr_parse(sender, &arena, &from, &err) < 0 || !from.local.len)
		return false;
	kind = is_srs(from.local, '0') || is_srs(from.local, '1') ? "SRS1" : "SRS0";
	put_text(&from, now_s, &text);
	if (text.failed || text.len == 0)
		return false;
	srs_hash(keys, 0, kind, buf_slice(&text), sum);
	buf_printf(&local, "%s=%.*s=", kind, SRS_HASH_LEN, sum);
	buf_append(&local, buf_slice(&text));
	if (local.failed || smtp_addr_make(buf_slice(&local), forwarder, &arena, &path, &err) < 0)
		return false;
	buf_append(out, path.text);
	return !out->failed;
}

static bool is_hash_good(
	const struct return_keys *keys, const char *kind, struct slice given, struct slice text)
{
	char sum[SRS_HASH_LEN];

	for (size_t i = 0; i < keys->n; i++) {
		srs_hash(keys, i, kind, text, sum);
		if (is_same_nocase(sum, given, SRS_HASH_LEN))
			return true;
	}
	return false;
}

static int letter_value(char c)
{
	const char *at = strchr(base32, ascii_lower((unsigned char)c));

	return at && *at ? (int)(at - base32) : -1;
}

/* Days since then, or -1. */
static int srs_age(struct slice day, int64_t now_s)
{
	const int high = day.len == SRS_DAY_LEN ? letter_value(day.ptr[0]) : -1;
	const int low = day.len == SRS_DAY_LEN ? letter_value(day.ptr[1]) : -1;

	if (high < 0 || low < 0)
		return -1;
	return (int)((now_s / DAY_S - (high * 32 + low)) % SRS_DAYS + SRS_DAYS) % SRS_DAYS;
}

/* Quoted where it must be. */
static enum return_verdict restore(
	struct slice local, struct slice domain, struct arena *arena, struct slice *out)
{
	struct smtp_addr addr;
	struct err err;

	if (!local.len || smtp_addr_make(local, domain, arena, &addr, &err) < 0)
		return RETURN_FORGED;
	*out = addr.text;
	return RETURN_GOOD;
}

static enum return_verdict srs0_read(
	struct slice text, int64_t now_s, struct arena *arena, struct slice *out)
{
	struct slice rest, local;
	const struct slice day = slice_cut(text, '=', &rest);
	const struct slice domain = slice_cut(rest, '=', &local);
	const int age = srs_age(day, now_s);

	if (age < 0 || !domain.len)
		return RETURN_FORGED;
	return age > SRS_DAYS_MAX ? RETURN_EXPIRED : restore(local, domain, arena, out);
}

static enum return_verdict srs1_read(struct slice text, struct arena *arena, struct slice *out)
{
	struct buf local AUTO(buf_done);
	struct slice rest;
	const struct slice host = slice_cut(text, '=', &rest);

	buf_init(&local, RETURN_PATH_MAX);
	buf_lit(&local, "SRS0");
	buf_append(&local, rest);
	if (!host.len || local.failed || !is_srs(buf_slice(&local), '0'))
		return RETURN_FORGED;
	return restore(buf_slice(&local), host, arena, out);
}

enum return_verdict srs_read(const struct return_keys *keys, struct slice local, int64_t now_s,
	struct arena *arena, struct slice *out)
{
	const bool is_first = is_srs(local, '0');
	struct slice text, given;

	if (!is_first && !is_srs(local, '1'))
		return RETURN_PLAIN;
	given = slice_cut(slice_from(local, 5), '=', &text);
	if (local.len > RETURN_PATH_MAX || !text.ptr ||
		!is_hash_good(keys, is_first ? "SRS0" : "SRS1", given, text))
		return RETURN_FORGED;
	return is_first ? srs0_read(text, now_s, arena, out) : srs1_read(text, arena, out);
}

/* ---- BATV ---- */

/* "KDDD" and the address: what the hash is of. */
static void prvs_hash(const struct return_keys *keys, size_t key, struct slice day,
	struct slice address, char out[PRVS_HASH_LEN + 1])
{
	struct buf text AUTO(buf_done);
	unsigned char sum[SHA256_LEN];

	buf_init(&text, 2 * RETURN_PATH_MAX);
	buf_append(&text, day);
	buf_append(&text, address);
	hash(keys, key, "prvs", buf_slice(&text), sum);
	for (size_t i = 0; i < PRVS_HASH_LEN / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

bool prvs_put(const struct return_keys *keys, struct slice sender, int64_t now_s, struct buf *out)
{
	const int64_t end = (now_s / DAY_S + PRVS_DAYS_MIN + WEEK - 1) / WEEK * WEEK;
	char day[8], sum[PRVS_HASH_LEN + 1];
	struct slice local, domain;

	if (!keys->n || !split(sender, &local, &domain))
		return false;
	snprintf(day, sizeof(day), "%u%03u", keys->list[0].id % 10, (unsigned)(end % PRVS_DAYS));
	prvs_hash(keys, 0, slice_str(day), sender, sum);
	buf_printf(out, "prvs=%s%s=", day, sum);
	buf_append(out, sender);
	return !out->failed;
}

static bool has_tag(struct slice address)
{
	const struct slice mark = slice_lit("prvs=");
	const size_t end = mark.len + PRVS_TAG_LEN;

	if (!slice_starts_nocase(address, mark) || address.len <= end + 1 ||
		address.ptr[end] != '=' || address.ptr[end + 1] == '@')
		return false;
	for (size_t i = mark.len; i < end; i++) {
		const char c = (char)ascii_lower((unsigned char)address.ptr[i]);

		if (!((c >= '0' && c <= '9') ||
			    (i > mark.len + PRVS_DAY_LEN && c >= 'a' && c <= 'f')))
			return false;
	}
	return slice_rchr(address, '@') != SIZE_MAX;
}

static enum return_verdict prvs_judge(
	const struct return_keys *keys, struct slice tag, struct slice address, int64_t now_s)
{
	const struct slice day = slice_head(tag, 1 + PRVS_DAY_LEN);
	char sum[PRVS_HASH_LEN + 1];
	uint64_t end = 0;
	int64_t left;

	for (size_t i = 0; i < keys->n; i++) {
		if (keys->list[i].id % 10 != (unsigned)(tag.ptr[0] - '0'))
			continue;
		prvs_hash(keys, i, day, address, sum);
		if (!is_same_nocase(sum, slice_from(tag, 1 + PRVS_DAY_LEN), PRVS_HASH_LEN))
			continue;
		(void)slice_to_u64(slice_from(day, 1), PRVS_DAYS, &end);
		left = (((int64_t)end - now_s / DAY_S) % PRVS_DAYS + PRVS_DAYS) % PRVS_DAYS;
		return left < PRVS_DAYS_MIN + WEEK ? RETURN_GOOD : RETURN_EXPIRED;
	}
	return RETURN_FORGED;
}

enum return_verdict prvs_read(
	const struct return_keys *keys, struct slice address, int64_t now_s, struct slice *out)
{
	const size_t mark = sizeof("prvs=") - 1;

	if (address.len > RETURN_PATH_MAX || !has_tag(address))
		return RETURN_PLAIN;
	*out = prvs_strip(address);
	return prvs_judge(keys, slice_head(slice_from(address, mark), PRVS_TAG_LEN), *out, now_s);
}

struct slice prvs_strip(struct slice address)
{
	return has_tag(address) ? slice_from(address, sizeof("prvs=") + PRVS_TAG_LEN) : address;
}
