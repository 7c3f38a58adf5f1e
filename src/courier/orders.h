/*
 * orders.h - the certificates that are ordered (keeper/order.h): which are due, and getting them.
 *
 * The orders in tls/ are looked at every ORDERS_LOOK_MS; one that is due is worked on, one after
 * the other. It is due if there is no chain from a CA for its hosts, if a third of the chain's life
 * is left, or if it was asked to be replaced. First the DNS must show that each host's addresses
 * are ours. What fails is tried again later, ever more rarely, and the chain in use stays
 * untouched. The CA is asked for at most ORDERS_AN_HOUR certificates, those for customers' domains
 * leave a part of these to the operator, and it is left alone when it says so.
 */
#ifndef COURIER_ORDERS_H
#define COURIER_ORDERS_H

#include "base/err.h"

struct courier;
struct orders;

enum {
	ORDERS_LOOK_MS = 2000,
	ORDERS_MAX = 4096,
	ORDERS_AN_HOUR = 40,
	ORDERS_CUSTOMERS_AN_HOUR = 20,
	ORDERS_AGAIN_FIRST_S = 300, /* after a failure, doubled each time */
	ORDERS_AGAIN_MAX_S = 86400,
	ORDERS_BUSY_FIRST_S = 16, /* when somebody was away */
	ORDERS_LOOK_AT_CHAIN_S = 3600,
	ORDERS_ROLL_DAYS = 365, /* how old the account's key may become */
};

/* orders_open - acme.db in the current directory, the CA's own certificates; before the sandbox. */
MUST_CHECK int orders_open(struct courier *courier, struct orders **out, struct err *err);
/* orders_start - work, when the pool runs. */
void orders_start(struct orders *orders);
/* orders_close - after the pool has stopped. */
void orders_close(struct orders **orders);
/* orders_tell - a server has come: it shall know how they all stand. Any thread. */
void orders_tell(struct orders *orders);

#endif
