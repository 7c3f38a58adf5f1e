/*
 * scan.h - is a text in a stream of UTF-8, without regard to case (i;unicode-casemap's folding).
 *
 * Bounds: memory is a chunk and the needle. The needle may lie across chunks.
 */
#ifndef MAIL_SCAN_H
#define MAIL_SCAN_H

#include "base/buf.h"

enum { SCAN_CHUNK = 64 * 1024 };

struct scan {
	struct buf needle; /* folded */
	struct buf window;
	bool is_found;
};

void scan_init(struct scan *s, struct slice needle);
/* scan_fold - append in without its case. */
void scan_fold(struct slice in, struct buf *out);

/* scan_restart - look for the same in something else. */
void scan_restart(struct scan *s);
void scan_feed(struct scan *s, struct slice utf8);
void scan_done(struct scan *s);

#endif
