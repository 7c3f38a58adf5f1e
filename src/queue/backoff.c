/* backoff.c - see backoff.h for the contract. */
#include "queue/backoff.h"

static bool parse_pause(struct slice word, int64_t *out)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	uint64_t n;

	for (size_t i = 0; word.len > 1 && i < sizeof(units) / sizeof(units[0]); i++) {
		if (word.ptr[word.len - 1] != units[i].letter)
			continue;
		if (!slice_to_u64(slice_head(word, word.len - 1), QUEUE_PAUSE_MAX_S, &n))
			return false;
		*out = (int64_t)n * units[i].seconds;
		return *out > 0 && *out <= QUEUE_PAUSE_MAX_S;
	}
	return false;
}

int queue_backoff_parse(struct slice text, struct queue_backoff *out, struct err *err)
{
	struct queue_backoff b = {.n = 0};
	struct slice rest = slice_trim(text);

	while (rest.len) {
		const struct slice word = slice_cut(rest, ' ', &rest);

		rest = slice_trim(rest);
		if (b.n == QUEUE_PAUSES_MAX)
			return err_set(err, ERR_SYNTAX, "more than %d pauses", QUEUE_PAUSES_MAX);
		if (!parse_pause(word, &b.pauses_s[b.n++]))
			return err_set(err, ERR_SYNTAX, "%.*s is not a pause such as 30s, 5m or 4h",
				SLICE_ARG(slice_head(word, 40)));
	}
	if (b.n == 0)
		return err_set(err, ERR_SYNTAX, "no pause between attempts");
	*out = b;
	return 0;
}

int64_t queue_backoff_pause(const struct queue_backoff *b, unsigned attempts, uint64_t chance)
{
	const size_t last = b->n - 1;
	const int64_t pause = b->pauses_s[attempts && attempts - 1 < last ? attempts - 1
					  : attempts                      ? last
									  : 0];
	const uint64_t spread = (uint64_t)pause * 2 / 5 + 1;
	const int64_t with_jitter = pause - pause / 5 + (int64_t)(chance % spread);

	return with_jitter > 0 ? with_jitter : 1;
}
