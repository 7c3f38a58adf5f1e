/* milter_fuzz.c - any bytes as what a filter sends: lengths, options and answers stay in bounds. */
#include <stdlib.h>
#include <string.h>

#include "wire/milter/milter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct slice all, struct slice part)
{
	if (part.len && (part.ptr < all.ptr || part.ptr + part.len > all.ptr + all.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = {(const char *)data, size};
	struct milter_options options;
	struct milter_said said;
	struct err err;
	int64_t len;

	while ((len = milter_length(rest, &err)) > 0) {
		const struct slice packet = slice_head(rest, (size_t)len);

		if (packet.len != (size_t)len)
			abort();
		if (milter_read_options(packet, &options, &err) == 0 &&
			options.version > MILTER_VERSION)
			abort();
		if (milter_read(packet, &said, &err) == 0) {
			check_inside(packet, said.name);
			check_inside(packet, said.value);
		}
		rest = slice_from(rest, packet.len);
	}
	return 0;
}
