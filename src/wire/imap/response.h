/*
 * response.h - what an IMAP server says, for its client.
 *
 * Reads:  RFC 3501 and RFC 9051 section 7: tagged and untagged responses, response codes,
 *         continuation requests; LIST with its attributes (RFC 6154, RFC 5258), NAMESPACE (RFC
 *         2342), STATUS, FETCH.
 * Does:   no I/O. Lenient where servers differ: unknown flags, attributes and items of FETCH are
 *         passed over, and so is a date that is none.
 * Bounds: struct imap_limits, and what the caller allows for one response; linear. A message's text
 *         is never part of a response here: imap_response_frame() stops in front of it.
 * Errors: -ERR_SYNTAX, -ERR_TOOBIG: with such a server nothing can be done.
 */
#ifndef WIRE_IMAP_RESPONSE_H
#define WIRE_IMAP_RESPONSE_H

#include "wire/imap/date.h"
#include "wire/imap/flags.h"

enum imap_piece {
	IMAP_PIECE_NONE, /* more bytes are needed */
	IMAP_PIECE_LINE, /* a response to its end, or the rest of one behind a message's text */
	IMAP_PIECE_BODY, /* a response up to where "BODY[] {n}" announces the text: n bytes of it
			    come next, then the rest of the response */
};

struct imap_frame {
	enum imap_piece piece;
	struct slice text; /* without its last CRLF; other literals are in place */
	size_t length;     /* of the text with that CRLF */
	uint64_t body;     /* PIECE_BODY: how many bytes */
};

/* imap_response_frame - the piece at the front of in; is_rest: we are behind a message's text. At
 * most max bytes. */
MUST_CHECK int imap_response_frame(
	struct slice in, bool is_rest, size_t max, struct imap_frame *out, struct err *err);

enum imap_condition {
	IMAP_DATA, /* no condition: what `name` says */
	IMAP_OK,
	IMAP_NO,
	IMAP_BAD,
	IMAP_BYE,
	IMAP_PREAUTH,
	IMAP_CONTINUE, /* "+ ..." */
};

struct imap_response {
	struct slice tag; /* empty: untagged */
	enum imap_condition condition;
	struct slice code, code_args; /* "[UIDNEXT 5]"; empty: none */
	struct slice text;            /* for people; of CONTINUE: the challenge */
	uint64_t number;              /* of "* 5 EXISTS"; 0 */
	struct slice name;            /* of IMAP_DATA: "EXISTS", "LIST", "CAPABILITY" */
	struct imap_lex rest;         /* behind the name and a space */
};

MUST_CHECK int imap_response_parse(struct slice text, const struct imap_limits *limits,
	struct arena *arena, struct imap_response *out, struct err *err);

enum imap_attribute {
	IMAP_NOSELECT = 1 << 0, /* \Noselect, \NonExistent */
	IMAP_USE_ALL = 1 << 1,
	IMAP_USE_ARCHIVE = 1 << 2,
	IMAP_USE_DRAFTS = 1 << 3,
	IMAP_USE_FLAGGED = 1 << 4,
	IMAP_USE_IMPORTANT = 1 << 5, /* RFC 8457 */
	IMAP_USE_JUNK = 1 << 6,
	IMAP_USE_SENT = 1 << 7,
	IMAP_USE_TRASH = 1 << 8,
};

struct imap_listed {
	unsigned attributes; /* of enum imap_attribute */
	char separator;      /* 0: the mailbox has no levels */
	struct slice name;   /* as the server wrote it */
};

/* Each reads a response's rest. */
MUST_CHECK int imap_listed_parse(struct imap_lex *lx, struct imap_listed *out, struct err *err);
/* imap_namespace_parse - the prefix of the user's own mailboxes; empty: none. */
MUST_CHECK int imap_namespace_parse(struct imap_lex *lx, struct slice *prefix_out, struct err *err);
/* imap_messages_parse - of STATUS, the number of messages. */
MUST_CHECK int imap_messages_parse(struct imap_lex *lx, uint64_t *out, struct err *err);

struct imap_fetched {
	uint32_t uid; /* 0: not told */
	bool has_flags, has_size, has_date;
	struct imap_flags flags;
	uint64_t size;
	struct imap_date_time date;
	struct slice object; /* EMAILID or X-GM-MSGID: the same in all mailboxes; empty: not told */
	bool has_body;       /* the text was there: in body, or announced at the response's end */
	bool is_streamed;
	struct slice body; /* ptr NULL: NIL, there is none */
};

/* imap_fetched_parse - into *out what is there, beside what it has from the response's first piece.
 * True in is_streamed: the text goes on, and imap_fetched_go_on() reads what follows it. */
MUST_CHECK int imap_fetched_parse(struct imap_lex *lx, struct imap_fetched *out, struct err *err);
MUST_CHECK int imap_fetched_go_on(struct imap_lex *lx, struct imap_fetched *out, struct err *err);

#endif
