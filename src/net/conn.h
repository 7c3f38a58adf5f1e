/*
 * conn.h - one connection, as a protocol's session sees it.
 *
 * A protocol is one `struct protocol`. Its callbacks are plain top-to-bottom C and always run on
 * the thread that owns the connection at that moment, never two at once for one connection; only
 * they may call the functions of this header (exceptions are named in pool.h). Nothing here waits
 * for the peer:
 *
 *   - input is gathered until frame() says that a whole unit is there (a line, a chunk of a
 *     literal, a chunk of DATA), then execute() runs on it;
 *   - output is a queue: bytes appended to conn_out(), and sources pulled as the socket takes
 *     more. The next unit starts only when no source is left and little output waits;
 *   - waiting for anybody else is conn_park(): the handler returns and goes on in resume().
 *
 * Bounds: protocol.unit_max bytes of input, 256 KiB of memory output before input stops, timeouts
 * by conn_set_timeout(); a turn is one unit, or short ones together under a millisecond, or 256
 * KiB.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/ip.h"
#include "base/log.h"

struct conn;
struct pool;
struct tls;

/* Names a connection for as long as anybody likes: a stale one is simply not found. */
struct conn_ref {
	uint32_t slot, generation;
};

enum conn_goodbye {
	GOODBYE_IDLE,     /* the timeout passed */
	GOODBYE_SHUTDOWN, /* this server is going away */
	GOODBYE_REVOKED,  /* the session's login is no longer good */
	GOODBYE_OVERLOAD, /* too many connections; called instead of greet() */
};

struct protocol {
	const char *name;    /* "imap": in logs and metrics */
	size_t session_size; /* zeroed bytes kept for the session, see conn_session() */
	size_t unit_max;     /* most bytes of one unit, at least 1024 */
	bool sends_secrets;  /* what was sent is wiped from memory */
	bool takes_fds;      /* Unix sockets between processes of ours: conn_take_fd() */
	/* alpn - names for TLS (RFC 7301), best first, NULL at the end; a client that offers only
	 * others is refused. NULL: nobody is asked. */
	const char *const *alpn;
	/* greet - the connection is there (and its TLS handshake done, where TLS is implicit). */
	void (*greet)(struct conn *c);
	/* frame - how many bytes of in are the next unit; 0: wait for more. With is_full the input
	 * has reached unit_max, and 0 closes the connection. A pure look at the bytes. */
	size_t (*frame)(struct conn *c, struct slice in, bool is_full);
	/* execute - do the unit. The bytes are gone when it returns. */
	void (*execute)(struct conn *c, struct slice unit);
	/* notify - somebody called pool_wake(); called between units only, also while the client is
	 * silent. May be NULL. */
	void (*notify)(struct conn *c);
	/* more - little output is left: append what else there is to send (at most about 64 KiB);
	 * false: nothing now, asked again after the next unit, notify or answer. For protocols that
	 * send and receive at once: unlike a source it does not hold up input. May be NULL. */
	bool (*more)(struct conn *c);
	/* goodbye - say why we close (append to conn_out()); the connection is closed after it. */
	void (*goodbye)(struct conn *c, enum conn_goodbye why);
	/* done - the connection is closed; free what the session owns. Nothing can be sent. */
	void (*done)(struct conn *c);
};

/* A part of a reply that is made while it is sent. */
struct source {
	/*
	 * pull - append the next piece to out (some bytes, at most about 64 KiB).
	 * Returns SOURCE_MORE, SOURCE_DONE, SOURCE_WAIT (nothing now; somebody will pool_wake() the
	 * connection, and pull is tried again), or a negative error: what was announced cannot be
	 * kept, the connection is closed and the error logged.
	 */
	int (*pull)(struct source *s, struct conn *c, struct buf *out, struct err *err);
	void (*free)(struct source *s); /* also when the connection dies first */
	struct source *next;            /* the queue's */
};

enum { SOURCE_DONE = 0, SOURCE_MORE = 1, SOURCE_WAIT = 2 };

/* What a parked connection was waiting for. data belongs to resume(); free_data frees it when the
 * connection has gone meanwhile. */
struct answer {
	int rc; /* 0 or a negative enum err_code; -ERR_BUSY when the deadline passed */
	struct err err;
	void *data;
	void (*free_data)(void *data);
};

typedef void conn_resume_fn(struct conn *c, struct answer *answer);

void *conn_session(struct conn *c);
void *conn_context(struct conn *c); /* what the listener was given: the service */
struct pool *conn_pool(struct conn *c);
struct conn_ref conn_ref(struct conn *c);
struct log_ctx *conn_log(struct conn *c); /* service, session id and peer are filled in */

/* conn_arena - memory of the unit being done: emptied before the next execute(). */
struct arena *conn_arena(struct conn *c);

/* conn_out - append replies here (sticky error; more than 16 MiB closes the connection). */
struct buf *conn_out(struct conn *c);
/* conn_source - queue s behind what conn_out() holds; the connection owns it from now on. */
void conn_source(struct conn *c, struct source *s);

/*
 * conn_park - the unit is not finished: after the handler returns, nothing more is executed until
 * pool_answer() is called with the returned ticket (which may already happen before the handler
 * returns) or timeout_ms passed (answer.rc is then -ERR_BUSY). Output still flows. resume() may
 * park again.
 */
uint64_t conn_park(struct conn *c, int64_t timeout_ms, conn_resume_fn *resume);

/* conn_park_beside - the same, but input goes on meanwhile: execute() must bear it. */
uint64_t conn_park_beside(struct conn *c, int64_t timeout_ms, conn_resume_fn *resume);

/* conn_set_timeout - close with goodbye(GOODBYE_IDLE) if no whole unit arrives for so long. It
 * holds until set again; no output moving for as long closes too. */
void conn_set_timeout(struct conn *c, int64_t ms);

/* conn_restart_timeout - the same, counted from now: what has begun has so long to be whole,
 * however slowly its bytes come. May be called by frame(). */
void conn_restart_timeout(struct conn *c, int64_t ms);

/* conn_set_busy - something larger than a unit has begun (a DATA, a literal): until it is set back
 * the shutdown of this server waits for it. */
void conn_set_busy(struct conn *c, bool is_busy);

/* conn_join - this is one of the connections of an account, say after a login: of those with the
 * same number only a few have a turn at a time, so that one account does not keep the others
 * waiting. Once. */
void conn_join(struct conn *c, uint64_t account);

/* conn_close - close when all queued output has been sent; no further unit is executed. */
void conn_close(struct conn *c);

/* conn_start_tls - when the queued output has been sent, start a handshake as the server. What
 * the peer sent behind the command in clear is thrown away (RFC 3207 4.2): returns false, and the
 * protocol should refuse and close, if anything had arrived already. */
MUST_CHECK bool conn_start_tls(struct conn *c);

bool conn_is_tls(const struct conn *c);
const char *conn_tls_version(const struct conn *c); /* "TLSv1.3"; NULL without TLS */
const char *conn_tls_cipher(const struct conn *c);
/* conn_channel_binding - append the data that binds a login to this TLS connection: of
 * "tls-exporter" (RFC 9266) or "tls-server-end-point" (RFC 5929 4). -ERR_NOTFOUND: no TLS, or no
 * such binding. */
MUST_CHECK int conn_channel_binding(
	struct conn *c, struct slice name, struct buf *out, struct err *err);
/* conn_peer_key - the client has shown a certificate and, in the handshake, that it holds its key:
 * the key's hash (chain_key_hash()). Who issued the certificate, and for how long, is not looked
 * at. False: it has shown none. */
enum { CONN_KEY_HASH_LEN = 32 };
bool conn_peer_key(const struct conn *c, unsigned char hash_out[CONN_KEY_HASH_LEN]);
struct slice conn_alpn(const struct conn *c);         /* chosen by ALPN: "h2"; "" if nothing */
struct slice conn_peer_address(const struct conn *c); /* "192.0.2.1", "2001:db8::1", "" on Unix */
/* conn_speak_for - a peer that may speak for others does it for this one: conn_peer_address() and
 * the log have it from now on. */
void conn_speak_for(struct conn *c, const struct ip *client);
bool conn_peer_uid(const struct conn *c, uint32_t *uid_out); /* Unix sockets: SO_PEERCRED */

/* conn_send_fd - the descriptor goes (SCM_RIGHTS) with the next bytes that are sent, and is closed
 * then: it arrives in order, and not later than what is appended to conn_out() after this call.
 * conn_take_fd - the next one that arrived, now the caller's; -1: none. Those that nobody takes
 * are closed with the connection, which ends when they are CONN_FDS_MAX. No TLS. */
enum { CONN_FDS_MAX = 1024 };
void conn_send_fd(struct conn *c, int fd);
int conn_take_fd(struct conn *c);

/* conn_has_input - the client has sent more than the unit being done: it pipelines. */
bool conn_has_input(const struct conn *c);
/* conn_is_early - the peer has sent something that was not read yet, as a look at the socket shows:
 * for who must not speak now. Before TLS. */
bool conn_is_early(const struct conn *c);
/* conn_is_draining - this server takes no new work; sessions end when idle. */
bool conn_is_draining(const struct conn *c);

#endif
