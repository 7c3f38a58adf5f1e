/* auth.c - LOGIN and AUTHENTICATE (RFC 9051 6.2, RFC 4959): the room login/ does the rest. */
#include "base/encode.h"
#include "base/mem.h"
#include "imap/session.h"

/* What was sent may hold a password: it does not stay in memory. */
static void wipe(struct slice text)
{
	mem_wipe((char *)(uintptr_t)text.ptr, text.len);
}

static const struct login_service service = {
	.name = "imap", .scope = SCOPE_IMAP | SCOPE_IMAP_READ, .cleartext = CONFIG_IMAP};

void auth_capabilities(struct conn *c, struct buf *out)
{
	if (!conn_is_tls(c))
		buf_lit(out, " STARTTLS");
	if (login_is_allowed(c, &service))
		login_mechanisms(c, " AUTH=", out);
	else
		buf_lit(out, " LOGINDISABLED");
}

/* RFC 9051 6.2.1: the reply is the last that goes out in clear. */
void cmd_starttls(struct command *cmd)
{
	if (conn_is_tls(cmd->c)) {
		reply_bad(cmd, "The connection is encrypted already");
		return;
	}
	reply_ok(cmd, "Begin TLS now");
	if (!conn_start_tls(cmd->c)) {
		buf_lit(conn_out(cmd->c), "* BYE Nothing may follow STARTTLS in clear\r\n");
		conn_close(cmd->c);
	}
}

static void count_failure(struct command *cmd)
{
	struct session *s = cmd->s;

	if (++s->login_failures < session_service(cmd->c)->limits.login_failures_max)
		return;
	buf_lit(conn_out(cmd->c), "* BYE Too many failed logins\r\n");
	conn_close(cmd->c);
}

static void enter(struct command *cmd)
{
	struct session *s = cmd->s;
	struct buf code AUTO(buf_done);
	struct err err;

	buf_init(&code, 4096);
	if (store_account(session_service(cmd->c)->store, s->login.account, s->login.quota_bytes,
		    &s->account, &err) < 0) {
		reply_err(cmd, &err);
		buf_lit(conn_out(cmd->c), "* BYE Your mail cannot be opened now\r\n");
		conn_close(cmd->c);
		return;
	}
	s->state = STATE_INSIDE;
	s->login_failures = 0;
	conn_set_timeout(cmd->c, session_service(cmd->c)->limits.imap_idle_ms);
	buf_lit(&code, "CAPABILITY ");
	command_capabilities(cmd->c, &code);
	reply_ok_code(cmd, buf_slice(&code), "Logged in");
}

/* A challenge goes out in base64; the tag is held until the last response. */
static void send_challenge(struct command *cmd, struct slice message)
{
	struct buf encoded AUTO(buf_done);

	buf_init(&encoded, IMAP_LINE_MAX);
	base64_encode(&encoded, message);
	cmd->s->input = INPUT_SASL;
	if (!cmd->s->held_tag)
		session_hold_tag(cmd->s, cmd->tag);
	session_continue(cmd->c, buf_slice(&encoded));
	cmd->s->command = NULL;
}

static void on_login(
	struct conn *c, enum login_result result, struct slice message, const struct err *err)
{
	struct command *cmd = ((struct session *)conn_session(c))->command;

	switch (result) {
	case LOGIN_IN:
		enter(cmd);
		break;
	case LOGIN_CHALLENGE:
		send_challenge(cmd, message);
		break;
	case LOGIN_SYNTAX:
		reply_bad(cmd, err->msg);
		break;
	case LOGIN_WRONG:
		reply_no(cmd, "AUTHENTICATIONFAILED", "Wrong user name or password");
		count_failure(cmd);
		break;
	case LOGIN_REFUSED:
		reply_no(cmd, "AUTHORIZATIONFAILED", err->msg);
		count_failure(cmd);
		break;
	case LOGIN_UNAVAILABLE:
		reply_no(cmd, "UNAVAILABLE", "Logins cannot be checked now, try again later");
		break;
	}
}

/* RFC 9051 6.2.3, [tls.1]: no password in clear. False: refused. */
static bool may_login(struct command *cmd)
{
	if (login_is_allowed(cmd->c, &service))
		return true;
	reply_no(cmd, "PRIVACYREQUIRED", "Logging in needs an encrypted connection");
	return false;
}

void cmd_login(struct command *cmd)
{
	struct slice user, password;
	struct err err;

	if (imap_login_parse(&cmd->lex, &user, &password, &err) < 0)
		reply_err(cmd, &err);
	else if (may_login(cmd))
		login_password(cmd->c, &service, user, password, on_login);
	wipe((struct slice){cmd->tag.ptr + cmd->tag.len, cmd->text.len - cmd->tag.len});
}

/* Decodes; "=" is an empty initial response (RFC 4959 3). The caller wipes out. */
static bool decode(struct slice encoded, struct buf *out)
{
	struct err err;

	buf_init(out, IMAP_START_COMMAND_MAX);
	/* Room for all of it at once: growing would leave copies of a password behind. */
	if (!buf_reserve(out, IMAP_START_COMMAND_MAX))
		return false;
	if (slice_eq(encoded, slice_lit("=")))
		encoded = slice_lit("");
	return base64_decode(out, encoded, &err) == 0 && !out->failed;
}

static void wipe_buf(struct buf *b)
{
	if (b->ptr)
		mem_wipe(b->ptr, b->cap);
	buf_done(b);
}

void cmd_authenticate(struct command *cmd)
{
	struct slice mechanism, initial;
	struct buf message AUTO(wipe_buf);
	struct err err;

	buf_init(&message, IMAP_START_COMMAND_MAX);
	if (imap_authenticate_parse(&cmd->lex, &mechanism, &initial, &err) < 0) {
		reply_err(cmd, &err);
		return;
	}
	if (!may_login(cmd))
		return;
	session_drop_tag(cmd->s);
	if (initial.ptr && !decode(initial, &message)) {
		reply_bad(cmd, "This is not base64");
		return;
	}
	if (!login_begin(cmd->c, &service, mechanism, initial.ptr ? buf_slice(&message) : initial,
		    on_login))
		reply_no(cmd, "CANNOT", "There is no such mechanism");
	wipe((struct slice){cmd->tag.ptr + cmd->tag.len, cmd->text.len - cmd->tag.len});
}

void auth_response(struct conn *c, struct slice line)
{
	struct command *cmd = session_held(c, "AUTHENTICATE");
	struct buf message AUTO(wipe_buf);

	buf_init(&message, IMAP_START_COMMAND_MAX);
	if (slice_eq(line, slice_lit("*"))) {
		login_cancel(c);
		reply_bad(cmd, "Cancelled");
	} else if (!decode(line, &message)) {
		login_cancel(c);
		reply_bad(cmd, "This is not base64");
	} else {
		login_next(c, buf_slice(&message));
	}
}
