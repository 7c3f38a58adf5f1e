/* pack_fuzz.c - libFuzzer target: no container gives more than the bound. */
#include <stdlib.h>

#include "report/pack.h"

enum { MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out AUTO(buf_done);
	struct err err;

	buf_init(&out, MAX);
	if (pack_open((struct slice){(const char *)data, size}, &out, &err) == 0 && out.failed)
		abort();
	if (out.len > MAX)
		abort();
	return 0;
}
