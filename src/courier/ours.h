/*
 * ours.h - does a host's name lead to us? For certificates: only such a name is ordered.
 *
 * Ours are the addresses of acme.addresses or, where that is empty, those that the DNS has for our
 * own name. ours_check() is pure, over a view (wire/dns/dns.h); desk_ours() is the servers' verb.
 */
#ifndef COURIER_OURS_H
#define COURIER_OURS_H

#include "courier/desk.h"

/* ours_check - while the view has pending questions afterwards, the result means nothing: they are
 * to be answered, then it is called again. -ERR_CONFLICT: an address is not ours; -ERR_NOTFOUND:
 * there is none; -ERR_BUSY: cannot be told now. */
MUST_CHECK int ours_check(
	const struct config *settings, struct dns_view *view, struct slice host, struct err *err);

desk_fn desk_ours; /* ASK_OURS */

#endif
