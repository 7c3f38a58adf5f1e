/*
 * external.h - SMTP servers elsewhere by which mail of users' other addresses leaves, and the
 * passwords for them: external.db, in the courier's folder.
 *
 * A server may set one, have it tested and have it forgotten (ask/verbs.h), but never read it back;
 * a password is kept only while host, port and user name stay the same, so that it cannot be led to
 * another host either. Its mail is queued for the destination "<external:ID>" (queue/queue.h).
 */
#ifndef COURIER_EXTERNAL_H
#define COURIER_EXTERNAL_H

#include "courier/desk.h"

enum { EXTERNAL_TEXT_MAX = 255, EXTERNAL_PASSWORD_MAX = 1000 };

struct external;

struct external_server {
	char host[DNS_NAME_MAX + 1];
	unsigned port;
	bool is_starttls; /* else TLS from the first byte on */
	char login[EXTERNAL_TEXT_MAX + 1], password[EXTERNAL_PASSWORD_MAX + 1];
};

MUST_CHECK int external_open(const char *path, struct external **out, struct err *err);
void external_close(struct external **external);

/* external_get - to be wiped afterwards. -ERR_NOTFOUND. */
MUST_CHECK int external_get(
	struct external *external, uint64_t id, struct external_server *out, struct err *err);

/* external_may_reach - a user names the host: it shall not be one that only we can reach, unless
 * courier.private says so. */
bool external_may_reach(const struct config *settings, const struct ip *addresses, size_t n);

desk_fn desk_external_set, desk_external_test, desk_external_drop;

#endif
