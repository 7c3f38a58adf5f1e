/* mime_downgrade_fuzz.c - any message, cut anywhere, becomes ASCII, or lines, with the same parts,
 * or is left. */
#include <stdlib.h>

#include "wire/mime/downgrade.h"

enum { OUT_MAX = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mime_message *parse(struct slice text)
{
	struct mime_parser *p = mime_parser_new(&mime_limits_default);
	struct mime_message *message;

	mime_parser_feed(p, text);
	message = mime_parser_finish(p);
	mime_parser_free(&p);
	return message;
}

static bool convert(const struct mime_message *message, enum downgrade_to to, struct slice text,
	size_t step, struct buf *out)
{
	struct mime_downgrade *s = mime_downgrade_new(message, to);
	bool can;

	for (size_t at = 0; at < text.len; at += step)
		mime_downgrade_look(s, slice_head(slice_from(text, at), step));
	can = mime_downgrade_begin(s);
	for (size_t at = 0; can && at < text.len; at += step)
		mime_downgrade_feed(s, slice_head(slice_from(text, at), step), out);
	mime_downgrade_free(&s);
	return can;
}

static void check_same(const struct mime_part *a, const struct mime_part *b)
{
	if (a->kind != b->kind || !slice_eq(a->type, b->type) || !slice_eq(a->subtype, b->subtype))
		abort();
	a = a->children;
	b = b->children;
	for (; a && b; a = a->next, b = b->next)
		check_same(a, b);
	if (a || b)
		abort();
}

static bool is_fit(enum downgrade_to to, struct slice out)
{
	for (size_t i = 0; i < out.len; i++) {
		const bool has_cr = i > 0 && out.ptr[i - 1] == '\r';

		if (to == DOWNGRADE_TO_ASCII && (unsigned char)out.ptr[i] >= 0x80)
			return false;
		if (to == DOWNGRADE_TO_LINES &&
			(out.ptr[i] == '\0' || has_cr != (out.ptr[i] == '\n')))
			return false;
	}
	return true;
}

static void check(const struct mime_message *message, enum downgrade_to to, struct slice out)
{
	struct mime_message *again = parse(out);

	if (!is_fit(to, out))
		abort();
	check_same(message->root, again->root);
	mime_message_free(&again);
}

static void try(
	const struct mime_message *message, enum downgrade_to to, struct slice text, size_t step)
{
	struct buf whole AUTO(buf_done), cut AUTO(buf_done);
	bool can;

	buf_init(&whole, OUT_MAX);
	buf_init(&cut, OUT_MAX);
	can = convert(message, to, text, text.len + 1, &whole);
	if (convert(message, to, text, step, &cut) != can ||
		!slice_eq(buf_slice(&whole), buf_slice(&cut)))
		abort();
	if (can)
		check(message, to, buf_slice(&whole));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mime_message *message;
	struct slice text;

	if (size == 0)
		return 0;
	text = (struct slice){(const char *)data + 1, size - 1};
	message = parse(text);
	try(message, DOWNGRADE_TO_ASCII, text, 1 + data[0] % 16);
	try(message, DOWNGRADE_TO_LINES, text, 1 + data[0] % 16);
	mime_message_free(&message);
	return 0;
}
