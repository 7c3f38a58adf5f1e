/* page_fuzz.c - libFuzzer target: values as JSON, then a template; what is escaped holds no markup
 * that the template did not have. */
#include <stdlib.h>

#include "page/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest, json = slice_cut((struct slice){(const char *)data, size}, '\0', &rest);
	const struct page_template templates[] = {
		{"a", false, rest}, {"b", true, rest}, {"c", false, slice_lit("<{{name}}>")}};
	const struct page_set set = {templates, 3};
	json_t *values = json_loadb(json.ptr ? json.ptr : "", json.len, 0, NULL);
	struct buf out AUTO(buf_done);
	struct err err;

	buf_init(&out, 1 << 16);
	(void)!page_set_check(&set, &err);
	if (page_render(&set, "a", values, values, &out, &err) == 0)
		buf_clear(&out);
	buf_clear(&out);
	if (page_render(&set, "c", values, NULL, &out, &err) == 0 &&
		slice_rchr(buf_slice(&out), '<') != 0)
		abort();
	json_decref(values);
	return 0;
}
