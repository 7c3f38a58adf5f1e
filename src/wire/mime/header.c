/* header.c - the fields of a header block; see header.h for the contract. */
#include "wire/mime/header.h"

#include <string.h>

#include "wire/mime/line.h"

static bool is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

struct slice mime_line_text(struct slice line)
{
	if (line.len == 0 || line.ptr[line.len - 1] != '\n')
		return line;
	line.len--;
	while (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* mbox files and careless relays leave such a line in front of, or within, a header. */
static bool is_from_line(struct slice line)
{
	return slice_starts(line, slice_lit("From ")) || slice_starts(line, slice_lit(">From "));
}

enum mime_line mime_line_kind(struct slice line, size_t *colon_out)
{
	size_t n = 0;

	if (line.len == 0)
		return MIME_LINE_BLANK;
	if (is_wsp(line.ptr[0]))
		return MIME_LINE_FOLD;
	if (line.ptr[0] == ':')
		return MIME_LINE_JUNK;
	/* A delimiter behind a header without blank line; no field is called so. */
	if (slice_starts(line, slice_lit("--")))
		return MIME_LINE_OTHER;
	while (n < line.len && n <= MIME_FIELD_NAME_MAX && (unsigned char)line.ptr[n] > ' ' &&
		line.ptr[n] != ':')
		n++;
	if (n > 0 && n <= MIME_FIELD_NAME_MAX) {
		/* RFC 5322 4.5.8: white space before the colon is obsolete, but is a field. */
		while (n < line.len && n <= MIME_FIELD_NAME_MAX && is_wsp(line.ptr[n]))
			n++;
		if (n < line.len && line.ptr[n] == ':') {
			*colon_out = n;
			return MIME_LINE_FIELD;
		}
	}
	return is_from_line(line) ? MIME_LINE_JUNK : MIME_LINE_OTHER;
}

/* The first line of s with its line end. */
static struct slice first_line(struct slice s)
{
	const char *nl = memchr(s.ptr, '\n', s.len);

	return slice_head(s, nl ? (size_t)(nl - s.ptr) + 1 : s.len);
}

bool mime_header_next(struct slice *rest, struct mime_field *out)
{
	while (rest->len) {
		const struct slice line = first_line(*rest);
		size_t colon = 0, len = line.len;
		const enum mime_line kind = mime_line_kind(mime_line_text(line), &colon);

		if (kind == MIME_LINE_BLANK)
			return false;
		while (len < rest->len && is_wsp(rest->ptr[len]))
			len += first_line(slice_from(*rest, len)).len;
		if (kind == MIME_LINE_FIELD) {
			out->raw = slice_head(*rest, len);
			out->name = slice_trim(slice_head(*rest, colon));
			out->value = slice_trim(slice_from(out->raw, colon + 1));
			*rest = slice_from(*rest, len);
			return true;
		}
		*rest = slice_from(*rest, len);
	}
	return false;
}

bool mime_header_find(struct slice block, struct slice name, struct mime_field *out)
{
	struct mime_field field;

	while (mime_header_next(&block, &field)) {
		if (slice_eq_nocase(field.name, name)) {
			*out = field;
			return true;
		}
	}
	return false;
}

static bool is_among(struct slice name, const struct slice *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (slice_eq_nocase(name, names[i]))
			return true;
	}
	return false;
}

void mime_header_filter(
	struct slice block, const struct slice *names, size_t n, bool is_not, struct buf *out)
{
	struct mime_field field;

	while (mime_header_next(&block, &field)) {
		if (is_among(field.name, names, n) != is_not)
			buf_append(out, field.raw);
	}
	if (block.len)
		buf_append(out, first_line(block));
}

void mime_header_unfold(struct slice value, struct buf *out)
{
	while (value.len) {
		size_t n = 0;

		while (n < value.len && value.ptr[n] != '\r' && value.ptr[n] != '\n')
			n++;
		buf_append(out, slice_head(value, n));
		value = slice_from(value, n + 1);
	}
}

/* The next stretch of *rest between "<" and ">", or without any "<", the next word. */
static bool next_raw_id(struct slice *rest, struct slice *id_out)
{
	const size_t open = slice_chr(*rest, '<');
	size_t n = 0;

	if (open != SIZE_MAX) {
		*rest = slice_from(*rest, open + 1);
		while (n < rest->len && rest->ptr[n] != '>' && rest->ptr[n] != '<')
			n++;
		*id_out = slice_head(*rest, n);
		*rest = slice_from(*rest, n);
		/* A value is all with brackets or all without: the rest is then text. */
		if (slice_chr(*rest, '<') == SIZE_MAX)
			*rest = slice_from(*rest, rest->len);
		return true;
	}
	while (rest->len && (unsigned char)rest->ptr[0] <= ' ')
		*rest = slice_from(*rest, 1);
	while (n < rest->len && (unsigned char)rest->ptr[n] > ' ')
		n++;
	*id_out = slice_head(*rest, n);
	*rest = slice_from(*rest, n);
	return n > 0;
}

bool mime_msgid_next(struct slice *rest, struct buf *id_out)
{
	struct slice id;

	while (rest->len && next_raw_id(rest, &id)) {
		buf_clear(id_out);
		for (size_t i = 0; i < id.len; i++) {
			size_t n = 0;

			while (i + n < id.len && (unsigned char)id.ptr[i + n] > ' ')
				n++;
			buf_append(id_out, slice_head(slice_from(id, i), n));
			i += n;
		}
		if (id_out->len && !id_out->failed)
			return true;
	}
	buf_clear(id_out);
	return false;
}
