/*
 * client.h - how the server asks the keeper: signatures, logins, ticket keys.
 *
 * The keeper's socket is run/keeper-server.sock below the current directory. verify is only waited
 * for parked; sign blocks the calling thread inside a handshake, with a deadline. When the keeper
 * is away the client connects again by itself, and calls meanwhile answer -ERR_BUSY at their
 * deadline.
 */
#ifndef KEEPER_CLIENT_H
#define KEEPER_CLIENT_H

#include "net/pool.h"
#include "net/tls.h"

struct keeper;

/* keeper_new - connects when first needed. pool may be NULL (then only the blocking calls work). */
MUST_CHECK int keeper_new(const char *socket_path, struct keeper **keeper_out, struct err *err);
/* keeper_start - let the pool watch the connection for verify; before pool_start(). */
MUST_CHECK int keeper_start(struct keeper *keeper, struct pool *pool, struct err *err);
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

/* What a client claims to be. */
struct keeper_login {
	uint64_t account;      /* 0: nobody; costs the same time as a wrong password */
	struct slice password; /* wiped by the caller after keeper_verify() returns */
	struct slice service;  /* "imap", "submission" */
	struct slice peer;     /* client address */
};

/* keeper_verify - check a password; ends the caller's conn_park(): answer.rc is 0 (come in),
 * -ERR_DENIED (wrong), or -ERR_BUSY (cannot be checked now: never say "wrong password").
 * answer.data is a struct keeper_verdict, freed by answer.free_data. */
void keeper_verify(struct keeper *keeper, struct conn_ref who, uint64_t ticket,
	const struct keeper_login *login);

struct keeper_verdict {
	uint64_t account, epoch;
};

#endif
