/*
 * csrf.h - tokens that show that a form came from our own page.
 *
 * A token is an HMAC under the browser's cookie (of the session, or of the time before it) XORed
 * with a random mask that stands in front of it: it cannot be made without the cookie, differs each
 * time (BREACH), and needs no memory of ours. Whoever signs in or out has new tokens. Pure.
 */
#ifndef WEB_CSRF_H
#define WEB_CSRF_H

#include "base/buf.h"

enum { CSRF_HALF = 16, CSRF_TEXT = 4 * CSRF_HALF };

/* csrf_make - CSRF_TEXT hexadecimal digits and a NUL byte. */
void csrf_make(struct slice cookie, char token_out[CSRF_TEXT + 1]);
bool csrf_check(struct slice cookie, struct slice token);

/* csrf_is_same_origin - what the browser says of where a POST comes from: Sec-Fetch-Site if it
 * sends that, else Origin, which must be `own` ("https://host[:port]"); ptr NULL: not sent. One
 * that says nothing is let through to the token. */
bool csrf_is_same_origin(struct slice fetch_site, struct slice origin, struct slice own);

#endif
