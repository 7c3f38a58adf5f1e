/*
 * smtp_client.h - one connection to a mail server, over which messages of the queue go out.
 *
 * Writes: RFC 5321 (with PIPELINING, CHUNKING, SIZE, 8BITMIME, SMTPUTF8, DSN, DELIVERBY and
 *         REQUIRETLS where they are offered), STARTTLS (RFC 3207), LMTP (RFC 2033).
 * Does:   blocks its thread. TLS is taken where it is offered, with any certificate; where it fails
 *         and nothing demands it, the connection is made again without. What goes out never holds
 *         a line end that is not CRLF (wire/smtp/stuff.h).
 * Bounds: config.patience_ms for each answer, twice that for the answer to a message.
 */
#ifndef COURIER_SMTP_CLIENT_H
#define COURIER_SMTP_CLIENT_H

#include "courier/plan.h"
#include "queue/queue.h"

enum { SMTP_TLS_REASON = 160 };

enum smtp_need {        /* of TLS */
	SMTP_NEED_NONE, /* not even tried */
	SMTP_NEED_SOME, /* taken if it is offered */
	SMTP_NEED_TLS,
	SMTP_NEED_VERIFIED, /* with a certificate of a CA's, or a TLSA record's */
	SMTP_NEED_DANE,     /* with one that fits the host's TLSA records */
};

struct smtp_login {
	struct slice name, password;
};

struct smtp_wish {
	enum smtp_need need;            /* what is demanded */
	enum smtp_need counted;         /* what is counted as good, if it is more than that */
	bool is_sure;                   /* it is a host of the destination's (RFC 8689 4.2.1, 2.) */
	const char *domain;             /* the destination's name; or NULL */
	bool is_implicit;               /* TLS from the first byte on (RFC 8314 3.3) */
	const struct smtp_login *login; /* RFC 4954; or NULL: nobody's */
};

struct smtp_client_config {
	struct peer_tls *tls;
	struct slice host_name; /* ours */
	int stop_fd;
	int64_t patience_ms, connect_ms;
};

struct smtp_client;

/* What TLS came to, for who counts it. */
struct smtp_tls {
	bool is_tried; /* there was a server that greeted: the rest is set */
	enum tls_result result;
	char our_ip[IP_TEXT_MAX], ip[IP_TEXT_MAX]; /* theirs */
	char reason[SMTP_TLS_REASON];
};

/* smtp_client_open - connected, greeted, with TLS as it is wished. *tls_out is always written.
 * -ERR_BUSY, -ERR_IO: worth another host, or another time; -ERR_DENIED: TLS as it is needed cannot
 * be had; -ERR_CONFLICT: the login was refused. err says why. */
MUST_CHECK int smtp_client_open(const struct smtp_client_config *config,
	const struct plan_host *host, unsigned port, const struct smtp_wish *wish,
	struct smtp_tls *tls_out, struct smtp_client **out, struct err *err);
/* smtp_client_open_here - LMTP to this host's mail server. */
MUST_CHECK int smtp_client_open_here(const struct smtp_client_config *config, const char *path,
	struct smtp_client **out, struct err *err);

/* smtp_client_send - each recipient of m gets its outcome, what was said about it, and by whom. */
void smtp_client_send(struct smtp_client *client, struct queue *queue, struct queue_message *m);

/* smtp_client_count - messages tried over this connection. */
unsigned smtp_client_count(const struct smtp_client *client);
/* smtp_client_is_usable - another message may follow. */
bool smtp_client_is_usable(struct smtp_client *client);
/* smtp_client_close - says goodbye if anybody listens. */
void smtp_client_close(struct smtp_client **client);

/* smtp_client_may_require - what RFC 8689 4.2.1 asks of a connection for a message that requires
 * TLS. */
bool smtp_client_may_require(const struct smtp_client *client);
/* smtp_client_tls - "none", "any", "verified", "dane". */
const char *smtp_client_tls(const struct smtp_client *client);

#endif
