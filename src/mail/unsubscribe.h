/*
 * unsubscribe.h - how one leaves the list that a message came by.
 *
 * Reads:  RFC 2369 3.2 (List-Unsubscribe), RFC 8058 (List-Unsubscribe-Post).
 * Does:   leaving by one request is allowed only where a good DKIM signature covers both fields,
 *         each of which stands once: else anybody could make readers send requests. Whether it was
 *         good is taken from the results that this host wrote when the message came: the key may be
 *         gone from the DNS since.
 * Bounds: UNSUBSCRIBE_URL_MAX; linear.
 */
#ifndef MAIL_UNSUBSCRIBE_H
#define MAIL_UNSUBSCRIBE_H

#include "base/arena.h"

enum { UNSUBSCRIBE_URL_MAX = 2000 };

struct mail_unsubscribe {
	struct slice web;  /* https:, without blanks; empty: none */
	struct slice mail; /* what is behind "mailto:", as it is encoded; empty: none */
	bool is_one_click; /* web may be posted to */
};

/* mail_unsubscribe_read - of a header; host: ours, in results. Memory is the arena's. */
void mail_unsubscribe_read(
	struct slice header, struct slice host, struct arena *arena, struct mail_unsubscribe *out);

#endif
