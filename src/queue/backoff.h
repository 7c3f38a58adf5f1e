/*
 * backoff.h - when to try again: a table of pauses, the last of which goes on for ever.
 */
#ifndef QUEUE_BACKOFF_H
#define QUEUE_BACKOFF_H

#include "base/err.h"
#include "base/slice.h"

enum { QUEUE_PAUSES_MAX = 32, QUEUE_PAUSE_MAX_S = 7 * 24 * 3600 };

struct queue_backoff {
	int64_t pauses_s[QUEUE_PAUSES_MAX];
	size_t n; /* at least one */
};

/* queue_backoff_parse - "5m 10m 1h": numbers with s, m, h or d, and blanks between. -ERR_SYNTAX. */
MUST_CHECK int queue_backoff_parse(struct slice text, struct queue_backoff *out, struct err *err);

/* queue_backoff_pause - after so many attempts, in seconds; up to a fifth more or less by `chance`,
 * any 64 bits, so that what failed together does not come back together. */
int64_t queue_backoff_pause(const struct queue_backoff *b, unsigned attempts, uint64_t chance);

#endif
