/* runner_serve.c - one lane, one connection: straight from the claim to the outcome. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/random.h"
#include "courier/runner_internal.h"

enum {
	RECIPIENTS_MAX = 100, /* of one transaction (RFC 5321 4.5.3.1.8) */
	TURN_MESSAGES = 50,   /* then others have the thread, if they wait for one */
	LINGER_MS = 1500,     /* a connection waits so long for more to send */
	DEFER_MAX = 10000,    /* messages put off at once when nobody answers */
	VIEW_MAX = 1 << 20,
	DNS_TURNS = 8,
	WHY_MAX = 400,
};

static const char here_path[] = "../run/courier-lmtp.sock";

/* A thread's work on a lane. */
struct turn {
	struct runner *r;
	struct lane *lane;
	struct smtp_client *client;
	enum queue_outcome outcome; /* where there is no connection to be had */
	char why[WHY_MAX];
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
		break;
	case QUEUE_OUT_FAILED:
		atomic_fetch_add(&r->failed, 1);
		break;
	default:
		break;
	}
}

static void log_outcomes(struct runner *r, const struct queue_message *m)
{
	static const char *const words[] = {
		"put-back", "delivered", "relayed", "relayed", "deferred", "failed"};

	for (size_t i = 0; i < m->recipients_n; i++) {
		const struct queue_recipient *to = &m->recipients[i];

		count(r, to);
		if (to->outcome == QUEUE_OUT_NONE)
			continue;
		track_event(r->courier->track, m->number, words[to->outcome],
			log_s("to", to->address), log_s("host", to->host),
			log_s("reply", to->reply));
		log_info(NULL, "sent", log_n("message", m->id), log_s("to", to->address),
			log_c("outcome", words[to->outcome]), log_s("host", to->host),
			log_s("reply", to->reply));
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
	log_outcomes(t->r, m);
	queue_finish(t->r->queue, m);
}

static void finish_all(struct turn *t, struct queue_message *m)
{
	for (size_t i = 0; i < m->recipients_n; i++) {
		m->recipients[i].outcome = t->outcome;
		m->recipients[i].reply = slice_str(t->why);
		m->recipients[i].host = (struct slice){0};
	}
	finish(t, m);
}

/* ---- a connection ---- */

static enum plan_result make_plan(
	struct turn *t, struct arena *arena, struct plan *plan, char why[PLAN_WHY])
{
	const struct runner *r = t->r;
	const struct plan_question question = {.destination = slice_str(t->lane->name),
		.host_name = r->settings->host_name,
		.port = (unsigned)r->settings->courier_smtp_port,
		.chance = random_u64(),
		.wants_tlsa = true};
	enum plan_result result = PLAN_ASK;
	struct dns_view view;

	dns_view_init(&view, arena);
	for (int i = 0; i < DNS_TURNS && result == PLAN_ASK; i++) {
		result = plan_make(&view, &question, arena, plan, why);
		if (result == PLAN_ASK)
			dns_fill(r->courier->dns, &view, DNS_WAIT_MS);
	}
	return result;
}

/* As in RFC 8460 4.4: "3 1 1 HEX". */
static void put_tlsa(const struct dns_tlsa *tlsa, struct buf *out)
{
	buf_printf(out, "%s%u %u %u ", out->len ? "\n" : "", tlsa->usage, tlsa->selector,
		tlsa->matching);
	hex_encode(out, tlsa->data);
}

static void note_tls(struct turn *t, const struct plan *plan, const struct plan_host *host,
	const struct smtp_tls *tls)
{
	struct tls_session session = {.domain = plan->domain,
		.policy = {.domain = plan->domain},
		.result = tls->result,
		.our_ip = slice_str(tls->our_ip),
		.mx_host = host->name,
		.mx_ip = slice_str(tls->ip),
		.reason = slice_str(tls->reason)};
	struct buf strings AUTO(buf_done);

	buf_init(&strings, TLS_RESULTS_TEXT_MAX);
	for (size_t i = 0; i < host->tlsa_n; i++)
		put_tlsa(&host->tlsa[i], &strings);
	if (host->has_tlsa)
		session.policy = (struct tls_policy){.type = TLS_POLICY_TLSA,
			.domain = host->name,
			.strings = buf_slice(&strings)};
	tls_results_note(t->r->courier->tls_results, &session);
}

static void try_hosts(struct turn *t, const struct plan *plan)
{
	struct smtp_tls tls;
	struct err err = {.msg = "no host can be tried now"};
	int rc;

	t->outcome = QUEUE_OUT_DEFERRED;
	for (size_t i = 0; i < plan->n && !t->client; i++) {
		const struct plan_host *host = &plan->hosts[i];

		if (!host->addresses_n || host->is_unsure)
			continue;
		rc = smtp_client_open(
			&t->r->client, host, plan->port, SMTP_NEED_SOME, &tls, &t->client, &err);
		if (tls.is_tried && plan->domain.len)
			note_tls(t, plan, host, &tls);
		if (rc == 0)
			return;
		snprintf(t->why, sizeof(t->why), "%s %.*s: %s",
			err.code == ERR_DENIED ? "4.7.5" : "4.4.1", SLICE_ARG(host->name), err.msg);
		log_info(NULL, "no-connection", log_s("host", host->name), log_e(&err));
	}
}

/* Sets client, or outcome and why. */
static void connect_lane(struct turn *t)
{
	struct arena arena AUTO(arena_done);
	char why[PLAN_WHY];
	struct plan plan;
	struct err err;

	arena_init(&arena, VIEW_MAX);
	snprintf(t->why, sizeof(t->why), "4.4.1 no host can be tried now");
	if (strcmp(t->lane->name, QUEUE_HERE) == 0) {
		t->outcome = QUEUE_OUT_DEFERRED;
		if (smtp_client_open_here(&t->r->client, here_path, &t->client, &err) < 0)
			snprintf(t->why, sizeof(t->why), "4.4.1 the mail server here: %s", err.msg);
		return;
	}
	switch (make_plan(t, &arena, &plan, why)) {
	case PLAN_DONE:
		try_hosts(t, &plan);
		break;
	case PLAN_NEVER:
		t->outcome = QUEUE_OUT_FAILED;
		snprintf(t->why, sizeof(t->why), "%s", why);
		break;
	case PLAN_LATER:
		t->outcome = QUEUE_OUT_DEFERRED;
		snprintf(t->why, sizeof(t->why), "%s", why);
		break;
	case PLAN_ASK:
		t->outcome = QUEUE_OUT_DEFERRED;
		snprintf(t->why, sizeof(t->why), "4.4.3 the DNS leads in circles");
		break;
	}
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
		lanes_begin(&r->lanes, t->lane);
	pthread_mutex_unlock(&r->lock);
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

/* Nobody answers: what is due is put off, so that each message knows why it waits. */
static void defer_lane(struct turn *t)
{
	struct queue_message *m;

	for (unsigned i = 0; i < DEFER_MAX && !runner_is_stopping(t->r) && (m = claim(t)); i++)
		finish_all(t, m);
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

/* False: this lane has had its turn. */
static bool send_one(struct turn *t, struct queue_message *m)
{
	if (!t->client)
		connect_lane(t);
	if (!t->client && t->outcome == QUEUE_OUT_FAILED) {
		finish_all(t, m);
		return true;
	}
	if (!t->client) {
		const bool is_blocked = note_bad(t);

		if (!is_blocked)
			t->outcome = QUEUE_OUT_NONE;
		finish_all(t, m);
		if (is_blocked)
			defer_lane(t);
		return false;
	}
	smtp_client_send(t->client, t->r->queue, m);
	finish(t, m);
	note_good(t);
	if (!smtp_client_is_usable(t->client))
		smtp_client_close(&t->client);
	return true;
}

void runner_serve(struct runner *r, struct lane *lane)
{
	struct turn t = {.r = r, .lane = lane};
	struct queue_message *m;
	unsigned n = 0;

	while (!runner_is_stopping(r)) {
		m = claim(&t);
		if (!m && t.client && runner_linger(r, lane, LINGER_MS))
			continue;
		if (!m || !send_one(&t, m))
			break;
		if (++n % TURN_MESSAGES == 0 && runner_is_wanted(r))
			break;
	}
	smtp_client_close(&t.client);
}
