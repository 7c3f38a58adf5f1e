/* deliver.c - a whole message: to its accounts, and the reply when it is kept. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/random.h"
#include "mail/limits.h"
#include "mail/sent.h"
#include "smtp/session.h"

/* ---- history ---- */

void smtp_session_track_refused(struct conn *c, struct slice to, int code, const char *why)
{
	struct track *track = session_service(c)->track;
	const struct session_tx *tx = session_of(c)->tx;

	track_event(track, tx->id, "refused", log_n("code", code), log_c("why", why),
		log_s("to", to), log_s("from", tx->env.sender),
		log_s("peer", conn_peer_address(c)));
	track_address(track, tx->id, tx->env.sender);
	track_address(track, tx->id, to);
}

void smtp_session_track_received(struct conn *c)
{
	static const char *const services[] = {
		[KIND_MX] = "smtp", [KIND_LMTP] = "lmtp", [KIND_SUBMISSION] = "submission"};
	struct service *service = session_service(c);
	const struct session *s = session_of(c);
	const struct session_tx *tx = s->tx;

	track_event(service->track, tx->id, "received", log_c("service", services[s->kind]),
		log_s("peer", conn_peer_address(c)), log_c("helo", s->helo),
		log_c("tls", conn_tls_version(c) ? conn_tls_version(c) : ""),
		log_s("from", tx->env.sender), log_n("recipients", (int64_t)tx->env.recipients_n),
		track_account(tx->env.submitter));
	mail_track_addresses(service, tx->id, &tx->env);
}

/* ---- replies ---- */

void smtp_session_refuse(struct conn *c, enum smtp_say say, const char *text)
{
	struct session *s = session_of(c);
	const size_t n = s->kind == KIND_LMTP ? s->tx->env.recipients_n : 1;

	track_event(session_service(c)->track, s->tx->id, "refused",
		log_n("code", smtp_say_code(say)), log_c("why", text ? text : ""));
	log_info(conn_log(c), "refused", log_n("code", smtp_say_code(say)),
		log_s("from", s->tx->env.sender));
	for (size_t i = 0; i < n; i++)
		smtp_session_reply(c, say, text);
	smtp_session_tx_free(c);
}

void smtp_session_broken(struct conn *c, const struct err *err)
{
	log_error(conn_log(c), "message", log_e(err));
	smtp_session_refuse(c, smtp_say_of(err->code), NULL);
}

void smtp_session_full(struct conn *c, const struct mail_target *target)
{
	smtp_session_reply(c,
		mail_quota_defers(session_service(c), target) ? SMTP_SAY_MAILBOX_FULL_NOW
							      : SMTP_SAY_MAILBOX_FULL,
		NULL);
}

/* Which reply a limit of the account's level is. */
static enum smtp_say level_say(int rc)
{
	switch (-rc) {
	case ERR_TOOBIG:
		return SMTP_SAY_TOO_BIG;
	case ERR_DENIED:
		return SMTP_SAY_LEVEL;
	case ERR_BUSY:
		return SMTP_SAY_LEVEL_NOW;
	default:
		return SMTP_SAY_LATER;
	}
}

bool smtp_session_may_send(struct conn *c, uint64_t bytes, size_t recipients)
{
	const struct session *s = session_of(c);
	struct err err;
	int rc;

	if (s->kind != KIND_SUBMISSION)
		return true;
	rc = mail_limits_check(session_service(c), s->login.account, bytes, recipients, &err);
	if (rc == 0)
		return true;
	log_info(conn_log(c), "limit", log_e(&err));
	smtp_session_reply(c, level_say(rc), level_say(rc) == SMTP_SAY_LATER ? NULL : err.msg);
	return false;
}

/* The reply to what the delivery of one recipient gave. */
static void reply_result(
	struct conn *c, const struct mail_recipient *r, int rc, const struct err *err)
{
	struct service *service = session_service(c);
	const struct session_tx *tx = session_of(c)->tx;
	char text[40];

	if (rc == 0) {
		snprintf(text, sizeof(text), "Message stored as %016llx",
			(unsigned long long)tx->id);
		smtp_session_reply(c, SMTP_SAY_STORED, text);
		return;
	}
	log_warn(conn_log(c), "delivery", log_s("to", r->address), log_e(err));
	track_event(service->track, tx->id, "refused", log_s("to", r->address), log_e(err));
	if (rc == -ERR_QUOTA && r->resolved.n == 1 &&
		mail_is_over_quota(service, &r->resolved.targets[0], tx->in->size))
		smtp_session_full(c, &r->resolved.targets[0]);
	else
		smtp_session_reply(c, smtp_say_of((enum err_code)(-rc)), NULL);
}

static void log_message(struct conn *c, size_t stored)
{
	const struct session_tx *tx = session_of(c)->tx;
	char id[17];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)tx->id);
	log_info(conn_log(c), "message", log_c("id", id), log_s("from", tx->env.sender),
		log_n("recipients", (int64_t)tx->env.recipients_n),
		log_n("stored", (int64_t)stored), log_n("bytes", (int64_t)tx->in->size));
}

/* ---- SMTP: one reply for all ---- */

struct wait {
	struct pool *pool;
	struct conn_ref who;
	uint64_t ticket;
};

static void on_accepted(struct conn *c, struct answer *answer)
{
	struct session *s = session_of(c);

	reply_result(c, &s->tx->env.recipients[0], answer->rc, &answer->err);
	log_message(c, answer->rc == 0 ? s->tx->env.recipients_n : 0);
	if (answer->rc == 0) {
		smtp_gate_stored(c);
		smtp_reports_hear(c);
	}
	if (answer->rc == 0 && s->kind == KIND_SUBMISSION)
		mail_keep_sent(session_service(c), s->login.account, s->tx->env.sender, s->tx->in);
	smtp_session_tx_free(c);
}

static void accepted(
	void *context, int rc, const struct message_added *added, const struct err *err)
{
	struct wait *wait = context;
	struct answer answer = {.rc = rc};

	(void)added;
	if (rc < 0)
		answer.err = *err;
	pool_answer(wait->pool, wait->who, wait->ticket, &answer);
	free(wait);
}

static void deliver_smtp(struct conn *c)
{
	const struct session_tx *tx = session_of(c)->tx;
	struct wait *wait = mem_new(struct wait);

	*wait = (struct wait){.pool = conn_pool(c), .who = conn_ref(c)};
	wait->ticket = conn_park(c, SESSION_PARK_MS, on_accepted);
	mail_accept_submit(session_service(c), &tx->env, tx->in, accepted, wait);
}

/* ---- LMTP: one reply for each (RFC 2033 4.2) ---- */

struct lmtp_wait;

struct lmtp_result {
	struct lmtp_wait *wait;
	int rc;
	struct err err;
};

struct lmtp_wait {
	struct pool *pool;
	struct conn_ref who;
	uint64_t ticket;
	_Atomic size_t pending;
	size_t n;
	struct lmtp_result results[];
};

static void on_all_delivered(struct conn *c, struct answer *answer)
{
	struct session *s = session_of(c);
	struct lmtp_wait *wait = answer->data;
	size_t stored = 0;

	for (size_t i = 0; i < s->tx->env.recipients_n; i++) {
		const int rc = wait ? wait->results[i].rc : answer->rc;
		const struct err *err = wait ? &wait->results[i].err : &answer->err;

		stored += rc == 0;
		reply_result(c, &s->tx->env.recipients[i], rc, err);
	}
	log_message(c, stored);
	smtp_session_tx_free(c);
	free(wait);
}

static void lmtp_delivered(
	void *context, int rc, const struct message_added *added, const struct err *err)
{
	struct lmtp_result *result = context;
	struct lmtp_wait *wait = result->wait;
	struct answer answer = {.data = wait, .free_data = free};

	(void)added;
	result->rc = rc;
	if (rc < 0)
		result->err = *err;
	if (atomic_fetch_sub(&wait->pending, 1) == 1)
		pool_answer(wait->pool, wait->who, wait->ticket, &answer);
}

/* Two recipients that are one account get one copy: it knows the message by this number. */
static uint64_t repeat_id(const struct mail_envelope *env)
{
	for (size_t i = 1; i < env->recipients_n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (env->recipients[i].resolved.targets[0].account ==
				env->recipients[k].resolved.targets[0].account)
				return (random_u64() >> 1) | 1;
		}
	}
	return 0;
}

/* The delivery log knows a letter by its id, so each recipient's has one of its own: the same for
 * the same message, whoever else is among the recipients when it comes again. */
static uint64_t own_id(uint64_t delivery_id, struct slice address)
{
	unsigned char hash[SHA256_LEN];
	uint64_t mix;

	if (!delivery_id)
		return 0;
	sha256(address, hash);
	memcpy(&mix, hash, sizeof(mix));
	return ((delivery_id ^ mix) >> 1) | 1;
}

static void deliver_one(
	struct conn *c, struct mail_recipient *r, uint64_t delivery_id, struct lmtp_result *result)
{
	const struct session_tx *tx = session_of(c)->tx;
	struct mail_envelope env = tx->env;

	if (r->resolved.n)
		r->resolved.targets[0].named = r->address;
	if (r->resolved.n == 1 && r->resolved.targets[0].account && !(r->notify & NOTIFY_SUCCESS)) {
		mail_deliver(session_service(c), &r->resolved.targets[0], (struct slice){0}, tx->in,
			delivery_id, lmtp_delivered, result);
		return;
	}
	env.recipients = r;
	env.recipients_n = 1;
	env.delivery_id = own_id(env.delivery_id, r->address);
	mail_accept_submit(session_service(c), &env, tx->in, lmtp_delivered, result);
}

static void deliver_lmtp(struct conn *c)
{
	const struct mail_envelope *env = &session_of(c)->tx->env;
	const size_t n = env->recipients_n;
	const uint64_t delivery_id = env->delivery_id ? env->delivery_id : repeat_id(env);
	struct lmtp_wait *wait = mem_zalloc(sizeof(*wait) + n * sizeof(wait->results[0]));

	wait->pool = conn_pool(c);
	wait->who = conn_ref(c);
	wait->n = n;
	atomic_init(&wait->pending, n);
	wait->ticket = conn_park(c, SESSION_PARK_MS, on_all_delivered);
	for (size_t i = 0; i < n; i++) {
		wait->results[i].wait = wait;
		deliver_one(c, &env->recipients[i], delivery_id, &wait->results[i]);
	}
}

static void on_judged(struct conn *c)
{
	if (session_of(c)->kind == KIND_MX)
		smtp_scan(c);
	else
		smtp_session_store(c);
}

void smtp_session_deliver(struct conn *c)
{
	struct session_tx *tx = session_of(c)->tx;

	/* RFC 8689 4.1: what MAIL says goes before the header. */
	tx->env.wishes.is_tls_optional = tx->hops.is_tls_optional && !tx->env.wishes.requires_tls;
	if (!smtp_wishes_allow_size(c))
		return;
	if (!smtp_session_may_send(c, tx->in->size, tx->env.recipients_n)) {
		smtp_session_tx_free(c);
		return;
	}
	smtp_wishes_keep_back(c);
	smtp_bounce_judge(c, on_judged);
}

void smtp_session_store(struct conn *c)
{
	if (session_of(c)->tx->env.recipients[0].is_for_reports)
		smtp_reports_receive(c);
	else if (session_of(c)->kind == KIND_LMTP)
		deliver_lmtp(c);
	else
		deliver_smtp(c);
}
