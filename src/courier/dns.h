/*
 * dns.h - names looked up by libunbound: cached, with a deadline, never through the system's
 * resolver library.
 *
 * The questions go to the resolver that the settings name, or to those of /etc/resolv.conf, which
 * is read when the process starts; so is /etc/hosts. Any thread.
 */
#ifndef COURIER_DNS_H
#define COURIER_DNS_H

#include "base/err.h"
#include "base/slice.h"

enum dns_type { DNS_A = 1, DNS_AAAA = 28 };

enum { DNS_DATA_MAX = 512, DNS_ANSWERS_MAX = 32, DNS_WAIT_MS = 10000 };

struct dns_answer {
	size_t n;
	struct {
		size_t len;
		unsigned char bytes[DNS_DATA_MAX]; /* as in the record (RFC 1035 3.2.1, RDATA) */
	} data[DNS_ANSWERS_MAX];
};

struct dns;

/* dns_new - before the sandbox and the first thread. resolver: "ADDRESS" or "ADDRESS:PORT", an IPv6
 * address in brackets; empty: the system's. -ERR_SYNTAX. */
MUST_CHECK int dns_new(struct slice resolver, struct dns **out, struct err *err);
/* dns_start - its thread, after the sandbox. */
MUST_CHECK int dns_start(struct dns *dns, struct err *err);
/* dns_free - nobody asks any more. */
void dns_free(struct dns **dns);

/* dns_ask - wait for the answer. -ERR_NOTFOUND: there is no such name, or nothing of that type;
 * -ERR_BUSY: cannot be told now. */
MUST_CHECK int dns_ask(struct dns *dns, const char *name, enum dns_type type, int64_t wait_ms,
	struct dns_answer *out, struct err *err);

/* dns_addresses - IPv4 and IPv6 addresses of a host, as text, at most max. The same errors. */
enum { DNS_ADDRESS_MAX = 46 };
MUST_CHECK int dns_addresses(struct dns *dns, const char *host, char (*out)[DNS_ADDRESS_MAX],
	size_t max, size_t *n_out, struct err *err);

#endif
