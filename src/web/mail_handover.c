/* mail_handover.c - a message of the form: signed by the keeper, then handed over. */
#include <stdlib.h>

#include "base/mem.h"
#include "mail/limits.h"
#include "web/pages.h"
#include "web/send.h"

enum { SEND_MS = 10 * 60 * 1000 };

struct wait {
	struct pool *pool;
	struct conn_ref who;
	uint64_t ticket;
};

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

static void submit(struct http *x, struct sending *s);

static void on_accepted(struct http *x, struct answer *answer)
{
	struct sending *s = visit_of(x)->more;

	if (answer->rc == -ERR_BUSY && s->held_s) {
		/* The courier is away: mail between users here goes on, at once. */
		s->held_s = s->env.wishes.not_before_s = 0;
		submit(x, s);
	} else if (answer->rc < 0) {
		send_refuse(x, s, answer->rc, &answer->err);
	} else {
		log_info(http_log(x), "message", log_s("from", s->env.sender),
			log_n("recipients", (int64_t)s->env.recipients_n),
			log_n("bytes", (int64_t)s->in->size));
		send_keep_sent(x, s);
	}
	visit_answer_done(answer);
}

/* What the account's level allows, as on the port for mail programs. */
static bool may_send(struct http *x, struct sending *s)
{
	struct visit *v = visit_of(x);
	struct err err;

	if (mail_limits_check(v->service, v->account.id, s->in->size, s->env.recipients_n, &err) ==
		0)
		return true;
	log_info(http_log(x), "limit", log_e(&err));
	form_error(s->w.values, "to", err.msg);
	write_show(x, &s->w);
	return false;
}

static void submit(struct http *x, struct sending *s)
{
	struct wait *wait;

	if (!may_send(x, s))
		return;
	wait = mem_new(struct wait);
	*wait = (struct wait){.pool = conn_pool(http_conn(x)), .who = conn_ref(http_conn(x))};
	wait->ticket = http_park(x, SEND_MS, on_accepted);
	mail_track_received(visit_of(x)->service, "web", &s->env, s->in);
	mail_accept_submit(visit_of(x)->service, &s->env, s->in, accepted, wait);
}

/* ---- in turns: a large message does not keep a thread from others ---- */

static void go_on(struct http *x);

static void on_turn(struct http *x, struct answer *answer)
{
	(void)answer;
	go_on(x);
}

static void go_on(struct http *x)
{
	struct sending *s = visit_of(x)->more;
	const struct answer now = {0};
	bool is_all = false;
	struct err err;
	const int rc = s->step(x, s, &is_all, &err);

	if (rc < 0)
		send_refuse(x, s, rc, &err);
	else if (is_all)
		s->then(x, s);
	else
		pool_answer(conn_pool(http_conn(x)), conn_ref(http_conn(x)),
			http_park(x, SEND_MS, on_turn), &now);
}

static void work(struct http *x, struct sending *s, send_step_fn *step, send_fn *then)
{
	s->step = step;
	s->then = then;
	go_on(x);
}

/* ---- the domain's signatures, before it is handed over ---- */

static void sign_next(struct http *x, struct sending *s);

/* False: the keeper cannot say now; unsigned mail would not be believed elsewhere. */
static bool has_answer(struct http *x, struct sending *s, struct answer *answer)
{
	if (answer->rc == 0)
		return true;
	send_refuse(x, s, answer->rc, &answer->err);
	return false;
}

static void on_signature(struct http *x, struct answer *answer)
{
	struct sending *s = visit_of(x)->more;
	const struct keeper_text *text = answer->data;

	if (has_answer(x, s, answer)) {
		mail_signing_take(s->signing, (struct slice){text->text, text->len});
		sign_next(x, s);
	}
	visit_answer_done(answer);
}

static int put_signatures(struct http *x, struct sending *s, bool *is_all, struct err *err)
{
	return mail_signing_end(
		s->signing, visit_of(x)->service, &s->in, REBUILD_TURN, is_all, err);
}

static void sign_next(struct http *x, struct sending *s)
{
	const struct keeper_dkim_key *key;
	unsigned char digest[SHA256_LEN];
	struct keeper_call call;

	if (mail_signing_next(s->signing, &key, digest)) {
		call = visit_call(x, on_signature);
		keeper_dkim_sign(&call, key, (struct slice){(const char *)digest, SHA256_LEN});
		return;
	}
	work(x, s, put_signatures, submit);
}

static int read_body(struct http *x, struct sending *s, bool *is_all, struct err *err)
{
	(void)x;
	return mail_signing_read(s->signing, s->in, REBUILD_TURN, is_all, err);
}

static void on_keys(struct http *x, struct answer *answer)
{
	struct sending *s = visit_of(x)->more;

	if (has_answer(x, s, answer)) {
		mail_signing_use(s->signing, answer->data);
		work(x, s, read_body, sign_next);
	}
	visit_answer_done(answer);
}

void send_hand_over(struct http *x, struct sending *s)
{
	struct keeper_call call;
	struct err err;

	if (!visit_of(x)->service->senders.is_signed ||
		mail_signing_new(s->in, s->env.own_bytes, &s->signing, &err) < 0) {
		submit(x, s);
		return;
	}
	call = visit_call(x, on_keys);
	keeper_dkim_keys(&call, mail_signing_domain(s->signing));
}
