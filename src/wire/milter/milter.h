/*
 * milter.h - the packets of the milter protocol, version 6, as a mail server speaks it to a filter.
 *
 * Reads:  what Sendmail and Postfix speak with libmilter: a packet is the length of what follows
 *         (4 bytes, big-endian), a letter, and data; texts end in NUL.
 * Does:   no I/O. Writing appends to a buf; reading gives slices into the bytes given.
 * Bounds: MILTER_PACKET_MAX of a packet, work is linear in it.
 * Errors: -ERR_SYNTAX (no such packet), -ERR_TOOBIG.
 */
#ifndef WIRE_MILTER_H
#define WIRE_MILTER_H

#include "base/buf.h"

enum {
	MILTER_VERSION = 6,
	MILTER_PACKET_MAX = 1 << 20,
	MILTER_CHUNK = 65535, /* of a body, in one packet */
	MILTER_TEXT = 60000,  /* of a header's value, which a filter's library must take */
};

/* What the server says. */
enum milter_command {
	MILTER_OPTIONS = 'O',
	MILTER_MACROS = 'D',
	MILTER_CONNECT = 'C',
	MILTER_HELO = 'H',
	MILTER_MAIL = 'M',
	MILTER_RCPT = 'R',
	MILTER_DATA = 'T',
	MILTER_HEADER = 'L',
	MILTER_END_OF_HEADER = 'N',
	MILTER_BODY = 'B',
	MILTER_END_OF_BODY = 'E',
	MILTER_QUIT = 'Q',
};

/* What the filter answers; those in the second half only to MILTER_END_OF_BODY, before the last. */
enum milter_answer {
	MILTER_CONTINUE = 'c',
	MILTER_ACCEPT = 'a',
	MILTER_REJECT = 'r',
	MILTER_TEMPFAIL = 't',
	MILTER_DISCARD = 'd',
	MILTER_REPLY = 'y', /* value: "550 5.7.1 text" */
	MILTER_SKIP = 's',  /* the body need not go on */
	MILTER_PROGRESS = 'p',
	MILTER_CONN_FAIL = 'f',
	MILTER_SHUTDOWN = '4',
	MILTER_ADD_HEADER = 'h',    /* name, value: at the end */
	MILTER_INSERT_HEADER = 'i', /* index, name, value: before that field, from 0 */
	MILTER_CHANGE_HEADER = 'm', /* index, name, value: the so-manieth of the name, from 1 */
	MILTER_REPLACE_BODY = 'b',  /* value: a piece of it */
	MILTER_QUARANTINE = 'q',    /* value: why */
	MILTER_ADD_RCPT = '+',      /* value, here and below: the address */
	MILTER_ADD_RCPT_MORE = '2',
	MILTER_DELETE_RCPT = '-',
	MILTER_CHANGE_FROM = 'e',
};

/* Bits of the options: what a filter may change, and what it does not want to be told (NO) or does
 * not answer (QUIET). */
enum {
	MILTER_MAY_ALL = 0x1ff,
	MILTER_NO_CONNECT = 0x1,
	MILTER_NO_HELO = 0x2,
	MILTER_NO_MAIL = 0x4,
	MILTER_NO_RCPT = 0x8,
	MILTER_NO_BODY = 0x10,
	MILTER_NO_HEADER = 0x20,
	MILTER_NO_END_OF_HEADER = 0x40,
	MILTER_QUIET_HEADER = 0x80,
	MILTER_NO_UNKNOWN = 0x100,
	MILTER_NO_DATA = 0x200,
	MILTER_CAN_SKIP = 0x400,
	MILTER_QUIET_CONNECT = 0x1000,
	MILTER_QUIET_HELO = 0x2000,
	MILTER_QUIET_MAIL = 0x4000,
	MILTER_QUIET_RCPT = 0x8000,
	MILTER_QUIET_DATA = 0x10000,
	MILTER_QUIET_END_OF_HEADER = 0x40000,
	MILTER_QUIET_BODY = 0x80000,
	MILTER_LEADING_SPACE = 0x100000, /* values keep the blank behind the colon */
	MILTER_STEPS_ALL = 0x1ff7ff,     /* but for recipients that were refused already */
};

/* milter_put - a packet whose data is n texts, each with its NUL. milter_put_bytes - as it is. */
void milter_put(struct buf *out, enum milter_command command, const struct slice *texts, size_t n);
void milter_put_bytes(struct buf *out, enum milter_command command, struct slice data);
void milter_put_options(struct buf *out, uint32_t actions, uint32_t steps);
/* milter_put_connect - ip: in text; empty: not known. */
void milter_put_connect(struct buf *out, struct slice name, struct slice ip, uint16_t port);

/* Macros for a command: begin, name and value of each (an empty value: not at all), end. */
size_t milter_macros_begin(struct buf *out, enum milter_command command);
void milter_macro(struct buf *out, const char *name, struct slice value);
void milter_macros_end(struct buf *out, size_t begin);

/* milter_length - of the whole packet at the front of in; 0: more bytes are needed. */
MUST_CHECK int64_t milter_length(struct slice in, struct err *err);

struct milter_options {
	uint32_t version, actions, steps;
};
struct milter_said {
	enum milter_answer answer;
	uint32_t index;
	struct slice name, value;
};
/* Of one whole packet. */
MUST_CHECK int milter_read_options(
	struct slice packet, struct milter_options *out, struct err *err);
MUST_CHECK int milter_read(struct slice packet, struct milter_said *out, struct err *err);

#endif
