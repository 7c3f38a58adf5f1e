/* head_fuzz.c - libFuzzer target: any head, its path, its query, and its fields' values. */
#include <stdlib.h>

#include "wire/http/field.h"
#include "wire/http/head.h"
#include "wire/http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What every field parser makes of a value. */
static void read_value(struct slice value, struct arena *arena)
{
	uint64_t from = 0, length = 0;

	http_cookie_find(value, slice_lit("a"));
	http_field_param(value, slice_lit("boundary"), arena);
	http_accepts(value, slice_lit("gzip"));
	http_etag_matches(value, slice_lit("\"a\""), true);
	if (http_range_parse(value, 1000, &from, &length) > 0 &&
		(length == 0 || from >= 1000 || length > 1000 - from))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice text = {(const char *)data, size};
	struct arena arena AUTO(arena_done);
	struct http_pair *pairs;
	struct http_head head;
	struct slice path;
	struct err err;
	size_t seen = 0, n;

	arena_init(&arena, 8 << 20);
	http_head_end(text, &seen);
	if (http_head_parse(text, &arena, &head, &err))
		return 0;
	for (size_t i = 0; i < head.fields_n; i++)
		read_value(head.fields[i].value, &arena);
	if (http_path_parse(head.path, &arena, &path, &err) == 0 &&
		(path.ptr[0] != '/' || slice_find(path, slice_lit("/../")) != SIZE_MAX ||
			slice_find(path, slice_lit("//")) != SIZE_MAX))
		abort();
	if (http_params_parse(head.query, &arena, &pairs, &n, &err) == 0 && n > size)
		abort();
	return 0;
}
