/* outcomes.c - see outcomes.h for the contract. */
#include "courier/outcomes.h"

#include <stdlib.h>

#include "ask/verbs.h"
#include "base/map.h"
#include "base/mem.h"

struct outcomes {
	pthread_mutex_t lock;
	struct map accounts;
};

struct one {
	uint64_t account, answered, unknown, refused;
};

struct outcomes *outcomes_new(void)
{
	struct outcomes *o = mem_new(struct outcomes);

	pthread_mutex_init(&o->lock, NULL);
	return o;
}

void outcomes_free(struct outcomes **outcomes)
{
	struct outcomes *o = *outcomes;
	struct one *one;

	*outcomes = NULL;
	if (!o)
		return;
	for (size_t at = 0; (one = map_next(&o->accounts, &at));)
		free(one);
	map_done(&o->accounts);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

/* ---- what a refusal says ---- */

static bool has_word(struct slice text, const char *const *words)
{
	for (; *words; words++) {
		const struct slice word = slice_str(*words);

		for (size_t i = 0; i + word.len <= text.len; i++)
			if (slice_eq_nocase(slice_head(slice_from(text, i), word.len), word))
				return true;
	}
	return false;
}

enum outcome_kind outcome_kind_of(struct slice reply)
{
	static const char *const unknown_codes[] = {
		" 5.1.1 ", "-5.1.1 ", " 5.1.10 ", "-5.1.10 ", NULL};
	static const char *const unknown_words[] = {"user unknown", "unknown user", "no such user",
		"does not exist", "no mailbox here", "recipient not found", "unknown recipient",
		NULL};
	static const char *const spam_words[] = {"spam", "unsolicited", "blacklist", "black list",
		"blocklist", "block list", "blocked", "reputation", "abuse", "bulk", "junk", NULL};
	const struct slice text = slice_head(reply, QUEUE_REPLY_MAX);
	const bool is_policy =
		text.len > 0 && (slice_find(text, slice_lit("5.7.")) != SIZE_MAX ||
					slice_find(text, slice_lit("4.7.")) != SIZE_MAX ||
					slice_starts(text, slice_lit("554")) ||
					slice_starts(text, slice_lit("550")) ||
					slice_starts(text, slice_lit("421")));

	if (is_policy && has_word(text, spam_words))
		return OUTCOME_SPAM;
	return has_word(text, unknown_codes) || has_word(text, unknown_words) ? OUTCOME_UNKNOWN
									      : OUTCOME_OTHER;
}

/* ---- counting ---- */

static struct one *find(struct outcomes *o, uint64_t account)
{
	struct one *one = map_get(&o->accounts, map_key_u64(&account));

	if (one || o->accounts.count >= OUTCOMES_ACCOUNTS_MAX)
		return one;
	one = mem_new(struct one);
	one->account = account;
	map_put(&o->accounts, map_key_u64(&one->account), one);
	return one;
}

/* What is put off is counted once, if it is for spam. */
void outcomes_note(struct outcomes *o, uint64_t account, const struct queue_recipient *r)
{
	const bool is_refused = r->outcome == QUEUE_OUT_FAILED;
	const bool is_deferred =
		r->outcome == QUEUE_OUT_DEFERRED && r->attempts == 0 && r->host.len;
	enum outcome_kind kind = OUTCOME_OTHER;
	struct one *one;

	if (!account || r->outcome == QUEUE_OUT_NONE ||
		(r->outcome == QUEUE_OUT_DEFERRED && !is_deferred))
		return;
	if (is_refused || is_deferred)
		kind = outcome_kind_of(r->reply);
	if (is_deferred && kind != OUTCOME_SPAM)
		return;
	pthread_mutex_lock(&o->lock);
	one = find(o, account);
	if (one) {
		one->answered++;
		one->unknown += kind == OUTCOME_UNKNOWN;
		one->refused += kind == OUTCOME_SPAM;
	}
	pthread_mutex_unlock(&o->lock);
}

void desk_outcomes(struct courier *courier, struct asked *asked, struct frame *f, int fd)
{
	struct outcomes *o = courier->outcomes;
	struct buf fields AUTO(buf_done);
	struct one *one;
	size_t n = 0;

	(void)f;
	(void)fd;
	buf_init(&fields, ASK_ANSWER_MAX);
	pthread_mutex_lock(&o->lock);
	for (size_t at = 0; n < OUTCOMES_BATCH && (one = map_next(&o->accounts, &at)); n++) {
		frame_put_u64(&fields, one->account);
		frame_put_u64(&fields, one->answered);
		frame_put_u64(&fields, one->unknown);
		frame_put_u64(&fields, one->refused);
		map_del(&o->accounts, map_key_u64(&one->account));
		free(one);
	}
	pthread_mutex_unlock(&o->lock);
	asked_answer(asked, &fields);
}
