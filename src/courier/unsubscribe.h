/*
 * unsubscribe.h - the one request by which somebody leaves a list (RFC 8058 3.2), for a user who
 * asked for it: a POST over HTTPS, to public addresses unless the settings allow others, with
 * nothing of the user in it but the URL. Bounds: UNSUBSCRIBE_AT_ONCE, UNSUBSCRIBE_MS.
 */
#ifndef COURIER_UNSUBSCRIBE_H
#define COURIER_UNSUBSCRIBE_H

#include <jansson.h>

#include "courier/process.h"

enum { UNSUBSCRIBE_AT_ONCE = 4, UNSUBSCRIBE_MS = 15000 };

/* unsubscribe_post - args.url; out.status is what the server answers. -ERR_SYNTAX, -ERR_BUSY, and
 * the errors of fetch.h. */
MUST_CHECK int unsubscribe_post(
	struct courier *courier, const json_t *args, json_t *out, struct err *err);

#endif
