/*
 * net_kit.h - what the tests of net/ share: a protocol of small commands, clients in clear and
 * over TLS, and keys that sign as the keeper would.
 *
 * The protocol, a line each:
 *   PING            +PONG
 *   PARK            parks; a job of the pool answers: +ANSWER
 *   SELF            parks, answered before the handler returns: +ANSWER
 *   LATE            parks, nobody answers: -BUSY
 *   TWICE           parks again in resume(): +ANSWER
 *   BIG n           a source of n bytes 'x', then "\r\n+DONE"
 *   WAIT            a source that waits for a wake once: +WOKEN, then +DONE
 *   BREAK           a source that fails after "part"
 *   HOLD / FREE     conn_set_busy()
 *   SPIN            uses CPU for 6 ms: +SPUN
 *   STICK           holds its thread until kit.may_go: +FREE
 *   JOIN c          conn_join() with a number that c stands for: +JOINED
 *   TLS             conn_start_tls()
 *   NAME            the TLS version, or "clear"
 *   WHO             +uid N, or the peer's address
 *   SUM text        +SUM and bytes_hash() of the line
 *   QUIT            +BYE, closes
 * notify() says "*WAKE"; goodbye() says "*GOODBYE n".
 */
#ifndef NET_KIT_H
#define NET_KIT_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "net/pool.h"
#include "net/tls.h"

struct kit {
	struct pool *pool;
	_Atomic size_t opened, done, notified, goodbyes, sources_freed, data_freed;
	_Atomic uint64_t last_ref; /* slot << 32 | generation of the last one greeted */
	_Atomic uint64_t last_ticket;
	_Atomic size_t stuck;
	_Atomic bool may_go;
};

extern const struct protocol kit_protocol;

/* kit_listen - a listener on loopback; the port it got. */
uint16_t kit_listen(struct kit *kit, struct tls *tls, bool is_implicit, enum pool_class class,
	size_t connections_max);
/* kit_listen_old - the same with implicit TLS, which may be an old version. */
uint16_t kit_listen_old(struct kit *kit, struct tls *tls);
/* kit_listen_with - the same for any protocol; listener->fd is not looked at. */
uint16_t kit_listen_with(struct pool *pool, const struct pool_listener *listener);
struct conn_ref kit_last_ref(struct kit *kit);

/* A client that waits as long as it must. */
struct peer {
	int fd;
	SSL *ssl;
	char line[512];
};

void peer_connect(struct peer *p, uint16_t port);
/* peer_tls - handshake as a client; false if it fails. */
bool peer_tls(struct peer *p, SSL_CTX *ctx, const char *server_name);
void peer_send(struct peer *p, const char *text);
/* peer_line - the next line without CRLF; NULL at the end. */
const char *peer_line(struct peer *p);
/* peer_skip - read n bytes; false if fewer come. */
bool peer_skip(struct peer *p, size_t n);
void peer_close(struct peer *p);
void peer_expect(struct peer *p, const char *line);

/* A key and a certificate that it signed itself. */
struct kit_key {
	EVP_PKEY *key;
	char *pem;
};

struct kit_key kit_key_ec(const char *curve, const char *dns_name, long valid_for_s);
struct kit_key kit_key_rsa(int bits, const char *dns_name);
/* kit_key_sign - another certificate of the key, signed by somebody else over that hash. */
void kit_key_sign(struct kit_key *key, const char *dns_name, const struct kit_key *issuer,
	const EVP_MD *hash);
void kit_key_done(struct kit_key *key);

/* kit_use - the one certificate of a context, for everybody. */
void kit_use(struct tls *tls, const struct kit_key *key, const char *name);

/* kit_sign - a tls_sign_fn; signer is a struct kit_ring. */
struct kit_ring {
	struct kit_key keys[4];
	const char *names[4];
	_Atomic size_t calls;
	_Atomic int last_algorithm, last_hash;
	_Atomic bool is_stuck; /* kit_sign() waits while it is set */
	_Atomic size_t waiting;
};
int kit_sign(void *ring, struct slice key_name, enum tls_algorithm algorithm, enum tls_hash hash,
	struct slice digest, struct buf *out, struct err *err);

#endif
