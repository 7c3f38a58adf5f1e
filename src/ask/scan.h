/*
 * scan.h - a message is shown to the scanners that the courier calls (Rspamd, milters), before it
 * is taken.
 *
 * Both sides: the server asks parked; the courier reads the request and writes the answer. The
 * message goes along as a descriptor. Bounds: SCAN_RCPT_MAX recipients are named, the answer's
 * text is cut, and no more than SCAN_HEAD_MAX of a message can be changed.
 */
#ifndef ASK_SCAN_H
#define ASK_SCAN_H

#include "ask/ask.h"
#include "frame/frame.h"

enum { SCAN_RCPT_MAX = 1000, SCAN_TEXT_MAX = 400, SCAN_HEAD_MAX = 768 << 10 };

/* What is known of it. */
struct scan {
	/* empty: not known, or none; login: whose submission it is */
	struct slice ip, name, helo, sender, id, tls, login;
	size_t n; /* recipients */
	struct slice recipients[SCAN_RCPT_MAX];
	uint64_t skip; /* bytes at its front that are ours */
};

enum scan_action { SCAN_PASS, SCAN_APART, SCAN_DEFER, SCAN_REFUSE };

struct scan_result {
	enum scan_action action; /* APART: to the folder of spam */
	struct slice text;       /* for the reply; may be empty */
	/* head takes the place of the first `cut` bytes behind those that are skipped. */
	uint64_t cut;
	struct slice head;
};

/* ask_scan - park c until the scanners have spoken. fd is taken over. resume(): scan_take(), with
 * -ERR_BUSY where nobody could say anything. */
void ask_scan(struct ask *ask, struct conn *c, const struct scan *scan, int fd, int64_t wait_ms,
	conn_resume_fn *resume);
/* scan_take - the result, in the answer's data, which the caller frees after use. */
MUST_CHECK int scan_take(struct answer *answer, struct scan_result *out, struct err *err);

/* The courier's side. False: it is no such request; slices point into the frame's bytes. */
bool scan_read(struct frame *f, int64_t *wait_ms_out, struct scan *out);
void scan_put_result(struct buf *fields, const struct scan_result *result);

#endif
