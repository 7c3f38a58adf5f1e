/* judge.c - see judge.h for the contract. */
#include "mail/judge.h"

#include <stdio.h>
#include <string.h>

static const char *const names[JUDGE_SIGNALS] = {
	[JUDGE_RISE] = "rise",
	[JUDGE_UNKNOWN] = "unknown",
	[JUDGE_SPAM] = "spam",
	[JUDGE_COMPLAINT] = "complaint",
	[JUDGE_SCAN] = "scan",
	[JUDGE_PLACE] = "place",
};

enum {
	RISE_SENT_MIN = 100, /* recipients on a day that are nothing strange for anybody */
	RISE_USUAL_MIN = 20, /* so many are usual for whoever has sent nothing yet */
	RISE_FACTOR = 5,     /* where it begins, and where it is full */
	RISE_FACTOR_FULL = 40,
	UNKNOWN_MIN = 10,
	REFUSED_MIN = 5,
	COMPLAINTS_MIN = 2,
	COMPLAINTS_FULL = 6,
	BAD_MIN = 3,
	STRANGE_MIN = 30,
	STRANGE_FULL = 100,
	NEAR_PERCENT = 60, /* a new place in a country that is known counts so much */
	PERCENT = 100,
};

/* Where between `from` (0) and `full` (100) the value is. */
static unsigned percent_between(uint64_t value, uint64_t from, uint64_t full)
{
	if (value <= from)
		return 0;
	return value >= full ? PERCENT : (unsigned)((value - from) * PERCENT / (full - from));
}

/* The same for a share of all, in percent; too few are chance. */
static unsigned share_between(
	uint64_t part, uint64_t all, uint64_t min, uint64_t from, uint64_t full)
{
	if (part < min || all == 0)
		return 0;
	return percent_between(part < all ? part * PERCENT / all : PERCENT, from, full);
}

static unsigned strength(enum judge_signal signal, const struct judge_facts *f)
{
	const uint64_t usual = f->usual > RISE_USUAL_MIN ? f->usual : RISE_USUAL_MIN;

	switch (signal) {
	case JUDGE_RISE:
		return f->sent < RISE_SENT_MIN ? 0
					       : percent_between(f->sent, RISE_FACTOR * usual,
							 RISE_FACTOR_FULL * usual);
	case JUDGE_UNKNOWN:
		return share_between(f->unknown, f->answered, UNKNOWN_MIN, 10, 40);
	case JUDGE_SPAM:
		return share_between(f->refused, f->answered, REFUSED_MIN, 3, 25);
	case JUDGE_COMPLAINT:
		return f->complaints < COMPLAINTS_MIN
			       ? 0
			       : percent_between(
					 f->complaints, COMPLAINTS_MIN - 1, COMPLAINTS_FULL);
	case JUDGE_SCAN:
		return share_between(f->bad, f->scanned, BAD_MIN, 10, 50);
	case JUDGE_PLACE:
		return percent_between(f->strange, STRANGE_MIN, STRANGE_FULL) *
		       (f->is_far ? PERCENT : NEAR_PERCENT) / PERCENT;
	default:
		return 0;
	}
}

void judge(const struct judge_facts *facts, const struct judge_settings *settings,
	struct judge_verdict *out)
{
	size_t len = 0;

	*out = (struct judge_verdict){.points = 0};
	for (enum judge_signal i = 0; i < JUDGE_SIGNALS; i++) {
		const unsigned points = strength(i, facts) * settings->weights[i] / PERCENT;

		if (points == 0)
			continue;
		out->points += points;
		out->signals++;
		len += (size_t)snprintf(out->why + len, sizeof(out->why) - len, "%s%s=%u",
			len ? " " : "", names[i], points);
	}
	out->must_stop = out->points >= settings->mark &&
			 (out->signals > 1 || facts->good_days < JUDGE_GOOD_DAYS);
}

int judge_weights(struct slice text, struct judge_settings *settings, struct err *err)
{
	struct slice word;

	while ((word = slice_next_word(&text)).len) {
		struct slice number;
		const struct slice name = slice_cut(word, '=', &number);
		size_t i = 0;
		uint64_t weight;

		while (i < JUDGE_SIGNALS && !slice_eq(name, slice_str(names[i])))
			i++;
		if (i == JUDGE_SIGNALS || !slice_to_u64(number, JUDGE_WEIGHT_MAX, &weight))
			return err_set(
				err, ERR_SYNTAX, "%.*s is no weight of a signal", SLICE_ARG(word));
		settings->weights[i] = (unsigned)weight;
	}
	return 0;
}
