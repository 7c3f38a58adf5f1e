/*
 * auth.c - LOGIN and AUTHENTICATE (RFC 9051 6.2, RFC 4616, RFC 4959): the keeper checks the
 * password while the connection is parked.
 */
#include <stdlib.h>

#include "base/encode.h"
#include "base/mem.h"
#include "imap/session.h"
#include "wire/smtp/addr.h"

/* What was sent may hold a password: it does not stay in memory. */
static void wipe(struct slice text)
{
	mem_wipe((char *)(uintptr_t)text.ptr, text.len);
}

static void count_failure(struct command *cmd)
{
	struct session *s = cmd->s;

	if (++s->login_failures < session_service(cmd->c)->limits.login_failures_max)
		return;
	buf_lit(conn_out(cmd->c), "* BYE Too many failed logins\r\n");
	conn_close(cmd->c);
}

static int open_account(struct command *cmd, uint64_t id, struct err *err)
{
	struct service *service = session_service(cmd->c);
	struct directory_account account;
	int rc;

	mail_session_enter(&service->sessions, &cmd->s->signed_in, id, conn_ref(cmd->c));
	rc = directory_account(service->directory, id, conn_arena(cmd->c), &account, err);
	if (rc == 0 && account.is_disabled)
		rc = err_set(err, ERR_DENIED, "This account is disabled");
	if (rc == 0)
		rc = store_account(service->store, id, account.quota_bytes, &cmd->s->account, err);
	if (rc < 0) {
		mail_session_leave(&service->sessions, &cmd->s->signed_in);
		return rc;
	}
	conn_join(cmd->c, id);
	cmd->s->account_id = id;
	cmd->s->login = mem_str(account.address);
	return 0;
}

static void enter(struct command *cmd, uint64_t account)
{
	struct session *s = cmd->s;
	struct buf code AUTO(buf_done);
	struct err err;

	buf_init(&code, 4096);
	if (open_account(cmd, account, &err) < 0) {
		reply_err(cmd, &err);
		return;
	}
	s->state = STATE_INSIDE;
	s->login_failures = 0;
	conn_set_timeout(cmd->c, session_service(cmd->c)->limits.imap_idle_ms);
	conn_log(cmd->c)->account = slice_str(s->login);
	log_info(conn_log(cmd->c), "login", log_c("method", cmd->row->name));
	buf_lit(&code, "CAPABILITY ");
	command_capabilities(cmd->c, &code);
	reply_ok_code(cmd, buf_slice(&code), "Logged in");
}

static void verified(struct conn *c, struct answer *answer)
{
	struct command *cmd = ((struct session *)conn_session(c))->command;
	const struct keeper_verdict *verdict = answer->data;

	if (answer->rc == 0 && verdict) {
		enter(cmd, verdict->account);
	} else if (answer->rc == -ERR_DENIED) {
		log_info(conn_log(c), "login-failed", log_c("method", cmd->row->name));
		reply_no(cmd, "AUTHENTICATIONFAILED", "Wrong user name or password");
		count_failure(cmd);
	} else {
		log_warn(conn_log(c), "login-not-checked", log_e(&answer->err));
		reply_no(cmd, "UNAVAILABLE", "Logins cannot be checked now, try again later");
	}
	if (answer->data)
		answer->free_data(answer->data);
}

/* The account of a login name; 0 if there is none, which takes the keeper as long. */
static uint64_t find_account(struct command *cmd, struct slice user)
{
	struct directory_entry entry;
	struct smtp_addr addr;
	struct err err;

	if (smtp_addr_parse(user, conn_arena(cmd->c), &addr, &err) < 0 ||
		directory_find(session_service(cmd->c)->directory, addr.text, conn_arena(cmd->c),
			&entry, &err) < 0 ||
		entry.kind != DIRECTORY_ACCOUNT || entry.is_catch_all)
		return 0;
	return entry.account.id;
}

static void verify(struct command *cmd, struct slice user, struct slice password)
{
	const struct keeper_login login = {
		.account = find_account(cmd, user),
		.password = slice_head(password, KEEPER_PASSWORD_MAX + 1),
		.service = slice_lit("imap"),
		.peer = conn_peer_address(cmd->c),
	};
	const uint64_t ticket = conn_park(cmd->c, KEEPER_VERIFY_TIMEOUT_MS, verified);

	keeper_verify(session_service(cmd->c)->keeper, conn_ref(cmd->c), ticket, &login);
}

void cmd_login(struct command *cmd)
{
	struct slice user, password;
	struct err err;

	if (imap_login_parse(&cmd->lex, &user, &password, &err) < 0) {
		reply_err(cmd, &err);
		return;
	}
	verify(cmd, user, password);
	wipe(password);
	wipe((struct slice){cmd->tag.ptr + cmd->tag.len, cmd->text.len - cmd->tag.len});
}

/* [authzid] NUL authcid NUL password (RFC 4616) */
static void take_plain(struct command *cmd, struct slice message)
{
	struct slice rest, password;
	const struct slice act_as = slice_cut(message, '\0', &rest);
	const struct slice user = slice_cut(rest, '\0', &password);

	if (!password.ptr || user.len == 0 || slice_chr(password, '\0') != SIZE_MAX)
		reply_bad(cmd, "This is no PLAIN message");
	else if (act_as.len && !slice_eq_nocase(act_as, user))
		reply_no(cmd, "AUTHORIZATIONFAILED", "Nobody may act as somebody else");
	else
		verify(cmd, user, password);
}

static void wait_response(struct command *cmd, struct slice challenge)
{
	cmd->s->input = INPUT_SASL;
	if (cmd->s->held_tag.len == 0)
		session_hold_tag(cmd->s, cmd->tag);
	session_continue(cmd->c, challenge);
	cmd->s->command = NULL;
}

/* The user name first, then the password. */
static void take_login(struct command *cmd, struct slice message)
{
	struct session *s = cmd->s;

	if (!s->sasl_user.ptr) {
		buf_append(&s->sasl_user, message);
		buf_byte(&s->sasl_user, '\0'); /* marks it as given, even if empty */
		wait_response(cmd, slice_lit("UGFzc3dvcmQ6"));
		return;
	}
	verify(cmd, slice_head(buf_slice(&s->sasl_user), s->sasl_user.len - 1), message);
	buf_done(&s->sasl_user);
}

static void take_message(struct command *cmd, struct slice encoded)
{
	struct buf message AUTO(buf_done);
	struct err err;

	buf_init(&message, IMAP_START_COMMAND_MAX);
	if (slice_eq(encoded, slice_lit("=")))
		encoded = slice_lit(""); /* an empty initial response, RFC 4959 3 */
	if (base64_decode(&message, encoded, &err) < 0 || message.failed) {
		buf_done(&cmd->s->sasl_user);
		reply_bad(cmd, "This is not base64");
	} else if (cmd->s->is_sasl_login) {
		take_login(cmd, buf_slice(&message));
	} else {
		take_plain(cmd, buf_slice(&message));
	}
	if (message.ptr)
		mem_wipe(message.ptr, message.len);
}

void cmd_authenticate(struct command *cmd)
{
	struct slice mechanism, initial;
	struct session *s = cmd->s;
	struct err err;

	if (imap_authenticate_parse(&cmd->lex, &mechanism, &initial, &err) < 0) {
		reply_err(cmd, &err);
		return;
	}
	s->is_sasl_login = slice_eq_nocase(mechanism, slice_lit("LOGIN"));
	if (!s->is_sasl_login && !slice_eq_nocase(mechanism, slice_lit("PLAIN"))) {
		reply_no(cmd, "CANNOT", "There is no such mechanism");
		return;
	}
	buf_done(&s->sasl_user);
	buf_clear(&s->held_tag);
	if (!initial.ptr) {
		wait_response(cmd, s->is_sasl_login ? slice_lit("VXNlcm5hbWU6") : slice_lit(""));
		return;
	}
	take_message(cmd, initial);
	wipe(initial);
}

void auth_response(struct conn *c, struct slice line)
{
	struct command *cmd = session_held(c, "AUTHENTICATE");

	if (slice_eq(line, slice_lit("*"))) {
		buf_done(&cmd->s->sasl_user);
		reply_bad(cmd, "Cancelled");
		return;
	}
	take_message(cmd, line);
}
