/* exchange.c - the SASL mechanisms (RFC 4422), one row each; see login.h for the contract. */
#include <stdlib.h>

#include "base/mem.h"
#include "login/internal.h"
#include "wire/sasl/sasl.h"

enum { BINDING_MAX = 128 };

typedef void take_fn(struct conn *c, struct slice message);

struct mechanism {
	const char *name;
	take_fn *take;         /* the client's messages, one after another */
	const char *challenge; /* sent when the client's first message did not come by itself */
	bool is_scram, is_bound, is_external;
};

/* A mechanism under way. */
struct login_exchange {
	const struct mechanism *mechanism;
	char *user;       /* LOGIN: given already */
	uint64_t account; /* whose secret is checked */
	uint64_t scram;   /* the keeper's number of it; 0: not begun */
	bool is_proven;   /* SCRAM: only the client's empty message is missing */
	struct keeper_entry entry;
	struct answer refusal; /* OAuth: told after the client's empty message; rc 0: none */
};

static struct login_exchange *exchange_of(struct conn *c)
{
	return login_of(c)->exchange;
}

static void end_syntax(struct conn *c, const struct err *err)
{
	login_end(c, LOGIN_SYNTAX, (struct slice){NULL, 0}, err);
}

static void challenge(struct conn *c, struct slice message)
{
	login_end(c, LOGIN_CHALLENGE, message, NULL);
}

/* False: it was told that the account cannot be looked up. */
static bool find(struct conn *c, struct slice user)
{
	struct err err;

	if (login_find(c, user, &exchange_of(c)->account, &err) == 0)
		return true;
	log_error(conn_log(c), "login", log_e(&err));
	login_end(c, LOGIN_UNAVAILABLE, (struct slice){NULL, 0}, &err);
	return false;
}

/* Nobody acts for somebody else; false: told. */
static bool acts_alone(struct conn *c, struct slice act_as, struct slice user)
{
	struct err err;

	if (act_as.len == 0 || slice_eq_nocase(act_as, user))
		return true;
	err_set(&err, ERR_DENIED, "Nobody may act as somebody else");
	login_end(c, LOGIN_REFUSED, (struct slice){NULL, 0}, &err);
	return false;
}

static void answer_free(struct answer *answer)
{
	if (answer->data)
		answer->free_data(answer->data);
}

static void secret_checked(struct conn *c, struct answer *answer)
{
	if (answer->rc == 0)
		login_enter(c, answer->data);
	else
		login_refuse(c, exchange_of(c)->account, answer);
	answer_free(answer);
}

/* ---- EXTERNAL ---- */

/* TLS has proven whose key it is; the keeper knows whom that may sign in. */
static void take_external(struct conn *c, struct slice message)
{
	unsigned char hash[CONN_KEY_HASH_LEN];
	struct answer nobody = {.rc = -ERR_DENIED};
	struct sasl_claim claim;
	struct err err;

	if (sasl_external_parse(message, &claim, &err) < 0) {
		end_syntax(c, &err);
		return;
	}
	if (claim.act_as.len && !find(c, claim.act_as))
		return;
	if ((claim.act_as.len && !exchange_of(c)->account) || !conn_peer_key(c, hash)) {
		/* Without asking, 0 would mean whoever it belongs to. */
		err_set(&nobody.err, ERR_DENIED, "no such account");
		login_refuse(c, 0, &nobody);
		return;
	}
	login_ask(c, exchange_of(c)->account, (struct slice){(const char *)hash, sizeof(hash)},
		SECRET_CERTIFICATE, secret_checked);
}

/* ---- PLAIN, LOGIN ---- */

static void take_plain(struct conn *c, struct slice message)
{
	struct sasl_claim claim;
	struct err err;

	if (sasl_plain_parse(message, &claim, &err) < 0) {
		end_syntax(c, &err);
		return;
	}
	if (acts_alone(c, claim.act_as, claim.user) && find(c, claim.user))
		login_ask(
			c, exchange_of(c)->account, claim.secret, SECRET_PASSWORD, secret_checked);
}

/* The user name first, then the password. */
static void take_login(struct conn *c, struct slice message)
{
	struct login_exchange *x = exchange_of(c);

	if (!x->user) {
		x->user = mem_str(slice_head(message, SASL_NAME_MAX + 1));
		challenge(c, slice_lit("Password:"));
	} else if (find(c, slice_str(x->user))) {
		login_ask(c, x->account, message, SECRET_PASSWORD, secret_checked);
	}
}

/* ---- OAUTHBEARER, XOAUTH2 ---- */

/* RFC 7628 3.2.2: a refusal is told as JSON; the client answers with nothing, then it ends. */
static void refuse_token(struct conn *c, const struct err *err)
{
	exchange_of(c)->refusal = (struct answer){.rc = -ERR_DENIED, .err = *err};
	challenge(c, slice_lit("{\"status\":\"invalid_token\"}"));
}

static void token_checked(struct conn *c, struct answer *answer)
{
	if (answer->rc != -ERR_DENIED) {
		secret_checked(c, answer);
		return;
	}
	refuse_token(c, &answer->err);
	answer_free(answer);
}

static void take_token(struct conn *c, struct slice message, bool is_xoauth2)
{
	struct login_exchange *x = exchange_of(c);
	struct sasl_claim claim;
	struct err err;
	int rc;

	if (x->refusal.rc < 0) {
		login_refuse(c, x->account, &x->refusal);
		return;
	}
	rc = is_xoauth2 ? sasl_xoauth2_parse(message, &claim, &err)
			: sasl_oauthbearer_parse(message, conn_arena(c), &claim, &err);
	if (rc < 0) {
		end_syntax(c, &err);
		return;
	}
	if (claim.user.len && !find(c, claim.user))
		return;
	if (claim.user.len && !x->account) {
		/* Nobody's token: without asking, 0 would mean whoever it belongs to. */
		err_set(&err, ERR_DENIED, "no such account");
		refuse_token(c, &err);
		return;
	}
	login_ask(c, x->account, claim.secret, SECRET_TOKEN, token_checked);
}

static void take_oauthbearer(struct conn *c, struct slice message)
{
	take_token(c, message, false);
}

static void take_xoauth2(struct conn *c, struct slice message)
{
	take_token(c, message, true);
}

/* ---- SCRAM-SHA-256, -PLUS ---- */

static void scram_answered(struct conn *c, struct answer *answer)
{
	struct login_exchange *x = exchange_of(c);
	const struct keeper_scram_reply *reply = answer->data;

	if (answer->rc < 0) {
		secret_checked(c, answer);
		return;
	}
	x->is_proven = x->scram != 0;
	x->scram = reply->exchange;
	x->entry = reply->entry;
	challenge(c, (struct slice){reply->message, reply->message_len});
	answer_free(answer);
}

/* What the client says of the channel must be what this mechanism is about (RFC 5802 6). */
static int check_binding(
	struct conn *c, const struct sasl_scram_first *first, struct buf *binding, struct err *err)
{
	const bool is_bound = exchange_of(c)->mechanism->is_bound;

	if (is_bound != (first->binding == SASL_BINDING_USED))
		return err_set(err, ERR_SYNTAX, "the GS2 header does not fit the mechanism");
	if (first->binding == SASL_BINDING_OURS && conn_is_tls(c))
		return err_set(err, ERR_DENIED, "channel binding is offered here");
	return is_bound ? conn_channel_binding(c, first->binding_name, binding, err) : 0;
}

static void begin_scram(struct conn *c, struct slice message)
{
	struct login_exchange *x = exchange_of(c);
	struct sasl_scram_first first;
	struct buf binding AUTO(buf_done);
	struct keeper_scram scram;
	struct keeper_call call;
	struct err err;
	int rc;

	buf_init(&binding, BINDING_MAX);
	rc = sasl_scram_first_parse(message, conn_arena(c), &first, &err);
	if (rc == 0)
		rc = check_binding(c, &first, &binding, &err);
	if (rc < 0) {
		end_syntax(c, &err);
		return;
	}
	if (!acts_alone(c, first.act_as, first.user) || !find(c, first.user))
		return;
	scram = (struct keeper_scram){.account = x->account,
		.scope = login_of(c)->service->scope,
		.peer = conn_peer_address(c),
		.client_first = message,
		.binding = buf_slice(&binding)};
	call = login_park(c, scram_answered);
	keeper_scram_begin(&call, &scram);
}

static void take_scram(struct conn *c, struct slice message)
{
	struct login_exchange *x = exchange_of(c);
	struct keeper_call call;

	if (x->is_proven) {
		const struct keeper_entry entry = x->entry;

		login_enter(c, &entry);
	} else if (x->scram) {
		call = login_park(c, scram_answered);
		keeper_scram_end(&call, x->scram, message);
	} else {
		begin_scram(c, message);
	}
}

/* ---- all of them ---- */

static const struct mechanism mechanisms[] = {
	{"EXTERNAL", take_external, "", false, false, true},
	{"SCRAM-SHA-256-PLUS", take_scram, "", true, true, false},
	{"SCRAM-SHA-256", take_scram, "", true, false, false},
	{"PLAIN", take_plain, "", false, false, false},
	{"LOGIN", take_login, "Username:", false, false, false},
	{"OAUTHBEARER", take_oauthbearer, "", false, false, false},
	{"XOAUTH2", take_xoauth2, "", false, false, false},
};

enum { MECHANISMS = sizeof(mechanisms) / sizeof(mechanisms[0]) };

/* EXTERNAL is there for who has shown a certificate (RFC 4422 appendix A.2). */
static bool is_there(const struct conn *c, const struct mechanism *m)
{
	unsigned char hash[CONN_KEY_HASH_LEN];

	return !m->is_external || conn_peer_key(c, hash);
}

void login_mechanisms(struct conn *c, const char *before, struct buf *out)
{
	for (size_t i = 0; i < MECHANISMS; i++) {
		if (mechanisms[i].is_scram && !login_mail(c)->announces_scram)
			continue;
		if ((mechanisms[i].is_bound && !conn_is_tls(c)) || !is_there(c, &mechanisms[i]))
			continue;
		buf_str(out, before);
		buf_str(out, mechanisms[i].name);
	}
}

bool login_begin(struct conn *c, const struct login_service *service, struct slice mechanism,
	struct slice initial, login_fn *then)
{
	struct login *login = login_of(c);
	size_t i = 0;

	while (i < MECHANISMS && !slice_eq_nocase(mechanism, slice_str(mechanisms[i].name)))
		i++;
	if (i == MECHANISMS || !is_there(c, &mechanisms[i]))
		return false;
	login_cancel(c);
	login->service = service;
	login->then = then;
	login->exchange = mem_new(struct login_exchange);
	login->exchange->mechanism = &mechanisms[i];
	if (initial.ptr)
		login_next(c, initial);
	else
		challenge(c, slice_str(mechanisms[i].challenge));
	return true;
}

void login_next(struct conn *c, struct slice response)
{
	exchange_of(c)->mechanism->take(c, response);
}

void login_cancel(struct conn *c)
{
	struct login *login = login_of(c);

	if (!login->exchange)
		return;
	free(login->exchange->user);
	free(login->exchange);
	login->exchange = NULL;
}
