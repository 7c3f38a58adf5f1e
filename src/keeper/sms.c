/* sms.c - see sms.h for the contract. */
#include "keeper/sms.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/tally.h"

enum { HOUR_MS = 3600 * 1000, TALLY_KEYS = 20000, DIGITS_MIN = 7 };

struct message {
	struct message *next;
	int64_t until_ms;
	char number[SMS_NUMBER_MAX + 1];
	size_t len;
	char text[SMS_TEXT_MAX];
};

/* A courier that waits; there is one, or two while one replaces the other. */
struct poll {
	struct poll *next;
	struct caller caller;
	int64_t until_ms;
};

struct sms {
	pthread_mutex_t lock; /* guards all below */
	struct message *first, **last;
	size_t n;
	struct poll *polls;
	struct tally of_account, of_number;
};

struct sms *sms_new(void)
{
	struct sms *sms = mem_new(struct sms);

	pthread_mutex_init(&sms->lock, NULL);
	sms->last = &sms->first;
	tally_init(&sms->of_account, HOUR_MS, TALLY_KEYS);
	tally_init(&sms->of_number, HOUR_MS, TALLY_KEYS);
	return sms;
}

static void message_free(struct message *m)
{
	mem_wipe(m, sizeof(*m));
	free(m);
}

/* The caller holds the lock. */
static struct message *take_first(struct sms *sms)
{
	struct message *m = sms->first;

	if (!m)
		return NULL;
	sms->first = m->next;
	if (!sms->first)
		sms->last = &sms->first;
	sms->n--;
	return m;
}

void sms_free(struct sms **sms)
{
	struct sms *s = *sms;
	struct message *m;

	if (!s)
		return;
	while ((m = take_first(s)))
		message_free(m);
	tally_done(&s->of_account);
	tally_done(&s->of_number);
	pthread_mutex_destroy(&s->lock);
	free(s);
	*sms = NULL;
}

int sms_read_number(struct slice text, char out[SMS_NUMBER_MAX + 1], struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char c = text.ptr[i];

		if (c && strchr(" -()/.", c))
			continue;
		if (n == SMS_NUMBER_MAX || (n == 0 ? c != '+' : c < '0' || c > '9'))
			return err_set(err, ERR_SYNTAX,
				"a number is + and the country's code and up to 15 digits");
		out[n++] = c;
	}
	out[n] = '\0';
	if (n < 1 + DIGITS_MIN || out[1] == '0')
		return err_set(err, ERR_SYNTAX, "a number begins with + and the country's code");
	return 0;
}

static void answer(struct caller caller, struct message *m)
{
	const struct slice fields[] = {slice_str(m->number), {m->text, m->len}};

	caller_reply(caller, fields, 2);
	message_free(m);
}

/* Whoever waits longest gets what waits longest. The caller holds the lock. */
static void match(struct sms *sms)
{
	while (sms->polls && sms->first) {
		struct poll *poll = sms->polls;

		sms->polls = poll->next;
		answer(poll->caller, take_first(sms));
		free(poll);
	}
}

static int check_limits(struct sms *sms, struct slice account, struct slice number, struct err *err)
{
	const int64_t now = clock_mono_ms();

	if (tally_get(&sms->of_account, account, now) >= SMS_OF_ACCOUNT ||
		tally_get(&sms->of_number, number, now) >= SMS_OF_NUMBER)
		return err_set(err, ERR_QUOTA, "too many text messages; try again in an hour");
	if (sms->n == SMS_WAITING_MAX)
		return err_set(err, ERR_BUSY, "text messages cannot be sent now");
	tally_add(&sms->of_account, account, now);
	tally_add(&sms->of_number, number, now);
	return 0;
}

int sms_send(
	struct sms *sms, uint64_t account, const char *number, struct slice text, struct err *err)
{
	struct message *m = mem_new(struct message);
	int rc;

	text = slice_head(text, SMS_TEXT_MAX);
	m->until_ms = clock_mono_ms() + SMS_KEEP_S * 1000;
	m->len = text.len;
	memcpy(m->number, number, strlen(number));
	memcpy(m->text, text.ptr, text.len);
	pthread_mutex_lock(&sms->lock);
	rc = check_limits(sms, map_key_u64(&account), slice_str(number), err);
	if (rc == 0) {
		*sms->last = m;
		sms->last = &m->next;
		sms->n++;
		match(sms);
	}
	pthread_mutex_unlock(&sms->lock);
	if (rc < 0)
		message_free(m);
	return rc;
}

void sms_take(struct sms *sms, struct caller caller)
{
	struct poll *poll = mem_new(struct poll), **at = &sms->polls;

	*poll = (struct poll){.caller = caller, .until_ms = clock_mono_ms() + SMS_POLL_S * 1000};
	pthread_mutex_lock(&sms->lock);
	while (*at)
		at = &(*at)->next;
	*at = poll;
	match(sms);
	pthread_mutex_unlock(&sms->lock);
}

void sms_gone(struct sms *sms, const struct peer *peer)
{
	pthread_mutex_lock(&sms->lock);
	for (struct poll **at = &sms->polls; *at;) {
		struct poll *poll = *at;

		if (poll->caller.peer != peer) {
			at = &poll->next;
			continue;
		}
		*at = poll->next;
		caller_drop(poll->caller);
		free(poll);
	}
	pthread_mutex_unlock(&sms->lock);
}

void sms_tick(struct sms *sms)
{
	const int64_t now = clock_mono_ms();

	pthread_mutex_lock(&sms->lock);
	while (sms->first && now >= sms->first->until_ms)
		message_free(take_first(sms));
	while (sms->polls && now >= sms->polls->until_ms) {
		struct poll *poll = sms->polls;

		sms->polls = poll->next;
		caller_reply(poll->caller, NULL, 0);
		free(poll);
	}
	pthread_mutex_unlock(&sms->lock);
}
