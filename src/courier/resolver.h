/*
 * resolver.h - a context of libunbound set up as we want it, and its answers read; only for dns.c.
 */
#ifndef COURIER_RESOLVER_H
#define COURIER_RESOLVER_H

#include <unbound.h>

#include "base/buf.h"
#include "wire/dns/dns.h"

enum { RESOLVER_CLASS_IN = 1, RESOLVER_ANCHORS_MAX = 1 << 16 };

/* resolver_read_anchors - a file of DS or DNSKEY records, appended to out. -ERR_NOTFOUND. */
MUST_CHECK int resolver_read_anchors(struct slice path, struct buf *out, struct err *err);
/* resolver_anchor_name - whose the first of them is; points into anchors. */
struct slice resolver_anchor_name(struct slice anchors);

/* resolver_new - anchors empty: nothing is validated. All files are read here. */
MUST_CHECK int resolver_new(
	struct slice resolver, struct slice anchors, struct ub_ctx **out, struct err *err);
void resolver_free(struct ub_ctx *ctx);

/* resolver_read - what libunbound found; points into result, its list is the arena's. */
void resolver_read(const struct ub_result *result, struct arena *arena, struct dns_answer *out);

#endif
