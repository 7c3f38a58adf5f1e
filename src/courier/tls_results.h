/*
 * tls_results.h - what TLS came to with the hosts that take others' mail, counted by day, for the
 * reports of RFC 8460.
 *
 * A session is noted without waiting, gathers in memory and is counted within a second
 * (group/later.h); a kill loses that second. Every domain is counted: whether it wants a report is
 * for whoever sends those to find out, who takes a day that is over and forgets it then.
 *
 * A day is a number: of whole days (UTC) since 1970. Any thread.
 *
 * Bounds: TLS_RESULTS_*. What is beyond POLICIES_MAX is not counted; beyond FAILURES_MAX only in
 * the sums. Days older than DAYS_MAX are forgotten by themselves.
 */
#ifndef COURIER_TLS_RESULTS_H
#define COURIER_TLS_RESULTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "net/pool.h"

enum {
	TLS_RESULTS_POLICIES_MAX = 20000, /* of a day; a domain has one or few */
	TLS_RESULTS_FAILURES_MAX = 100,   /* kinds of a policy's failures */
	TLS_RESULTS_DAYS_MAX = 14,
	TLS_RESULTS_DAY_S = 86400,
	TLS_RESULTS_WAITING_MAX = 50000,
	TLS_RESULTS_TEXT_MAX = 8192, /* of one session's slices in all */
};

/* What was demanded of the host (RFC 8460 4.4). */
enum tls_policy_type { TLS_POLICY_NONE, TLS_POLICY_STS, TLS_POLICY_TLSA };
/* tls_policy_type_name - "no-policy-found", "sts", "tlsa". */
const char *tls_policy_type_name(enum tls_policy_type type);

/* RFC 8460 4.3. dane-required is not among them: there is no such setting. Numbers are stored. */
enum tls_result {
	TLS_RESULT_GOOD,
	TLS_RESULT_NO_STARTTLS,
	TLS_RESULT_HOST_MISMATCH,
	TLS_RESULT_EXPIRED,
	TLS_RESULT_NOT_TRUSTED,
	TLS_RESULT_FAILED,
	TLS_RESULT_TLSA_INVALID,
	TLS_RESULT_DNSSEC_INVALID,
	TLS_RESULT_STS_FETCH,
	TLS_RESULT_STS_INVALID,
	TLS_RESULT_STS_WEBPKI,
	TLS_RESULTS_N,
};
/* tls_result_name - "certificate-host-mismatch"; of GOOD: "". */
const char *tls_result_name(enum tls_result result);

struct tls_policy {
	enum tls_policy_type type;
	struct slice domain;  /* whose it is: the recipients', or of the host where TLSA stand */
	struct slice strings; /* "policy-string": the policy's lines, '\n' between them */
	struct slice mx;      /* "mx-host": patterns of an sts policy, '\n' between them */
};

struct tls_session {
	struct slice domain; /* the recipients': who is told */
	struct tls_policy policy;
	enum tls_result result;
	/* of a failure; may be empty */
	struct slice our_ip, mx_host, mx_ip, reason;
};

struct tls_results;

/* tls_results_open - pool NULL: written when read or closed. */
MUST_CHECK int tls_results_open(
	const char *path, struct pool *pool, struct tls_results **out, struct err *err);
/* tls_results_close - writes what waits; after the pool has stopped. */
void tls_results_close(struct tls_results **results);

/* tls_results_note - one session more, of today. */
void tls_results_note(struct tls_results *results, const struct tls_session *session);

/* ---- for the reporter ---- */

/* tls_results_oldest - the first day that something is known of; -ERR_NOTFOUND. */
MUST_CHECK int tls_results_oldest(struct tls_results *results, int64_t *day_out, struct err *err);

/* tls_results_domains - the recipients' domains of a day, sorted. */
MUST_CHECK int tls_results_domains(struct tls_results *results, int64_t day, struct arena *arena,
	struct slice **list_out, size_t *n_out, struct err *err);

struct tls_failure {
	enum tls_result result;
	struct slice our_ip, mx_host, mx_ip, reason;
	uint64_t sessions;
};

struct tls_summary { /* one element of a report's "policies" */
	struct tls_policy policy;
	uint64_t good, failed; /* sessions */
	struct tls_failure *failures;
	size_t failures_n;
};
/* tls_results_read - memory is the arena's: -ERR_TOOBIG if it is full. */
MUST_CHECK int tls_results_read(struct tls_results *results, int64_t day, struct slice domain,
	struct arena *arena, struct tls_summary **list_out, size_t *n_out, struct err *err);

/* tls_results_forget - this day and those before it. */
MUST_CHECK int tls_results_forget(struct tls_results *results, int64_t day, struct err *err);

#endif
