/*
 * order.h - what stands in tls/NAME.order: which hosts a certificate is wanted for. Pure.
 *
 * Lines of text, written by the keeper alone and read by the courier, which orders the certificate
 * from the CA, and by the command line:
 *
 *   host mail.example.org    one line each, at least one
 *   key rsa                  without it EC
 *   renew 1767225600         certificates made before are to be replaced (seconds of 1970)
 *   customer                 wanted by a server for a customer's domain, not by the operator
 *   unchecked                do not look first whether the hosts' addresses are ours
 */
#ifndef KEEPER_ORDER_H
#define KEEPER_ORDER_H

#include "keeper/frame.h"

enum { ORDER_TEXT_MAX = 16 << 10, ORDER_HOST_MAX = 253 };

struct order {
	size_t n;
	struct slice hosts[FRAME_NAMES_MAX]; /* in the text */
	bool is_rsa, is_customer, is_unchecked;
	int64_t renew_s; /* 0: never asked for */
};

void order_write(const struct order *order, struct buf *out);
/* order_read - -ERR_SYNTAX. */
MUST_CHECK int order_read(struct slice text, struct order *out, struct err *err);

/* order_is_host - a DNS name as a CA takes it: two labels or more of letters, digits and hyphens.
 */
bool order_is_host(struct slice name);

#endif
