/* field.c - see field.h for the contract. */
#include "wire/http/field.h"

#include "wire/http/chars.h"

struct slice http_cookie_find(struct slice value, struct slice name)
{
	while (value.len) {
		struct slice text;
		const struct slice pair = http_trim(slice_cut(value, ';', &value));

		if (!slice_eq(slice_cut(pair, '=', &text), name) || !text.ptr)
			continue;
		if (text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"')
			return slice_head(slice_from(text, 1), text.len - 2);
		return text;
	}
	return (struct slice){NULL, 0};
}

/* From behind the first quote: the text, and *rest behind the last one. */
static struct slice take_quoted(struct slice *rest, struct arena *arena)
{
	char *text = arena_alloc(arena, rest->len + 1);
	size_t n = 0, i = 0;

	while (text && i < rest->len && rest->ptr[i] != '"') {
		if (rest->ptr[i] == '\\' && i + 1 < rest->len &&
			(rest->ptr[i + 1] == '"' || rest->ptr[i + 1] == '\\'))
			i++;
		text[n++] = rest->ptr[i++];
	}
	if (!text || i == rest->len) {
		*rest = (struct slice){NULL, 0};
		return *rest;
	}
	*rest = slice_from(*rest, i + 1);
	return (struct slice){text, n};
}

static struct slice take_param_value(struct slice *rest, struct arena *arena)
{
	size_t n = 0;
	struct slice value;

	if (rest->len && rest->ptr[0] == '"') {
		*rest = slice_from(*rest, 1);
		return take_quoted(rest, arena);
	}
	while (n < rest->len && http_is_token_byte((unsigned char)rest->ptr[n]))
		n++;
	value = slice_head(*rest, n);
	*rest = slice_from(*rest, n);
	return n ? value : (struct slice){NULL, 0};
}

struct slice http_field_param(struct slice value, struct slice name, struct arena *arena)
{
	struct slice rest;

	slice_cut(value, ';', &rest);
	while (rest.len) {
		size_t n = 0;
		struct slice found, text;

		rest = http_trim(rest);
		while (n < rest.len && http_is_token_byte((unsigned char)rest.ptr[n]))
			n++;
		found = slice_head(rest, n);
		rest = slice_from(rest, n);
		if (rest.len == 0 || rest.ptr[0] != '=' || n == 0)
			break;
		rest = slice_from(rest, 1);
		text = take_param_value(&rest, arena);
		if (!text.ptr || slice_eq_nocase(found, name))
			return text;
		rest = http_trim(rest);
		if (rest.len && rest.ptr[0] != ';')
			break;
		rest = slice_from(rest, 1);
	}
	return (struct slice){NULL, 0};
}

/* "q=0", "q=0.000" say no; every other weight says yes. */
static bool is_refused(struct slice params)
{
	while (params.len) {
		struct slice weight;
		const struct slice param = http_trim(slice_cut(params, ';', &params));

		if (!slice_eq_nocase(http_trim(slice_cut(param, '=', &weight)), slice_lit("q")))
			continue;
		weight = http_trim(weight);
		while (weight.len && (weight.ptr[0] == '0' || weight.ptr[0] == '.'))
			weight = slice_from(weight, 1);
		return weight.len == 0;
	}
	return false;
}

bool http_accepts(struct slice accept_encoding, struct slice coding)
{
	struct slice element;
	bool is_any = false;

	while (http_list_next(&accept_encoding, &element)) {
		struct slice params;
		const struct slice name = http_trim(slice_cut(element, ';', &params));

		if (slice_eq_nocase(name, coding))
			return !is_refused(params);
		if (slice_eq(name, slice_lit("*")))
			is_any = !is_refused(params);
	}
	return is_any;
}

static struct slice opaque_tag(struct slice etag)
{
	return slice_starts(etag, slice_lit("W/")) ? slice_from(etag, 2) : etag;
}

bool http_etag_matches(struct slice list, struct slice etag, bool is_weak_enough)
{
	struct slice element;

	if (slice_eq(http_trim(list), slice_lit("*")))
		return true;
	while (http_list_next(&list, &element)) {
		if (is_weak_enough
				? slice_eq(opaque_tag(element), opaque_tag(etag))
				: slice_eq(element, etag) && !slice_starts(etag, slice_lit("W/")))
			return true;
	}
	return false;
}

int http_range_parse(struct slice value, uint64_t size, uint64_t *from_out, uint64_t *length_out)
{
	struct slice last;
	uint64_t from, to = UINT64_MAX;

	if (!slice_starts_nocase(value, slice_lit("bytes=")) || slice_chr(value, ',') != SIZE_MAX)
		return 0;
	value = http_trim(slice_from(value, 6));
	value = slice_cut(value, '-', &last);
	if (!last.ptr || (value.len == 0 && last.len == 0) ||
		(last.len && !slice_to_u64(last, UINT64_MAX, &to)) ||
		(value.len && !slice_to_u64(value, UINT64_MAX, &from)))
		return 0;
	if (value.len == 0) { /* the last `to` bytes */
		if (to == 0 || size == 0)
			return -1;
		*from_out = to < size ? size - to : 0;
		*length_out = size - *from_out;
		return 1;
	}
	if (to < from)
		return 0;
	if (from >= size)
		return -1;
	*from_out = from;
	*length_out = (to < size ? to + 1 : size) - from;
	return 1;
}
