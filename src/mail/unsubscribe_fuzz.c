/* unsubscribe_fuzz.c - any header: what comes of it is a URL as it may be shown. */
#include <assert.h>
#include <stdint.h>

#include "base/err.h"
#include "mail/unsubscribe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mail_unsubscribe found;
	struct arena arena AUTO(arena_done);

	arena_init(&arena, 1 << 20);
	mail_unsubscribe_read((struct slice){(const char *)data, size}, slice_lit("mx.our.example"),
		&arena, &found);
	assert(!found.is_one_click || found.web.len);
	assert(!found.web.len || slice_starts_nocase(found.web, slice_lit("https://")));
	for (size_t i = 0; i < found.web.len; i++)
		assert(found.web.ptr[i] > ' ' && found.web.ptr[i] != '"');
	return 0;
}
