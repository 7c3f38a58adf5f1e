/*
 * header.h - header fields: find them, and read what they say.
 *
 * Reads:  RFC 5322 (fields, addresses, dates, message ids, with their obsolete forms), RFC 2047
 *         (encoded words), RFC 6532 (UTF-8), RFC 5256 2.1 (base subject).
 * Does:   no I/O and no judgement: every byte sequence is a header block, and what cannot be
 *         understood is skipped or passed on as text. NUL and other control bytes never get
 *         into decoded text.
 * Bounds: work is linear in the input. Decoded text grows the caller's buf, addresses live in
 *         the caller's arena and number at most what the caller allows.
 *
 * Values are given folded, as they stand in the message. Any thread; nothing is shared.
 */
#ifndef WIRE_MIME_HEADER_H
#define WIRE_MIME_HEADER_H

#include "base/arena.h"
#include "base/buf.h"

/* A field name longer than this is not taken for one. */
enum { MIME_FIELD_NAME_MAX = 500 };

struct mime_field {
	struct slice raw;   /* the whole field, folded lines and last line end included */
	struct slice name;  /* as written, without white space */
	struct slice value; /* after the colon, still folded, without white space at both ends */
};

/* mime_header_next - the next field of a header block; false at the blank line or the end, and
 * *rest is then what is left, the blank line first. Lines that are no field are passed over. */
bool mime_header_next(struct slice *rest, struct mime_field *out);

/* mime_header_find - the first field of that name (case does not matter). */
bool mime_header_find(struct slice block, struct slice name, struct mime_field *out);

/* mime_header_filter - append the fields whose name is (is_not: is not) among the n names, in
 * their order, byte by byte, and the blank line if the block has one (RFC 9051 6.4.5.1). */
void mime_header_filter(
	struct slice block, const struct slice *names, size_t n, bool is_not, struct buf *out);

/* mime_header_unfold - append value in one line, no other byte changed (RFC 5322 2.2.3). */
void mime_header_unfold(struct slice value, struct buf *out);

/* mime_header_decode - append value as UTF-8 in one line: unfolded, encoded words decoded.
 * Bytes without meaning in their charset become U+FFFD, control bytes become spaces. */
void mime_header_decode(struct slice value, struct buf *out);

enum mime_address_kind {
	MIME_ADDRESS_MAILBOX,
	MIME_ADDRESS_GROUP,     /* "name:", only the name is set; members follow */
	MIME_ADDRESS_GROUP_END, /* ";" */
};

struct mime_address {
	struct mime_address *next;
	enum mime_address_kind kind;
	struct slice name;    /* without quotes, encoded words as they are; ptr NULL: none */
	struct slice route;   /* obsolete source route "@a,@b"; ptr NULL: none */
	struct slice mailbox; /* local part without quotes; may be empty */
	struct slice domain;  /* empty if it is missing */
};

/* mime_address_parse - the addresses of a value in their order, at most max (groups and their
 * ends count), or NULL if there is none. A full arena ends the list early. */
struct mime_address *mime_address_parse(struct slice value, size_t max, struct arena *arena);

struct mime_date {
	int64_t utc;  /* seconds since 1970 */
	int zone_min; /* minutes east of Greenwich: utc + 60 * zone_min is the written time */
};

/* mime_date_parse - a Date field (RFC 5322 3.3, 4.3, and the order of asctime); false if it holds
 * no date. A wrong time counts as midnight, a wrong zone as UTC (RFC 5256 2.2). */
bool mime_date_parse(struct slice value, struct mime_date *out);

/* mime_msgid_next - the next message id of *rest (Message-ID, In-Reply-To, References) in
 * id_out, which is cleared first: without brackets and white space. False if there is none.
 * Ids that do not fit into id_out are passed over; text outside of brackets counts only if the
 * whole value has none. */
bool mime_msgid_next(struct slice *rest, struct buf *id_out);

/* mime_subject_base - append the base subject in UTF-8 (RFC 5256 2.1) of a Subject value; true
 * if something was removed that marks a reply or a forward. */
bool mime_subject_base(struct slice value, struct buf *out);

#endif
