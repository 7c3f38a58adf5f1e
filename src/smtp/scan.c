/* scan.c - a stranger's message is shown to a scanner before it is taken; parked meanwhile. */
#include "ask/scan.h"

#include <stdio.h>
#include <stdlib.h>

#include "mail/rebuild.h"
#include "smtp/session.h"

/* A new message, since what came is parsed already. */
int smtp_session_put_fields(struct conn *c, struct slice fields, struct err *err)
{
	struct session_tx *tx = session_of(c)->tx;
	struct incoming *in AUTO(incoming_free) =
		incoming_new(store_spool_dir(session_service(c)->store), tx->in->size + fields.len);
	struct incoming *before = tx->in;
	struct buf own AUTO(buf_done);
	int rc;

	buf_init(&own, SESSION_TRACE_MAX);
	rc = spool_read(before->spool, 0, tx->env.own_bytes, &own, err);
	if (rc == 0)
		rc = incoming_append(in, buf_slice(&own), err);
	if (rc == 0)
		rc = incoming_append(in, fields, err);
	if (rc == 0)
		rc = rebuild_append(in, before->spool, own.len, err);
	if (rc == 0)
		rc = incoming_finish(in, err);
	if (rc < 0)
		return rc;
	in->number = before->number;
	tx->in = in;
	in = before;
	return 0;
}

static void follow(struct conn *c, const struct scan_result *result)
{
	char text[SCAN_TEXT_MAX + 1];
	struct err err;

	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(result->text));
	log_info(conn_log(c), "scan", log_n("action", result->action));
	if (result->action != SCAN_PASS) {
		smtp_session_refuse(c,
			result->action == SCAN_DEFER ? SMTP_SAY_DEFERRED : SMTP_SAY_REFUSED,
			text[0] ? text : NULL);
	} else if (result->fields.len && smtp_session_put_fields(c, result->fields, &err) < 0) {
		log_error(conn_log(c), "scan", log_e(&err));
		smtp_session_refuse(c, smtp_say_of(err.code), NULL);
	} else {
		smtp_session_store(c);
	}
}

/* Nobody could say anything: the settings say what follows. */
static void go_without(struct conn *c, const struct err *err)
{
	log_warn(conn_log(c), "scan", log_e(err));
	if (session_service(c)->scanning.is_required)
		smtp_session_refuse(c, SMTP_SAY_DEFERRED, NULL);
	else
		smtp_session_store(c);
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

	if (s->kind != KIND_MX || !s->visit || !service->scanning.is_on ||
		tx->in->size > service->scanning.size_max) {
		smtp_session_store(c);
		return;
	}
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)tx->id);
	scan.id = slice_str(id);
	scan.name = smtp_gate_name(s);
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
