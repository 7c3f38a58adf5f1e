/* html_fuzz.c - libFuzzer target: what comes out of HTML mail has no way to run or load anything.
 */
#include <stdlib.h>

#include "web/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Case does not matter to browsers; text cannot hold "<", so this is a tag. */
static bool has_tag(struct slice html, const char *name)
{
	for (size_t i = 0; i < html.len; i++) {
		if (html.ptr[i] == '<' &&
			slice_starts_nocase(slice_from(html, i + 1), slice_str(name)))
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const bad[] = {"script", "style", "iframe", "svg", "math", "object",
		"embed", "link", "meta", "base", "form", "input", "!", "?"};
	const struct slice html = {(const char *)data, size};
	const struct html_options options = {0};
	struct html_result result;
	struct buf out AUTO(buf_done);

	html_init();
	buf_init(&out, 4 << 20);
	html_clean(html, &options, &out, &result);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (has_tag(buf_slice(&out), bad[i]))
			abort();
	}
	buf_clear(&out);
	html_to_text(html, &out);
	return 0;
}
