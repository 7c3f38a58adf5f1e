/* session.c - the protocols that net/ runs: framing, greeting, the end. */
#include "smtp/session.h"

#include <stdlib.h>
#include <string.h>

#include "smtp/smtp.h"

void smtp_session_reply(struct conn *c, enum smtp_say say, const char *text)
{
	smtp_reply_put(conn_out(c), say, text ? slice_str(text) : (struct slice){0});
}

void smtp_session_fail(struct conn *c, enum smtp_say say, const char *text)
{
	struct session *s = session_of(c);

	smtp_session_reply(c, say, text);
	if (++s->errors < SESSION_ERRORS_MAX)
		return;
	log_info(conn_log(c), "too_many_errors");
	smtp_session_reply(c, SMTP_SAY_TOO_MANY_ERRORS, NULL);
	conn_close(c);
}

void smtp_session_tx_free(struct conn *c)
{
	struct session *s = session_of(c);
	struct session_tx *tx = s->tx;

	s->tx = NULL;
	if (!tx)
		return;
	conn_set_busy(c, false);
	incoming_free(&tx->in);
	incoming_free(&tx->made);
	smtp_sender_end(tx);
	mail_submit_done(&tx->submit);
	arena_done(&tx->arena);
	free(tx);
}

void smtp_session_greet(struct conn *c)
{
	struct service *service = session_service(c);
	struct buf *out = conn_out(c);
	const enum session_kind kind = session_of(c)->kind;

	buf_u64(out, smtp_say_code(SMTP_SAY_GREETING));
	buf_byte(out, ' ');
	buf_append(out, service->host_name);
	buf_str(out, kind == KIND_LMTP ? " LMTP Posthouse\r\n" : " ESMTP Posthouse\r\n");
}

static void begin(struct conn *c, enum session_kind kind)
{
	session_of(c)->kind = kind;
	conn_set_timeout(c, session_service(c)->limits.smtp_idle_ms);
}

static bool may_xclient(struct conn *c)
{
	const struct service *service = session_service(c);
	struct ip peer;

	if (!ip_parse(conn_peer_address(c), &peer))
		return false;
	for (size_t i = 0; i < service->xclients.n; i++) {
		if (ip_is_in(&peer, &service->xclients.list[i]))
			return true;
	}
	return false;
}

static void greet_mx(struct conn *c)
{
	begin(c, KIND_MX);
	session_of(c)->may_xclient = may_xclient(c);
	smtp_gate_open(c);
}

static void greet_courier(struct conn *c)
{
	begin(c, KIND_LMTP);
	session_of(c)->is_courier = true;
	smtp_session_greet(c);
}

static void greet_lmtp(struct conn *c)
{
	begin(c, KIND_LMTP);
	smtp_session_greet(c);
}

static void greet_submission(struct conn *c)
{
	begin(c, KIND_SUBMISSION);
	smtp_session_greet(c);
}

/* A line with its LF. One that is too long comes in pieces, which execute() throws away. */
static size_t frame_line(struct slice in)
{
	const size_t lf = slice_chr(in, '\n');

	if (lf != SIZE_MAX)
		return lf + 1;
	return in.len > SMTP_LINE_MAX ? in.len : 0;
}

/* What belongs to the message: up to its end mark, which a copy of the decoder finds. */
static size_t frame_data(const struct session *s, struct slice in)
{
	struct smtp_data probe = s->tx->data;
	struct slice rest = in;

	while (smtp_data_next(&probe, &rest).len)
		;
	return in.len - rest.len;
}

static size_t frame(struct conn *c, struct slice in, bool is_full)
{
	const struct session *s = session_of(c);

	(void)is_full;
	switch (s->mode) {
	case MODE_DATA:
		return frame_data(s, in);
	case MODE_CHUNK:
	case MODE_IMPORT:
		return in.len < s->chunk_left ? in.len : (size_t)s->chunk_left;
	case MODE_COMMAND:
	case MODE_AUTH:
		break;
	}
	return frame_line(in);
}

static void execute_line(struct conn *c, struct slice unit)
{
	struct session *s = session_of(c);
	const bool has_lf = unit.ptr[unit.len - 1] == '\n';

	if (s->is_skipping || !has_lf || unit.len > SMTP_LINE_MAX) {
		s->is_skipping = !has_lf;
		if (has_lf) {
			s->mode = MODE_COMMAND;
			smtp_session_fail(c, SMTP_SAY_LINE_TOO_LONG, NULL);
		}
		return;
	}
	if (!slice_ends(unit, slice_lit("\r\n"))) {
		smtp_session_fail(c, SMTP_SAY_SYNTAX, "Lines must end in CRLF");
		return;
	}
	unit.len -= 2;
	if (memchr(unit.ptr, '\r', unit.len) || memchr(unit.ptr, '\0', unit.len))
		smtp_session_fail(c, SMTP_SAY_SYNTAX, "CR or NUL in the line");
	else if (s->mode == MODE_AUTH)
		smtp_session_auth_line(c, unit);
	else
		smtp_session_command(c, unit);
}

static void execute(struct conn *c, struct slice unit)
{
	switch (session_of(c)->mode) {
	case MODE_DATA:
		smtp_session_data_bytes(c, unit);
		break;
	case MODE_CHUNK:
		smtp_session_chunk_bytes(c, unit);
		break;
	case MODE_IMPORT:
		smtp_import_bytes(c, unit);
		break;
	case MODE_COMMAND:
	case MODE_AUTH:
		execute_line(c, unit);
		break;
	}
}

static void goodbye(struct conn *c, enum conn_goodbye why)
{
	static const enum smtp_say says[] = {
		[GOODBYE_IDLE] = SMTP_SAY_TIMEOUT,
		[GOODBYE_SHUTDOWN] = SMTP_SAY_CLOSING,
		[GOODBYE_REVOKED] = SMTP_SAY_CLOSING,
		[GOODBYE_OVERLOAD] = SMTP_SAY_BUSY,
	};

	smtp_session_reply(c, says[why], NULL);
}

static void done(struct conn *c)
{
	struct session *s = session_of(c);

	login_done(c);
	smtp_session_tx_free(c);
	smtp_import_end(s);
	smtp_session_hello_forget(s);
	smtp_gate_close(c);
}

const struct protocol smtp_mx_protocol = {
	.name = "smtp",
	.session_size = sizeof(struct session),
	.unit_max = SESSION_UNIT_MAX,
	.greet = greet_mx,
	.frame = frame,
	.execute = execute,
	.goodbye = goodbye,
	.done = done,
};

const struct protocol smtp_courier_protocol = {
	.name = "courier-lmtp",
	.session_size = sizeof(struct session),
	.unit_max = SESSION_UNIT_MAX,
	.greet = greet_courier,
	.frame = frame,
	.execute = execute,
	.goodbye = goodbye,
	.done = done,
};

const struct protocol smtp_lmtp_protocol = {
	.name = "lmtp",
	.session_size = sizeof(struct session),
	.unit_max = SESSION_UNIT_MAX,
	.greet = greet_lmtp,
	.frame = frame,
	.execute = execute,
	.goodbye = goodbye,
	.done = done,
};

/* Who offers another protocol's name was led here by somebody who means harm (ALPACA). None is
 * registered for SMTP; these are what clients say. On port 25 a refusal would make a sender go on
 * without TLS. */
static const char *const alpn[] = {"smtp", "esmtp", NULL};

const struct protocol smtp_submission_protocol = {
	.name = "submission",
	.alpn = alpn,
	.session_size = sizeof(struct session),
	.unit_max = SESSION_UNIT_MAX,
	.greet = greet_submission,
	.frame = frame,
	.execute = execute,
	.goodbye = goodbye,
	.done = done,
};
