/* mime_sevenbit_fuzz.c - any message, cut anywhere, becomes ASCII with the same parts, or is left.
 */
#include <stdlib.h>

#include "wire/mime/sevenbit.h"

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

static bool convert(
	const struct mime_message *message, struct slice text, size_t step, struct buf *out)
{
	struct mime_sevenbit *s = mime_sevenbit_new(message);
	bool can;

	for (size_t at = 0; at < text.len; at += step)
		mime_sevenbit_look(s, slice_head(slice_from(text, at), step));
	can = mime_sevenbit_begin(s);
	for (size_t at = 0; can && at < text.len; at += step)
		mime_sevenbit_feed(s, slice_head(slice_from(text, at), step), out);
	mime_sevenbit_free(&s);
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

static void check(const struct mime_message *message, struct slice out)
{
	struct mime_message *again = parse(out);

	for (size_t i = 0; i < out.len; i++) {
		if ((unsigned char)out.ptr[i] >= 0x80)
			abort();
	}
	check_same(message->root, again->root);
	mime_message_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole AUTO(buf_done), cut AUTO(buf_done);
	struct mime_message *message;
	struct slice text;
	bool can;

	buf_init(&whole, OUT_MAX);
	buf_init(&cut, OUT_MAX);
	if (size == 0)
		return 0;
	text = (struct slice){(const char *)data + 1, size - 1};
	message = parse(text);
	can = convert(message, text, size, &whole);
	if (convert(message, text, 1 + data[0] % 16, &cut) != can ||
		!slice_eq(buf_slice(&whole), buf_slice(&cut)))
		abort();
	if (can)
		check(message, buf_slice(&whole));
	mime_message_free(&message);
	return 0;
}
