/* orders_internal.h - what orders.c and order_get.c share. One thread, but for must_tell. */
#ifndef COURIER_ORDERS_INTERNAL_H
#define COURIER_ORDERS_INTERNAL_H

#include <stdatomic.h>

#include "base/map.h"
#include "courier/ledger.h"
#include "courier/orders.h"
#include "keeper/order.h"
#include "net/pool.h"

enum { CA_MAX = 4 << 20 };

struct item {
	struct slice name; /* in space */
	const char *state;
	bool is_seen;
	int64_t changed_ns;    /* of the file, when we looked last */
	int64_t due_s, look_s; /* when there is something to do, when to look at the chain again */
	struct ledger_order ledger;
	char space[];
};

struct orders {
	struct courier *courier;
	struct ledger *ledger;
	struct fetch *fetch;
	struct buf ca_pem;
	struct map items;
	int tls_fd;
	int64_t not_before_s; /* the CA has said that we ask too often */
	int64_t pause_s;      /* for how long, by its last word; 0: it did not say */
	int64_t hour_s;
	unsigned asked; /* in the hour that began then */
	atomic_bool must_tell;
	struct pool_timer timer;
};

/* order_check - do all its hosts' addresses show that they are ours? -ERR_CONFLICT: they do not. */
MUST_CHECK int order_check(
	const struct courier *courier, const struct order *order, struct err *err);
/* order_get - a certificate, from the CA to tls/. */
MUST_CHECK int order_get(
	struct orders *o, struct item *item, const struct order *order, struct err *err);

#endif
