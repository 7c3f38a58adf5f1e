/* wishes.c - what a sender may wish about a message's way: offered, checked, kept. */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "mail/limits.h"
#include "smtp/session.h"

enum {
	URGENT_RECIPIENTS = 10, /* more can be had at another priority */
	URGENT_BYTES = 1 << 20,
	PRIORITY_STEP = 4, /* RFC 6710 appendix: the levels here are -4, 0 and 4 */
};

static bool may_require_tls(struct conn *c)
{
	const struct session *s = session_of(c);

	return s->is_courier || (s->kind != KIND_LMTP && conn_is_tls(c));
}

unsigned smtp_wishes_may(struct conn *c)
{
	const struct session *s = session_of(c);

	return (s->is_courier ? SMTP_MAY_ORIGIN : 0) |
	       (s->kind == KIND_SUBMISSION ? SMTP_MAY_HOLD | SMTP_MAY_PRIORITY : 0) |
	       (s->kind == KIND_LMTP ? 0 : SMTP_MAY_BY) |
	       (may_require_tls(c) ? SMTP_MAY_REQUIRETLS : 0);
}

void smtp_wishes_offer(struct conn *c, struct buf *out)
{
	const unsigned may = smtp_wishes_may(c);
	const time_t latest = (time_t)(clock_wall_s() + MAIL_HOLD_MAX_S);
	struct tm tm;
	char text[sizeof("2026-01-31T12:00:00Z")];

	if (may & SMTP_MAY_HOLD && gmtime_r(&latest, &tm) &&
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		buf_printf(out, "\nFUTURERELEASE %d %s", MAIL_HOLD_MAX_S, text);
	if (may & SMTP_MAY_BY)
		buf_lit(out, "\nDELIVERBY");
	if (may & SMTP_MAY_PRIORITY)
		buf_lit(out, "\nMT-PRIORITY");
	if (may & SMTP_MAY_REQUIRETLS)
		buf_lit(out, "\nREQUIRETLS");
	buf_printf(out, "\nLIMITS RCPTMAX=%zu", session_service(c)->limits.recipients_max);
}

static bool take_hold(struct conn *c, const struct smtp_mail *mail, struct mail_wishes *wishes)
{
	const int64_t now = clock_wall_s();
	const int64_t until = mail->hold_for_s ? now + mail->hold_for_s : mail->hold_until_s;
	char text[80];

	if (!until)
		return true;
	if (until > now && until <= now + MAIL_HOLD_MAX_S) {
		wishes->not_before_s = until;
		return true;
	}
	snprintf(text, sizeof(text),
		until <= now ? "That time is past" : "A message can be held for at most %d seconds",
		MAIL_HOLD_MAX_S);
	smtp_session_fail(c, SMTP_SAY_BAD_ARG, text);
	return false;
}

static bool take_by(struct conn *c, const struct smtp_mail *mail, struct mail_wishes *wishes)
{
	if (!mail->by_mode)
		return true;
	wishes->by_s = clock_wall_s() + mail->by_s;
	wishes->is_by_notify = mail->by_mode == 'N';
	wishes->is_by_traced = mail->is_by_traced;
	if (wishes->is_by_notify || wishes->by_s > wishes->not_before_s)
		return true;
	smtp_session_fail(c, SMTP_SAY_BAD_ARG, "The time of BY is over before the hold is");
	return false;
}

/* RFC 6710 4.2: a level that does not exist here is the next lower one, and the client is told. */
static int level_of(int priority)
{
	return priority >= PRIORITY_STEP ? PRIORITY_STEP : priority >= 0 ? 0 : -PRIORITY_STEP;
}

static bool take_priority(struct conn *c, const struct smtp_mail *mail, struct mail_wishes *wishes)
{
	const int level = level_of(mail->priority);

	wishes->priority = level > 0 ? MAIL_URGENT : level < 0 ? MAIL_BULK : MAIL_NORMAL;
	if (level <= 0 || mail->size <= URGENT_BYTES)
		return true;
	smtp_session_reply(c, SMTP_SAY_TOO_BIG_URGENT, NULL);
	return false;
}

bool smtp_wishes_take(struct conn *c, const struct smtp_mail *mail)
{
	struct mail_wishes *wishes = &session_of(c)->tx->env.wishes;

	wishes->requires_tls = mail->requires_tls;
	return take_hold(c, mail, wishes) && take_by(c, mail, wishes) &&
	       take_priority(c, mail, wishes);
}

void smtp_wishes_reply(struct conn *c, const struct smtp_mail *mail)
{
	const int level = level_of(mail->priority);
	char text[48];

	snprintf(text, sizeof(text), "%d is the priority it has here", level);
	if (mail->has_priority && level != mail->priority)
		smtp_session_reply(c, SMTP_SAY_PRIORITY_CHANGED, text);
	else
		smtp_session_reply(c, SMTP_SAY_SENDER_OK, NULL);
}

bool smtp_wishes_allow_rcpt(struct conn *c)
{
	const struct mail_envelope *env = &session_of(c)->tx->env;

	if (env->wishes.priority != MAIL_URGENT || env->recipients_n < URGENT_RECIPIENTS)
		return true;
	smtp_session_reply(c, SMTP_SAY_TOO_MANY_RCPT, "Too many recipients for this priority");
	return false;
}

bool smtp_wishes_allow_size(struct conn *c)
{
	const struct session_tx *tx = session_of(c)->tx;

	if (tx->env.wishes.priority != MAIL_URGENT || tx->data.size <= URGENT_BYTES)
		return true;
	smtp_session_refuse(c, SMTP_SAY_TOO_BIG_URGENT, NULL);
	return false;
}

/* The account's wish to be able to take back what its programs send; what has to be there at once
 * is not kept back. */
void smtp_wishes_keep_back(struct conn *c)
{
	const struct session *s = session_of(c);
	struct mail_wishes *wishes = &s->tx->env.wishes;
	int64_t until;

	if (s->kind != KIND_SUBMISSION || wishes->not_before_s)
		return;
	until = mail_undo_s(session_service(c), s->login.account, false);
	until = until ? clock_wall_s() + until : 0;
	if (!wishes->by_s || wishes->by_s > until)
		wishes->not_before_s = until;
}
