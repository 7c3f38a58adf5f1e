/*
 * sts.h - MTA-STS of the domains that mail goes to: policies fetched, kept in sts.db, and refreshed
 * before they end.
 *
 * Reads:  RFC 8461 3.3 (HTTPS from mta-sts.DOMAIN, no redirects), 5.1 (a policy that is known
 * counts until it ends, whatever becomes of the record or of a newer one), 10.2 (fetched again each
 *         day, so that nobody can keep a policy from being renewed).
 * Does:   sts_find() may fetch, and holds its thread meanwhile; who asks for the same domain then
 *         waits for that. What could not be fetched is not tried again for some minutes.
 * Bounds: STS_FETCHES_MAX at once, STS_WAIT_MS each; policies of domains that had no mail for
 *         STS_UNUSED_S are not refreshed any more. Any thread.
 */
#ifndef COURIER_STS_H
#define COURIER_STS_H

#include "base/arena.h"
#include "courier/sts_policy.h"
#include "courier/tls_results.h"

enum {
	STS_FETCHES_MAX = 16,
	STS_WAIT_MS = 30000,
	STS_RETRY_S = 300,
	STS_FRESH_S = 86400,
	STS_UNUSED_S = 30 * 86400,
};

struct courier;
struct sts;

/* sts_open - sts.db in the current directory; before the sandbox. sts_start - refresh. */
MUST_CHECK int sts_open(struct courier *courier, struct sts **out, struct err *err);
void sts_start(struct sts *sts);
/* sts_close - after the courier was stopped. */
void sts_close(struct sts **sts);

struct sts_found {
	bool is_any;
	struct sts_policy policy; /* of mode STS_NONE if there is none */
	struct slice text, id;    /* of the policy, as it was fetched */
	int64_t fetched_s, expires_s;
	enum tls_result trouble; /* with the last fetch; TLS_RESULT_GOOD: none */
	struct slice reason;
};
/* sts_find - what counts now. id: of the domain's record; empty: it has none. */
void sts_find(struct sts *sts, struct slice domain, struct slice id, struct arena *arena,
	struct sts_found *out);

#endif
