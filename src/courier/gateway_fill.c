/* gateway_fill.c - the gateway's templates: see gateway.h. Pure. */
#include "courier/gateway.h"

static void put_percent(struct slice text, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.ptr[i], l = ascii_lower(c);

		if ((l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
			c == '_' || c == '~') {
			buf_byte(out, (char)c);
		} else {
			buf_byte(out, '%');
			buf_byte(out, digits[c >> 4]);
			buf_byte(out, digits[c & 15]);
		}
	}
}

/* Inside the quotes that stand in the template. */
static void put_json(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.ptr[i];

		if (c == '"' || c == '\\')
			buf_byte(out, '\\');
		if (c < ' ')
			buf_printf(out, "\\u%04x", c);
		else
			buf_byte(out, (char)c);
	}
}

static void put(struct slice value, enum gateway_coding coding, struct buf *out)
{
	if (coding == GATEWAY_PERCENT)
		put_percent(value, out);
	else if (coding == GATEWAY_JSON)
		put_json(value, out);
	else
		buf_append(out, value);
}

enum gateway_coding gateway_coding_of(struct slice type)
{
	struct slice rest;
	const struct slice media = slice_trim(slice_cut(type, ';', &rest));

	if (slice_eq_nocase(media, slice_lit("application/x-www-form-urlencoded")))
		return GATEWAY_PERCENT;
	return slice_ends(media, slice_lit("json")) ? GATEWAY_JSON : GATEWAY_PLAIN;
}

void gateway_fill(struct slice template, const struct gateway_values *values,
	enum gateway_coding coding, struct buf *out)
{
	const struct {
		struct slice name, value;
	} rows[] = {
		{slice_lit("{number}"), values->number},
		{slice_lit("{text}"), values->text},
		{slice_lit("{secret}"), values->secret},
	};

	while (template.len) {
		size_t i = 0;

		while (i < sizeof(rows) / sizeof(rows[0]) && !slice_starts(template, rows[i].name))
			i++;
		if (i < sizeof(rows) / sizeof(rows[0])) {
			put(rows[i].value, coding, out);
			template = slice_from(template, rows[i].name.len);
		} else {
			buf_byte(out, template.ptr[0]);
			template = slice_from(template, 1);
		}
	}
}
