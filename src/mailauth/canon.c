/* canon.c - see canon.h. */
#include "mailauth/canon.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* What OpenSSL cannot do for want of memory ends us, as with every other allocation. */
static void must(int ok)
{
	if (ok != 1)
		abort();
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 6376 3.4.2: runs of white space, line ends among them, become one space; none at the end. */
static void put_relaxed(struct slice value, struct buf *out)
{
	bool has_space = false;

	value = slice_trim(value);
	for (size_t i = 0; i < value.len; i++) {
		if (is_space(value.ptr[i])) {
			has_space = true;
			continue;
		}
		if (has_space)
			buf_byte(out, ' ');
		has_space = false;
		buf_byte(out, value.ptr[i]);
	}
}

/* The line end of the last line is always CRLF, and so is each one within. */
static void put_simple(struct slice raw, struct buf *out)
{
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.ptr[i] == '\n' && (i == 0 || raw.ptr[i - 1] != '\r'))
			buf_byte(out, '\r');
		buf_byte(out, raw.ptr[i]);
	}
}

static struct slice without_line_end(struct slice raw)
{
	if (raw.len > 0 && raw.ptr[raw.len - 1] == '\n')
		raw.len--;
	if (raw.len > 0 && raw.ptr[raw.len - 1] == '\r')
		raw.len--;
	return raw;
}

static void put_name(struct slice name, struct buf *out)
{
	for (size_t i = 0; i < name.len; i++)
		buf_byte(out, (char)ascii_lower((unsigned char)name.ptr[i]));
	buf_byte(out, ':');
}

void canon_field(enum canon canon, const struct mime_field *field, struct buf *out)
{
	if (canon == CANON_SIMPLE) {
		put_simple(without_line_end(field->raw), out);
	} else {
		put_name(field->name, out);
		put_relaxed(field->value, out);
	}
	buf_lit(out, "\r\n");
}

/* The bounds of the value of b within a list of tags: all between "=" and ";" or the end. */
static void find_b(struct slice text, size_t *start, size_t *end)
{
	size_t at = 0;

	*start = *end = text.len;
	while (at < text.len) {
		struct slice rest = slice_from(text, at);
		size_t len = slice_chr(rest, ';'), eq;

		if (len == SIZE_MAX)
			len = rest.len;
		eq = slice_chr(slice_head(rest, len), '=');
		if (eq != SIZE_MAX && slice_eq(slice_trim(slice_head(rest, eq)), slice_lit("b"))) {
			*start = at + eq + 1;
			*end = at + len;
			return;
		}
		at += len + 1;
	}
}

void canon_without_b(enum canon canon, const struct mime_field *field, struct buf *out)
{
	struct slice raw = without_line_end(field->raw);
	struct buf value AUTO(buf_done);
	size_t start, end, colon = slice_chr(raw, ':') + 1;

	buf_init(&value, raw.len + 1);
	find_b(slice_from(raw, colon), &start, &end);
	if (canon == CANON_SIMPLE) {
		put_simple(slice_head(raw, colon + start), out);
		put_simple(slice_from(raw, colon + end), out);
		return;
	}
	buf_append(&value, slice_head(slice_from(raw, colon), start));
	buf_append(&value, slice_from(raw, colon + end));
	put_name(field->name, out);
	put_relaxed(buf_slice(&value), out);
}

void body_hash_init(struct body_hash *hash, enum canon canon, uint64_t limit)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();

	must(digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL));
	*hash = (struct body_hash){.canon = canon, .limit = limit, .digest = digest};
}

static void flush(struct body_hash *hash)
{
	must(EVP_DigestUpdate(hash->digest, hash->piece, hash->piece_n));
	hash->piece_n = 0;
}

static void put(struct body_hash *hash, const char *ptr, size_t len)
{
	const uint64_t left = hash->size < hash->limit ? hash->limit - hash->size : 0;
	const size_t n = len < left ? len : (size_t)left;

	hash->size += len;
	if (n > sizeof(hash->piece) - hash->piece_n)
		flush(hash);
	if (n > sizeof(hash->piece)) {
		must(EVP_DigestUpdate(hash->digest, ptr, n));
	} else if (n > 0) {
		memcpy(hash->piece + hash->piece_n, ptr, n);
		hash->piece_n += n;
	}
}

/* Text follows: what was held back counts. */
static void put_held(struct body_hash *hash)
{
	for (; hash->lines > 0; hash->lines--)
		put(hash, "\r\n", 2);
	if (hash->has_space)
		put(hash, " ", 1);
	hash->has_space = false;
}

/* How much of it is neither a line end nor white space that has a meaning. */
static size_t text_length(const struct body_hash *hash, const char *ptr, size_t len)
{
	const bool is_simple = hash->canon == CANON_SIMPLE;
	size_t n = 0;

	while (n < len && ptr[n] != '\r' && ptr[n] != '\n' &&
		(is_simple || (ptr[n] != ' ' && ptr[n] != '\t')))
		n++;
	return n;
}

/* A CR that was no line end is text. */
static void put_lone_cr(struct body_hash *hash)
{
	if (!hash->has_cr)
		return;
	hash->has_cr = false;
	put_held(hash);
	put(hash, "\r", 1);
}

static void feed_other(struct body_hash *hash, char c)
{
	if (c == '\n') {
		hash->has_cr = hash->has_space = false;
		hash->lines++;
		return;
	}
	put_lone_cr(hash);
	if (c == '\r')
		hash->has_cr = true;
	else
		hash->has_space = true;
}

void body_hash_feed(struct body_hash *hash, struct slice bytes)
{
	size_t at = 0;

	while (at < bytes.len) {
		const size_t n = text_length(hash, bytes.ptr + at, bytes.len - at);

		if (n > 0) {
			put_lone_cr(hash);
			put_held(hash);
			put(hash, bytes.ptr + at, n);
			at += n;
		} else {
			feed_other(hash, bytes.ptr[at++]);
		}
	}
}

void body_hash_finish(struct body_hash *hash)
{
	put_lone_cr(hash);
	/* RFC 6376 3.4.3 and 3.4.4: one line end closes the body; no body at all is an empty line
	 * for "simple" and nothing for "relaxed". */
	if (hash->size > 0 || hash->canon == CANON_SIMPLE)
		put(hash, "\r\n", 2);
	flush(hash);
	must(EVP_DigestFinal_ex(hash->digest, hash->sum, NULL));
	body_hash_done(hash);
}

void body_hash_done(struct body_hash *hash)
{
	EVP_MD_CTX_free(hash->digest);
	hash->digest = NULL;
}
