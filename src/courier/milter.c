/* milter.c - see milter.h for the contract. */
#include "courier/milter.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "courier/peer.h"
#include "wire/milter/milter.h"
#include "wire/mime/header.h"

enum {
	MEMORY_MAX = 8 << 20,
	OUT_MAX = 2 << 20,
	OUT_ENOUGH = 256 << 10, /* is sent although nobody is asked */
	IN_MAX = 2 * MILTER_PACKET_MAX,
	PORT_MAX = 65535,
	CODE_LEN = 3,
};

/* ---- addresses ---- */

bool milter_address_parse(struct slice text, struct milter_address *out)
{
	struct milter_address a = {.path = ""};
	struct slice rest = text, kind = slice_cut(text, ':', &rest), host;
	const size_t colon = slice_rchr(rest, ':');
	uint64_t port;

	if (slice_eq(kind, slice_lit("unix"))) {
		if (!slice_starts(rest, slice_lit("/")) || rest.len >= sizeof(a.path))
			return false;
		snprintf(a.path, sizeof(a.path), "%.*s", SLICE_ARG(rest));
		*out = a;
		return true;
	}
	if (!slice_eq(kind, slice_lit("inet")) || colon == SIZE_MAX ||
		!slice_to_u64(slice_from(rest, colon + 1), PORT_MAX, &port) || port == 0)
		return false;
	host = slice_head(rest, colon);
	if (slice_starts(host, slice_lit("[")) && slice_ends(host, slice_lit("]")))
		host = (struct slice){host.ptr + 1, host.len - 2};
	a.port = (uint16_t)port;
	if (!ip_parse(host, &a.ip))
		return false;
	*out = a;
	return true;
}

/* ---- the mail ---- */

void scan_mail_init(struct scan_mail *mail, struct slice message)
{
	struct slice rest = message;
	struct mime_field field;
	size_t n = 0;

	while (mime_header_next(&rest, &field))
		n++;
	*mail = (struct scan_mail){.message = message, .header_len = message.len - rest.len};
	/* Lines that are no fields are kept, too, one between two of them. */
	mail->is_monstrous = mail->header_len > SCAN_HEADER_MAX || n > MILTER_FIELDS_MAX / 4;
	buf_init(&mail->header, SCAN_HEAD_MAX);
	buf_init(&mail->body, SCAN_HEAD_MAX);
}

void scan_mail_done(struct scan_mail *mail)
{
	buf_done(&mail->header);
	buf_done(&mail->body);
}

struct slice scan_mail_header(const struct scan_mail *mail)
{
	return mail->has_header ? buf_slice(&mail->header)
				: slice_head(mail->message, mail->header_len);
}

struct slice scan_mail_body(const struct scan_mail *mail)
{
	return mail->has_body ? buf_slice(&mail->body)
			      : slice_from(mail->message, mail->header_len);
}

int scan_mail_result(
	const struct scan_mail *mail, struct buf *out, struct scan_result *result, struct err *err)
{
	if (mail->has_body) {
		buf_append(out, scan_mail_header(mail));
		buf_append(out, scan_mail_body(mail));
		result->cut = mail->message.len;
		result->head = buf_slice(out);
	} else if (mail->has_header) {
		result->cut = mail->header_len;
		result->head = buf_slice(&mail->header);
	}
	if (mail->has_header && !mail->header.len)
		return err_set(err, ERR_SYNTAX, "the filters leave no header");
	return out->failed || mail->header.failed || mail->body.failed
		       ? err_set(err, ERR_TOOBIG, "the filters change too much of a message")
		       : 0;
}

/* ---- the conversation ---- */

struct talk {
	struct peer *peer;
	struct buf out, in;
	size_t taken; /* of in */
	int64_t deadline_ms;
	uint32_t steps;
	const struct scan *scan;
	struct slice host;
	const struct scan_mail *mail;
	struct milter_fields fields;
	struct buf body, *texts;
	bool has_body, is_over, is_skipped;
	struct scan_result *result;
};

static void talk_done(struct talk *t)
{
	peer_close(&t->peer);
	buf_done(&t->out);
	buf_done(&t->in);
	buf_done(&t->body);
}

static int64_t left_ms(const struct talk *t)
{
	const int64_t left = t->deadline_ms - clock_mono_ms();

	return left > 0 ? left : 0;
}

static int flush(struct talk *t, struct err *err)
{
	int rc = buf_check(&t->out, "what the filter is shown", err);

	if (rc == 0)
		rc = peer_write(t->peer, buf_slice(&t->out), left_ms(t), err);
	buf_clear(&t->out);
	return rc;
}

/* The next packet; it stands in t->in until the next call. */
static int read_packet(struct talk *t, struct slice *out, struct err *err)
{
	int64_t len;

	buf_consume(&t->in, t->taken);
	t->taken = 0;
	while ((len = milter_length(buf_slice(&t->in), err)) == 0) {
		const int rc = peer_fill(t->peer, left_ms(t), err);

		if (rc < 0)
			return rc;
		buf_append(&t->in, peer_in(t->peer));
		peer_take(t->peer, peer_in(t->peer).len);
	}
	if (len < 0)
		return (int)len;
	t->taken = (size_t)len;
	*out = slice_head(buf_slice(&t->in), t->taken);
	return 0;
}

/* "550 5.7.1 text", perhaps in several such lines: the texts alone. */
static int take_reply(struct talk *t, struct slice said, struct err *err)
{
	const char first = said.len > CODE_LEN ? said.ptr[0] : 0;
	const size_t begin = t->texts->len;

	if (first != '4' && first != '5')
		return err_set(err, ERR_SYNTAX, "the filter's reply is none of SMTP");
	while (said.len) {
		struct slice line = slice_trim(slice_cut(said, '\n', &said));
		struct slice text = slice_from(line, CODE_LEN + 1), more;
		const struct slice word = slice_cut(text, ' ', &more);

		if (word.len && word.ptr[0] == first && slice_chr(word, '.') == 1)
			text = more; /* RFC 3463: ours goes before it */
		if (t->texts->len > begin)
			buf_byte(t->texts, '\n');
		buf_append(t->texts, text);
	}
	t->result->action = first == '4' ? SCAN_DEFER : SCAN_REFUSE;
	t->result->text = slice_from(buf_slice(t->texts), begin);
	t->is_over = true;
	return 0;
}

static int take_verdict(struct talk *t, const struct milter_said *said, struct err *err)
{
	switch (said->answer) {
	case MILTER_CONTINUE:
		return 0;
	case MILTER_SKIP:
		t->is_skipped = true;
		return 0;
	case MILTER_ACCEPT:
		t->is_over = true;
		return 0;
	case MILTER_REJECT:
	case MILTER_DISCARD:
	case MILTER_TEMPFAIL:
		t->result->action = said->answer == MILTER_TEMPFAIL ? SCAN_DEFER : SCAN_REFUSE;
		t->is_over = true;
		return 0;
	case MILTER_REPLY:
		return take_reply(t, said->value, err);
	case MILTER_CONN_FAIL:
	case MILTER_SHUTDOWN:
		return err_set(err, ERR_BUSY, "the filter ends the session");
	default:
		return err_set(err, ERR_SYNTAX, "the filter answers '%c' too early", said->answer);
	}
}

static int hear(struct talk *t, struct milter_said *said, struct err *err)
{
	struct slice packet;
	int rc = flush(t, err);

	do {
		if (rc == 0)
			rc = read_packet(t, &packet, err);
		if (rc == 0)
			rc = milter_read(packet, said, err);
	} while (rc == 0 && said->answer == MILTER_PROGRESS);
	return rc;
}

/* What was put into t->out is a step: its answer, unless the filter keeps quiet there. */
static int step(struct talk *t, uint32_t quiet, struct err *err)
{
	struct milter_said said;
	int rc;

	if (t->steps & quiet)
		return t->out.len > OUT_ENOUGH ? flush(t, err) : 0;
	rc = hear(t, &said, err);
	return rc == 0 ? take_verdict(t, &said, err) : rc;
}

static bool wants(const struct talk *t, uint32_t no)
{
	return !t->is_over && !(t->steps & no);
}

static int negotiate(struct talk *t, struct err *err)
{
	struct milter_options options;
	struct slice packet;
	int rc;

	milter_put_options(&t->out, MILTER_MAY_ALL, MILTER_STEPS_ALL);
	rc = flush(t, err);
	if (rc == 0)
		rc = read_packet(t, &packet, err);
	if (rc == 0)
		rc = milter_read_options(packet, &options, err);
	if (rc < 0)
		return rc;
	t->steps = options.steps;
	if (options.version < 4) /* older than the step */
		t->steps |= MILTER_NO_DATA;
	t->fields.keeps_space = (options.steps & MILTER_LEADING_SPACE) != 0;
	return 0;
}

static int show_connection(struct talk *t, struct err *err)
{
	const struct scan *scan = t->scan;
	struct buf name AUTO(buf_done);
	size_t at;
	int rc = 0;

	buf_init(&name, MILTER_TEXT);
	if (scan->name.len)
		buf_append(&name, scan->name);
	else
		buf_printf(&name, "[%.*s]", SLICE_ARG(scan->ip));
	at = milter_macros_begin(&t->out, MILTER_CONNECT);
	milter_macro(&t->out, "j", t->host);
	milter_macro(&t->out, "v", slice_lit("Posthouse"));
	milter_macro(&t->out, "{daemon_name}",
		scan->login.len ? slice_lit("submission") : slice_lit("smtp"));
	milter_macro(&t->out, "{client_addr}", scan->ip);
	milter_macro(&t->out, "{client_name}", buf_slice(&name));
	milter_macros_end(&t->out, at);
	if (wants(t, MILTER_NO_CONNECT)) {
		milter_put_connect(&t->out, buf_slice(&name), scan->ip, 0);
		rc = step(t, MILTER_QUIET_CONNECT, err);
	}
	if (rc == 0 && wants(t, MILTER_NO_HELO)) {
		at = milter_macros_begin(&t->out, MILTER_HELO);
		milter_macro(&t->out, "{tls_version}", scan->tls);
		milter_macros_end(&t->out, at);
		milter_put(&t->out, MILTER_HELO, &scan->helo, 1);
		rc = step(t, MILTER_QUIET_HELO, err);
	}
	return rc;
}

static int show_path(struct talk *t, enum milter_command command, const char *macro,
	struct slice address, uint32_t quiet, struct err *err)
{
	const size_t at = milter_macros_begin(&t->out, command);
	struct buf path AUTO(buf_done);
	struct slice text;

	milter_macro(&t->out, "i", t->scan->id);
	milter_macro(&t->out, macro, address);
	if (t->scan->login.len) {
		milter_macro(&t->out, "{auth_authen}", t->scan->login);
		milter_macro(&t->out, "{auth_type}", slice_lit("PLAIN"));
	}
	milter_macros_end(&t->out, at);
	buf_init(&path, MILTER_TEXT);
	buf_printf(&path, "<%.*s>", SLICE_ARG(address));
	text = buf_slice(&path);
	milter_put(&t->out, command, &text, 1);
	return step(t, quiet, err);
}

static int show_envelope(struct talk *t, struct err *err)
{
	int rc = 0;

	if (wants(t, MILTER_NO_MAIL))
		rc = show_path(
			t, MILTER_MAIL, "{mail_addr}", t->scan->sender, MILTER_QUIET_MAIL, err);
	for (size_t i = 0; rc == 0 && i < t->scan->n && wants(t, MILTER_NO_RCPT); i++)
		rc = show_path(t, MILTER_RCPT, "{rcpt_addr}", t->scan->recipients[i],
			MILTER_QUIET_RCPT, err);
	if (rc == 0 && wants(t, MILTER_NO_DATA)) {
		milter_put(&t->out, MILTER_DATA, NULL, 0);
		rc = step(t, MILTER_QUIET_DATA, err);
	}
	return rc;
}

static int show_header(struct talk *t, struct err *err)
{
	int rc = 0;

	for (const struct milter_field *f = t->fields.first;
		f && rc == 0 && wants(t, MILTER_NO_HEADER); f = f->next) {
		const struct slice texts[] = {f->name, milter_field_value(&t->fields, f)};

		if (!f->is_shown)
			continue;
		milter_put(&t->out, MILTER_HEADER, texts, 2);
		rc = step(t, MILTER_QUIET_HEADER, err);
	}
	if (rc == 0 && wants(t, MILTER_NO_END_OF_HEADER)) {
		milter_put(&t->out, MILTER_END_OF_HEADER, NULL, 0);
		rc = step(t, MILTER_QUIET_END_OF_HEADER, err);
	}
	return rc;
}

/* Without the blank line in front of it. */
static struct slice body_text(const struct scan_mail *mail)
{
	const struct slice body = scan_mail_body(mail);

	return slice_starts(body, slice_lit("\r\n")) ? slice_from(body, 2) : body;
}

static int show_body(struct talk *t, struct err *err)
{
	struct slice rest = body_text(t->mail);
	int rc = 0;

	while (rc == 0 && rest.len && !t->is_skipped && wants(t, MILTER_NO_BODY)) {
		const struct slice piece = slice_head(rest, MILTER_CHUNK);

		milter_put_bytes(&t->out, MILTER_BODY, piece);
		rc = step(t, MILTER_QUIET_BODY, err);
		rest = slice_from(rest, piece.len);
	}
	return rc;
}

/* One change; 0 also for those that are not made. -ERR_NOTFOUND: it is none. */
static int take_change(struct talk *t, const struct milter_said *said, struct err *err)
{
	switch (said->answer) {
	case MILTER_ADD_HEADER:
		return milter_fields_add(&t->fields, said->name, said->value, err);
	case MILTER_INSERT_HEADER:
		return milter_fields_insert(&t->fields, said->index, said->name, said->value, err);
	case MILTER_CHANGE_HEADER:
		return milter_fields_change(&t->fields, said->index, said->name, said->value, err);
	case MILTER_REPLACE_BODY:
		buf_append(&t->body, said->value);
		t->has_body = true;
		return buf_check(&t->body, "the filter's new body", err);
	case MILTER_QUARANTINE:
		t->result->action = SCAN_APART;
		return 0;
	case MILTER_ADD_RCPT:
	case MILTER_ADD_RCPT_MORE:
	case MILTER_DELETE_RCPT:
	case MILTER_CHANGE_FROM:
		log_warn(NULL, "milter-not-followed", log_s("id", t->scan->id),
			log_s("address", said->value));
		return 0;
	default:
		return -ERR_NOTFOUND;
	}
}

static int end_message(struct talk *t, struct err *err)
{
	struct milter_said said;
	const size_t at = milter_macros_begin(&t->out, MILTER_END_OF_BODY);
	int rc;

	milter_macro(&t->out, "i", t->scan->id);
	milter_macros_end(&t->out, at);
	milter_put(&t->out, MILTER_END_OF_BODY, NULL, 0);
	for (;;) {
		rc = hear(t, &said, err);
		if (rc == 0)
			rc = take_change(t, &said, err);
		if (rc == -ERR_NOTFOUND)
			return take_verdict(t, &said, err);
		if (rc < 0)
			return rc;
	}
}

/* What the filter changed becomes the mail's. */
static int keep_changes(struct talk *t, struct scan_mail *mail, struct err *err)
{
	struct buf header AUTO(buf_done), body AUTO(buf_done);
	int rc;

	buf_init(&header, SCAN_HEAD_MAX);
	buf_init(&body, SCAN_HEAD_MAX);
	milter_fields_write(&t->fields, &header);
	buf_lit(&body, "\r\n");
	milter_put_lines(&body, buf_slice(&t->body));
	rc = buf_check(&header, "the filter's new header", err);
	if (rc == 0)
		rc = buf_check(&body, "the filter's new body", err);
	if (rc < 0)
		return rc;
	if (t->fields.changes) {
		buf_clear(&mail->header);
		buf_append(&mail->header, buf_slice(&header));
		mail->has_header = true;
	}
	if (t->has_body) {
		buf_clear(&mail->body);
		buf_append(&mail->body, buf_slice(&body));
		mail->has_body = true;
	}
	return 0;
}

static int talk_through(struct talk *t, struct scan_mail *mail, struct err *err)
{
	int rc = negotiate(t, err);

	if (rc == 0)
		rc = show_connection(t, err);
	if (rc == 0)
		rc = show_envelope(t, err);
	if (rc == 0)
		rc = show_header(t, err);
	if (rc == 0)
		rc = show_body(t, err);
	if (rc == 0 && !t->is_over)
		rc = end_message(t, err);
	if (rc == 0 && t->result->action <= SCAN_APART && (t->fields.changes || t->has_body))
		rc = keep_changes(t, mail, err);
	return rc;
}

int milter_scan(const struct milter_address *address, int stop_fd, struct slice host,
	const struct scan *scan, struct scan_mail *mail, int64_t wait_ms, struct buf *texts,
	struct scan_result *result, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct scan_result said = {.action = SCAN_PASS};
	struct talk talk AUTO(talk_done) = {.deadline_ms = clock_mono_ms() + wait_ms,
		.scan = scan,
		.host = host,
		.mail = mail,
		.texts = texts,
		.result = &said};
	struct err unheard;
	size_t which;
	int rc;

	arena_init(&arena, MEMORY_MAX);
	buf_init(&talk.out, OUT_MAX);
	buf_init(&talk.in, IN_MAX);
	buf_init(&talk.body, SCAN_HEAD_MAX);
	rc = milter_fields_read(&talk.fields, scan_mail_header(mail), &arena, err);
	if (rc == 0 && address->path[0])
		rc = peer_connect_unix(address->path, stop_fd, &talk.peer, err);
	else if (rc == 0)
		rc = peer_connect(
			&address->ip, 1, address->port, wait_ms, stop_fd, &talk.peer, &which, err);
	if (rc == 0)
		rc = talk_through(&talk, mail, err);
	if (rc < 0)
		return rc;
	milter_put(&talk.out, MILTER_QUIT, NULL, 0);
	(void)!flush(&talk, &unheard); /* it has said what it had to say */
	*result = said;
	return 0;
}
