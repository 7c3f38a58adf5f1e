/* proxy_fuzz.c - any bytes as a PROXY header: must stay in bounds and give an address or none. */
#include <stdlib.h>

#include "net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice in = {(const char *)data, size};
	const int length = proxy_length(in);
	bool has_source = false;
	struct ip ip = {0};

	if (length > PROXY_MAX)
		abort();
	if (length <= 0 || (size_t)length > size)
		return 0;
	if (proxy_read(slice_head(in, (size_t)length), &has_source, &ip) && has_source &&
		ip.len != IP_V4 && ip.len != IP_V6)
		abort();
	return 0;
}
