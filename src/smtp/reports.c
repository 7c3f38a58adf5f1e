/* reports.c - aggregate reports (report/report.h): what is seen here is counted for them, and what
 * comes for us is kept. */
#include <stdlib.h>

#include "base/mem.h"
#include "door/door.h"
#include "mailauth/check.h"
#include "report/report.h"
#include "smtp/session.h"

static struct slice domain_of(struct slice address)
{
	const size_t at = slice_rchr(address, '@');

	return at == SIZE_MAX ? (struct slice){0} : slice_from(address, at + 1);
}

/* A report is not counted, or reports about reports would go to and fro for ever. */
void smtp_reports_seen(struct conn *c, enum dmarc_policy done)
{
	const struct session *s = session_of(c);
	const struct mail_envelope *env = &s->tx->env;
	struct report_seen seen = {.verdict = mailauth_check_verdict(s->tx->check),
		.ip = s->visit->ip,
		.sender = env->sender,
		.recipient_domain = domain_of(env->recipients[0].address),
		.done = done,
		.number = s->tx->id,
		.view = mailauth_check_view(s->tx->check)};
	struct err err;

	if (env->recipients[0].is_for_reports)
		return;
	if (mailauth_check_header(s->tx->check, &seen.header, &err) < 0)
		seen.header = (struct slice){0};
	report_seen(session_service(c), &seen);
}

/* ---- what comes ---- */

struct wait {
	struct pool *pool;
	struct conn_ref who;
	uint64_t ticket;
};

static void on_received(struct conn *c, struct answer *answer)
{
	const struct session_tx *tx = session_of(c)->tx;

	if (answer->rc == 0) {
		smtp_session_reply(c, SMTP_SAY_STORED, "The report is taken");
		log_info(conn_log(c), "report", log_s("to", tx->env.recipients[0].address));
		track_event(session_service(c)->track, tx->id, "report");
		smtp_gate_stored(c);
		smtp_session_tx_free(c);
		return;
	}
	log_warn(conn_log(c), "report", log_e(&answer->err));
	switch (answer->err.code) {
	case ERR_SYNTAX:
	case ERR_NOTFOUND:
	case ERR_TOOBIG:
		smtp_session_refuse(c, SMTP_SAY_REFUSED, answer->err.msg);
		break;
	default:
		smtp_session_refuse(c, SMTP_SAY_LATER, NULL);
	}
}

static void received(void *context, int rc, const struct err *err)
{
	struct wait *wait = context;
	struct answer answer = {.rc = rc};

	if (rc < 0)
		answer.err = *err;
	pool_answer(wait->pool, wait->who, wait->ticket, &answer);
	free(wait);
}

/* Who is known to have sent it: the author's domain, if DMARC says so. */
static struct slice sender_of(const struct session_tx *tx)
{
	const struct mailauth_verdict *v = tx->check ? mailauth_check_verdict(tx->check) : NULL;

	return v && v->dmarc.result == AUTH_PASS ? v->dmarc.author : (struct slice){0};
}

void smtp_reports_receive(struct conn *c)
{
	const struct session_tx *tx = session_of(c)->tx;
	struct wait *wait = mem_new(struct wait);

	*wait = (struct wait){.pool = conn_pool(c), .who = conn_ref(c)};
	wait->ticket = conn_park(c, SESSION_PARK_MS, on_received);
	report_receive(session_service(c), tx->in, sender_of(tx), tx->env.recipients[0].address,
		received, wait);
}

/* What people have got, too. */
void smtp_reports_hear(struct conn *c)
{
	const struct session_tx *tx = session_of(c)->tx;

	for (size_t i = 0; session_of(c)->kind == KIND_MX && i < tx->env.recipients_n; i++)
		report_hear(
			session_service(c), tx->in, sender_of(tx), tx->env.recipients[i].address);
}
