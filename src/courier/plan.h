/*
 * plan.h - which hosts take the mail for a destination, in which order, and how safe that is to
 * know.
 *
 * Reads:  RFC 5321 5.1 (MX, address records, ourselves among the hosts), RFC 7505 (null MX), RFC
 *         7672 2.2 (TLSA records, where the answers are secure), RFC 8461 3.1 (the record that
 * tells of a policy). Does:   no I/O: asks a dns_view and is run again (wire/dns/dns.h). Bounds:
 * PLAN_HOSTS_MAX, PLAN_ADDRESSES_MAX, PLAN_TLSA_MAX; what is beyond is not looked at.
 */
#ifndef COURIER_PLAN_H
#define COURIER_PLAN_H

#include "courier/peer.h"

enum {
	PLAN_HOSTS_MAX = 16,
	PLAN_ADDRESSES_MAX = 16,
	PLAN_TLSA_MAX = PEER_TLSA_MAX,
	PLAN_WHY = 200
};

struct plan_host {
	unsigned preference;
	struct slice name; /* "[192.0.2.1]" for an address; NUL-terminated */
	struct ip addresses[PLAN_ADDRESSES_MAX];
	size_t addresses_n;
	bool is_address; /* there is no name */
	bool is_sure;    /* that it is a host of the destination's: by DNSSEC, or no MX was asked */
	const char *tlsa_base; /* where its TLSA records stand, if it has any (RFC 7672 2.2.2) */
	bool has_tlsa; /* secure records: only TLS with a certificate that fits one will do */
	struct dns_tlsa tlsa[PLAN_TLSA_MAX];
	size_t tlsa_n; /* of them usable; with has_tlsa and none: TLS with anybody (RFC 7672 2.2) */
	bool is_unsure;      /* its addresses or TLSA records cannot be told now: not to be used */
	bool is_tlsa_unsure; /* that is because of the latter */
};

struct plan {
	struct plan_host *hosts; /* the best first */
	size_t n;
	unsigned port;
	struct slice domain; /* whose mail goes there; empty: the host itself was named */
	struct slice sts_id; /* of its policy for TLS; empty: no record tells of one */
};

enum plan_result {
	PLAN_DONE,
	PLAN_ASK,   /* the view has questions */
	PLAN_LATER, /* it cannot be told now */
	PLAN_NEVER, /* there is nowhere to bring it to */
};

struct plan_question {
	struct slice destination; /* "example.org", or what a route says: queue/manage.h */
	struct slice host_name;   /* ours */
	unsigned port;            /* where none is named */
	uint64_t chance;          /* shuffles hosts of one preference; the same in each run */
};

/* plan_make - why: "5.1.2 there is no such domain", where it is PLAN_LATER or PLAN_NEVER. Memory is
 * the arena's. */
enum plan_result plan_make(struct dns_view *view, const struct plan_question *question,
	struct arena *arena, struct plan *out, char why[PLAN_WHY]);

#endif
