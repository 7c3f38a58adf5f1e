/* auth.c - AUTH PLAIN and LOGIN (RFC 4954, RFC 4616): the keeper says yes or no. */
#include <stdlib.h>

#include "base/encode.h"
#include "base/mem.h"
#include "smtp/session.h"

enum { RESPONSE_MAX = 3 * KEEPER_PASSWORD_MAX };

static void wipe(struct buf *b)
{
	if (b->ptr)
		mem_wipe(b->ptr, b->cap);
	buf_done(b);
}

/* The account of a login name; 0 if there is none, which the keeper takes as long to refuse. */
static int find_account(struct conn *c, struct slice user, uint64_t *id_out, struct err *err)
{
	struct arena *arena = conn_arena(c);
	struct directory_entry entry;
	struct smtp_addr addr;
	struct err ignored;
	int rc;

	*id_out = 0;
	if (smtp_addr_parse(user, arena, &addr, &ignored) < 0)
		return 0;
	rc = directory_find(session_service(c)->directory, addr.text, arena, &entry, err);
	if (rc < 0)
		return rc;
	if (entry.kind == DIRECTORY_ACCOUNT && !entry.is_catch_all && !entry.account.is_disabled)
		*id_out = entry.account.id;
	return 0;
}

static void refuse_login(struct conn *c)
{
	struct session *s = session_of(c);

	log_warn(conn_log(c), "login_failed", log_c("user", s->login));
	smtp_session_reply(c, SMTP_SAY_AUTH_FAILED, NULL);
	if (++s->auth_failures < session_service(c)->limits.login_failures_max)
		return;
	smtp_session_reply(c, SMTP_SAY_TOO_MANY_ERRORS, NULL);
	conn_close(c);
}

/* The password was right; the account may have gone while it was checked. */
static void enter(struct conn *c, uint64_t account)
{
	struct service *service = session_service(c);
	struct session *s = session_of(c);
	struct directory_account found;
	struct err err;
	int rc;

	mail_session_enter(&service->sessions, &s->signed_in, account, conn_ref(c));
	rc = directory_account(service->directory, account, conn_arena(c), &found, &err);
	if (rc < 0) {
		mail_session_leave(&service->sessions, &s->signed_in);
		log_warn(conn_log(c), "login", log_e(&err));
		smtp_session_reply(c, SMTP_SAY_AUTH_LATER, NULL);
		return;
	}
	conn_join(c, account);
	s->account = account;
	conn_log(c)->account = slice_str(s->login);
	log_info(conn_log(c), "login");
	smtp_session_reply(c, SMTP_SAY_AUTH_OK, NULL);
}

static void on_verdict(struct conn *c, struct answer *answer)
{
	if (answer->rc == 0) {
		enter(c, ((struct keeper_verdict *)answer->data)->account);
	} else if (answer->rc == -ERR_DENIED) {
		refuse_login(c);
	} else {
		log_error(conn_log(c), "login", log_e(&answer->err));
		smtp_session_reply(c, SMTP_SAY_AUTH_LATER, NULL);
	}
	if (answer->data && answer->free_data)
		answer->free_data(answer->data);
}

static void check_login(struct conn *c, struct slice user, struct slice password)
{
	struct keeper_login login = {.password = password,
		.service = slice_lit("submission"),
		.peer = conn_peer_address(c)};
	struct session *s = session_of(c);
	struct err err;

	free(s->login);
	s->login = mem_str(slice_head(user, DIRECTORY_ADDRESS_MAX));
	if (find_account(c, user, &login.account, &err) < 0) {
		log_error(conn_log(c), "login", log_e(&err));
		smtp_session_reply(c, SMTP_SAY_AUTH_LATER, NULL);
		return;
	}
	keeper_verify(session_service(c)->keeper, conn_ref(c),
		conn_park(c, KEEPER_VERIFY_TIMEOUT_MS, on_verdict), &login);
}

/* RFC 4616: authzid NUL authcid NUL password. One acts for oneself only. */
static void take_plain(struct conn *c, struct slice response)
{
	struct slice rest, password, user, as = slice_cut(response, '\0', &rest);

	user = slice_cut(rest, '\0', &password);
	if (!rest.ptr || !password.ptr || user.len == 0 || password.len == 0 ||
		password.len > KEEPER_PASSWORD_MAX)
		smtp_session_fail(c, SMTP_SAY_AUTH_SYNTAX, NULL);
	else if (as.len && !slice_eq_nocase(as, user))
		smtp_session_fail(c, SMTP_SAY_AUTH_FAILED, "You cannot act for somebody else");
	else
		check_login(c, user, password);
}

static void challenge(struct conn *c, const char *text)
{
	session_of(c)->mode = MODE_AUTH;
	smtp_session_reply(c, SMTP_SAY_AUTH_NEXT, text);
}

/* LOGIN: first the user name, then the password. */
static void take_login(struct conn *c, struct slice response)
{
	struct session *s = session_of(c);

	if (!s->login) {
		s->login = mem_str(slice_head(response, DIRECTORY_ADDRESS_MAX));
		challenge(c, "UGFzc3dvcmQ6"); /* "Password:" */
	} else if (response.len > KEEPER_PASSWORD_MAX) {
		smtp_session_fail(c, SMTP_SAY_AUTH_SYNTAX, NULL);
	} else {
		struct slice user = arena_dup(conn_arena(c), slice_str(s->login));

		check_login(c, user, response);
	}
}

static void take_response(struct conn *c, struct slice base64)
{
	struct session *s = session_of(c);
	struct buf response AUTO(wipe);
	struct err err;

	s->mode = MODE_COMMAND;
	buf_init(&response, RESPONSE_MAX);
	/* Room for all of it at once: growing would leave copies of the password behind. */
	if (!buf_reserve(&response, RESPONSE_MAX) || base64_decode(&response, base64, &err) < 0)
		smtp_session_fail(c, SMTP_SAY_AUTH_SYNTAX, NULL);
	else if (s->is_auth_login)
		take_login(c, buf_slice(&response));
	else
		take_plain(c, buf_slice(&response));
}

void smtp_session_auth_line(struct conn *c, struct slice line)
{
	if (slice_eq(line, slice_lit("*"))) {
		session_of(c)->mode = MODE_COMMAND;
		smtp_session_fail(c, SMTP_SAY_AUTH_CANCEL, NULL);
		return;
	}
	take_response(c, line);
}

void smtp_session_auth(struct conn *c, struct slice args)
{
	struct session *s = session_of(c);
	struct smtp_cmd cmd = {0};
	struct smtp_auth auth;
	struct err err;

	if (s->account) {
		smtp_session_fail(c, SMTP_SAY_SEQUENCE, "You are signed in already");
		return;
	}
	if (!conn_is_tls(c)) {
		smtp_session_fail(c, SMTP_SAY_NEED_TLS, NULL);
		return;
	}
	if (smtp_auth_parse(&cmd, args, &auth, &err) < 0) {
		smtp_session_fail(c, cmd.say, err.msg);
		return;
	}
	s->is_auth_login = slice_eq_nocase(auth.mechanism, slice_lit("LOGIN"));
	if (!s->is_auth_login && !slice_eq_nocase(auth.mechanism, slice_lit("PLAIN"))) {
		smtp_session_fail(c, SMTP_SAY_AUTH_MECH, NULL);
		return;
	}
	free(s->login);
	s->login = NULL;
	if (auth.initial.ptr)
		take_response(c, auth.initial);
	else
		challenge(c, s->is_auth_login ? "VXNlcm5hbWU6" : NULL); /* "Username:" */
}
