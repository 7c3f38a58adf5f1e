/* lex.c - see lex.h for the contract. */
#include "wire/imap/lex.h"

#include <string.h>

#include "base/utf8.h"

static bool is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/* RFC 9051: ATOM-CHAR is any CHAR but atom-specials; bytes above 0x7e are never atoms. */
static bool is_astring_byte(unsigned char c)
{
	return c > 0x20 && c < 0x7f && !strchr("(){%*\"\\", c);
}

static bool is_word_byte(unsigned char c, enum imap_word word)
{
	switch (word) {
	case IMAP_WORD_LABEL:
		return is_alnum(c) || c == '.' || c == '-' || c == '_' || c == '=';
	case IMAP_WORD_ATOM:
		return is_astring_byte(c) && c != ']';
	case IMAP_WORD_TAG:
		return is_astring_byte(c) && c != '+';
	case IMAP_WORD_ASTRING:
		return is_astring_byte(c);
	case IMAP_WORD_PATTERN:
		return is_astring_byte(c) || c == '%' || c == '*';
	case IMAP_WORD_SET:
		return (c >= '0' && c <= '9') || c == ':' || c == ',' || c == '*' || c == '$';
	case IMAP_WORD_BASE64:
		return is_alnum(c) || c == '+' || c == '/' || c == '=';
	}
	return false;
}

static struct slice take(struct imap_lex *lx, size_t n)
{
	struct slice s = slice_head(lx->rest, n);

	lx->rest = slice_from(lx->rest, n);
	return s;
}

bool imap_line_literal(struct slice line, struct imap_literal *out)
{
	struct imap_literal lit = {0};
	size_t open = slice_rchr(line, '{');
	struct slice digits;

	if (open == SIZE_MAX || line.ptr[line.len - 1] != '}')
		return false;
	digits = (struct slice){line.ptr + open + 1, line.len - open - 2};
	if (digits.len && digits.ptr[digits.len - 1] == '+') {
		lit.nonsync = true;
		digits.len--;
	}
	if (digits.len == 0)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
			return false;
	}
	if (!slice_to_u64(digits, INT64_MAX, &lit.size))
		lit.size = UINT64_MAX;
	lit.binary = open > 0 && line.ptr[open - 1] == '~';
	*out = lit;
	return true;
}

void imap_lex_init(struct imap_lex *lx, struct slice text, const struct imap_limits *limits,
	struct arena *arena)
{
	*lx = (struct imap_lex){.limits = limits, .arena = arena, .rest = text};
}

int imap_lex_peek(const struct imap_lex *lx)
{
	return lx->rest.len ? (unsigned char)lx->rest.ptr[0] : -1;
}

bool imap_lex_take(struct imap_lex *lx, char c)
{
	if (lx->rest.len == 0 || lx->rest.ptr[0] != c)
		return false;
	take(lx, 1);
	return true;
}

bool imap_lex_take_label(struct imap_lex *lx, struct slice label)
{
	if (!slice_starts_nocase(lx->rest, label))
		return false;
	if (lx->rest.len > label.len &&
		is_word_byte((unsigned char)lx->rest.ptr[label.len], IMAP_WORD_LABEL))
		return false;
	take(lx, label.len);
	return true;
}

int imap_lex_fail(const struct imap_lex *lx, const char *wanted, struct err *err)
{
	const int c = imap_lex_peek(lx);

	if (c < 0 || c == '\r')
		return err_set(err, ERR_SYNTAX, "%s expected, but the command ends", wanted);
	if (c > 0x20 && c < 0x7f)
		return err_set(err, ERR_SYNTAX, "%s expected, found \"%c\"", wanted, c);
	return err_set(err, ERR_SYNTAX, "%s expected, found byte 0x%02x", wanted, (unsigned)c);
}

int imap_lex_byte(struct imap_lex *lx, char c, struct err *err)
{
	const char wanted[] = {'"', c, '"', '\0'};

	if (imap_lex_take(lx, c))
		return 0;
	return imap_lex_fail(lx, c == ' ' ? "a space" : wanted, err);
}

int imap_lex_end(const struct imap_lex *lx, struct err *err)
{
	return lx->rest.len ? imap_lex_fail(lx, "the end", err) : 0;
}

int imap_lex_word(struct imap_lex *lx, enum imap_word word, struct slice *out, struct err *err)
{
	size_t n = 0;

	while (n < lx->rest.len && is_word_byte((unsigned char)lx->rest.ptr[n], word))
		n++;
	if (n == 0)
		return imap_lex_fail(lx, "an argument", err);
	if (n > lx->limits->string_max)
		return err_set(err, ERR_TOOBIG, "argument longer than %zu", lx->limits->string_max);
	*out = take(lx, n);
	return 0;
}

/* Copies src without its escapes; the caller has checked that each "\" has a follower. */
static struct slice unescape(char *dst, struct slice src)
{
	size_t n = 0;

	for (size_t i = 0; i < src.len; i++) {
		if (src.ptr[i] == '\\')
			i++;
		dst[n++] = src.ptr[i];
	}
	return (struct slice){dst, n};
}

/* The length of a quoted string with both quotes; counts the backslashes that escape. */
static int measure_quoted(
	const struct imap_lex *lx, size_t *len_out, size_t *escapes_out, struct err *err)
{
	const struct slice s = lx->rest;
	size_t i, escapes = 0;

	for (i = 1; i < s.len && s.ptr[i] != '"'; i++) {
		const unsigned char c = (unsigned char)s.ptr[i];

		if (c == '\\') {
			if (++i == s.len || (s.ptr[i] != '"' && s.ptr[i] != '\\'))
				return err_set(err, ERR_SYNTAX, "bad escape in quoted string");
			escapes++;
		} else if (c == '\0' || c == '\r' || c == '\n') {
			return err_set(err, ERR_SYNTAX, "byte 0x%02x in quoted string", c);
		}
		if (i - escapes > lx->limits->string_max)
			return err_set(err, ERR_TOOBIG, "quoted string longer than %zu",
				lx->limits->string_max);
	}
	if (i >= s.len)
		return err_set(err, ERR_SYNTAX, "quoted string is not closed");
	*len_out = i + 1;
	*escapes_out = escapes;
	return 0;
}

static int lex_quoted(struct imap_lex *lx, struct slice *out, struct err *err)
{
	size_t len = 0, escapes = 0;
	int rc = measure_quoted(lx, &len, &escapes, err);
	struct slice text;

	if (rc < 0)
		return rc;
	text = (struct slice){lx->rest.ptr + 1, len - 2};
	if (!utf8_is_valid(text))
		return err_set(err, ERR_SYNTAX, "quoted string is not UTF-8");
	if (escapes) {
		char *copy = arena_alloc(lx->arena, text.len - escapes);

		if (!copy)
			return err_set(err, ERR_TOOBIG, "command needs too much memory");
		text = unescape(copy, text);
	}
	take(lx, len);
	*out = text;
	return 0;
}

int imap_lex_body(struct imap_lex *lx, struct imap_body *out, struct err *err)
{
	struct imap_body body = {0};
	const size_t close = slice_chr(lx->rest, '}');
	const struct slice head = slice_head(lx->rest, close == SIZE_MAX ? 0 : close + 1);

	if (head.len == 0 || (head.ptr[0] != '{' && !slice_starts(head, slice_lit("~{"))) ||
		!imap_line_literal(head, &body.literal))
		return imap_lex_fail(lx, "a literal", err);
	take(lx, head.len);
	body.is_streamed = lx->rest.len == 0;
	if (!body.is_streamed) {
		if (!imap_lex_take(lx, '\r') || !imap_lex_take(lx, '\n') ||
			body.literal.size > lx->rest.len)
			return err_set(err, ERR_SYNTAX, "malformed literal");
		body.bytes = take(lx, (size_t)body.literal.size);
	}
	*out = body;
	return 0;
}

static int lex_literal(struct imap_lex *lx, struct slice *out, struct err *err)
{
	struct imap_body body;
	int rc = imap_lex_body(lx, &body, err);

	if (rc < 0)
		return rc;
	if (body.is_streamed || body.literal.binary)
		return err_set(err, ERR_SYNTAX, "no such literal is allowed here");
	if (body.bytes.len > lx->limits->string_max)
		return err_set(err, ERR_TOOBIG, "literal larger than %zu", lx->limits->string_max);
	if (slice_chr(body.bytes, '\0') != SIZE_MAX)
		return err_set(err, ERR_SYNTAX, "NUL byte in literal");
	*out = body.bytes;
	return 0;
}

int imap_lex_string(struct imap_lex *lx, struct slice *out, struct err *err)
{
	switch (imap_lex_peek(lx)) {
	case '"':
		return lex_quoted(lx, out, err);
	case '{':
		return lex_literal(lx, out, err);
	default:
		return imap_lex_fail(lx, "a string", err);
	}
}

int imap_lex_astring(struct imap_lex *lx, enum imap_word word, struct slice *out, struct err *err)
{
	const int c = imap_lex_peek(lx);

	if (c == '"' || c == '{')
		return imap_lex_string(lx, out, err);
	return imap_lex_word(lx, word, out, err);
}

int imap_lex_nstring(struct imap_lex *lx, struct slice *out, struct err *err)
{
	if (imap_lex_take_label(lx, slice_lit("NIL"))) {
		*out = (struct slice){NULL, 0};
		return 0;
	}
	return imap_lex_string(lx, out, err);
}

int imap_lex_number(struct imap_lex *lx, uint64_t max, uint64_t *out, struct err *err)
{
	size_t n = 0;

	while (n < lx->rest.len && lx->rest.ptr[n] >= '0' && lx->rest.ptr[n] <= '9')
		n++;
	if (n == 0)
		return imap_lex_fail(lx, "a number", err);
	if (!slice_to_u64(slice_head(lx->rest, n), max, out))
		return err_set(err, ERR_SYNTAX, "number is larger than %ju", (uintmax_t)max);
	take(lx, n);
	return 0;
}

size_t imap_lex_count(const struct imap_lex *lx)
{
	size_t n = 1;

	for (size_t i = 0; i < lx->rest.len && n < lx->limits->items_max; i++)
		n += lx->rest.ptr[i] == ' ';
	return n;
}

int imap_lex_alloc(struct imap_lex *lx, size_t size, size_t n, void *out_pp, struct err *err)
{
	void *p = arena_alloc_array(lx->arena, size, n);

	if (!p)
		return err_set(err, ERR_TOOBIG, "command needs too much memory");
	memcpy(out_pp, &p, sizeof(p));
	return 0;
}
