/*
 * ledger.h - acme.db: what the courier remembers of CAs and orders. One thread.
 */
#ifndef COURIER_LEDGER_H
#define COURIER_LEDGER_H

#include "courier/acme.h"

struct ledger;

MUST_CHECK int ledger_open(const char *path, struct ledger **out, struct err *err);
void ledger_close(struct ledger **ledger);

/* Accounts, by the CA's directory. A missing one is empty. rolled_s: when its key was made. */
MUST_CHECK int ledger_get_account(struct ledger *ledger, struct slice directory,
	struct acme_account *out, int64_t *rolled_s_out, struct err *err);
MUST_CHECK int ledger_put_account(struct ledger *ledger, struct slice directory,
	const struct acme_account *account, int64_t rolled_s, struct err *err);

/* How an order stands. A missing one is empty. */
struct ledger_order {
	char key[KEEPER_NAME_MAX + 1]; /* made for the next certificate; empty: none */
	unsigned failures;             /* since the last success */
	int64_t next_s;                /* not before; 0: at once */
	int64_t made_s;                /* when we stored the last certificate; 0: never */
	char error[160];
};
MUST_CHECK int ledger_get_order(
	struct ledger *ledger, struct slice name, struct ledger_order *out, struct err *err);
MUST_CHECK int ledger_put_order(struct ledger *ledger, struct slice name,
	const struct ledger_order *order, struct err *err);
MUST_CHECK int ledger_drop_order(struct ledger *ledger, struct slice name, struct err *err);

#endif
