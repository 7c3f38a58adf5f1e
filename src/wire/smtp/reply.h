/*
 * reply.h - every reply that our SMTP and LMTP servers can give, in one table, and their writer.
 *
 * Reads:  RFC 5321 4.2 (codes, multi-line replies), RFC 2034 and 3463 (enhanced codes).
 * Does:   a row holds the code, the enhanced code and a text; a caller names the row and may give
 *         a better text. Line breaks in a text make a multi-line reply.
 * Bounds: each line is cut at 512 bytes with its CRLF (RFC 5321 4.5.3.1.5), and what is not
 *         printable ASCII becomes "?", so no peer's bytes can forge a reply.
 */
#ifndef WIRE_SMTP_REPLY_H
#define WIRE_SMTP_REPLY_H

#include "base/buf.h"

enum smtp_say {
	SMTP_SAY_GREETING,
	SMTP_SAY_GO_TLS,
	SMTP_SAY_BYE,
	SMTP_SAY_AUTH_OK,
	SMTP_SAY_HELLO, /* the list of EHLO has no enhanced codes */
	SMTP_SAY_OK,
	SMTP_SAY_SENDER_OK,
	SMTP_SAY_PRIORITY_CHANGED, /* RFC 6710: the sender is fine; the text begins with a number */
	SMTP_SAY_RCPT_OK,
	SMTP_SAY_STORED,
	SMTP_SAY_CHUNK_OK,
	SMTP_SAY_NO_VRFY,
	SMTP_SAY_AUTH_NEXT,
	SMTP_SAY_GO_DATA,
	SMTP_SAY_HELP,

	SMTP_SAY_UNKNOWN,       /* no such command */
	SMTP_SAY_SYNTAX,        /* the line or the argument is malformed */
	SMTP_SAY_LINE_TOO_LONG, /* command line */
	SMTP_SAY_BAD_ARG,       /* a parameter's value */
	SMTP_SAY_NOT_HERE,      /* known, but not offered on this port or in this state */
	SMTP_SAY_BAD_PARAM,     /* a parameter that we do not know */
	SMTP_SAY_BAD_SENDER,    /* syntax of the reverse path */
	SMTP_SAY_BAD_RCPT,      /* syntax of the forward path */
	SMTP_SAY_NEED_UTF8,     /* an address that needs SMTPUTF8 */
	SMTP_SAY_SEQUENCE,      /* bad sequence of commands */
	SMTP_SAY_NEED_AUTH,
	SMTP_SAY_NEED_TLS,
	SMTP_SAY_TLS_ACTIVE,
	SMTP_SAY_AUTH_MECH,
	SMTP_SAY_AUTH_SYNTAX,
	SMTP_SAY_AUTH_CANCEL,
	SMTP_SAY_AUTH_FAILED,
	SMTP_SAY_AUTH_LATER,
	SMTP_SAY_NO_USER,
	SMTP_SAY_NO_RELAY,
	SMTP_SAY_NOT_YOURS,      /* envelope sender of somebody else */
	SMTP_SAY_FROM_NOT_YOURS, /* From header of somebody else */
	SMTP_SAY_TOO_MANY_RCPT,
	SMTP_SAY_NO_RCPT,
	SMTP_SAY_BARE_LINE_END,
	SMTP_SAY_BINARY,    /* binary where it cannot be encoded */
	SMTP_SAY_DATA_LINE, /* a line of the message is too long */
	SMTP_SAY_LOOP,
	SMTP_SAY_TOO_BIG,
	SMTP_SAY_TOO_BIG_URGENT, /* for its priority */
	SMTP_SAY_MAILBOX_FULL,
	SMTP_SAY_MAILBOX_FULL_NOW,
	SMTP_SAY_LEVEL,
	SMTP_SAY_LEVEL_NOW,
	SMTP_SAY_DISABLED,
	SMTP_SAY_REFUSED, /* who brings it is not trusted, or not its author (DMARC) */
	SMTP_SAY_DEFERRED,
	SMTP_SAY_DISK_FULL,
	SMTP_SAY_LATER,
	SMTP_SAY_BUSY,
	SMTP_SAY_TOO_MANY_ERRORS,
	SMTP_SAY_TIMEOUT,
	SMTP_SAY_CLOSING,
	SMTP_SAY_COUNT,
};

/* smtp_say_code - 250, 550, ... */
unsigned smtp_say_code(enum smtp_say say);

/* smtp_say_of - the reply to an error of ours that no command has a better one for. */
enum smtp_say smtp_say_of(enum err_code code);

/* smtp_reply_put - the whole reply with its CRLFs; an empty text stands for the row's own. */
void smtp_reply_put(struct buf *out, enum smtp_say say, struct slice text);

#endif
