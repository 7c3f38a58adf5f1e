/*
 * dns.h - what the DNS said, and the view by which a pure function asks it.
 *
 * Ask and run again: whatever is decided by the DNS (SPF, DMARC, a DKIM key, where mail goes) is
 * a straight-line function over a `struct dns_view`, which holds what has been answered so far.
 * dns_view_get() gives an answer or DNS_UNKNOWN; the latter notes the question. The function
 * collects as many questions as it can and returns; its caller has them answered, puts the
 * answers in, and calls the function again from the top:
 *
 *	while (evaluate(view, &result) == NEEDS_ANSWERS)
 *		ask for each dns_view_next_pending(), then dns_view_put() each answer
 *
 * The loop ends, because each turn notes at least one question that is new, and a view holds at
 * most DNS_QUESTIONS_MAX: beyond that the answer is DNS_FAILED.
 *
 * Does:   no I/O. Names are compared without case and without a dot at their end.
 * Bounds: DNS_QUESTIONS_MAX, DNS_RECORDS_MAX, DNS_RDATA_MAX; all memory is the given arena's, and
 *         when it is full what does not fit counts as DNS_FAILED.
 */
#ifndef WIRE_DNS_DNS_H
#define WIRE_DNS_DNS_H

#include "base/arena.h"

enum {
	DNS_NAME_MAX = 253, /* as text, without the dot at the end (RFC 1035 2.3.4) */
	DNS_LABEL_MAX = 63,
	DNS_QUESTIONS_MAX = 256,
	DNS_RECORDS_MAX = 128,   /* of one answer; more is DNS_FAILED */
	DNS_RDATA_MAX = 1 << 14, /* bytes of all records of one answer; more is DNS_FAILED */
};

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52,
};

enum dns_status {
	DNS_UNKNOWN,  /* not asked yet */
	DNS_FOUND,    /* n is at least 1 */
	DNS_NONE,     /* the name exists, nothing of the type */
	DNS_NXDOMAIN, /* no such name */
	DNS_FAILED,   /* temporary: no answer in time, a broken one, or a forged one (bogus) */
};

struct dns_answer {
	enum dns_status status;
	bool is_secure;         /* DNSSEC: proven, the absence too; never true of DNS_FAILED */
	uint32_t ttl;           /* seconds; of an absence too */
	struct slice canonical; /* where CNAMEs led: as asked, if there were none */
	size_t n;
	const struct slice *rdata; /* each as in the record, names uncompressed: read by rdata.h */
};

struct dns_question {
	struct slice name; /* in normal form: see dns_name_parse() */
	enum dns_type type;
};

struct dns_view_item;

struct dns_view {
	struct arena *arena;
	struct dns_view_item *items[DNS_QUESTIONS_MAX];
	size_t n, pending; /* noted in all; of these without an answer */
};

/* dns_name_parse - the name in lower case, without the dot at its end; the root is empty. ASCII
 * only: what came as UTF-8 has become A-labels before (wire/smtp/addr.h). False: it is no name
 * (empty or long labels, control bytes, "\", spaces), or the arena is full. */
bool dns_name_parse(struct slice name, struct arena *arena, struct slice *out);

/* dns_view_init - empty. The arena must outlive the view and whatever was taken out of it. */
void dns_view_init(struct dns_view *view, struct arena *arena);

/* dns_view_get - what is known; *answer_out is always written. What is no name is DNS_NXDOMAIN. */
enum dns_status dns_view_get(struct dns_view *view, struct slice name, enum dns_type type,
	struct dns_answer *answer_out);

/* dns_view_next_pending - walk over what was noted and is not answered: start with *at = 0. */
bool dns_view_next_pending(
	const struct dns_view *view, size_t *at, struct dns_question *question_out);

/* dns_view_next - the same over everything that was noted or put; what is pending is DNS_UNKNOWN.
 */
bool dns_view_next(const struct dns_view *view, size_t *at, struct dns_question *question_out,
	struct dns_answer *answer_out);

/* dns_view_put - keep a copy of an answer (any status but DNS_UNKNOWN), whether asked for or not.
 * A second answer to a question is ignored: a function that runs again sees what it saw. */
void dns_view_put(struct dns_view *view, struct slice name, enum dns_type type,
	const struct dns_answer *answer);

/* dns_view_fail - the time is over: what is pending is DNS_FAILED. */
void dns_view_fail(struct dns_view *view);

#endif
