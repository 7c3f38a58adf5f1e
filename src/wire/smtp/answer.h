/*
 * answer.h - what an SMTP or LMTP server answers us, and what it offers.
 *
 * Reads:  RFC 5321 4.2 (replies of several lines), RFC 2034 and 3463 (enhanced codes), RFC 5321
 *         4.1.1.1 (EHLO's list), RFC 1870, 2852, 3461, 4865, 6152, 6531, 6710, 8689
 *         (its keywords).
 * Does:   one whole reply at the front of what has been received. Strict: lines end in CRLF, each
 *         has the same code of three digits from 200 to 599.
 * Bounds: SMTP_ANSWER_MAX bytes of one reply; linear.
 * Errors: -ERR_SYNTAX, -ERR_TOOBIG: with such a peer nothing can be done.
 */
#ifndef WIRE_SMTP_ANSWER_H
#define WIRE_SMTP_ANSWER_H

#include "base/buf.h"

enum { SMTP_ANSWER_MAX = 32 << 10, SMTP_ANSWER_TEXT_MAX = 500, SMTP_STATUS_MAX = 12 };

struct smtp_answer {
	unsigned code;
	char status[SMTP_STATUS_MAX]; /* "5.1.1"; empty: it gave none that fits its code */
	struct slice lines;           /* the whole of it, in the bytes given */
};

/* smtp_answer_take - 1: used_out bytes are one reply; 0: more is needed. */
MUST_CHECK int smtp_answer_take(
	struct slice in, struct smtp_answer *answer_out, size_t *used_out, struct err *err);

/* smtp_answer_line - the text of the next line; start with *at = 0. False at the end. */
bool smtp_answer_line(const struct smtp_answer *answer, size_t *at, struct slice *text_out);

/* smtp_answer_put - "550 5.1.1 No such user": all its lines as one, at most SMTP_ANSWER_TEXT_MAX
 * bytes, printable ASCII; what is not becomes "?". */
void smtp_answer_put(const struct smtp_answer *answer, struct buf *out);

static inline bool smtp_answer_is_good(const struct smtp_answer *answer)
{
	return answer->code < 400;
}

static inline bool smtp_answer_is_final(const struct smtp_answer *answer)
{
	return answer->code >= 500;
}

/* What an answer to EHLO or LHLO offers. */
struct smtp_offer {
	bool starttls, pipelining, chunking, eightbit, utf8, dsn, size, requiretls, deliverby,
		priority, auth_plain, auth_login;
	uint64_t size_max; /* 0: no bound, or none told */
	int64_t by_min_s;  /* of deliverby; 0: none told */
};
void smtp_offer_read(const struct smtp_answer *answer, struct smtp_offer *out);

#endif
