/* multipart.c - see multipart.h for the contract. */
#include "wire/http/multipart.h"

#include <string.h>

#include "base/utf8.h"
#include "wire/http/chars.h"
#include "wire/http/field.h"

struct scan {
	struct slice rest;
	struct slice dashes; /* CRLF "--" boundary */
	struct arena *arena;
};

static int bad(struct err *err, const char *why)
{
	return err_set(err, ERR_SYNTAX, "malformed form: %s", why);
}

/* What browsers write for bytes that would end the quoted string. */
static char escaped(struct slice s)
{
	static const struct {
		struct slice text;
		char byte;
	} rows[] = {{{"%22", 3}, '"'}, {{"%0d", 3}, '\r'}, {{"%0a", 3}, '\n'}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (slice_starts_nocase(s, rows[i].text))
			return rows[i].byte;
	}
	return '\0';
}

static int decode_name(struct slice in, struct arena *arena, struct slice *out, struct err *err)
{
	char *text = arena_alloc(arena, in.len + 1);
	size_t n = 0;

	if (!text)
		return err_set(err, ERR_TOOBIG, "form needs too much memory");
	for (size_t i = 0; i < in.len; i++) {
		const char byte = escaped(slice_from(in, i));

		text[n++] = byte ? byte : in.ptr[i];
		i += byte ? 2 : 0;
	}
	if (!utf8_is_valid((struct slice){text, n}))
		return bad(err, "name is not UTF-8");
	*out = (struct slice){text, n};
	return 0;
}

/* Some programs send the whole path. */
static struct slice last_segment(struct slice name)
{
	for (size_t i = name.len; i > 0; i--) {
		if (name.ptr[i - 1] == '/' || name.ptr[i - 1] == '\\')
			return slice_from(name, i);
	}
	return name;
}

static int parse_disposition(
	struct slice value, struct arena *arena, struct http_part *part, struct err *err)
{
	struct slice name, filename;
	int rc;

	if (!slice_eq_nocase(
		    http_trim(slice_cut(value, ';', &(struct slice){0})), slice_lit("form-data")))
		return bad(err, "not form-data");
	name = http_field_param(value, slice_lit("name"), arena);
	filename = http_field_param(value, slice_lit("filename"), arena);
	if (!name.ptr)
		return bad(err, "part without a name");
	rc = decode_name(name, arena, &part->name, err);
	if (rc == 0 && filename.ptr) {
		rc = decode_name(filename, arena, &part->filename, err);
		part->filename = last_segment(part->filename);
	}
	return rc;
}

static int parse_line(struct slice line, struct arena *arena, struct http_part *part,
	bool *is_named, struct err *err)
{
	struct slice value;
	const struct slice name = slice_cut(line, ':', &value);

	if (!value.ptr || !http_is_token(name) || !http_is_value(value))
		return bad(err, "head of a part");
	value = http_trim(value);
	if (slice_eq_nocase(name, slice_lit("content-disposition"))) {
		if (*is_named)
			return bad(err, "two dispositions");
		*is_named = true;
		return parse_disposition(value, arena, part, err);
	}
	if (slice_eq_nocase(name, slice_lit("content-type")))
		part->type = value;
	if (slice_eq_nocase(name, slice_lit("content-transfer-encoding")) &&
		(slice_eq_nocase(value, slice_lit("base64")) ||
			slice_eq_nocase(value, slice_lit("quoted-printable"))))
		return bad(err, "encoded part");
	return 0;
}

static int parse_head(struct scan *s, struct http_part *part, struct err *err)
{
	const struct slice window = slice_head(s->rest, HTTP_PART_HEAD_MAX);
	size_t at = slice_find(window, slice_lit("\r\n\r\n"));
	struct slice head;
	bool is_named = false;
	int rc = 0;

	if (at == SIZE_MAX && window.len == HTTP_PART_HEAD_MAX)
		return err_set(err, ERR_TOOBIG, "head of a part too long");
	if (at == SIZE_MAX)
		return bad(err, "cut short");
	head = slice_head(window, at);
	/* The CRLF before the body may be the one before the boundary: an empty part. */
	s->rest = slice_from(s->rest, at + 2);
	while (head.len && rc == 0) {
		struct slice line = slice_cut(head, '\n', &head);

		if (head.ptr) {
			if (line.len == 0 || line.ptr[line.len - 1] != '\r')
				return bad(err, "line without CR");
			line.len--;
		}
		rc = parse_line(line, s->arena, part, &is_named, err);
	}
	return rc == 0 && !is_named ? bad(err, "part without a name") : rc;
}

/* After a boundary: 1 another part follows, 0 it was the last. */
static int end_boundary(struct scan *s, struct err *err)
{
	if (slice_starts(s->rest, slice_lit("--"))) {
		s->rest = slice_from(s->rest, 2);
		return s->rest.len == 0 || slice_starts(s->rest, slice_lit("\r\n"))
			       ? 0
			       : bad(err, "boundary");
	}
	while (s->rest.len && (s->rest.ptr[0] == ' ' || s->rest.ptr[0] == '\t'))
		s->rest = slice_from(s->rest, 1);
	if (!slice_starts(s->rest, slice_lit("\r\n")))
		return bad(err, "boundary");
	s->rest = slice_from(s->rest, 2);
	return 1;
}

static int parse_part(struct scan *s, struct http_part *part, struct err *err)
{
	struct slice bytes;
	size_t at;
	int rc = parse_head(s, part, err);

	if (rc < 0)
		return rc;
	at = slice_find(s->rest, s->dashes);
	if (at == SIZE_MAX)
		return bad(err, "cut short");
	bytes = slice_head(s->rest, at);
	part->bytes = slice_from(bytes, 2);
	s->rest = slice_from(s->rest, at + s->dashes.len);
	if (!part->filename.ptr &&
		(!utf8_is_valid(part->bytes) || slice_chr(part->bytes, '\0') != SIZE_MAX))
		return bad(err, "field is not UTF-8");
	return end_boundary(s, err);
}

/* Up to behind the first boundary, which may stand at the very start. */
static int begin(struct scan *s, struct slice boundary, struct err *err)
{
	char *dashes = arena_alloc(s->arena, boundary.len + 4);
	size_t at;

	if (!dashes)
		return err_set(err, ERR_TOOBIG, "form needs too much memory");
	memcpy(dashes, "\r\n--", 4);
	memcpy(dashes + 4, boundary.ptr, boundary.len);
	s->dashes = (struct slice){dashes, boundary.len + 4};
	if (slice_starts(s->rest, slice_from(s->dashes, 2))) {
		s->rest = slice_from(s->rest, s->dashes.len - 2);
		return end_boundary(s, err);
	}
	at = slice_find(s->rest, s->dashes);
	if (at == SIZE_MAX)
		return bad(err, "no boundary");
	s->rest = slice_from(s->rest, at + s->dashes.len);
	return end_boundary(s, err);
}

int http_multipart_parse(struct slice body, struct slice boundary, struct arena *arena,
	struct http_part **parts_out, size_t *n_out, struct err *err)
{
	struct scan s = {.rest = body, .arena = arena};
	struct http_part *parts = arena_array(arena, struct http_part, HTTP_PARTS_MAX);
	size_t n = 0;
	int rc;

	if (boundary.len == 0 || boundary.len > HTTP_BOUNDARY_MAX)
		return bad(err, "boundary");
	if (!parts)
		return err_set(err, ERR_TOOBIG, "form needs too much memory");
	rc = begin(&s, boundary, err);
	while (rc > 0) {
		if (n == HTTP_PARTS_MAX)
			return err_set(err, ERR_TOOBIG, "more than %d parts", HTTP_PARTS_MAX);
		rc = parse_part(&s, &parts[n++], err);
	}
	if (rc < 0)
		return rc;
	*parts_out = parts;
	*n_out = n;
	return 0;
}
