/* runner_serve.c - one lane, one connection: straight from the claim to the outcome. */
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "courier/outcomes.h"
#include "courier/runner_internal.h"

enum {
	RECIPIENTS_MAX = 100, /* of one transaction (RFC 5321 4.5.3.1.8) */
	TURN_MESSAGES = 50,   /* then others have the thread, if they wait for one */
	LINGER_MS = 1500,     /* a connection waits so long for more to send */
	DEFER_MAX = 10000,    /* messages put off at once when nobody answers */
	DEFER_CROWDED = 20, /* the same while several others do that: the rest has its turn later */
	DEFERRING_MAX = 2,
};

/* ---- outcomes ---- */

static void count(struct runner *r, const struct queue_recipient *recipient)
{
	switch (recipient->outcome) {
	case QUEUE_OUT_DELIVERED:
	case QUEUE_OUT_RELAYED:
	case QUEUE_OUT_HANDED_ON:
		atomic_fetch_add(&r->sent, 1);
		break;
	case QUEUE_OUT_DEFERRED:
		atomic_fetch_add(&r->deferred, 1);
		atomic_fetch_add(&r->unsure, recipient->is_unsure);
		break;
	case QUEUE_OUT_FAILED:
		atomic_fetch_add(&r->failed, 1);
		break;
	default:
		break;
	}
}

static void log_outcomes(const struct turn *t, const struct queue_message *m)
{
	static const char *const words[] = {
		"put-back", "delivered", "relayed", "relayed", "deferred", "failed"};
	const char *tls = t->client ? smtp_client_tls(t->client) : "none";

	for (size_t i = 0; i < m->recipients_n; i++) {
		const struct queue_recipient *to = &m->recipients[i];

		count(t->r, to);
		outcomes_note(t->r->courier->outcomes, m->submitter, to);
		if (to->outcome == QUEUE_OUT_NONE)
			continue;
		track_event(t->r->courier->track, m->number, words[to->outcome],
			log_s("to", to->address), log_s("for", to->recipient),
			log_s("host", to->host), log_c("tls", tls), log_s("reply", to->reply));
		log_info(NULL, "sent", log_n("message", m->id), log_s("to", to->address),
			log_c("outcome", words[to->outcome]), log_s("host", to->host),
			log_c("tls", tls), log_s("reply", to->reply));
	}
}

/* What the end of the courier broke off is as it was. */
static void finish(struct turn *t, struct queue_message *m)
{
	const bool is_stopping = runner_is_stopping(t->r);

	for (size_t i = 0; i < m->recipients_n && is_stopping; i++) {
		if (m->recipients[i].outcome == QUEUE_OUT_DEFERRED)
			m->recipients[i].outcome = QUEUE_OUT_NONE;
	}
	log_outcomes(t, m);
	queue_finish(t->r->queue, m);
}

/* Written down later, by whichever thread: what is said of it is the message's own. */
static void finish_all(struct turn *t, struct queue_message *m)
{
	const struct slice why = arena_dup(&m->arena, slice_str(t->why));

	for (size_t i = 0; i < m->recipients_n; i++) {
		m->recipients[i].outcome = t->outcome;
		m->recipients[i].reply = why;
		m->recipients[i].host = (struct slice){0};
	}
	finish(t, m);
}

/* ---- claims ---- */

static struct queue_message *claim(struct turn *t)
{
	struct runner *r = t->r;
	struct queue_message *m = NULL;
	int64_t due_s = clock_wall_s() + QUEUE_FAILED_S;
	struct err err;
	int rc;

	pthread_mutex_lock(&r->lock);
	if (!r->is_stopping)
		t->is_bounded = !lanes_begin(&r->lanes, t->lane, clock_wall_s());
	t->messages_max = t->lane->limit ? t->lane->limit->bounds.messages : 0;
	pthread_mutex_unlock(&r->lock);
	if (t->is_bounded)
		return NULL;
	rc = queue_claim(r->queue, (int64_t)t->lane->id, RECIPIENTS_MAX, &m, &err);
	if (rc == -ERR_NOTFOUND)
		rc = queue_next_due(r->queue, (int64_t)t->lane->id, &due_s, &err);
	if (rc < 0)
		log_error(NULL, "queue-claim", log_e(&err));
	pthread_mutex_lock(&r->lock);
	if (m)
		lanes_found(&r->lanes, t->lane, clock_wall_s());
	else
		lanes_empty(&r->lanes, t->lane, due_s, clock_wall_s());
	pthread_mutex_unlock(&r->lock);
	return m;
}

/* No connection. False: others have one, and the message is theirs. */
static bool note_bad(struct turn *t)
{
	struct runner *r = t->r;
	bool is_blocked;

	pthread_mutex_lock(&r->lock);
	is_blocked = lanes_bad(&r->lanes, t->lane, &r->backoff, random_u64(), clock_wall_s());
	pthread_mutex_unlock(&r->lock);
	return is_blocked;
}

static void note_good(struct turn *t)
{
	struct runner *r = t->r;

	pthread_mutex_lock(&r->lock);
	lanes_good(&r->lanes, t->lane, clock_wall_s());
	pthread_mutex_unlock(&r->lock);
}

/* RFC 8689 4.2.1; a bounce goes all the same. */
static bool is_required(const struct queue_message *m)
{
	return m->flags & QUEUE_REQUIRETLS && m->sender.len;
}

/* RFC 8689 4.2.2: no connection as it should be, and the sender would rather have none such. */
static bool may_relax(const struct turn *t, const struct queue_message *m)
{
	return t->is_denied && m->flags & QUEUE_TLS_OPTIONAL && !is_required(m);
}

static void send_message(struct turn *t, struct queue_message *m)
{
	smtp_client_send(t->client, t->r->queue, m);
	finish(t, m);
	if (!smtp_client_is_usable(t->client) ||
		(t->messages_max && smtp_client_count(t->client) >= t->messages_max))
		smtp_client_close(&t->client);
}

/* Over a connection of its own. False: there is none. */
static bool send_relaxed(const struct turn *t, struct queue_message *m)
{
	struct turn other = {.r = t->r, .lane = t->lane};

	runner_connect(&other, RUNNER_RELAXED);
	if (!other.client)
		return false;
	send_message(&other, m);
	smtp_client_close(&other.client);
	return true;
}

/* Nobody answers: what is due is put off, so that each message knows why it waits. */
static void defer_lane(struct turn *t)
{
	struct runner *r = t->r;
	const bool is_crowded = atomic_fetch_add(&r->deferring, 1) >= DEFERRING_MAX;
	const unsigned max = is_crowded ? DEFER_CROWDED : DEFER_MAX;
	struct queue_message *m;

	for (unsigned i = 0; i < max && !runner_is_stopping(r) && (m = claim(t)); i++) {
		if (!may_relax(t, m) || !send_relaxed(t, m))
			finish_all(t, m);
	}
	atomic_fetch_sub(&r->deferring, 1);
}

/* False: this lane has had its turn. */
static bool send_one(struct turn *t, struct queue_message *m)
{
	const bool is_strict = is_required(m);
	bool is_blocked;

	if (is_strict && t->client && !smtp_client_may_require(t->client))
		smtp_client_close(&t->client);
	if (!t->client)
		runner_connect(t, is_strict ? RUNNER_REQUIRED : RUNNER_USUAL);
	if (t->client) {
		send_message(t, m);
		note_good(t);
		return true;
	}
	if (may_relax(t, m) && send_relaxed(t, m))
		return true;
	/* That one message asks for more than there is says nothing about the others. */
	if (t->outcome == QUEUE_OUT_FAILED || (is_strict && t->is_denied)) {
		finish_all(t, m);
		return true;
	}
	is_blocked = note_bad(t);
	if (!is_blocked)
		t->outcome = QUEUE_OUT_NONE;
	finish_all(t, m);
	if (is_blocked)
		defer_lane(t);
	return false;
}

void runner_serve(struct runner *r, struct lane *lane)
{
	struct turn t = {.r = r, .lane = lane};
	struct queue_message *m;
	unsigned n = 0;

	while (!runner_is_stopping(r)) {
		m = claim(&t);
		if (!m && t.client && !t.is_bounded && runner_linger(r, lane, LINGER_MS))
			continue;
		if (!m || !send_one(&t, m))
			break;
		if (++n % TURN_MESSAGES == 0 && runner_is_wanted(r))
			break;
	}
	smtp_client_close(&t.client);
}
