/*
 * ip.h - IP addresses and networks, IPv4 and IPv6. Pure functions.
 *
 * An IPv4 address inside IPv6 (::ffff:192.0.2.1) is an IPv4 address: one client, one spelling.
 */
#ifndef BASE_IP_H
#define BASE_IP_H

#include "base/buf.h"

enum { IP_V4 = 4, IP_V6 = 16, IP_TEXT_MAX = 46, IP_BITS_PER_BYTE = 8 };

struct ip {
	unsigned char len; /* IP_V4 or IP_V6 */
	unsigned char bytes[IP_V6];
};

struct ip_network {
	struct ip ip; /* bits beyond `bits` are 0 */
	unsigned bits;
};

bool ip_from_bytes(struct slice bytes, struct ip *out); /* 4 or 16 in network order */
/* ip_parse - "192.0.2.1" or "2001:db8::1", without brackets or zone. */
bool ip_parse(struct slice text, struct ip *out);
void ip_write(const struct ip *ip, char out[IP_TEXT_MAX]);

bool ip_eq(const struct ip *a, const struct ip *b);
bool ip_is_loopback(const struct ip *ip);
/* ip_is_private - loopback, link-local, RFC 1918, RFC 4193 or unspecified: nobody's in the world.
 */
bool ip_is_private(const struct ip *ip);

/* ip_network_parse - "192.0.2.0/24"; without "/" the one address. */
bool ip_network_parse(struct slice text, struct ip_network *out);
/* ip_networks_parse - several with spaces or commas between; at most max. -ERR_SYNTAX names the bad
 * one, -ERR_TOOBIG. */
MUST_CHECK int ip_networks_parse(
	struct slice line, struct ip_network *out, size_t max, size_t *n_out, struct err *err);
/* ip_network_of - the network of that many bits (cut to the address's length) that ip is in. */
struct ip_network ip_network_of(const struct ip *ip, unsigned bits);
bool ip_is_in(const struct ip *ip, const struct ip_network *network);

#endif
