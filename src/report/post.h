/*
 * post.h - what is particular to reports about TLS: their text, and those that go by HTTPS (RFC
 * 8460 3, 4), which the courier posts; only for this room.
 */
#ifndef REPORT_POST_H
#define REPORT_POST_H

#include "report/send.h"

MUST_CHECK int post_write_tls(const struct flight *f, struct buf *out, struct err *err);
/* post_report - ends in delivery_end(). */
void post_report(struct delivery *d, struct slice url);

#endif
