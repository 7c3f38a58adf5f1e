/* tags.c - see tags.h. */
#include "mailauth/tags.h"

#include "base/encode.h"

static bool is_alpha(char c)
{
	unsigned char low = ascii_lower((unsigned char)c);

	return low >= 'a' && low <= 'z';
}

static bool is_name(struct slice s)
{
	if (s.len == 0 || !is_alpha(s.ptr[0]))
		return false;
	for (size_t i = 1; i < s.len; i++) {
		char c = s.ptr[i];

		if (!is_alpha(c) && !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return true;
}

static bool is_value(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
			return false;
	}
	return true;
}

/* One "name=value"; 0, or why it is none. */
static int take_tag(struct slice item, struct tags *tags, struct err *err)
{
	struct slice value, name;

	if (slice_chr(item, '=') == SIZE_MAX)
		return err_set(err, ERR_SYNTAX, "a tag without a value");
	name = slice_trim(slice_cut(item, '=', &value));
	if (!is_name(name) || !is_value(value))
		return err_set(err, ERR_SYNTAX, "a malformed tag");
	for (size_t i = 0; i < tags->n; i++)
		if (slice_eq(tags->list[i].name, name))
			return err_set(err, ERR_SYNTAX, "a tag stands twice");
	if (tags->n == TAGS_MAX)
		return err_set(err, ERR_TOOBIG, "more than %d tags", TAGS_MAX);
	tags->list[tags->n++] = (struct tag){name, slice_trim(value)};
	return 0;
}

int tags_parse(struct slice text, struct tags *out, struct err *err)
{
	struct slice rest = text;
	int rc;

	out->n = 0;
	while (slice_trim(rest).len > 0) {
		rc = take_tag(slice_cut(rest, ';', &rest), out, err);
		if (rc < 0) {
			out->n = 0;
			return rc;
		}
	}
	return 0;
}

void tags_parse_loose(struct slice text, struct tags *out)
{
	struct slice rest = text;
	struct err err;

	out->n = 0;
	while (slice_trim(rest).len > 0 && out->n < TAGS_MAX)
		if (take_tag(slice_cut(rest, ';', &rest), out, &err) < 0)
			continue;
}

struct slice tags_get(const struct tags *tags, const char *name)
{
	for (size_t i = 0; i < tags->n; i++)
		if (slice_eq(tags->list[i].name, slice_str(name)))
			return tags->list[i].value;
	return (struct slice){0};
}

bool tags_number(struct slice value, uint64_t *out)
{
	return value.len > 0 && value.len <= 15 && slice_to_u64(value, UINT64_MAX, out);
}

int tags_base64(
	struct slice value, size_t max, struct arena *arena, struct slice *out, struct err *err)
{
	struct buf packed AUTO(buf_done), bytes AUTO(buf_done);
	struct slice copy;
	int rc;

	/* Four digits for three bytes, and the white space is not counted. */
	buf_init(&packed, max / 3 * 4 + 4);
	buf_init(&bytes, max);
	for (size_t i = 0; i < value.len; i++)
		if (slice_chr(slice_lit(" \t\r\n"), value.ptr[i]) == SIZE_MAX)
			buf_byte(&packed, value.ptr[i]);
	rc = buf_check(&packed, "base64", err);
	if (rc == 0)
		rc = base64_decode(&bytes, buf_slice(&packed), err);
	if (rc == 0)
		rc = buf_check(&bytes, "base64", err);
	if (rc < 0)
		return rc;
	copy = arena_dup(arena, buf_slice(&bytes));
	if (bytes.len > 0 && !copy.ptr)
		return err_set(err, ERR_TOOBIG, "the signature needs too much memory");
	*out = copy;
	return 0;
}

bool tags_item(struct slice *rest, struct slice *out)
{
	if (!rest->ptr)
		return false;
	*out = slice_trim(slice_cut(*rest, ':', rest));
	return true;
}

bool tags_has(struct slice list, const char *item)
{
	struct slice one;

	while (tags_item(&list, &one))
		if (slice_eq_nocase(one, slice_str(item)))
			return true;
	return false;
}
