/*
 * certify.h - what is asked about certificates: by the operator, by the servers, by the courier.
 *
 * The keeper makes the keys and all that is signed with them, and puts chains on the shelf; it
 * knows no network. The courier gets requests only for hosts that somebody ordered, and signed
 * messages only for the ACME server: neither can be used for anything else. A server may order for
 * a customer's domain, within a bound, and never change what the operator ordered.
 */
#ifndef KEEPER_CERTIFY_H
#define KEEPER_CERTIFY_H

#include "keeper/desk.h"

enum { CERTIFY_CUSTOMERS_MAX = 2000 };

/* The operator's, in the order of frame.h; the last ones are the servers'. */
task_fn certify_make, certify_import, certify_order, certify_drop, certify_bind;
task_fn certify_has_key, certify_want, certify_unwant;
/* The courier's. */
task_fn certify_acme_key, certify_acme_sign, certify_acme_bind, certify_acme_roll;
task_fn certify_request, certify_answer, certify_store;

#endif
