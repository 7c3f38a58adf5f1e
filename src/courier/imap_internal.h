/* imap_internal.h - what the parts of the IMAP client share; only for imap_*.c. */
#ifndef COURIER_IMAP_INTERNAL_H
#define COURIER_IMAP_INTERNAL_H

#include "courier/imap_client.h"

enum imap_can {
	IMAP_CAN_STARTTLS = 1,
	IMAP_CAN_PLAIN = 2, /* AUTH=PLAIN */
	IMAP_CAN_INITIAL = 4,
	IMAP_CAN_NOT_LOGIN = 8,
	IMAP_CAN_SPECIAL_USE = 16,
	IMAP_CAN_NAMESPACE = 32,
	IMAP_CAN_OBJECTID = 64,
	IMAP_CAN_GMAIL = 128,
};

struct imap_client {
	const struct imap_client_config *config;
	struct peer *peer;
	enum peer_trust trust;
	unsigned can;
	bool knows_can; /* the server said it without being asked */
	bool is_broken;
	unsigned tags;
	struct arena arena; /* of the response at hand */
};

/* imap_client_new - over a peer, which is the client's from now on. */
struct imap_client *imap_client_new(const struct imap_client_config *config, struct peer *peer);
/* imap_greet - what the server says first. imap_log_in. */
MUST_CHECK int imap_greet(struct imap_client *c, struct err *err);
MUST_CHECK int imap_log_in(
	struct imap_client *c, struct slice name, struct slice password, struct err *err);

/* imap_say - bytes of a command. imap_tag - a new tag, and a space, into out. */
MUST_CHECK int imap_say(struct imap_client *c, struct slice bytes, struct err *err);
void imap_tag(struct imap_client *c, struct buf *out);

/* What comes before the answer to a command, each untagged response with data or condition.
 * Negative: the end of the connection. */
typedef int imap_heard_fn(
	struct imap_client *c, void *context, struct imap_response *r, struct err *err);
/* imap_command - the command, with its CRLF, behind a tag of its own; until it is answered.
 * heard: may be NULL. -ERR_CONFLICT, -ERR_BUSY: as the answer is. */
MUST_CHECK int imap_command(struct imap_client *c, struct slice command, imap_heard_fn *heard,
	void *context, struct err *err);
/* imap_hear - the next response, or the piece of one in front of a message's text; it lives until
 * imap_heard(). */
MUST_CHECK int imap_hear(
	struct imap_client *c, bool is_rest, struct imap_frame *frame_out, struct err *err);
void imap_heard(struct imap_client *c, const struct imap_frame *frame);
/* imap_read - a response; 1: it is the answer to the command that is under way, *rc_out is what
 * came of it. */
MUST_CHECK int imap_read(struct imap_client *c, const struct imap_frame *frame,
	struct imap_response *out, int *rc_out, struct err *err);
/* imap_broken - rc, which ends the connection if it is negative. */
int imap_broken(struct imap_client *c, int rc);
/* imap_put_name - a mailbox name as the server wrote it, quoted. */
MUST_CHECK int imap_put_name(struct buf *out, struct slice name, struct err *err);

#endif
