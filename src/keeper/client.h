/*
 * client.h - how the server asks the keeper: signatures, ticket keys; about people: credentials.h.
 *
 * The keeper's socket is run/keeper-server.sock below the current directory. What is asked about
 * people is only waited for parked; sign blocks the calling thread inside a handshake, with a
 * deadline. When the keeper is away the client connects again by itself, and calls meanwhile answer
 * -ERR_BUSY at their deadline.
 */
#ifndef KEEPER_CLIENT_H
#define KEEPER_CLIENT_H

#include "net/pool.h"
#include "net/tls.h"

struct keeper;

/* keeper_new - connects when first needed. pool may be NULL (then only the blocking calls work). */
MUST_CHECK int keeper_new(const char *socket_path, struct keeper **keeper_out, struct err *err);
/* keeper_start - let the pool watch the connection for that; before pool_start(). */
MUST_CHECK int keeper_start(struct keeper *keeper, struct pool *pool, struct err *err);
/* keeper_stop - before pool_stop(): whoever waits for an answer outside of a connection is told
 * that there is none. */
void keeper_stop(struct keeper *keeper);
void keeper_free(struct keeper **keeper);

enum {
	KEEPER_SIGN_TIMEOUT_MS = 5000,
	KEEPER_VERIFY_TIMEOUT_MS = 30000,
	KEEPER_PASSWORD_MAX = 1000
};

/* keeper_sign - a tls_sign_fn; signer is the struct keeper. */
tls_sign_fn keeper_sign;

/* keeper_ticket_keys - the present ones, newest first; at most max are written. Blocking. */
MUST_CHECK int keeper_ticket_keys(struct keeper *keeper, unsigned char (*keys)[48], size_t max,
	size_t *n_out, struct err *err);

/* keeper_has_key - is there a key for TLS of that name (chain/chain.h)? -ERR_NOTFOUND. Blocking. */
MUST_CHECK int keeper_has_key(struct keeper *keeper, struct slice key_name, struct err *err);
/* keeper_want - a certificate tls/NAME.pem for the hosts of a customer's domain. -ERR_CONFLICT: the
 * operator has one of that name; -ERR_QUOTA: too many. Blocking. */
MUST_CHECK int keeper_want(struct keeper *keeper, struct slice name, const struct slice *hosts,
	size_t n, struct err *err);
/* keeper_unwant - the order, not the certificate, goes. */
MUST_CHECK int keeper_unwant(struct keeper *keeper, struct slice name, struct err *err);

#endif
