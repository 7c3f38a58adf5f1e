/* block_fuzz.c - any bytes as an index block: refused, or what it says packs to something that says
 * the same. The first byte chooses the block. */
#include <stdlib.h>
#include <string.h>

#include "store/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct entry entries[BLOCK_ENTRIES], again[BLOCK_ENTRIES];
	static struct attr attrs[BLOCK_ENTRIES], attrs_again[BLOCK_ENTRIES];
	struct buf packed AUTO(buf_done) = {.max = BLOCK_PACKED_MAX};
	struct err err;
	size_t n, m;

	if (size == 0 || block_unpack((struct slice){(const char *)data + 1, size - 1}, data[0],
				 entries, attrs, &n, &err) < 0)
		return 0;
	block_pack(&packed, data[0], entries, attrs, n);
	if (block_unpack(buf_slice(&packed), data[0], again, attrs_again, &m, &err) < 0 || m != n)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (entries[i].uid != again[i].uid || entries[i].message != again[i].message ||
			entries[i].received_s != again[i].received_s ||
			memcmp(&attrs[i], &attrs_again[i], sizeof(attrs[i])) != 0)
			abort();
	}
	return 0;
}
