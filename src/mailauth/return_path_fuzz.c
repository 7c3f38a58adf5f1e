/* return_path_fuzz.c - libFuzzer target: addresses that come back, and any sender made into one. */
#include <stdlib.h>
#include <string.h>

#include "mailauth/return_path.h"
#include "wire/smtp/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1700000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice input = {(const char *)data, size};
	struct return_keys keys = {.list = {{.id = 1}, {.id = 0}}, .n = 2};
	struct arena arena AUTO(arena_done);
	struct buf out AUTO(buf_done), path AUTO(buf_done);
	struct slice back;

	arena_init(&arena, 1 << 20);
	buf_init(&out, 4 * RETURN_PATH_MAX);
	buf_init(&path, 4 * RETURN_PATH_MAX);
	memset(keys.list[0].bytes, 1, RETURN_KEY_LEN);
	(void)srs_read(&keys, input, NOW, &arena, &back);
	if (prvs_read(&keys, input, NOW, &back) != RETURN_PLAIN &&
		!slice_eq(back, prvs_strip(input)))
		abort();
	/* What we make is known again, and leads back to what it was made of. */
	if (prvs_put(&keys, input, NOW, &out) &&
		(prvs_read(&keys, buf_slice(&out), NOW, &back) != RETURN_GOOD ||
			!slice_eq(back, input)) &&
		out.len <= RETURN_PATH_MAX)
		abort();
	if (srs_put(&keys, input, slice_lit("f.example"), NOW, &path)) {
		struct smtp_addr from, to;
		struct err err;

		if (smtp_addr_parse(input, &arena, &from, &err) < 0 ||
			smtp_addr_parse(buf_slice(&path), &arena, &to, &err) < 0)
			abort();
		if (slice_starts(to.local, slice_lit("SRS0")) &&
			(srs_read(&keys, to.local, NOW, &arena, &back) != RETURN_GOOD ||
				!slice_eq(back, from.text)))
			abort();
	}
	return 0;
}
