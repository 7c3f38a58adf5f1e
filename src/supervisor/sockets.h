/*
 * sockets.h - every listening socket of an instance, bound before any process starts and kept open
 * over their crashes and upgrades, so that clients notice nothing.
 */
#ifndef SUPERVISOR_SOCKETS_H
#define SUPERVISOR_SOCKETS_H

#include "supervisor/layout.h"

enum { SOCKETS_MAX = 10 * CONFIG_LISTEN_MAX + 7 };

enum socket_owner { SOCKET_SERVER, SOCKET_KEEPER, SOCKET_COURIER };

struct socket_item {
	const char *name; /* as the handover names it: "imaps", "control" */
	enum socket_owner owner;
	struct config_address address; /* of TCP; its host lives in the configuration */
	int fd;
};

struct sockets {
	struct socket_item items[SOCKETS_MAX];
	size_t n;
};

/*
 * sockets_open - all that this configuration wants. Sockets of before (may be NULL) for the same
 * listener and address are shared, not bound again. patience_ms: how long to wait for a port that
 * is in use. Afterwards sockets_close() what is not used any more.
 */
MUST_CHECK int sockets_open(const struct layout *layout, const struct config *config,
	const struct sockets *before, int patience_ms, struct sockets *out, struct err *err);
/* sockets_are_due - the clock has passed a date: the sockets are not those that sockets_open()
 * would give now. sockets_have_date - there is one to come. */
bool sockets_are_due(const struct sockets *sockets, const struct config *config);
bool sockets_have_date(const struct config *config);
/* sockets_close - those that are not in kept too (NULL: all). */
void sockets_close(struct sockets *sockets, const struct sockets *kept);

#endif
