/*
 * milter.h - one message is shown to a milter, by threads that may wait for it.
 *
 * Does:   all steps of a session at once (wire/milter/milter.h): connect, greeting, envelope,
 *         header, body, end. The Received line of our own is not shown, as other servers do not
 *         show theirs. What the filter changes (fields, body) is put into the mail.
 * Refuse: is what discard means here, too, since nothing that is accepted may vanish; a recipient
 *         that is refused or put off is the whole message's verdict, for it has one reply.
 *         Quarantine is SCAN_APART. Recipients and senders are not changed: the log says so.
 * Bounds: the time given; SCAN_HEADER_MAX of the header as it came, MILTER_FIELDS_MAX fields,
 * MILTER_CHANGES_MAX changes, SCAN_HEAD_MAX of a changed header or body. Errors: whatever keeps it
 * from a verdict; nothing is changed then.
 */
#ifndef COURIER_MILTER_H
#define COURIER_MILTER_H

#include "ask/scan.h"
#include "base/arena.h"
#include "base/ip.h"

enum {
	MILTER_FIELDS_MAX = 10000,
	MILTER_CHANGES_MAX = 1000,
	MILTER_PATH_MAX = 100,
	SCAN_HEADER_MAX = 512 << 10
};

struct milter_address {
	char path[MILTER_PATH_MAX]; /* of a Unix socket; empty: ip and port */
	struct ip ip;
	uint16_t port;
};

/* milter_address_parse - "inet:127.0.0.1:8891", "inet:[::1]:8891", "unix:/run/filter.sock". */
bool milter_address_parse(struct slice text, struct milter_address *out);

/* A message while it is scanned: as it came, and what was changed. */
struct scan_mail {
	struct slice message;
	size_t header_len; /* of message; the blank line is the body's */
	bool is_monstrous; /* a header that no filter could be shown; nothing good has one */
	struct buf header, body;
	bool has_header, has_body; /* changed: these are in the place of the message's own */
};

void scan_mail_init(struct scan_mail *mail, struct slice message);
void scan_mail_done(struct scan_mail *mail);
struct slice scan_mail_header(const struct scan_mail *mail);
struct slice scan_mail_body(const struct scan_mail *mail);
/* scan_mail_result - what of the message is changed, as an answer's cut and head; head is made in
 * out where it must be. */
MUST_CHECK int scan_mail_result(
	const struct scan_mail *mail, struct buf *out, struct scan_result *result, struct err *err);

/* milter_scan - host: what we are called. texts: for the result's text. */
MUST_CHECK int milter_scan(const struct milter_address *address, int stop_fd, struct slice host,
	const struct scan *scan, struct scan_mail *mail, int64_t wait_ms, struct buf *texts,
	struct scan_result *result, struct err *err);

/* milter_fields.c: a header that is changed field by field; all memory is the arena's. */
struct milter_field {
	struct slice name, raw; /* raw empty: deleted, and counted nevertheless */
	bool is_shown;
	struct milter_field *next;
};
struct milter_fields {
	struct arena *arena;
	struct milter_field *first, **last;
	size_t n, changes;
	bool keeps_space; /* values begin behind the colon, not behind a blank */
};
/* milter_fields_read - -ERR_TOOBIG. */
MUST_CHECK int milter_fields_read(
	struct milter_fields *fields, struct slice header, struct arena *arena, struct err *err);
/* milter_field_value - as a filter is shown it: folded with LF, in the arena. */
struct slice milter_field_value(
	const struct milter_fields *fields, const struct milter_field *field);
/* Changes: at the end; before the one at that place, from 0; the so-manieth of a name, from 1, with
 * an empty value: deleted. -ERR_SYNTAX: that is no field; -ERR_TOOBIG. */
MUST_CHECK int milter_fields_add(
	struct milter_fields *fields, struct slice name, struct slice value, struct err *err);
MUST_CHECK int milter_fields_insert(struct milter_fields *fields, uint32_t at, struct slice name,
	struct slice value, struct err *err);
MUST_CHECK int milter_fields_change(struct milter_fields *fields, uint32_t index, struct slice name,
	struct slice value, struct err *err);
void milter_fields_write(const struct milter_fields *fields, struct buf *out);
/* milter_put_lines - a body whose lines all end in CRLF. */
void milter_put_lines(struct buf *out, struct slice body);

#endif
