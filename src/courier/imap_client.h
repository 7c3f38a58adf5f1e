/*
 * imap_client.h - one connection to an IMAP server elsewhere, from which mail is read; nothing is
 * changed there.
 *
 * Writes: RFC 3501 (what every server has), with SASL-IR (RFC 4959), SPECIAL-USE (RFC 6154),
 *         NAMESPACE (RFC 2342), and OBJECTID (RFC 8474) or Gmail's X-GM-EXT-1 where they are
 *         offered. Mailboxes are opened by EXAMINE, texts read by BODY.PEEK[].
 * Does:   blocks its thread, with deadlines. TLS with a certificate that a CA vouches for, from the
 *         first byte or by STARTTLS, comes before the login; never anything less.
 * Bounds: config.patience_ms for each piece of an answer, IMAP_RESPONSE_MAX bytes of a response,
 * and each call's own. Texts go to spools. Errors: -ERR_BUSY (no connection, no answer, or the
 * server asks to be left alone for a while), -ERR_IO (lost), -ERR_SYNTAX, -ERR_TOOBIG (what it says
 * makes no sense), -ERR_DENIED (TLS as it must be cannot be had), -ERR_CONFLICT (the server says
 * no). After the first four the connection is of no use any more. One thread at a time.
 */
#ifndef COURIER_IMAP_CLIENT_H
#define COURIER_IMAP_CLIENT_H

#include "base/spool.h"
#include "courier/peer.h"
#include "wire/imap/response.h"

enum {
	IMAP_RESPONSE_MAX = 48 << 10,
	IMAP_FOLDERS_MAX = 10000,
	IMAP_BATCH = 100, /* messages that are looked at, and asked for, at once */
	IMAP_KEYWORDS_MAX = 32,
};

struct imap_client_config {
	struct peer_tls *tls;
	int stop_fd; /* readable: break off */
	int64_t patience_ms, connect_ms;
};

struct imap_host {
	const char *name;
	const struct ip *addresses;
	size_t addresses_n;
	unsigned port;
	bool is_starttls; /* else TLS from the first byte on */
	struct slice login, password;
};

struct imap_client;

/* imap_client_open - connected, in TLS, logged in. -ERR_CONFLICT: the login was refused. */
MUST_CHECK int imap_client_open(const struct imap_client_config *config,
	const struct imap_host *host, struct imap_client **out, struct err *err);
void imap_client_close(struct imap_client **client);

/* imap_client_folders - all mailboxes, in the arena, and the prefix of the user's own names; what
 * has a name that nobody can read is only counted. */
struct imap_folders {
	struct imap_listed *list;
	size_t n, unreadable;
	struct slice prefix;
};
MUST_CHECK int imap_client_folders(
	struct imap_client *client, struct arena *arena, struct imap_folders *out, struct err *err);
/* imap_client_knows_objects - imap_client_look() tells what is the same in several mailboxes. */
bool imap_client_knows_objects(const struct imap_client *client);
/* imap_client_count - how many messages a mailbox has. */
MUST_CHECK int imap_client_count(
	struct imap_client *client, struct slice folder, uint64_t *out, struct err *err);

struct imap_folder {
	uint32_t uidvalidity, uidnext; /* uidnext 0: not told */
	uint64_t messages;
};
MUST_CHECK int imap_client_examine(
	struct imap_client *client, struct slice folder, struct imap_folder *out, struct err *err);

/* What is known of a message before it is asked for. */
struct imap_message {
	uint32_t uid;
	unsigned flags; /* of IMAP_SEEN etc. */
	uint64_t size;
	bool has_date;
	struct imap_date_time date;
	struct slice object; /* the same in all mailboxes; empty: not told */
	struct slice *keywords;
	size_t keywords_n;
	bool is_done; /* the caller's */
};

/* imap_client_look - the messages with UIDs from first to last, ascending, the IMAP_BATCH lowest of
 * them, in the arena; *next_out: the UID to go on with, 0: there is nothing behind. */
MUST_CHECK int imap_client_look(struct imap_client *client, uint32_t first, uint32_t last,
	struct arena *arena, struct imap_message **list_out, size_t *n_out, uint32_t *next_out,
	struct err *err);

/* imap_client_fetch - the texts of these UIDs, at most IMAP_BATCH, in whatever order they come. A
 * UID for which take() is not called has none. What take() returns ends the connection if it is
 * negative; the spool is its own to free. spool_dir: of long ones; max: of one. */
typedef int imap_take_fn(void *context, uint32_t uid, struct spool *text, struct err *err);
MUST_CHECK int imap_client_fetch(struct imap_client *client, const uint32_t *uids, size_t n,
	int spool_dir, uint64_t max, imap_take_fn *take, void *context, struct err *err);

#endif
