/*
 * judge.h - does this account send like one that somebody else has got hold of?
 *
 * Pure: from what was counted to points. Each signal gives at most its weight; below what it begins
 * at it gives nothing. From the mark on, sending is stopped; but an account with a long good past
 * never for one signal alone, however strong.
 */
#ifndef MAIL_JUDGE_H
#define MAIL_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum judge_signal {
	JUDGE_RISE,      /* many more recipients than this account ever had on a day */
	JUDGE_UNKNOWN,   /* a share of them that do not exist */
	JUDGE_SPAM,      /* a share that refuse it as spam */
	JUDGE_COMPLAINT, /* people complained */
	JUDGE_SCAN,      /* a scanner says that it is spam */
	JUDGE_PLACE,     /* many new recipients, from where it never sent before */
	JUDGE_SIGNALS,
};

enum {
	JUDGE_GOOD_DAYS = 14, /* of sending without anything bad: a long good past */
	JUDGE_WHY_MAX = 120,
	JUDGE_WEIGHT_MAX = 1000,
};

/* Of the last day but for the past. */
struct judge_facts {
	uint64_t sent;                       /* recipients */
	uint64_t usual;                      /* on a day, as it has been */
	uint64_t good_days;                  /* how many of them, with nothing bad */
	uint64_t answered, unknown, refused; /* by recipients' hosts, for good */
	uint64_t complaints;
	uint64_t scanned, bad; /* messages */
	uint64_t strange;      /* new recipients from a new place */
	bool is_far;           /* which is in another country */
};

struct judge_settings {
	unsigned weights[JUDGE_SIGNALS];
	unsigned mark;
};

struct judge_verdict {
	unsigned points, signals; /* signals: how many gave any */
	bool must_stop;
	char why[JUDGE_WHY_MAX]; /* "rise=30 unknown=12" */
};

void judge(const struct judge_facts *facts, const struct judge_settings *settings,
	struct judge_verdict *out);

/* judge_weights - "rise=40 spam=60": those that are named are changed. -ERR_SYNTAX. */
MUST_CHECK int judge_weights(struct slice text, struct judge_settings *settings, struct err *err);

#endif
