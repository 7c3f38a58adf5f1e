/* url.c - see url.h for the contract. */
#include "wire/http/url.h"

#include <string.h>

#include "base/utf8.h"
#include "wire/http/chars.h"

/* Decodes in into out (of at least its length). False: "%" alone, or a NUL byte. */
static bool decode(struct slice in, bool plus_is_space, char *out, size_t *n_out)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		char c = in.ptr[i];

		if (c == '%') {
			const int high = i + 2 < in.len ? http_hex(in.ptr[i + 1]) : -1;
			const int low = i + 2 < in.len ? http_hex(in.ptr[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		if (c == '\0')
			return false;
		out[n++] = c;
	}
	*n_out = n;
	return true;
}

static bool has_encoded_slash(struct slice s)
{
	for (size_t i = 0; i + 2 < s.len; i++) {
		const int c = s.ptr[i] == '%' && http_hex(s.ptr[i + 1]) >= 0 &&
					      http_hex(s.ptr[i + 2]) >= 0
				      ? http_hex(s.ptr[i + 1]) << 4 | http_hex(s.ptr[i + 2])
				      : 0;

		if (c == '/' || c == '\\')
			return true;
	}
	return false;
}

/* RFC 3986 5.2.4, in place. The path starts with "/". */
static size_t remove_dots(char *path, size_t len)
{
	size_t out = 0, at = 0;

	while (at < len) {
		struct slice segment = {path + at + 1, 0};
		bool is_last;

		while (at + 1 + segment.len < len && segment.ptr[segment.len] != '/')
			segment.len++;
		is_last = at + 1 + segment.len >= len;
		at += 1 + segment.len;
		if (slice_eq(segment, slice_lit(".."))) {
			while (out && path[--out] != '/')
				;
		} else if (segment.len && !slice_eq(segment, slice_lit("."))) {
			path[out++] = '/';
			memmove(path + out, segment.ptr, segment.len);
			out += segment.len;
			continue;
		}
		if (is_last)
			path[out++] = '/';
	}
	return out;
}

int http_path_parse(struct slice path, struct arena *arena, struct slice *out, struct err *err)
{
	char *text = arena_alloc(arena, path.len + 1);
	size_t n;

	if (!text)
		return err_set(err, ERR_TOOBIG, "path needs too much memory");
	if (path.len == 0 || path.ptr[0] != '/' || has_encoded_slash(path) ||
		!decode(path, false, text, &n) || !utf8_is_valid((struct slice){text, n}))
		return err_set(err, ERR_SYNTAX, "malformed path");
	*out = (struct slice){text, remove_dots(text, n)};
	return 0;
}

static int decode_param(struct slice in, struct arena *arena, struct slice *out, struct err *err)
{
	char *text = arena_alloc(arena, in.len + 1);
	size_t n;

	if (!text)
		return err_set(err, ERR_TOOBIG, "parameters need too much memory");
	if (!decode(in, true, text, &n) || !utf8_is_valid((struct slice){text, n}))
		return err_set(err, ERR_SYNTAX, "malformed parameter");
	*out = (struct slice){text, n};
	return 0;
}

static size_t count_params(struct slice text)
{
	size_t n = 0;

	while (text.len)
		n += slice_cut(text, '&', &text).len > 0;
	return n;
}

int http_params_parse(struct slice text, struct arena *arena, struct http_pair **pairs_out,
	size_t *n_out, struct err *err)
{
	const size_t count = count_params(text);
	struct http_pair *pairs;
	size_t n = 0;
	int rc = 0;

	if (count > HTTP_PARAMS_MAX)
		return err_set(err, ERR_TOOBIG, "more than %d parameters", HTTP_PARAMS_MAX);
	pairs = arena_array(arena, struct http_pair, count);
	if (!pairs && count)
		return err_set(err, ERR_TOOBIG, "parameters need too much memory");
	while (text.len && rc == 0) {
		struct slice value;
		const struct slice pair = slice_cut(text, '&', &text);
		const struct slice name = slice_cut(pair, '=', &value);

		if (pair.len == 0)
			continue;
		rc = decode_param(name, arena, &pairs[n].name, err);
		if (rc == 0)
			rc = decode_param(value, arena, &pairs[n].value, err);
		n++;
	}
	if (rc < 0)
		return rc;
	*pairs_out = pairs;
	*n_out = n;
	return 0;
}

void http_url_encode(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.ptr[i], lower = ascii_lower(c);

		if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
			(c && strchr("-._~", c)))
			buf_byte(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}
