/* auth.c - AUTH (RFC 4954) on the submission port: the room login/ does the rest. */
#include "base/encode.h"
#include "base/mem.h"
#include "policy/policy.h"
#include "smtp/session.h"
#include "wire/sasl/sasl.h"

enum { RESPONSE_MAX = 4 * SASL_MESSAGE_MAX / 3, REFUSAL_MAX = 400 };

static const struct login_service service = {
	.name = "submission", .scope = SCOPE_SMTP, .cleartext = CONFIG_SUBMISSION};

static void wipe(struct buf *b)
{
	if (b->ptr)
		mem_wipe(b->ptr, b->cap);
	buf_done(b);
}

bool smtp_session_may_auth(struct conn *c)
{
	return login_is_allowed(c, &service);
}

void smtp_session_need_auth(struct conn *c)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, REFUSAL_MAX);
	if (smtp_session_may_auth(c)) {
		smtp_session_fail(c, SMTP_SAY_NEED_AUTH, NULL);
		return;
	}
	policy_refusal(session_service(c), service.name, &text);
	buf_byte(&text, '\0');
	smtp_session_fail(c, SMTP_SAY_NEED_TLS, text.failed || text.len < 2 ? NULL : text.ptr);
}

static void count_failure(struct conn *c)
{
	struct session *s = session_of(c);

	if (++s->auth_failures < session_service(c)->limits.login_failures_max)
		return;
	smtp_session_reply(c, SMTP_SAY_TOO_MANY_ERRORS, NULL);
	conn_close(c);
}

static void send_challenge(struct conn *c, struct slice message)
{
	struct buf encoded AUTO(buf_done);

	buf_init(&encoded, RESPONSE_MAX);
	base64_encode(&encoded, message);
	buf_byte(&encoded, '\0');
	session_of(c)->mode = MODE_AUTH;
	smtp_session_reply(c, SMTP_SAY_AUTH_NEXT, encoded.ptr);
}

static void on_login(
	struct conn *c, enum login_result result, struct slice message, const struct err *err)
{
	switch (result) {
	case LOGIN_IN:
		smtp_session_reply(c, SMTP_SAY_AUTH_OK, NULL);
		break;
	case LOGIN_CHALLENGE:
		send_challenge(c, message);
		break;
	case LOGIN_SYNTAX:
		smtp_session_fail(c, SMTP_SAY_AUTH_SYNTAX, NULL);
		break;
	case LOGIN_WRONG:
		smtp_session_reply(c, SMTP_SAY_AUTH_FAILED, NULL);
		count_failure(c);
		break;
	case LOGIN_REFUSED:
		smtp_session_reply(c, SMTP_SAY_AUTH_FAILED, err->msg);
		count_failure(c);
		break;
	case LOGIN_UNAVAILABLE:
		smtp_session_reply(c, SMTP_SAY_AUTH_LATER, NULL);
		break;
	}
}

/* The caller wipes out. */
static bool decode(struct slice base64, struct buf *out)
{
	struct err err;

	/* Room for all of it at once: growing would leave copies of a password behind. */
	return buf_reserve(out, RESPONSE_MAX) && base64_decode(out, base64, &err) == 0;
}

void smtp_session_auth_line(struct conn *c, struct slice line)
{
	struct buf response AUTO(wipe);

	buf_init(&response, RESPONSE_MAX);
	session_of(c)->mode = MODE_COMMAND;
	if (slice_eq(line, slice_lit("*"))) {
		login_cancel(c);
		smtp_session_fail(c, SMTP_SAY_AUTH_CANCEL, NULL);
	} else if (!decode(line, &response)) {
		login_cancel(c);
		smtp_session_fail(c, SMTP_SAY_AUTH_SYNTAX, NULL);
	} else {
		login_next(c, buf_slice(&response));
	}
}

static void begin(struct conn *c, const struct smtp_auth *auth)
{
	struct buf initial AUTO(wipe);
	const bool is_given = auth->initial.ptr != NULL;

	buf_init(&initial, RESPONSE_MAX);
	if (is_given && !decode(auth->initial, &initial))
		smtp_session_fail(c, SMTP_SAY_AUTH_SYNTAX, NULL);
	else if (!login_begin(c, &service, auth->mechanism,
			 is_given ? buf_slice(&initial) : auth->initial, on_login))
		smtp_session_fail(c, SMTP_SAY_AUTH_MECH, NULL);
}

void smtp_session_auth(struct conn *c, struct slice args)
{
	const struct session *s = session_of(c);
	struct smtp_cmd cmd = {0};
	struct smtp_auth auth;
	struct err err;

	if (s->login.account)
		smtp_session_fail(c, SMTP_SAY_SEQUENCE, "You are signed in already");
	else if (!smtp_session_may_auth(c))
		smtp_session_need_auth(c);
	else if (smtp_auth_parse(&cmd, args, &auth, &err) < 0)
		smtp_session_fail(c, cmd.say, err.msg);
	else
		begin(c, &auth);
}
