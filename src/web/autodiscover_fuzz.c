/* autodiscover_fuzz.c - libFuzzer target: what is found lies in the body. */
#include <stdlib.h>

#include "web/autodiscover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice body = {(const char *)data, size};
	const struct autodiscover got = autodiscover_read(body);

	if (got.address.len &&
		(got.address.ptr < body.ptr || got.address.len > size ||
			(size_t)(got.address.ptr - body.ptr) > size - got.address.len))
		abort();
	return 0;
}
