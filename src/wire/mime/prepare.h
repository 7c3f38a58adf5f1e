/*
 * prepare.h - what reading a mailbox needs of a message, computed once when it arrives.
 *
 * Writes: one compact blob with ENVELOPE, BODY and BODYSTRUCTURE ready to send (RFC 9051 7.5.2),
 *         the header fields that lists ask for, the sent date, and an index of the parts.
 * Reads:  that blob, without allocation; slices point into it. Its first byte is a version.
 * Errors: a blob that is cut, changed or of another version is -ERR_CORRUPT, never a crash.
 *
 * IMAP's strings are quoted if they are ASCII, else literals, so that they may be sent to clients
 * of either revision. NUL bytes, which IMAP cannot send, are left out. A parameter that RFC 2231
 * cut in pieces is sent whole; an extended one is sent as "name*" in its extended form.
 */
#ifndef WIRE_MIME_PREPARE_H
#define WIRE_MIME_PREPARE_H

#include "wire/mime/mime.h"

/* No blob of a message parsed with mime_limits_default is larger. */
enum { MIME_PREPARED_MAX = 64 * 1024 * 1024 };

/* Addresses that all ENVELOPEs of one message may hold together; further ones are left out. */
enum { MIME_ENVELOPE_ADDRESSES_MAX = 10000 };

/* mime_prepare - append the blob of a message. -ERR_TOOBIG if out's maximum is too small. */
MUST_CHECK int mime_prepare(const struct mime_message *message, struct buf *out, struct err *err);

struct mime_prepared {
	struct slice envelope;      /* "(...)" each, as FETCH sends it */
	struct slice bodystructure; /* extensible */
	struct slice body;          /* not extensible */
	struct slice fields;        /* raw fields of the list below, in their order */
	uint64_t size;              /* of the message */
	uint64_t header_size;       /* its blank line included */
	bool has_blank;             /* a blank line ends the header */
	bool has_all_fields;        /* false: the header was too large to keep all of them */
	bool has_date;
	struct mime_date date; /* the Date field, if has_date */
	uint64_t parts;        /* in the index, at least 1 */
	struct slice index;    /* private: see mime_prepared_next() */
};

/* mime_prepared_open - everything but the index is looked at. */
MUST_CHECK int mime_prepared_open(struct slice blob, struct mime_prepared *out, struct err *err);

/* mime_prepared_covers - true if all these header fields are kept in the blob (or are known not to
 * be there): From, Sender, Reply-To, To, Cc, Bcc, Subject, Date, Message-ID, In-Reply-To,
 * References, List-Id, List-Unsubscribe, Content-Type, Content-Transfer-Encoding, MIME-Version,
 * X-Priority, Importance, Priority, Delivered-To, Return-Path, Auto-Submitted. */
bool mime_prepared_covers(struct slice blob, const struct slice *names, size_t n);

/* mime_names_kept - true if all these are of that list: what mime_prepared_covers() says of each
 * message whose has_all_fields is set. */
bool mime_names_kept(const struct slice *names, size_t n);

/* mime_prepared_fields - append HEADER.FIELDS of names of that list, with the blank line.
 * -ERR_NOTFOUND if not has_all_fields. */
MUST_CHECK int mime_prepared_fields(
	struct slice blob, const struct slice *names, size_t n, struct buf *out, struct err *err);

struct mime_range {
	uint64_t start, end; /* bytes of the whole message */
};

struct mime_section {
	enum mime_kind kind;
	enum mime_encoding encoding;
	bool is_text;             /* type is text */
	bool is_html;             /* text/html */
	bool is_attachment;       /* Content-Disposition says so */
	struct slice charset;     /* is_text: as written, may be empty */
	struct mime_range mime;   /* its header with the blank line: section "n.MIME" */
	struct mime_range body;   /* section "n" */
	bool has_message;         /* the two below are set: it is a message */
	struct mime_range header; /* of the embedded message: section "n.HEADER" */
	struct mime_range text;   /* section "n.TEXT" */
};

/* mime_prepared_section - the part that RFC 9051 6.4.5.1 calls path[0].path[1]...; with count 0
 * the message itself (body is then all of it). -ERR_NOTFOUND if there is no such part. */
MUST_CHECK int mime_prepared_section(struct slice blob, const uint32_t *path, size_t count,
	struct mime_section *out, struct err *err);

/* mime_prepared_next - walk all parts, containers before what is in them: start with *at = 0;
 * 1 with a part, 0 at the end, or -ERR_CORRUPT. */
MUST_CHECK int mime_prepared_next(const struct mime_prepared *prepared, size_t *at,
	struct mime_section *out, struct err *err);

#endif
