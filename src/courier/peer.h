/*
 * peer.h - a connection outward, in straight-line code: connect, TLS, read and write, each with a
 * deadline.
 *
 * Reads:  RFC 8305 (addresses tried side by side, the next one a quarter of a second after the
 *         last), RFC 8446, RFC 7672 (TLSA records of SMTP servers).
 * Does:   blocks its thread, and ends early when the process shall stop. TLS takes any certificate
 *         and says what it was worth: what is demanded, the caller knows.
 * Bounds: PEER_ADDRESSES_MAX, PEER_IN_MAX bytes received and not taken.
 * Errors: -ERR_BUSY (no connection, or no answer in time), -ERR_IO (lost), -ERR_DENIED (TLS did not
 *         come about). A peer is used by one thread at a time.
 */
#ifndef COURIER_PEER_H
#define COURIER_PEER_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/ip.h"
#include "courier/tls_results.h"
#include "wire/dns/rdata.h"

enum {
	PEER_ADDRESSES_MAX = 16,
	PEER_IN_MAX = 64 << 10,
	PEER_NEXT_MS = 250, /* RFC 8305 5 */
	PEER_TLSA_MAX = 32,
};

struct peer;
struct peer_tls; /* what all share: list of CAs, settings of OpenSSL */

/* peer_tls_new - before the sandbox; ca_pem may be empty: then no certificate is known to be good.
 */
MUST_CHECK int peer_tls_new(struct slice ca_pem, struct peer_tls **out, struct err *err);
void peer_tls_free(struct peer_tls **tls);

/* peer_connect - the first address that answers; *at_out is its place in the list. stop_fd:
 * readable when the process shall end. */
MUST_CHECK int peer_connect(const struct ip *addresses, size_t n, unsigned port, int64_t wait_ms,
	int stop_fd, struct peer **out, size_t *at_out, struct err *err);
/* peer_connect_unix - path: below the current directory. */
MUST_CHECK int peer_connect_unix(const char *path, int stop_fd, struct peer **out, struct err *err);
/* peer_new - over a connected socket that does not block; it is the peer's from now on. */
struct peer *peer_new(int fd, int stop_fd);
void peer_close(struct peer **peer);

/* What a certificate was worth. */
enum peer_trust {
	PEER_CLEAR,    /* no TLS */
	PEER_UNKNOWN,  /* TLS with whoever answered */
	PEER_VERIFIED, /* a CA vouches for the name */
	PEER_DANE,     /* a TLSA record does */
};

/* What a certificate is to fit. */
struct peer_wish {
	const char *name;    /* of the host: it is asked for by it, too */
	const struct ip *ip; /* it has no name: the certificate must be for this; or NULL */
	const char *other;   /* another name that is as good where TLSA records are; or NULL */
	const struct dns_tlsa *tlsa; /* usable records, or none */
	size_t tlsa_n;
};
MUST_CHECK int peer_start_tls(struct peer *peer, struct peer_tls *tls, const struct peer_wish *wish,
	int64_t wait_ms, enum peer_trust *trust_out, struct err *err);
/* peer_tls_result - what was wrong with the certificate; the reason lives for ever. */
enum tls_result peer_tls_result(const struct peer *peer, const char **reason_out);
/* peer_our_address - ours, of the connection; empty: it is not an IP connection any more. */
void peer_our_address(const struct peer *peer, char out[IP_TEXT_MAX]);

/* peer_write - all of it. */
MUST_CHECK int peer_write(struct peer *peer, struct slice bytes, int64_t wait_ms, struct err *err);
/* peer_fill - wait for more; what has been received stands in peer_in(), until peer_take(). */
MUST_CHECK int peer_fill(struct peer *peer, int64_t wait_ms, struct err *err);
struct slice peer_in(const struct peer *peer);
void peer_take(struct peer *peer, size_t n);
/* peer_is_quiet - nothing was received and not taken, and the other side has not closed. */
bool peer_is_quiet(struct peer *peer);

#endif
