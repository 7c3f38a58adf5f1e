/*
 * client.h - the load generator's side of a connection: blocking, one thread each, TLS or clear.
 *
 * It knows IMAP, LMTP and submission just well enough to load a server and to count what comes
 * back. Any failure ends the program with a line that says what: a bench with errors has no
 * figures.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <openssl/ssl.h>

#include "base/buf.h"

struct target {
	const char *host;
	int imaps, lmtp, submissions;
	const char *user; /* "u%05d@bench.example" */
	const char *password;
	SSL_CTX *tls;
};

struct client {
	int fd;
	SSL *ssl; /* NULL: in clear */
	char *in;
	size_t start, end, cap;
	uint64_t received;
	unsigned tag;
};

/* What an IMAP command brought back. */
struct client_reply {
	long exists, fetches, hits;
	uint64_t literal_bytes;
};

_Noreturn void bench_die(const char *fmt, ...) PRINTF_LIKE(1, 2);
double bench_now(void); /* seconds, monotonic */

void client_open(struct client *c, const struct target *t, int port, bool is_tls);
void client_close(struct client *c);
void client_send(struct client *c, struct slice bytes);
/* client_line - the next line without its CRLF; valid until the next read. */
struct slice client_line(struct client *c);

/* client_login - connect, TLS, greeting, LOGIN of user number n. */
void client_login(struct client *c, const struct target *t, int n);
/* client_command - send one command, read to its tagged OK. */
struct client_reply client_command(struct client *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* client_drain - the same for a reply that nobody looks at: with as little CPU as can be, so that
 * many such clients leave the machine to the server. */
void client_drain(struct client *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
void client_append(struct client *c, const char *mailbox, struct slice message);
/* client_idle_wait - IDLE was sent: read until a line holds text. */
void client_wait_for(struct client *c, const char *text);

/* client_lmtp - connect and LHLO; client_deliver - one message to the users numbered rcpts. */
void client_lmtp(struct client *c, const struct target *t);
void client_deliver(
	struct client *c, const struct target *t, const int *rcpts, size_t n, struct slice message);

/* client_submission - connect with TLS, EHLO, and AUTH as user number n if there is a password;
 * client_submit - one message to so many recipients of a domain. */
void client_submission(struct client *c, const struct target *t, int n);
void client_submit(struct client *c, const struct target *t, int user, int rcpts, long job,
	int domain, struct slice message);

#endif
