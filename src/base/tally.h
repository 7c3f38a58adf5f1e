/*
 * tally.h - how often something happened lately: bounded counters that fade.
 *
 * Two generations: the present one becomes the former after half of the window, or when it is
 * full; the former is dropped. What is counted is thus remembered for half to the whole of the
 * window, and less when a flood fills the table. Not for two threads at once.
 */
#ifndef BASE_TALLY_H
#define BASE_TALLY_H

#include "base/map.h"

enum { TALLY_KEY_MAX = 24 };

struct tally {
	struct map now, before;
	int64_t window_ms, turned_at_ms;
	size_t max; /* keys of one generation */
};

void tally_init(struct tally *t, int64_t window_ms, size_t max);
void tally_done(struct tally *t);
unsigned tally_get(struct tally *t, struct slice key, int64_t now_ms);
void tally_add(struct tally *t, struct slice key, int64_t now_ms);
void tally_forget(struct tally *t, struct slice key);

#endif
