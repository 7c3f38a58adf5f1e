/* cookie_fuzz.c - libFuzzer target: a cookie that is looked for in the value of a Cookie field. */
#include <stdlib.h>

#include "base/buf.h"
#include "wire/http/field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice find(struct buf *value)
{
	return http_cookie_find(buf_slice(value), slice_lit("a"));
}

static void must(bool is_so)
{
	if (!is_so)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice value = {(const char *)data, size};
	const struct slice found = http_cookie_find(value, slice_lit("a"));
	struct buf more AUTO(buf_done);

	buf_init(&more, size + 100);
	if (found.ptr) {
		must(found.ptr >= value.ptr && found.ptr + found.len <= value.ptr + value.len);
		must(slice_chr(found, ';') == SIZE_MAX);
	}
	/* What comes first is taken, and nothing behind it changes that. */
	buf_lit(&more, "a=mine; ");
	buf_append(&more, value);
	must(slice_eq(find(&more), slice_lit("mine")));
	buf_clear(&more);
	buf_append(&more, value);
	buf_lit(&more, "; other=1");
	must(!found.ptr || slice_eq(find(&more), found));
	return 0;
}
