/*
 * mime.h - the structure of a message: where its parts are and what they say of themselves.
 *
 * Reads:  RFC 5322, RFC 2045-2046, 2183 (disposition), 2231 (parameters), 3066/3282 (language),
 *         6532 (message/global), in slices of any size: the result does not depend on where the
 *         message was cut. Lines end in CRLF or LF.
 * Does:   no decoding of bodies, which are never kept: memory is the current header block, the
 *         tree, and a fixed rest.
 * Bounds: struct mime_limits. Nothing fails: every byte sequence is a message, and past a limit
 *         a part is an opaque leaf, further parts of a multipart are not told apart, further
 *         header fields are not read. Work is linear in the bytes.
 *
 * A parser has one owner at a time; its result is read-only and may be read by any thread.
 */
#ifndef WIRE_MIME_MIME_H
#define WIRE_MIME_MIME_H

#include "base/arena.h"
#include "wire/mime/header.h"

struct mime_limits {
	unsigned depth_max;      /* parts within parts; the message itself is the first */
	unsigned parts_max;      /* in the whole message */
	size_t header_bytes_max; /* read of one header block; what follows is skipped */
	unsigned fields_max;     /* read of one header block */
};

extern const struct mime_limits mime_limits_default;

enum mime_encoding {
	MIME_7BIT,
	MIME_8BIT,
	MIME_BINARY,
	MIME_QP,
	MIME_BASE64,
	MIME_ENCODING_UNKNOWN,
};

enum mime_kind {
	MIME_LEAF,      /* whatever its type says, we do not look into it */
	MIME_MULTIPART, /* has one child or more */
	MIME_MESSAGE,   /* message/rfc822 or message/global: its one child is that message */
};

/* One parameter of Content-Type or Content-Disposition. */
struct mime_param {
	struct slice name;  /* continuations are joined; ends in "*" if value is extended */
	struct slice value; /* as sent, without quotes; extended: charset'language'%-encoded */
	struct slice text;  /* decoded to UTF-8 (RFC 2231, and RFC 2047, which many use) */
};

struct mime_params {
	struct mime_param *list;
	size_t count;
};

/* A field of a message's header that is kept for ENVELOPE and for lists; see prepare.h. */
struct mime_kept {
	struct mime_kept *next;
	struct mime_field field;
	int name; /* which one it is: private to this room */
};

/* A slice is absent if its ptr is NULL. */
struct mime_part {
	struct mime_part *parent, *next, *children;
	enum mime_kind kind;
	bool is_message;    /* has a header of RFC 5322: the message, or a MESSAGE's child */
	bool has_blank;     /* a blank line ends its header */
	bool is_header_cut; /* a limit kept us from reading all of its header */
	struct slice type, subtype; /* in lower case; text and plain if not given */
	struct mime_params params;
	enum mime_encoding encoding;
	struct slice encoding_name; /* as written, if it is unknown */
	struct slice id, description, location, md5;
	struct slice disposition;
	struct mime_params disposition_params;
	struct slice languages;   /* Content-Language in one line: tags with commas */
	struct mime_kept *fields; /* is_message: what was kept of the header, in its order */
	uint64_t header_start;    /* offsets in the whole message */
	uint64_t body_start;      /* the header ends here, with its blank line */
	uint64_t body_end;
	uint64_t lines; /* line ends within the body */
};

struct mime_message {
	struct arena arena; /* owns everything below */
	struct mime_part *root;
	uint64_t size;
	unsigned parts;
};

struct mime_parser;

struct mime_parser *mime_parser_new(const struct mime_limits *limits);
void mime_parser_feed(struct mime_parser *p, struct slice bytes);
/* mime_parser_finish - the message is over: the result, which the caller owns. Once only. */
struct mime_message *mime_parser_finish(struct mime_parser *p);
void mime_parser_free(struct mime_parser **p);

void mime_message_free(struct mime_message **message);

/* mime_param_text - the decoded value of a parameter, the extended form before the plain one;
 * ptr is NULL if there is none. name is given in lower case without "*". */
struct slice mime_param_text(const struct mime_params *params, struct slice name);

#endif
