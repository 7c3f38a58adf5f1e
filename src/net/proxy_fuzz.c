/* proxy_fuzz.c - any bytes as a PROXY header: must stay in bounds and give an address or none. */
#include <stdlib.h>

#include "net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = {(const char *)data, 0};
	bool has_source = false;
	struct ip ip = {0};
	int wants;

	while ((wants = proxy_wants(in)) > 0) {
		in.len += (size_t)wants;
		if (in.len > PROXY_MAX)
			abort();
		if (in.len > size)
			return 0;
	}
	if (wants == 0 && proxy_read(in, &has_source, &ip) && has_source && ip.len != IP_V4 &&
		ip.len != IP_V6)
		abort();
	return 0;
}
