/* rdata.c - see rdata.h for the contract. */
#include "wire/dns/rdata.h"

#include <string.h>

#include "base/encode.h"

enum { BITS = 8, WORD = 2, LONG = 4, NIBBLE = 4, WIRE_NAME_MAX = 255 };

static bool take_byte(struct slice *in, unsigned *out)
{
	if (in->len == 0)
		return false;
	*out = (unsigned char)in->ptr[0];
	*in = slice_from(*in, 1);
	return true;
}

static bool take_bytes(struct slice *in, size_t n, struct slice *out)
{
	if (in->len < n)
		return false;
	*out = slice_head(*in, n);
	*in = slice_from(*in, n);
	return true;
}

static bool take_u16(struct slice *in, unsigned *out)
{
	unsigned high, low;

	if (in->len < WORD || !take_byte(in, &high) || !take_byte(in, &low))
		return false;
	*out = high << BITS | low;
	return true;
}

static bool take_u32(struct slice *in, uint32_t *out)
{
	struct slice bytes;

	if (!take_bytes(in, LONG, &bytes))
		return false;
	*out = be32_get((const unsigned char *)bytes.ptr);
	return true;
}

/* The labels of one name, up to and with the empty one. */
static bool take_name(struct slice *in, struct arena *arena, struct slice *out)
{
	struct slice rest = *in, label = {0};
	char text[WIRE_NAME_MAX];
	size_t n = 0;
	unsigned len;

	do {
		if (!take_byte(&rest, &len) || len > DNS_LABEL_MAX ||
			!take_bytes(&rest, len, &label) || slice_chr(label, '.') != SIZE_MAX ||
			n + len + 1 > sizeof(text))
			return false;
		if (len) {
			memcpy(text + n, label.ptr, len);
			n += len;
			text[n++] = '.';
		}
	} while (len);
	if (!dns_name_parse((struct slice){text, n}, arena, out))
		return false;
	*in = rest;
	return true;
}

bool dns_read_address(struct slice rdata, struct ip *out)
{
	return ip_from_bytes(rdata, out);
}

bool dns_read_host(struct slice rdata, struct arena *arena, struct slice *out)
{
	struct slice host;

	if (!take_name(&rdata, arena, &host) || rdata.len)
		return false;
	*out = host;
	return true;
}

bool dns_read_mx(struct slice rdata, struct arena *arena, struct dns_mx *out)
{
	struct dns_mx mx;

	if (!take_u16(&rdata, &mx.preference) || !dns_read_host(rdata, arena, &mx.host))
		return false;
	*out = mx;
	return true;
}

bool dns_read_txt(struct slice rdata, struct arena *arena, struct slice *out)
{
	char *text = arena_alloc(arena, rdata.len + 1);
	struct slice part;
	size_t n = 0;
	unsigned len;

	if (!text || rdata.len == 0)
		return false;
	while (take_byte(&rdata, &len)) {
		if (!take_bytes(&rdata, len, &part))
			return false;
		if (len)
			memcpy(text + n, part.ptr, len);
		n += len;
	}
	*out = (struct slice){text, n};
	return true;
}

bool dns_read_srv(struct slice rdata, struct arena *arena, struct dns_srv *out)
{
	struct dns_srv srv;

	if (!take_u16(&rdata, &srv.priority) || !take_u16(&rdata, &srv.weight) ||
		!take_u16(&rdata, &srv.port) || !dns_read_host(rdata, arena, &srv.host))
		return false;
	*out = srv;
	return true;
}

bool dns_read_tlsa(struct slice rdata, struct dns_tlsa *out)
{
	struct dns_tlsa tlsa;

	if (!take_byte(&rdata, &tlsa.usage) || !take_byte(&rdata, &tlsa.selector) ||
		!take_byte(&rdata, &tlsa.matching) || rdata.len == 0)
		return false;
	tlsa.data = rdata;
	*out = tlsa;
	return true;
}

bool dns_read_soa(struct slice rdata, struct arena *arena, struct dns_soa *out)
{
	struct dns_soa soa;

	if (!take_name(&rdata, arena, &soa.primary) || !take_name(&rdata, arena, &soa.contact) ||
		!take_u32(&rdata, &soa.serial) || !take_u32(&rdata, &soa.refresh) ||
		!take_u32(&rdata, &soa.retry) || !take_u32(&rdata, &soa.expire) ||
		!take_u32(&rdata, &soa.minimum) || rdata.len)
		return false;
	*out = soa;
	return true;
}

void dns_reverse_name(const struct ip *ip, struct slice zone, struct buf *out)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = ip->len; i-- > 0;) {
		if (ip->len == IP_V4) {
			buf_u64(out, ip->bytes[i]);
			buf_byte(out, '.');
			continue;
		}
		buf_byte(out, hex[ip->bytes[i] & 0xf]);
		buf_byte(out, '.');
		buf_byte(out, hex[ip->bytes[i] >> NIBBLE]);
		buf_byte(out, '.');
	}
	if (zone.len)
		buf_append(out, zone);
	else
		buf_str(out, ip->len == IP_V4 ? "in-addr.arpa" : "ip6.arpa");
}
