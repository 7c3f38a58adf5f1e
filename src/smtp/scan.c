/* scan.c - a message is shown to scanners before it is taken; parked meanwhile. */
#include "ask/scan.h"

#include <stdio.h>
#include <stdlib.h>

#include "mail/conduct.h"
#include "smtp/session.h"

static void go_on(struct conn *c)
{
	if (session_of(c)->kind == KIND_SUBMISSION)
		smtp_sender_sign(c);
	else
		smtp_session_store(c);
}

static void take(struct conn *c, const struct scan_result *result)
{
	if (result->action == SCAN_APART)
		session_of(c)->tx->env.is_suspect = true;
	if (result->head.len)
		smtp_session_replace(c, result->cut, result->head, go_on);
	else
		go_on(c);
}

/* What users send has no folder of spam to go to. */
static bool is_refused(struct conn *c, const struct scan_result *result)
{
	return result->action == SCAN_REFUSE ||
	       (result->action == SCAN_APART && session_of(c)->kind == KIND_SUBMISSION);
}

static void follow(struct conn *c, const struct scan_result *result)
{
	static const char *const names[] = {[SCAN_PASS] = "pass",
		[SCAN_APART] = "apart",
		[SCAN_DEFER] = "defer",
		[SCAN_REFUSE] = "refuse"};
	char text[SCAN_TEXT_MAX + 1];

	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(result->text));
	log_info(conn_log(c), "scan", log_c("action", names[result->action]));
	track_event(session_service(c)->track, session_of(c)->tx->id, "scanned",
		log_c("action", names[result->action]));
	/* What it says of a user's mail says something of the account, too. */
	conduct_scanned(session_service(c), session_of(c)->login.account,
		result->action == SCAN_APART || result->action == SCAN_REFUSE);
	if (is_refused(c, result))
		smtp_session_refuse(c, SMTP_SAY_REFUSED, text[0] ? text : NULL);
	else if (result->action == SCAN_DEFER)
		smtp_session_refuse(c, SMTP_SAY_DEFERRED, text[0] ? text : NULL);
	else
		take(c, result);
}

/* Nobody could say anything: the settings say what follows. */
static void go_without(struct conn *c, const struct err *err)
{
	log_warn(conn_log(c), "scan", log_e(err));
	if (session_service(c)->scanning.is_required)
		smtp_session_refuse(c, SMTP_SAY_DEFERRED, NULL);
	else
		go_on(c);
}

static void on_scanned(struct conn *c, struct answer *answer)
{
	struct scan_result result;
	struct err err;

	if (scan_take(answer, &result, &err) == 0)
		follow(c, &result);
	else
		go_without(c, &err);
	free(answer->data);
}

/* Neither what a trusted host brings nor, unless that is set, what users send. */
static bool is_scanned(struct conn *c)
{
	const struct service *service = session_service(c);
	const struct session *s = session_of(c);
	const bool may =
		s->kind == KIND_SUBMISSION ? service->scanning.has_submission : s->visit != NULL;

	return may && service->scanning.is_on && s->tx->in->size <= service->scanning.size_max;
}

void smtp_scan(struct conn *c)
{
	struct service *service = session_service(c);
	struct session *s = session_of(c);
	const struct session_tx *tx = s->tx;
	struct scan scan = {.ip = conn_peer_address(c),
		.helo = slice_str(s->helo),
		.sender = tx->env.sender,
		.skip = tx->env.own_bytes};
	char id[17];
	struct err err;
	int fd;

	if (!is_scanned(c)) {
		go_on(c);
		return;
	}
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)tx->id);
	scan.id = slice_str(id);
	scan.name = smtp_gate_name(s);
	if (s->login.account)
		scan.login = conn_log(c)->account;
	if (conn_tls_version(c))
		scan.tls = slice_str(conn_tls_version(c));
	while (scan.n < tx->env.recipients_n && scan.n < SCAN_RCPT_MAX) {
		scan.recipients[scan.n] = tx->env.recipients[scan.n].address;
		scan.n++;
	}
	fd = spool_share(tx->in->spool, &err);
	if (fd < 0)
		go_without(c, &err);
	else
		ask_scan(service->ask, c, &scan, fd, service->scanning.wait_ms, on_scanned);
}
