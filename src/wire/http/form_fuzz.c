/* form_fuzz.c - libFuzzer target: forms of both kinds; the first byte says which. */
#include <stdlib.h>

#include "wire/http/multipart.h"
#include "wire/http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_parts(struct slice body, struct arena *arena)
{
	struct http_part *parts;
	struct err err;
	size_t n, bytes = 0;

	if (http_multipart_parse(body, slice_lit("xyz"), arena, &parts, &n, &err) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (parts[i].filename.ptr && slice_chr(parts[i].filename, '/') != SIZE_MAX)
			abort();
		bytes += parts[i].bytes.len;
	}
	if (bytes > body.len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice body = {(const char *)data + 1, size ? size - 1 : 0};
	struct arena arena AUTO(arena_done);
	struct http_pair *pairs;
	struct err err;
	size_t n;

	arena_init(&arena, 8 << 20);
	if (size == 0)
		return 0;
	if (data[0] == 'm')
		read_parts(body, &arena);
	else if (http_params_parse(body, &arena, &pairs, &n, &err) == 0 && n > size)
		abort();
	return 0;
}
