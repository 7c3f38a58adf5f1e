/* message.c - DATA and BDAT: the message goes to the spool and the parser as it arrives. */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mail/sent.h"
#include "smtp/session.h"

static void tx_error(struct session_tx *tx, int rc, const struct err *err)
{
	if (rc < 0 && tx->rc == 0) {
		tx->rc = rc;
		tx->err = *err;
	}
}

/* Our own lines on top. One recipient is named in Received, several are not told of each other. */
int smtp_session_trace(struct conn *c, struct slice results, struct err *err)
{
	const struct session *s = session_of(c);
	struct session_tx *tx = s->tx;
	struct service *service = session_service(c);
	struct buf head AUTO(buf_done);
	char id[17];
	struct mail_trace trace = {.sender = tx->env.sender,
		.helo = slice_str(s->helo),
		.peer = s->kind == KIND_SUBMISSION ? (struct slice){0} : conn_peer_address(c),
		.host_name = service->host_name,
		.tls = conn_tls_version(c),
		.cipher = conn_tls_cipher(c),
		.is_lmtp = s->kind == KIND_LMTP,
		.is_extended = s->is_extended,
		.is_utf8 = tx->env.is_smtputf8,
		.is_authenticated = s->login.account != 0};
	int rc;

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)tx->id);
	trace.id = slice_str(id);
	if (tx->env.recipients_n == 1)
		trace.recipient = tx->env.recipients[0].address;
	buf_init(&head, SESSION_TRACE_MAX);
	tx->env.own_bytes = mail_trace_put(&head, &trace);
	rc = buf_check(&head, "trace", err);
	if (rc == 0)
		rc = incoming_append(tx->in, slice_head(buf_slice(&head), tx->env.own_bytes), err);
	if (rc == 0)
		rc = incoming_append(tx->in, results, err);
	if (rc == 0)
		rc = incoming_append(tx->in, slice_from(buf_slice(&head), tx->env.own_bytes), err);
	return rc;
}

/* Nobody here gets it, so nobody here will ask what is in it. */
static bool is_passed_on(struct conn *c)
{
	const struct session *s = session_of(c);
	const struct mail_envelope *env = &s->tx->env;

	if (s->kind != KIND_SUBMISSION)
		return false;
	for (size_t i = 0; i < env->recipients_n; i++) {
		const struct mail_resolved *r = &env->recipients[i].resolved;

		for (size_t k = 0; k < r->n; k++) {
			if (r->targets[k].account)
				return false;
		}
	}
	return !mail_keeps_sent(session_service(c), s->login.account);
}

static void begin_message(struct conn *c, bool is_chunked)
{
	struct service *service = session_service(c);
	struct session *s = session_of(c);
	struct session_tx *tx = s->tx;
	struct err err;

	/* The limit is the client's; what we add ourselves must not break it. */
	tx->in = incoming_new(
		store_spool_dir(service->store), service->limits.message_max + SESSION_TRACE_MAX +
							 SESSION_RESULTS_MAX + SUBMIT_HEADER_MAX);
	tx->in->number = tx->id;
	if (is_passed_on(c))
		incoming_pass_on(tx->in);
	smtp_session_track_received(c);
	tx->started_ms = clock_mono_ms();
	smtp_data_init(&tx->data, is_chunked, service->limits.message_max, SESSION_LINE_MAX);
	tx->data.is_binary = tx->is_binary;
	if (s->kind == KIND_SUBMISSION)
		mail_submit_init(&tx->submit, service, s->login.account, tx->env.sender);
	smtp_sender_begin(c);
	if (!tx->check)
		tx_error(tx, smtp_session_trace(c, (struct slice){0}, &err), &err);
}

static void take_piece(struct session *s, struct slice piece)
{
	struct session_tx *tx = s->tx;
	struct err err;
	int rc;

	if (tx->rc < 0)
		return;
	mail_hops_feed(&tx->hops, piece);
	if (tx->check)
		rc = smtp_sender_feed(tx, piece, &err);
	else if (s->kind == KIND_SUBMISSION)
		rc = mail_submit_append(&tx->submit, piece, tx->in, &err);
	else
		rc = incoming_append(tx->in, piece, &err);
	tx_error(tx, rc, &err);
}

static void take_bytes(struct session *s, struct slice bytes)
{
	struct slice piece;

	while ((piece = smtp_data_next(&s->tx->data, &bytes)).len)
		take_piece(s, piece);
}

/* A message that goes on for too long, or far beyond the size we said: no reply will stop it. */
static bool is_endless(struct conn *c)
{
	const struct session_tx *tx = session_of(c)->tx;
	const uint64_t max = session_service(c)->limits.message_max;

	return tx->data.size / SESSION_SWALLOW > max ||
	       clock_mono_ms() - tx->started_ms > SESSION_MESSAGE_MS;
}

static void send_away(struct conn *c)
{
	const bool is_big = session_of(c)->tx->data.fault == SMTP_DATA_TOO_BIG;

	log_info(conn_log(c), "endless_message");
	smtp_session_reply(c, is_big ? SMTP_SAY_TOO_BIG : SMTP_SAY_TIMEOUT, NULL);
	conn_close(c);
}

/* The whole message is there: what was found wrong with it, or its delivery. */
static void end_message(struct conn *c)
{
	static const enum smtp_say faults[] = {
		[SMTP_DATA_BARE_CR] = SMTP_SAY_BARE_LINE_END,
		[SMTP_DATA_BARE_LF] = SMTP_SAY_BARE_LINE_END,
		[SMTP_DATA_LONG_LINE] = SMTP_SAY_DATA_LINE,
		[SMTP_DATA_TOO_BIG] = SMTP_SAY_TOO_BIG,
	};
	struct session *s = session_of(c);
	struct session_tx *tx = s->tx;
	struct err err;

	s->mode = MODE_COMMAND;
	if (!tx->data.fault && tx->rc == 0 && s->kind == KIND_SUBMISSION)
		tx_error(tx, mail_submit_finish(&tx->submit, tx->in, &err), &err);
	if (!tx->data.fault && tx->rc == 0 && !tx->check)
		tx_error(tx, incoming_finish(tx->in, &err), &err);
	if (tx->data.fault) {
		smtp_session_refuse(c, faults[tx->data.fault], NULL);
	} else if (tx->rc == -ERR_DENIED) {
		smtp_session_refuse(c, SMTP_SAY_FROM_NOT_YOURS, tx->err.msg);
	} else if (tx->rc < 0) {
		smtp_session_broken(c, &tx->err);
	} else if (tx->hops.count > MAIL_HOPS_MAX) {
		smtp_session_refuse(c, SMTP_SAY_LOOP, NULL);
	} else if (tx->check) {
		smtp_sender_check(c);
	} else {
		smtp_binary(c, s->kind == KIND_SUBMISSION ? smtp_scan : smtp_session_deliver);
	}
}

/* ---- DATA ---- */

void smtp_session_data(struct conn *c, struct slice args)
{
	struct session *s = session_of(c);
	struct smtp_cmd cmd = {0};
	struct err err;

	if (smtp_none_parse(&cmd, args, &err) < 0)
		smtp_session_fail(c, cmd.say, err.msg);
	else if (s->tx->in)
		smtp_session_fail(c, SMTP_SAY_SEQUENCE, "The message comes by BDAT");
	else if (s->tx->is_binary) /* RFC 3030 3 */
		smtp_session_fail(c, SMTP_SAY_SEQUENCE, "A binary message comes by BDAT");
	else if (s->tx->env.recipients_n == 0)
		smtp_session_fail(c, SMTP_SAY_NO_RCPT, NULL);
	else {
		begin_message(c, false);
		s->mode = MODE_DATA;
		smtp_session_reply(c, SMTP_SAY_GO_DATA, NULL);
	}
}

void smtp_session_data_bytes(struct conn *c, struct slice bytes)
{
	struct session *s = session_of(c);

	take_bytes(s, bytes);
	if (smtp_data_is_done(&s->tx->data))
		end_message(c);
	else if (is_endless(c))
		send_away(c);
}

/* ---- BDAT ---- */

/* RFC 3030 2: the octets come whatever we think of the command, so a refusal waits for them. */
static bool refuse_chunk(struct conn *c, enum smtp_say *say_out)
{
	const struct session *s = session_of(c);

	*say_out = SMTP_SAY_SEQUENCE;
	if (s->kind == KIND_SUBMISSION && !s->login.account)
		*say_out = SMTP_SAY_NEED_AUTH;
	else if (s->tx && s->tx->env.recipients_n == 0)
		*say_out = SMTP_SAY_NO_RCPT;
	else if (s->tx && (!s->tx->in || s->tx->data.is_counted))
		return false;
	return true;
}

static void end_chunk(struct conn *c)
{
	struct session *s = session_of(c);
	char text[48];

	s->mode = MODE_COMMAND;
	if (s->is_chunk_refused) {
		smtp_session_fail(c, s->chunk_say, NULL);
		return;
	}
	if (s->is_last_chunk) {
		smtp_data_finish(&s->tx->data);
		end_message(c);
		return;
	}
	snprintf(text, sizeof(text), "%llu octets received", (unsigned long long)s->chunk_size);
	smtp_session_reply(c, SMTP_SAY_CHUNK_OK, text);
}

void smtp_session_bdat(struct conn *c, struct slice args)
{
	struct session *s = session_of(c);
	struct smtp_cmd cmd = {0};
	struct smtp_bdat bdat;
	struct err err;

	/* A chunk that is not read to its end would be taken for commands: where a size was told,
	 * octets follow, and if we cannot count them the session ends. */
	if (smtp_bdat_parse(&cmd, args, &bdat, &err) < 0) {
		smtp_session_fail(c, cmd.say, err.msg);
		if (args.len && args.ptr[0] >= '0' && args.ptr[0] <= '9')
			conn_close(c);
		return;
	}
	if (bdat.size / SESSION_SWALLOW > session_service(c)->limits.message_max) {
		smtp_session_reply(c, SMTP_SAY_TOO_BIG, NULL);
		conn_close(c);
		return;
	}
	s->chunk_left = s->chunk_size = bdat.size;
	s->is_last_chunk = bdat.is_last;
	s->is_chunk_refused = refuse_chunk(c, &s->chunk_say);
	if (!s->is_chunk_refused && !s->tx->in)
		begin_message(c, true);
	s->mode = MODE_CHUNK;
	if (s->chunk_left == 0)
		end_chunk(c);
}

void smtp_session_chunk_bytes(struct conn *c, struct slice bytes)
{
	struct session *s = session_of(c);

	s->chunk_left -= bytes.len;
	if (!s->is_chunk_refused)
		take_bytes(s, bytes);
	if (s->chunk_left == 0)
		end_chunk(c);
	else if (!s->is_chunk_refused && is_endless(c))
		send_away(c);
}
