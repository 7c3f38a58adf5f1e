/* commands.c - one command is one row and one function; EHLO is printed from the rows. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "door/door.h"
#include "report/report.h"
#include "smtp/session.h"

enum { ANY = KIND_MX | KIND_LMTP | KIND_SUBMISSION };

enum needs {
	NEED_HELLO = 1,
	NEED_AUTH = 2, /* where there is AUTH at all */
	NEED_TX = 4,
	NEED_NO_TX = 8,
};

struct row {
	enum smtp_verb verb;
	unsigned kinds; /* of sessions that have it */
	unsigned needs;
	const char *keywords;               /* in EHLO's list; NULL: none */
	bool (*is_offered)(struct conn *c); /* NULL: always */
	void (*run)(struct conn *c, struct slice args);
};

static void hello(struct conn *c, struct slice args, bool is_extended);

static void run_ehlo(struct conn *c, struct slice args)
{
	hello(c, args, true);
}

static void run_helo(struct conn *c, struct slice args)
{
	hello(c, args, false);
}

/* ---- MAIL ---- */

static char ret_letter(enum smtp_ret ret)
{
	static const char letters[] = {
		[SMTP_RET_NONE] = 0, [SMTP_RET_FULL] = 'F', [SMTP_RET_HDRS] = 'H'};

	return letters[ret];
}

/* Whether this sender may send this much here now; the reply is given if not. */
static bool check_mail(struct conn *c, const struct smtp_mail *mail)
{
	struct service *service = session_service(c);
	struct session *s = session_of(c);
	bool may = true;
	struct err err;

	if (mail->size > service->limits.message_max) {
		smtp_session_reply(c, SMTP_SAY_TOO_BIG, NULL);
		return false;
	}
	if (store_is_full(service->store)) {
		smtp_session_reply(c, SMTP_SAY_DISK_FULL, NULL);
		return false;
	}
	if (s->kind != KIND_SUBMISSION || mail->from.text.len == 0)
		return true;
	if (mail_may_send_as(service->directory, s->login.account, mail->from.text, &may, &err) <
		0) {
		log_error(conn_log(c), "may_send_as", log_e(&err));
		smtp_session_reply(c, SMTP_SAY_LATER, NULL);
		return false;
	}
	if (!may)
		smtp_session_reply(c, SMTP_SAY_NOT_YOURS, NULL);
	return may && smtp_session_may_send(c, mail->size, 0);
}

static void run_mail(struct conn *c, struct slice args)
{
	struct session *s = session_of(c);
	struct session_tx *tx = mem_new(struct session_tx);
	struct smtp_cmd cmd = {.arena = &tx->arena, .may = smtp_wishes_may(c)};
	struct smtp_mail mail;
	struct err err;

	s->tx = tx;
	tx->id = random_dated();
	arena_init(&tx->arena, SESSION_TX_ARENA_MAX);
	if (smtp_mail_parse(&cmd, args, &mail, &err) < 0) {
		smtp_session_tx_free(c);
		smtp_session_fail(c, cmd.say, err.msg);
		return;
	}
	if (!check_mail(c, &mail)) {
		smtp_session_tx_free(c);
		return;
	}
	tx->size = mail.size;
	tx->is_binary = mail.is_binary;
	tx->env = (struct mail_envelope){.sender = mail.from.text,
		.envid = mail.envid,
		.ret = ret_letter(mail.ret),
		.is_smtputf8 = mail.has_utf8,
		.is_8bit = mail.is_8bit || mail.is_binary,
		.is_report = mail.is_report,
		.delivery_id = mail.delivery,
		.peer = conn_peer_address(c),
		.submitter = s->login.account};
	s->asking.left_ms = DOOR_NAMES_MS;
	if (!smtp_wishes_take(c, &mail)) {
		smtp_session_tx_free(c);
		return;
	}
	conn_set_busy(c, true);
	smtp_wishes_reply(c, &mail);
}

/* ---- RCPT ---- */

/* RFC 5321 4.5.1: <postmaster> without a domain is that of the first domain here. */
static int postmaster_address(
	struct service *service, struct arena *arena, struct smtp_addr *addr, struct err *err)
{
	struct slice *domains;
	size_t n;
	int rc = directory_domains(
		service->directory, (struct slice){"", 0}, 1, arena, &domains, &n, err);

	if (rc == 0 && n == 0)
		rc = err_set(err, ERR_NOTFOUND, "no domain is served here");
	if (rc == 0)
		rc = smtp_addr_make(slice_lit("postmaster"), domains[0], arena, addr, err);
	return rc;
}

/* NOTIFY of RFC 3461 has the same bits in an envelope. */
static int rcpt_fill(
	struct conn *c, struct smtp_rcpt *rcpt, struct mail_recipient *r, struct err *err)
{
	struct service *service = session_service(c);
	struct session *s = session_of(c);
	struct arena *arena = &s->tx->arena;
	bool may_be_elsewhere = s->kind == KIND_SUBMISSION || s->tx->env.is_report;
	int rc = 0;

	if (rcpt->to.domain.len == 0)
		rc = postmaster_address(service, arena, &rcpt->to, err);
	if (rc < 0)
		return rc;
	*r = (struct mail_recipient){.address = rcpt->to.text, .notify = rcpt->notify};
	if (rcpt->orcpt_type.ptr) {
		struct buf b AUTO(buf_done);

		buf_init(&b, SMTP_ORCPT_MAX + 1);
		buf_append(&b, rcpt->orcpt_type);
		buf_byte(&b, ';');
		buf_append(&b, rcpt->orcpt);
		r->orcpt = arena_dup(arena, buf_slice(&b));
	}
	rc = smtp_bounce_restore(c, &rcpt->to, r, &may_be_elsewhere, err);
	r->is_for_reports =
		rc == 0 && s->kind != KIND_SUBMISSION && report_takes(service, r->address);
	if (rc < 0 || r->is_for_reports)
		return rc;
	/* A report finds its way to a sender elsewhere, too. */
	return (may_be_elsewhere ? mail_resolve_anywhere : mail_resolve)(
		service->directory, r->address, arena, &r->resolved, err);
}

static enum smtp_say rcpt_say(enum err_code code)
{
	switch (code) {
	case ERR_DENIED:
		return SMTP_SAY_NO_RELAY;
	case ERR_CONFLICT:
		return SMTP_SAY_NO_USER;
	case ERR_TOOBIG:
		return SMTP_SAY_TOO_MANY_RCPT;
	default:
		return smtp_say_of(code);
	}
}

static struct mail_recipient *rcpt_slot(struct session_tx *tx)
{
	struct mail_envelope *env = &tx->env;

	if (env->recipients_n == tx->recipients_cap) {
		const size_t cap = tx->recipients_cap ? 2 * tx->recipients_cap : 4;
		struct mail_recipient *grown = arena_array(&tx->arena, struct mail_recipient, cap);

		if (!grown)
			return NULL;
		if (env->recipients_n)
			memcpy(grown, env->recipients, env->recipients_n * sizeof(*grown));
		env->recipients = grown;
		tx->recipients_cap = cap;
	}
	return &env->recipients[env->recipients_n];
}

/* A recipient that cannot be had. Who tries many names on port 25 is sent away. */
static void rcpt_refuse(struct conn *c, const struct err *err)
{
	struct session *s = session_of(c);
	const enum smtp_say say = rcpt_say(err->code);
	const struct session_tx *tx = s->tx;

	smtp_session_track_refused(
		c, tx->env.recipients[tx->env.recipients_n].address, smtp_say_code(say), err->msg);
	if (say == SMTP_SAY_LATER)
		log_error(conn_log(c), "rcpt", log_e(err));
	if (say == SMTP_SAY_NO_USER && smtp_gate_unknown(c, say)) {
		s->unknown++;
		return;
	}
	smtp_session_reply(c, say, NULL);
	if (smtp_say_code(say) < 500 || s->kind != KIND_MX || ++s->unknown < SESSION_UNKNOWN_MAX)
		return;
	smtp_session_reply(c, SMTP_SAY_TOO_MANY_ERRORS, NULL);
	conn_close(c);
}

static void run_rcpt(struct conn *c, struct slice args)
{
	struct service *service = session_service(c);
	struct session *s = session_of(c);
	struct session_tx *tx = s->tx;
	struct smtp_cmd cmd = {.arena = &tx->arena, .may_utf8 = tx->env.is_smtputf8};
	struct mail_recipient *r = rcpt_slot(tx);
	struct smtp_rcpt rcpt;
	struct err err;

	if (!r || tx->in || tx->env.recipients_n >= service->limits.recipients_max) {
		smtp_session_reply(c, tx->in ? SMTP_SAY_SEQUENCE : SMTP_SAY_TOO_MANY_RCPT, NULL);
		return;
	}
	if (smtp_rcpt_parse(&cmd, args, &rcpt, &err) < 0) {
		smtp_session_fail(c, cmd.say, err.msg);
		return;
	}
	if (rcpt_fill(c, &rcpt, r, &err) < 0) {
		rcpt_refuse(c, &err);
		return;
	}
	/* A report gets a reply of its own, so it comes alone. */
	if (tx->env.recipients_n && (r->is_for_reports || tx->env.recipients[0].is_for_reports)) {
		smtp_session_reply(c, SMTP_SAY_TOO_MANY_RCPT, NULL);
		return;
	}
	if (tx->targets_n + r->resolved.n > DIRECTORY_TARGETS_MAX) {
		smtp_session_reply(c, SMTP_SAY_TOO_MANY_RCPT, NULL);
		return;
	}
	if (r->resolved.n == 1 && mail_is_over_quota(service, &r->resolved.targets[0], tx->size)) {
		smtp_session_full(c, &r->resolved.targets[0]);
		return;
	}
	if (!smtp_wishes_allow_rcpt(c) ||
		!smtp_session_may_send(c, tx->size, tx->env.recipients_n + 1))
		return;
	smtp_gate_rcpt(c);
}

void smtp_session_rcpt_take(struct conn *c)
{
	struct session_tx *tx = session_of(c)->tx;

	tx->targets_n += tx->env.recipients[tx->env.recipients_n++].resolved.n;
	smtp_session_reply(c, SMTP_SAY_RCPT_OK, NULL);
}

/* ---- the small ones ---- */

static void run_rset(struct conn *c, struct slice args)
{
	struct smtp_cmd cmd = {0};
	struct err err;

	if (smtp_none_parse(&cmd, args, &err) < 0) {
		smtp_session_fail(c, cmd.say, err.msg);
		return;
	}
	smtp_session_tx_free(c);
	smtp_session_reply(c, SMTP_SAY_OK, NULL);
}

static void run_noop(struct conn *c, struct slice args)
{
	(void)args;
	smtp_session_reply(c, SMTP_SAY_OK, NULL);
}

static void run_quit(struct conn *c, struct slice args)
{
	(void)args;
	smtp_session_reply(c, SMTP_SAY_BYE, NULL);
	conn_close(c);
}

/* RFC 5321 7.3: no names are told; they show at RCPT. */
static void run_vrfy(struct conn *c, struct slice args)
{
	if (args.len == 0)
		smtp_session_fail(c, SMTP_SAY_BAD_ARG, NULL);
	else
		smtp_session_reply(c, SMTP_SAY_NO_VRFY, NULL);
}

static void run_expn(struct conn *c, struct slice args)
{
	(void)args;
	smtp_session_fail(c, SMTP_SAY_NOT_HERE, NULL);
}

static void run_help(struct conn *c, struct slice args)
{
	(void)args;
	smtp_session_reply(c, SMTP_SAY_HELP, NULL);
}

static bool may_start_tls(struct conn *c)
{
	return !conn_is_tls(c);
}

/* RFC 3207 4.2: whatever was said before is forgotten, and nothing that came in clear behind the
 * command may count: who sends something there is sent away. */
static void run_starttls(struct conn *c, struct slice args)
{
	struct session *s = session_of(c);

	if (args.len || conn_is_tls(c)) {
		smtp_session_fail(c, args.len ? SMTP_SAY_BAD_ARG : SMTP_SAY_TLS_ACTIVE, NULL);
		return;
	}
	if (conn_has_input(c)) {
		smtp_session_reply(c, SMTP_SAY_SEQUENCE, "Nothing may follow STARTTLS");
		conn_close(c);
		return;
	}
	smtp_session_reply(c, SMTP_SAY_GO_TLS, NULL);
	smtp_session_tx_free(c);
	smtp_session_hello_forget(s);
	if (!conn_start_tls(c))
		conn_close(c);
}

static bool may_xclient(struct conn *c)
{
	return session_of(c)->may_xclient;
}

/* What the client said of itself, if the proxy tells it. */
static void take_told_helo(struct session *s, const struct smtp_xclient *x)
{
	const bool was_extended = s->is_extended;
	const enum smtp_told helo = x->told[XCLIENT_HELO];

	if (helo != SMTP_TOLD_NOTHING || !s->is_helo_told)
		smtp_session_hello_forget(s);
	s->is_helo_told = s->is_helo_told || helo == SMTP_TOLD_VALUE;
	if (helo == SMTP_TOLD_VALUE) {
		s->helo = mem_str(x->values[XCLIENT_HELO]);
		s->is_extended = was_extended;
	}
	if (x->told[XCLIENT_PROTO] == SMTP_TOLD_VALUE)
		s->is_extended = x->is_extended;
}

/* All begins anew, as with a new connection of whom the proxy speaks for, but for what the proxy
 * told in a former command. LOGIN gives no right: here port 25 has none to give, and elsewhere only
 * the keeper says who may come in. */
static void run_xclient(struct conn *c, struct slice args)
{
	struct session *s = session_of(c);
	struct smtp_cmd cmd = {.arena = conn_arena(c)};
	struct smtp_xclient x;
	struct err err;

	if (!s->may_xclient) {
		smtp_session_fail(c, SMTP_SAY_NOT_HERE, NULL);
	} else if (smtp_xclient_parse(&cmd, args, &x, &err) < 0) {
		smtp_session_fail(c, cmd.say, err.msg);
	} else {
		take_told_helo(s, &x);
		smtp_gate_change(c, &x);
		log_info(conn_log(c), "xclient", log_s("name", x.values[XCLIENT_NAME]),
			log_s("port", x.values[XCLIENT_PORT]),
			log_s("login", x.values[XCLIENT_LOGIN]),
			log_s("to", x.values[XCLIENT_DESTADDR]),
			log_s("to_port", x.values[XCLIENT_DESTPORT]));
	}
}

static bool may_import(struct conn *c)
{
	return session_of(c)->is_courier;
}

static const struct row rows[] = {
	{SMTP_EHLO, KIND_MX | KIND_SUBMISSION, 0, "PIPELINING\nENHANCEDSTATUSCODES", NULL,
		run_ehlo},
	{SMTP_LHLO, KIND_LMTP, 0, "PIPELINING\nENHANCEDSTATUSCODES", NULL, run_ehlo},
	{SMTP_HELO, KIND_MX | KIND_SUBMISSION, 0, NULL, NULL, run_helo},
	{SMTP_STARTTLS, KIND_MX | KIND_SUBMISSION, 0, "STARTTLS", may_start_tls, run_starttls},
	{SMTP_AUTH, KIND_SUBMISSION, NEED_HELLO | NEED_NO_TX, "AUTH", smtp_session_may_auth,
		smtp_session_auth},
	{SMTP_MAIL, ANY, NEED_HELLO | NEED_AUTH | NEED_NO_TX, "8BITMIME\nSMTPUTF8\nDSN\nSIZE", NULL,
		run_mail},
	{SMTP_RCPT, ANY, NEED_HELLO | NEED_AUTH | NEED_TX, NULL, NULL, run_rcpt},
	{SMTP_DATA, ANY, NEED_HELLO | NEED_AUTH | NEED_TX, NULL, NULL, smtp_session_data},
	/* Its octets follow whatever the state is, so it looks for itself. */
	{SMTP_BDAT, ANY, 0, "CHUNKING\nBINARYMIME", NULL, smtp_session_bdat},
	{SMTP_RSET, ANY, 0, NULL, NULL, run_rset},
	{SMTP_NOOP, ANY, 0, NULL, NULL, run_noop},
	{SMTP_QUIT, ANY, 0, NULL, NULL, run_quit},
	{SMTP_VRFY, ANY, 0, NULL, NULL, run_vrfy},
	{SMTP_EXPN, ANY, 0, NULL, NULL, run_expn},
	{SMTP_HELP, ANY, 0, NULL, NULL, run_help},
	{SMTP_XCLIENT, KIND_MX, NEED_NO_TX, "XCLIENT " SMTP_XCLIENT_NAMES, may_xclient,
		run_xclient},
	{SMTP_XIMPORT, KIND_LMTP, NEED_HELLO | NEED_NO_TX, "XIMPORT", may_import,
		smtp_import_folder},
	{SMTP_XMESSAGE, KIND_LMTP, 0, NULL, NULL, smtp_import_message},
	{SMTP_XSTORE, KIND_LMTP, 0, NULL, NULL, smtp_import_store},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* ---- EHLO, LHLO, HELO ---- */

void smtp_session_hello_forget(struct session *s)
{
	free(s->helo);
	s->helo = NULL;
	s->is_extended = s->is_helo_told = false;
}

static void put_keywords(struct conn *c, struct buf *out)
{
	const struct session *s = session_of(c);

	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];

		if (!row->keywords || !(row->kinds & s->kind) ||
			(row->is_offered && !row->is_offered(c)))
			continue;
		buf_byte(out, '\n');
		buf_str(out, row->keywords);
		if (row->verb == SMTP_AUTH)
			login_mechanisms(c, " ", out);
		if (row->verb == SMTP_MAIL) {
			buf_byte(out, ' ');
			buf_u64(out, session_service(c)->limits.message_max);
			smtp_wishes_offer(c, out);
		}
	}
}

/* RFC 5321 4.1.4: a second one also ends the transaction. */
static void hello(struct conn *c, struct slice args, bool is_extended)
{
	struct session *s = session_of(c);
	struct smtp_cmd cmd = {0};
	struct buf text AUTO(buf_done);
	struct slice name;
	struct err err;

	buf_init(&text, 1024);
	if (smtp_hello_parse(&cmd, args, &name, &err) < 0) {
		smtp_session_fail(c, cmd.say, err.msg);
		return;
	}
	smtp_session_tx_free(c);
	smtp_session_hello_forget(s);
	s->helo = mem_str(name);
	s->is_extended = is_extended;
	buf_append(&text, session_service(c)->host_name);
	if (is_extended)
		put_keywords(c, &text);
	smtp_reply_put(conn_out(c), SMTP_SAY_HELLO, buf_slice(&text));
}

/* ---- dispatch ---- */

/* True if the row's needs are met; the reply is given if not. */
static bool check_needs(struct conn *c, const struct row *row)
{
	const struct session *s = session_of(c);

	if (row->needs & NEED_HELLO && !s->helo)
		smtp_session_fail(c, SMTP_SAY_SEQUENCE,
			s->kind == KIND_LMTP ? "Say LHLO first" : "Say EHLO first");
	else if (row->needs & NEED_AUTH && s->kind == KIND_SUBMISSION && !s->login.account)
		smtp_session_need_auth(c);
	else if (row->needs & NEED_TX && !s->tx)
		smtp_session_fail(c, SMTP_SAY_SEQUENCE, "Say MAIL first");
	else if (row->needs & NEED_NO_TX && s->tx)
		smtp_session_fail(c, SMTP_SAY_SEQUENCE, "A transaction is open already");
	else
		return true;
	return false;
}

void smtp_session_command(struct conn *c, struct slice line)
{
	const struct session *s = session_of(c);
	struct slice args;
	const enum smtp_verb verb = smtp_verb_take(line, &args);

	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].verb != verb)
			continue;
		/* RFC 2033 4.1: LMTP does not know EHLO, nor SMTP LHLO. */
		if (!(rows[i].kinds & s->kind))
			smtp_session_fail(
				c, verb <= SMTP_LHLO ? SMTP_SAY_UNKNOWN : SMTP_SAY_NOT_HERE, NULL);
		else if (check_needs(c, &rows[i]))
			rows[i].run(c, args);
		return;
	}
	smtp_session_fail(c, SMTP_SAY_UNKNOWN, NULL);
}
