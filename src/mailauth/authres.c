/* authres.c - see authres.h. */
#include "mailauth/authres.h"

#include <string.h>

#include "base/arena.h"
#include "mailauth/authres_read.h"
#include "mailauth/domain.h"

enum { LINE_LEN = 76 };

static size_t line_len(const struct buf *out)
{
	const size_t at = slice_rchr(buf_slice(out), '\n');

	return at == SIZE_MAX ? out->len : out->len - at - 1;
}

static void separate(struct buf *out, size_t next)
{
	buf_str(out, line_len(out) + next + 1 > LINE_LEN ? "\r\n\t" : " ");
}

void authres_begin(struct buf *out, struct slice host)
{
	buf_lit(out, "Authentication-Results: ");
	buf_append(out, host);
}

void authres_method(struct buf *out, const char *method, const char *result)
{
	buf_printf(out, ";\r\n\t%s=%s", method, result);
}

static bool is_token_byte(char c)
{
	return c > ' ' && c < 0x7f && slice_chr(slice_lit("()<>@,;:\\\"/[]?="), c) == SIZE_MAX;
}

/* A token, or local@domain or @domain made of such: all that needs no quotes. */
static bool is_plain(struct slice value)
{
	unsigned ats = 0;

	for (size_t i = 0; i < value.len; i++) {
		ats += value.ptr[i] == '@';
		if (value.ptr[i] != '@' && !is_token_byte(value.ptr[i]))
			return false;
	}
	return value.len > 0 && ats <= 1 && value.ptr[value.len - 1] != '@';
}

static void put_value(struct buf *out, struct slice value)
{
	if (is_plain(value)) {
		buf_append(out, value);
		return;
	}
	buf_byte(out, '"');
	for (size_t i = 0; i < value.len; i++) {
		const char c = value.ptr[i];

		if ((unsigned char)c < ' ' || c == 0x7f)
			continue;
		if (c == '"' || c == '\\')
			buf_byte(out, '\\');
		buf_byte(out, c);
	}
	buf_byte(out, '"');
}

void authres_reason(struct buf *out, const char *reason)
{
	if (!reason)
		return;
	separate(out, strlen(reason) + 9);
	buf_lit(out, "reason=");
	put_value(out, slice_str(reason));
}

void authres_property(struct buf *out, const char *name, struct slice value)
{
	if (value.len == 0)
		return;
	separate(out, strlen(name) + value.len + 1);
	buf_str(out, name);
	buf_byte(out, '=');
	put_value(out, value);
}

void authres_end(struct buf *out)
{
	buf_lit(out, "\r\n");
}

/* The name at the front of the value: a token or a quoted string. */
static bool take_name(struct slice text, struct buf *out)
{
	size_t i = 0;

	if (!authres_skip_cfws(&text) || text.len == 0)
		return false;
	if (text.ptr[0] != '"') {
		while (i < text.len &&
			(is_token_byte(text.ptr[i]) || (unsigned char)text.ptr[i] >= 0x80))
			i++;
		buf_append(out, slice_head(text, i));
		return i > 0;
	}
	for (i = 1; i < text.len && text.ptr[i] != '"'; i++) {
		if (text.ptr[i] == '\\' && i + 1 < text.len)
			i++;
		buf_byte(out, text.ptr[i]);
	}
	return i < text.len;
}

bool authres_names(struct slice value, struct slice host)
{
	enum { NAME_LEN_MAX = 1024 };
	struct buf text AUTO(buf_done);
	struct arena arena AUTO(arena_done);
	struct slice name;

	buf_init(&text, NAME_LEN_MAX);
	arena_init(&arena, 8 * NAME_LEN_MAX);
	if (!take_name(value, &text) || text.failed)
		return true;
	return slice_eq_nocase(buf_slice(&text), host) ||
	       !domain_normal(buf_slice(&text), &arena, &name) || slice_eq_nocase(name, host);
}
