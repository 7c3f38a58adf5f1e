/*
 * shelf.h - DIR/tls, which all processes read and the keeper alone writes: certificate chains
 * (NAME.pem) and orders for them (NAME.order, order.h).
 *
 * A chain is put there only if the keeper has its key and it is in date, in one step: the one
 * before it stays until then. Only the clerk writes.
 */
#ifndef KEEPER_SHELF_H
#define KEEPER_SHELF_H

#include "keeper/keys.h"
#include "keeper/order.h"

enum { SHELF_CHAIN_MAX = FRAME_DATA_MAX, SHELF_KEY_DAYS = 30 };

/* shelf_put_chain - -ERR_SYNTAX, -ERR_CONFLICT (chain_check()), -ERR_NOTFOUND: no key belongs to
 * it. order (may be NULL): -ERR_CONFLICT if it is not for its hosts. */
MUST_CHECK int shelf_put_chain(int dirfd, struct keys *keys, struct slice name, struct slice pem,
	const struct order *order, struct err *err);

/* shelf_put_order, shelf_get_order - the texts of the latter live in `text`. -ERR_NOTFOUND. */
MUST_CHECK int shelf_put_order(
	int dirfd, struct slice name, const struct order *order, struct err *err);
MUST_CHECK int shelf_get_order(
	int dirfd, struct slice name, struct buf *text, struct order *out, struct err *err);
MUST_CHECK int shelf_drop_order(int dirfd, struct slice name, struct err *err);
/* shelf_count_customers - orders that servers made. */
size_t shelf_count_customers(int dirfd);

/* shelf_prune - delete keys that belong to no chain here and are older than SHELF_KEY_DAYS. */
void shelf_prune(int dirfd, struct keys *keys);

#endif
