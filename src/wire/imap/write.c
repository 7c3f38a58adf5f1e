/* write.c - see write.h for the contract. */
#include "wire/imap/write.h"

#include <string.h>

#include "wire/imap/flags.h"
#include "base/utf8.h"

enum { QUOTED_MAX = 1024 };

/* May s be sent as a quoted string; how many of its bytes need a backslash. */
static bool may_quote(struct slice s, bool is_utf8, size_t *escapes_out)
{
	bool is_ascii = true;
	size_t escapes = 0;

	if (s.len > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i];

		if (c == '\0' || c == '\r' || c == '\n')
			return false;
		is_ascii &= c < 0x80;
		escapes += c == '"' || c == '\\';
	}
	*escapes_out = escapes;
	return is_ascii || (is_utf8 && utf8_is_valid(s));
}

void imap_write_literal(struct buf *out, uint64_t size, bool is_binary)
{
	if (is_binary)
		buf_byte(out, '~');
	buf_byte(out, '{');
	buf_u64(out, size);
	buf_lit(out, "}\r\n");
}

void imap_write_string(struct buf *out, struct slice s, bool is_utf8)
{
	size_t escapes;

	if (!may_quote(s, is_utf8, &escapes)) {
		imap_write_literal(out, s.len, false);
		buf_append(out, s);
		return;
	}
	buf_byte(out, '"');
	if (escapes == 0) {
		buf_append(out, s);
	} else {
		for (size_t i = 0; i < s.len; i++) {
			if (s.ptr[i] == '"' || s.ptr[i] == '\\')
				buf_byte(out, '\\');
			buf_byte(out, s.ptr[i]);
		}
	}
	buf_byte(out, '"');
}

static bool is_atom(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i];

		if (c <= 0x20 || c >= 0x7f || strchr("(){%*\"\\]", c))
			return false;
	}
	return s.len > 0 && !slice_eq_nocase(s, slice_lit("NIL"));
}

void imap_write_astring(struct buf *out, struct slice s, bool is_utf8)
{
	if (is_atom(s))
		buf_append(out, s);
	else
		imap_write_string(out, s, is_utf8);
}

bool imap_write_flags(struct buf *out, unsigned system, bool is_recent)
{
	bool has_any = false;

	for (; system; system &= system - 1) {
		if (has_any)
			buf_byte(out, ' ');
		buf_append(out, imap_flag_name(system & -system));
		has_any = true;
	}
	if (is_recent)
		buf_append(out, has_any ? slice_lit(" \\Recent") : slice_lit("\\Recent"));
	return has_any || is_recent;
}

const struct imap_refusal *imap_refusal(enum err_code code)
{
	static const struct imap_refusal table[] = {
		[0] = {"NO", "SERVERBUG"},
		[ERR_SYNTAX] = {"BAD", NULL},
		[ERR_TOOBIG] = {"NO", "LIMIT"},
		[ERR_NOTFOUND] = {"NO", "NONEXISTENT"},
		[ERR_EXISTS] = {"NO", "ALREADYEXISTS"},
		[ERR_DENIED] = {"NO", "NOPERM"},
		[ERR_QUOTA] = {"NO", "OVERQUOTA"},
		[ERR_CONFLICT] = {"NO", "CANNOT"},
		[ERR_BUSY] = {"NO", "UNAVAILABLE"},
		[ERR_IO] = {"NO", "UNAVAILABLE"},
		[ERR_CORRUPT] = {"NO", "CORRUPTION"},
	};

	return &table[(size_t)code < sizeof(table) / sizeof(table[0]) ? code : 0];
}

void imap_write_text(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.ptr[i];

		buf_byte(out, c >= 0x20 && c < 0x7f ? (char)c : '?');
	}
}
