/*
 * mail.h - messages for the load generator: made from a number, so that a run can be repeated.
 *
 * Sizes are log-normal around a median of 10 KB (mean about 26 KB, 1.5 KB to 1 MB), a third plain
 * text, nearly half text and HTML, the rest with an attachment: roughly what a mailbox holds.
 */
#ifndef BENCH_MAIL_H
#define BENCH_MAIL_H

#include "base/buf.h"

struct mail_shape {
	double median, sigma, max; /* bytes */
};

extern const struct mail_shape mail_ordinary, mail_small;

/* mail_make - replace what out holds by message number n. Any thread. */
void mail_make(struct buf *out, uint64_t n, const struct mail_shape *shape);

#endif
