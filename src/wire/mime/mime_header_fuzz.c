/* mime_header_fuzz.c - libFuzzer target: a header block, each value read in every way. */
#include <stdlib.h>

#include "wire/mime/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] < 0x20)
			abort();
	}
}

static void read_addresses(struct slice value)
{
	struct arena arena AUTO(arena_done);
	size_t texts = 0, depth = 0;

	arena_init(&arena, 1 << 20);
	for (struct mime_address *a = mime_address_parse(value, 100, &arena); a; a = a->next) {
		texts += a->route.len + a->mailbox.len + a->domain.len;
		depth += a->kind == MIME_ADDRESS_GROUP;
		if (a->kind == MIME_ADDRESS_GROUP_END && depth-- == 0)
			abort();
	}
	if (texts > value.len)
		abort();
}

static void read_value(struct slice value)
{
	struct buf out AUTO(buf_done);
	struct mime_date date;

	buf_init(&out, 1 << 20);
	mime_header_unfold(value, &out);
	if (out.len > value.len)
		abort();
	buf_clear(&out);
	mime_header_decode(value, &out);
	check_text(buf_slice(&out));
	buf_clear(&out);
	(void)mime_subject_base(value, &out);
	check_text(buf_slice(&out));
	if (mime_date_parse(value, &date) && (date.zone_min < -1440 || date.zone_min > 1440))
		abort();
	read_addresses(value);
	for (struct slice rest = value; mime_msgid_next(&rest, &out);) {
		if (out.len == 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice block = {(const char *)data, size}, name = slice_lit("to");
	struct slice rest = block;
	struct buf out AUTO(buf_done);
	struct mime_field field;

	buf_init(&out, size);
	if (size > 4096)
		return 0;
	mime_header_filter(block, &name, 1, true, &out);
	if (out.failed)
		abort();
	read_value(block);
	while (mime_header_next(&rest, &field)) {
		if (field.raw.ptr + field.raw.len != rest.ptr || field.name.len == 0)
			abort();
		read_value(field.value);
	}
	return 0;
}
