/*
 * told.h - what others told of single messages, in the table: complaints, and failures of DMARC;
 * only for this room.
 *
 * Bounds: REPORT_RECEIVED_DAY_MAX about one domain of ours in a day, and of these
 * REPORT_SENDER_DAY_MAX from one sender, if it is not trusted.
 */
#ifndef REPORT_TOLD_H
#define REPORT_TOLD_H

#include "base/err.h"
#include "base/slice.h"

struct reports;

/* Numbers are stored. */
enum told_proof {
	TOLD_NOTHING = 0,
	TOLD_SIGNED = 1,    /* by DKIM, of a domain of ours */
	TOLD_MARKED = 2,    /* in the envelope's sender (BATV) */
	TOLD_FORWARDED = 3, /* through here (SRS): nobody here wrote it */
};

struct told {
	bool is_failure; /* else somebody complains, or takes that back */
	enum told_proof proof;
	struct slice via, to, about; /* who told; to which domain of ours; about which one */
	struct slice type, source, author, sender, recipient, message, subject;
	struct slice result, failure, alignment;
	uint64_t incidents;
	uint64_t account; /* 0: not known */
	struct slice address;
	bool may_count, is_trusted;
	bool is_new, is_counted; /* out: it was not there before; it counts against the account */
};

/* told_check_room - -ERR_QUOTA, -ERR_NOTFOUND. told_keep - the same, and it is written; one that is
 * there already is kept once. */
MUST_CHECK int told_check_room(struct reports *reports, const struct told *told, struct err *err);
MUST_CHECK int told_keep(struct reports *reports, struct told *told, struct err *err);

#endif
