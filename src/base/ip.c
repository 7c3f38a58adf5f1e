/* ip.c - see ip.h for the contract. */
#include "base/ip.h"

#include <arpa/inet.h>
#include <string.h>

enum { MAPPED_LEN = 12, BYTE_MASK = 0xff };

bool ip_from_bytes(struct slice bytes, struct ip *out)
{
	static const char mapped[MAPPED_LEN] = {[10] = '\xff', [11] = '\xff'};

	if (bytes.len == IP_V6 && memcmp(bytes.ptr, mapped, MAPPED_LEN) == 0)
		bytes = slice_from(bytes, MAPPED_LEN);
	if (bytes.len != IP_V4 && bytes.len != IP_V6)
		return false;
	*out = (struct ip){.len = (unsigned char)bytes.len};
	memcpy(out->bytes, bytes.ptr, bytes.len);
	return true;
}

bool ip_parse(struct slice text, struct ip *out)
{
	char copy[IP_TEXT_MAX] = {0};
	char bytes[IP_V6];

	if (text.len == 0 || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, text.len);
	if (strlen(copy) != text.len)
		return false;
	if (inet_pton(AF_INET, copy, bytes) == 1)
		return ip_from_bytes((struct slice){bytes, IP_V4}, out);
	return inet_pton(AF_INET6, copy, bytes) == 1 &&
	       ip_from_bytes((struct slice){bytes, IP_V6}, out);
}

void ip_write(const struct ip *ip, char out[IP_TEXT_MAX])
{
	inet_ntop(ip->len == IP_V4 ? AF_INET : AF_INET6, ip->bytes, out, IP_TEXT_MAX);
}

bool ip_eq(const struct ip *a, const struct ip *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool is_in_any(const struct ip *ip, const struct ip_network *networks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (ip_is_in(ip, &networks[i]))
			return true;
	}
	return false;
}

bool ip_is_loopback(const struct ip *ip)
{
	static const struct ip_network loops[] = {{{IP_V4, {127}}, 8}, {{IP_V6, {[15] = 1}}, 128}};

	return is_in_any(ip, loops, sizeof(loops) / sizeof(loops[0]));
}

bool ip_is_private(const struct ip *ip)
{
	static const struct ip_network networks[] = {{{IP_V4, {0}}, 8}, {{IP_V4, {10}}, 8},
		{{IP_V4, {127}}, 8}, {{IP_V4, {169, 254}}, 16}, {{IP_V4, {172, 16}}, 12},
		{{IP_V4, {192, 168}}, 16}, {{IP_V6, {0}}, 127}, {{IP_V6, {0xfc}}, 7},
		{{IP_V6, {0xfe, 0x80}}, 10}};

	return is_in_any(ip, networks, sizeof(networks) / sizeof(networks[0]));
}

struct ip_network ip_network_of(const struct ip *ip, unsigned bits)
{
	const unsigned all = ip->len * IP_BITS_PER_BYTE;
	struct ip_network network = {*ip, bits < all ? bits : all};

	for (unsigned i = 0; i < ip->len; i++) {
		const unsigned before = i * IP_BITS_PER_BYTE;
		const unsigned kept = network.bits > before ? network.bits - before : 0;

		if (kept < IP_BITS_PER_BYTE)
			network.ip.bytes[i] &= (unsigned char)~(BYTE_MASK >> kept);
	}
	return network;
}

bool ip_network_parse(struct slice text, struct ip_network *out)
{
	struct slice bits_text;
	const struct slice address = slice_cut(text, '/', &bits_text);
	uint64_t bits = IP_V6 * IP_BITS_PER_BYTE;
	struct ip ip;

	if (!ip_parse(address, &ip))
		return false;
	if (bits_text.ptr && !slice_to_u64(bits_text, ip.len * IP_BITS_PER_BYTE, &bits))
		return false;
	*out = ip_network_of(&ip, (unsigned)bits);
	return true;
}

int ip_networks_parse(
	struct slice line, struct ip_network *out, size_t max, size_t *n_out, struct err *err)
{
	struct slice word;
	size_t n = 0;

	while ((word = slice_next_word(&line)).len) {
		if (n == max)
			return err_set(err, ERR_TOOBIG, "more than %zu networks", max);
		if (!ip_network_parse(word, &out[n++]))
			return err_set(err, ERR_SYNTAX, "%.*s is no network",
				SLICE_ARG(slice_head(word, IP_TEXT_MAX)));
	}
	*n_out = n;
	return 0;
}

bool ip_is_in(const struct ip *ip, const struct ip_network *network)
{
	const struct ip_network mine = ip_network_of(ip, network->bits);

	return ip_eq(&mine.ip, &network->ip);
}
