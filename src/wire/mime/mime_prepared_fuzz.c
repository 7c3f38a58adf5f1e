/* mime_prepared_fuzz.c - libFuzzer target: any bytes for a blob; ranges stay within the message. */
#include <stdlib.h>

#include "wire/mime/prepare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mime_section *s, uint64_t size)
{
	if (s->mime.start > s->mime.end || s->mime.end > s->body.end || s->body.end > size)
		abort();
	if (s->has_message && (s->header.end > s->text.start || s->text.end > size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice blob = {(const char *)data, size};
	const struct slice names[] = {slice_lit("From"), slice_lit("X")};
	struct buf fields AUTO(buf_done);
	struct mime_prepared prepared;
	struct mime_section s;
	struct err err;
	size_t at = 0;

	buf_init(&fields, 1 << 20);
	(void)mime_prepared_covers(blob, names, 2);
	(void)!mime_prepared_fields(blob, names, 2, &fields, &err);
	if (mime_prepared_open(blob, &prepared, &err) < 0)
		return 0;
	while (mime_prepared_next(&prepared, &at, &s, &err) > 0)
		check(&s, prepared.size);
	for (uint32_t i = 0; i < 27; i++) {
		const uint32_t path[] = {1 + i % 3, 1 + i / 3 % 3, 1 + i / 9};

		for (size_t count = 1; count <= 3; count++) {
			if (mime_prepared_section(blob, path, count, &s, &err) == 0)
				check(&s, prepared.size);
		}
	}
	return 0;
}
