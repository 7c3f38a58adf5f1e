/*
 * scram.h - SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the server's side (RFC 5802, RFC 7677).
 *
 * The messages are read and written here, and the proof is checked against verifiers. Whose name
 * the first message has is the server's business (wire/sasl); it hands over the bytes as they are.
 * Channel bindings (RFC 5929, RFC 9266) are named by the client; their data comes from whoever has
 * the connection.
 *
 * An account has one salt, and all its passwords one count, because the server names them before
 * it can know which of the app passwords the client has: the proof is then tried against each.
 *
 * Pure; linear in the message. Bounds: SCRAM_MESSAGE_MAX bytes of message.
 */
#ifndef KEEPER_SCRAM_H
#define KEEPER_SCRAM_H

#include "base/buf.h"

enum {
	SCRAM_KEY_LEN = 32,
	SCRAM_SALT_LEN = 16,
	SCRAM_NONCE_LEN = 24, /* characters of ours */
	SCRAM_MESSAGE_MAX = 1024,
	SCRAM_NONCE_MAX = 512, /* characters of the client's */
	SCRAM_BINDING_MAX = 256, /* bytes of a channel's data */
	SCRAM_ITERATIONS = 10000,
};

/* What is stored of a password: it tells a right proof, and does not let its owner log in. */
struct scram_verifier {
	unsigned char stored_key[SCRAM_KEY_LEN], server_key[SCRAM_KEY_LEN];
};

/* iterations: SCRAM_ITERATIONS, which is what scram_write_first() tells the client. */
void scram_make_verifier(struct slice password, const unsigned char salt[SCRAM_SALT_LEN],
	unsigned iterations, struct scram_verifier *out);

/* client-first-message; slices point into it. */
struct scram_first {
	struct slice header;  /* gs2-header, up to and with its last comma */
	struct slice bare;    /* what follows it */
	struct slice binding; /* channel binding's name; empty: none */
	struct slice authzid; /* as it stands there; empty: none */
	struct slice name;    /* as it stands there, with its escapes */
	struct slice nonce;
};
/* -ERR_SYNTAX, -ERR_TOOBIG; -ERR_DENIED: the client thinks that we have no channel binding, so
 * somebody took that out of our list (RFC 5802 6); or it wants an extension. */
MUST_CHECK int scram_read_first(struct slice message, struct scram_first *out, struct err *err);

/* scram_write_first - server-first-message. nonce: SCRAM_NONCE_LEN of [a-zA-Z0-9]. */
void scram_write_first(const struct scram_first *first, struct slice nonce,
	const unsigned char salt[SCRAM_SALT_LEN], struct buf *out);

/* Both first messages, kept until the client has answered. */
struct scram_exchange {
	struct slice client_first, server_first;
	struct slice binding; /* data of the channel that client_first names; else empty */
};
/*
 * scram_check - the client's final message. Tries the proof against n verifiers and gives out the
 * one that fits and the server-final-message. -ERR_DENIED (no proof of these, or another channel),
 * -ERR_SYNTAX. Takes the same time whichever fits.
 */
MUST_CHECK int scram_check(const struct scram_exchange *exchange, struct slice client_final,
	const struct scram_verifier *verifiers, size_t n, size_t *which_out, struct buf *out,
	struct err *err);

#endif
