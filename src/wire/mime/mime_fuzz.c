/* mime_fuzz.c - libFuzzer target: any message, cut anywhere, gives one tree and one blob. */
#include <stdlib.h>
#include <string.h>

#include "wire/mime/prepare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mime_limits limits = {
	.depth_max = 8, .parts_max = 30, .header_bytes_max = 2000, .fields_max = 40};

/* The first byte tells how the rest is cut: 0 not at all, else in pieces of changing size. */
static struct mime_message *parse(struct slice text, unsigned seed)
{
	struct mime_parser *p = mime_parser_new(&limits);
	struct mime_message *message;

	while (text.len) {
		size_t n = text.len;

		if (seed) {
			seed = seed * 1103515245 + 12345;
			n = 1 + (seed >> 16) % (seed & 0x100 ? 3 : 90);
		}
		mime_parser_feed(p, slice_head(text, n));
		text = slice_from(text, n);
	}
	message = mime_parser_finish(p);
	mime_parser_free(&p);
	return message;
}

static size_t check_part(const struct mime_part *part)
{
	uint64_t at = part->body_start;
	size_t n = 1;

	if (part->header_start > part->body_start || part->body_start > part->body_end)
		abort();
	if ((part->kind == MIME_LEAF) != (part->children == NULL))
		abort();
	for (const struct mime_part *c = part->children; c; c = c->next) {
		if (c->header_start < at || c->body_end > part->body_end || c->parent != part)
			abort();
		at = c->body_end;
		n += check_part(c);
	}
	return n;
}

static void prepare(const struct mime_message *message, struct buf *out)
{
	struct err err;

	buf_init(out, MIME_PREPARED_MAX);
	if (message->root->body_end != message->size || check_part(message->root) != message->parts)
		abort();
	if (mime_prepare(message, out, &err) < 0)
		abort();
}

/* Brackets pair, and quoted strings and literals are what they should be. */
static void check_list(struct slice s)
{
	size_t depth = 0;

	while (s.len) {
		size_t n = 1;

		if (s.ptr[0] == '(') {
			depth++;
		} else if (s.ptr[0] == ')') {
			if (depth-- == 0)
				abort();
		} else if (s.ptr[0] == '"') {
			for (; n < s.len && s.ptr[n] != '"'; n++) {
				if ((unsigned char)s.ptr[n] >= 0x80 || strchr("\r\n", s.ptr[n]))
					abort();
				n += s.ptr[n] == '\\';
			}
			n++;
		} else if (s.ptr[0] == '{') {
			uint64_t len;

			n = slice_chr(s, '}');
			if (n == SIZE_MAX ||
				!slice_to_u64(slice_head(slice_from(s, 1), n - 1), s.len, &len))
				abort();
			n += 3 + len;
		}
		if (n > s.len)
			abort();
		s = slice_from(s, n);
	}
	if (depth)
		abort();
}

/* Kept header fields are what the message itself would give, but for the blank line's form. */
static void check_fields(const struct buf *blob, struct slice text)
{
	const struct slice names[] = {slice_lit("Subject"), slice_lit("to"), slice_lit("FROM")};
	struct buf kept AUTO(buf_done), read AUTO(buf_done);
	struct mime_prepared prepared;
	struct err err;

	buf_init(&kept, 1 << 20);
	buf_init(&read, 1 << 20);
	if (!mime_prepared_covers(buf_slice(blob), names, 3))
		return;
	if (mime_prepared_open(buf_slice(blob), &prepared, &err) < 0 ||
		mime_prepared_fields(buf_slice(blob), names, 3, &kept, &err) < 0)
		abort();
	mime_header_filter(slice_head(text, prepared.header_size), names, 3, false, &read);
	if (!slice_eq(slice_trim(buf_slice(&kept)), slice_trim(buf_slice(&read))))
		abort();
}

static void check_blob(const struct buf *blob)
{
	struct mime_prepared prepared;
	struct mime_section s;
	struct err err;
	size_t at = 0;
	int rc;

	if (mime_prepared_open(buf_slice(blob), &prepared, &err) < 0)
		abort();
	check_list(prepared.envelope);
	check_list(prepared.bodystructure);
	check_list(prepared.body);
	while ((rc = mime_prepared_next(&prepared, &at, &s, &err)) > 0)
		prepared.parts--;
	if (rc < 0 || prepared.parts)
		abort();
	for (uint32_t i = 0; i < 27; i++) {
		const uint32_t path[] = {1 + i % 3, 1 + i / 3 % 3, 1 + i / 9};

		for (size_t count = 0; count <= 3; count++) {
			if (mime_prepared_section(buf_slice(blob), path, count, &s, &err) ==
				-ERR_CORRUPT)
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mime_message *whole, *cut;
	struct buf a AUTO(buf_done), b AUTO(buf_done);
	struct slice text;

	buf_init(&a, 0);
	buf_init(&b, 0);
	if (size == 0)
		return 0;
	text = (struct slice){(const char *)data + 1, size - 1};
	whole = parse(text, 0);
	cut = parse(text, data[0] + 1u);
	prepare(whole, &a);
	prepare(cut, &b);
	if (!slice_eq(buf_slice(&a), buf_slice(&b)))
		abort();
	check_blob(&a);
	check_fields(&a, text);
	mime_message_free(&whole);
	mime_message_free(&cut);
	return 0;
}
