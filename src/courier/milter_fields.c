/* milter_fields.c - a header that a milter changes: see milter.h. */
#include "courier/milter.h"
#include "wire/mime/header.h"

static struct milter_field *new_field(
	struct milter_fields *fields, struct slice name, struct slice raw, struct err *err)
{
	struct milter_field *f = NULL;

	if (fields->n < MILTER_FIELDS_MAX)
		f = arena_array(fields->arena, struct milter_field, 1);
	if (!f) {
		err_set(err, ERR_TOOBIG, "more than %d header fields", MILTER_FIELDS_MAX);
		return NULL;
	}
	*f = (struct milter_field){.name = name, .raw = raw, .is_shown = name.len > 0};
	fields->n++;
	return f;
}

static int append(
	struct milter_fields *fields, struct slice name, struct slice raw, struct err *err)
{
	struct milter_field *f = new_field(fields, name, raw, err);

	if (!f)
		return -ERR_TOOBIG;
	*fields->last = f;
	fields->last = &f->next;
	return 0;
}

/* Lines that are no field go along without a name. */
int milter_fields_read(
	struct milter_fields *fields, struct slice header, struct arena *arena, struct err *err)
{
	struct slice rest = header, from = header;
	bool has_received = false;
	struct mime_field field;
	int rc = 0;

	*fields = (struct milter_fields){.arena = arena};
	fields->last = &fields->first;
	while (rc == 0 && mime_header_next(&rest, &field)) {
		const size_t before = (size_t)(field.raw.ptr - from.ptr);
		struct milter_field **at;

		if (before)
			rc = append(fields, (struct slice){0}, slice_head(from, before), err);
		from = slice_from(from, before + field.raw.len);
		at = fields->last;
		if (rc == 0)
			rc = append(fields, field.name, field.raw, err);
		if (rc == 0 && !has_received &&
			slice_eq_nocase(field.name, slice_lit("Received"))) {
			has_received = true; /* ours */
			(*at)->is_shown = false;
		}
	}
	return rc == 0 && from.len ? append(fields, (struct slice){0}, from, err) : rc;
}

/* Without the CRs of folded lines, and without the last line's end. */
struct slice milter_field_value(
	const struct milter_fields *fields, const struct milter_field *field)
{
	struct slice in = slice_from(field->raw, slice_chr(field->raw, ':') + 1);
	char *to = arena_array(fields->arena, char, in.len + 1);
	size_t n = 0;

	if (!to)
		return (struct slice){0};
	if (!fields->keeps_space && in.len && (in.ptr[0] == ' ' || in.ptr[0] == '\t'))
		in = slice_from(in, 1);
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] != '\r')
			to[n++] = in.ptr[i];
	}
	while (n && to[n - 1] == '\n')
		n--;
	return (struct slice){to, n};
}

/* RFC 5322 2.2: a name is printable and has no colon. */
static bool is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~' || name.ptr[i] == ':')
			return false;
	}
	return name.len > 0 && name.len <= MIME_FIELD_NAME_MAX;
}

/* What is no folded line of the value must not become a field, or the end of the header. */
static void put_value(struct buf *out, struct slice value)
{
	bool is_line_end = false;

	while (value.len && (value.ptr[value.len - 1] == '\n' || value.ptr[value.len - 1] == '\r'))
		value.len--;
	for (size_t i = 0; i < value.len; i++) {
		const char c = value.ptr[i];

		if (c == '\r')
			continue;
		if (c == '\n' && is_line_end)
			continue; /* a blank line would end the header */
		if (is_line_end && c != ' ' && c != '\t')
			buf_byte(out, '\t');
		if (c == '\n')
			buf_lit(out, "\r\n");
		else
			buf_byte(out, c);
		is_line_end = c == '\n';
	}
	buf_lit(out, "\r\n");
}

static int make_raw(struct milter_fields *fields, struct slice name, struct slice value,
	struct slice *out, struct err *err)
{
	struct buf raw AUTO(buf_done);

	buf_init(&raw, SCAN_HEAD_MAX);
	if (!is_name(name))
		return err_set(err, ERR_SYNTAX, "the filter adds what is no header field");
	if (++fields->changes > MILTER_CHANGES_MAX)
		return err_set(err, ERR_TOOBIG, "the filter changes too much");
	buf_append(&raw, name);
	buf_str(&raw, fields->keeps_space ? ":" : ": ");
	put_value(&raw, value);
	*out = arena_dup(fields->arena, buf_slice(&raw));
	return raw.failed || !out->ptr ? err_set(err, ERR_TOOBIG, "the filter adds too much") : 0;
}

int milter_fields_add(
	struct milter_fields *fields, struct slice name, struct slice value, struct err *err)
{
	struct slice raw;
	int rc = make_raw(fields, name, value, &raw, err);

	name = arena_dup(fields->arena, name);
	return rc == 0 ? append(fields, name, raw, err) : rc;
}

int milter_fields_insert(struct milter_fields *fields, uint32_t at, struct slice name,
	struct slice value, struct err *err)
{
	struct milter_field **link = &fields->first, *f;
	struct slice raw;
	int rc = make_raw(fields, name, value, &raw, err);

	if (rc < 0)
		return rc;
	f = new_field(fields, arena_dup(fields->arena, name), raw, err);
	if (!f)
		return -ERR_TOOBIG;
	while (*link && !((*link)->is_shown && at-- == 0))
		link = &(*link)->next;
	f->next = *link;
	*link = f;
	if (!f->next)
		fields->last = &f->next;
	return 0;
}

int milter_fields_change(struct milter_fields *fields, uint32_t index, struct slice name,
	struct slice value, struct err *err)
{
	struct milter_field *f = fields->first;
	struct slice raw = {0};
	int rc;

	for (; f; f = f->next) {
		if (f->is_shown && slice_eq_nocase(f->name, name) && index-- <= 1)
			break;
	}
	if (!f)
		return value.len ? milter_fields_add(fields, name, value, err) : 0;
	rc = make_raw(fields, name, value, &raw, err);
	if (rc == 0)
		f->raw = value.len ? raw : (struct slice){0};
	return rc;
}

void milter_fields_write(const struct milter_fields *fields, struct buf *out)
{
	for (const struct milter_field *f = fields->first; f; f = f->next)
		buf_append(out, f->raw);
}

void milter_put_lines(struct buf *out, struct slice body)
{
	for (size_t i = 0; i < body.len; i++) {
		const char c = body.ptr[i];
		const bool has_cr = i > 0 && body.ptr[i - 1] == '\r';

		if (c == '\n' && !has_cr)
			buf_byte(out, '\r');
		buf_byte(out, c);
		if (c == '\r' && (i + 1 == body.len || body.ptr[i + 1] != '\n'))
			buf_byte(out, '\n');
	}
}
