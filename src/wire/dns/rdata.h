/*
 * rdata.h - the data of DNS records, taken apart, and names made of addresses.
 *
 * Reads:  RFC 1035 3.3 and 3.4 (NS, CNAME, SOA, PTR, MX, TXT, A), RFC 3596 (AAAA), RFC 2782 (SRV),
 *         RFC 6698 2.1 (TLSA). Names inside must be uncompressed, as libunbound gives them.
 * Does:   no I/O. Names become text in lower case without the dot at the end; the root is the
 *         empty slice. A label with a byte that dns_name_parse() does not take (a dot within it,
 *         a space, ...) makes the record malformed: no host of mail is called so.
 * Errors: false if the record is malformed or the arena is full; outputs are untouched then.
 */
#ifndef WIRE_DNS_RDATA_H
#define WIRE_DNS_RDATA_H

#include "base/ip.h"
#include "wire/dns/dns.h"

bool dns_read_address(struct slice rdata, struct ip *out); /* A or AAAA, by its length */
bool dns_read_host(struct slice rdata, struct arena *arena, struct slice *out); /* NS CNAME PTR */

struct dns_mx {
	unsigned preference;
	struct slice host; /* empty: the null MX of RFC 7505, if it is the only one */
};
bool dns_read_mx(struct slice rdata, struct arena *arena, struct dns_mx *out);

/* dns_read_txt - its strings put together without anything between (RFC 7208 3.3). */
bool dns_read_txt(struct slice rdata, struct arena *arena, struct slice *out);

struct dns_srv {
	unsigned priority, weight, port;
	struct slice host; /* empty: the service is not there */
};
bool dns_read_srv(struct slice rdata, struct arena *arena, struct dns_srv *out);

struct dns_tlsa {
	unsigned usage, selector, matching;
	struct slice data; /* points into rdata */
};
bool dns_read_tlsa(struct slice rdata, struct dns_tlsa *out);

struct dns_soa {
	struct slice primary, contact;
	uint32_t serial, refresh, retry, expire, minimum;
};
bool dns_read_soa(struct slice rdata, struct arena *arena, struct dns_soa *out);

/* dns_reverse_name - "1.2.0.192.ZONE", or the 32 nibbles of an IPv6 address; an empty zone is
 * in-addr.arpa or ip6.arpa. Lists of addresses (RFC 5782 2.1) are asked by it too. */
void dns_reverse_name(const struct ip *ip, struct slice zone, struct buf *out);

#endif
