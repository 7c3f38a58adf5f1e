/* proxy.c - see proxy.h for the contract. */
#include "net/proxy.h"

enum {
	VERSION_AT = 12,
	FAMILY_AT = 13,
	LENGTH_AT = 14,
	VERSION_2 = 0x20,
	LOCAL = 0,
	PROXY = 1,
	TCP_V4 = 0x11,
	TCP_V6 = 0x21,
	PORTS = 4,
	HIGH = 0xf0,
	LOW = 0x0f,
	BITS = 8,
};

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

int proxy_length(struct slice in)
{
	const unsigned char *p = (const unsigned char *)in.ptr;
	int length;

	if (!slice_eq(slice_head(in, sizeof(SIGNATURE) - 1),
		    slice_head(slice_lit(SIGNATURE), in.len)))
		return -1;
	if (in.len < PROXY_HEAD)
		return 0;
	length = PROXY_HEAD + (p[LENGTH_AT] << BITS | p[LENGTH_AT + 1]);
	return length > PROXY_MAX ? -1 : length;
}

bool proxy_read(struct slice header, bool *has_source_out, struct ip *source_out)
{
	const unsigned char *p = (const unsigned char *)header.ptr;
	const struct slice body = slice_from(header, PROXY_HEAD);
	size_t len = 0;

	if (proxy_length(header) != (int)header.len || (p[VERSION_AT] & HIGH) != VERSION_2)
		return false;
	*has_source_out = false;
	if ((p[VERSION_AT] & LOW) == LOCAL)
		return true;
	if ((p[VERSION_AT] & LOW) != PROXY)
		return false;
	if (p[FAMILY_AT] == TCP_V4)
		len = IP_V4;
	else if (p[FAMILY_AT] == TCP_V6)
		len = IP_V6;
	if (len == 0)
		return true;
	if (body.len < 2 * len + PORTS)
		return false;
	*has_source_out = true;
	return ip_from_bytes(slice_head(body, len), source_out);
}
