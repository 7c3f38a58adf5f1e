/*
 * sender.c - who sent it: what strangers bring is checked by SPF, DKIM, ARC and DMARC, and what our
 * users send is signed.
 *
 * A message that is checked is spooled as it comes; when the DNS has answered it is put together:
 * our own fields with the results on top, without results that others wrote in our name.
 */
#include "base/clock.h"
#include "base/random.h"
#include "door/door.h"
#include "mail/rebuild.h"
#include "mail/sign.h"
#include "mailauth/authres.h"
#include "mailauth/check.h"
#include "smtp/session.h"

enum { PERCENT = 100, SENT_TEXT_MAX = 400, SIGNATURES_TEXT_MAX = 4000 };

/* ---- checking ---- */

void smtp_sender_begin(struct conn *c)
{
	struct session *s = session_of(c);
	struct service *service = session_service(c);
	struct session_tx *tx = s->tx;
	const struct slice sender = tx->env.sender;
	const size_t at = slice_rchr(sender, '@');
	struct mailauth_request request = {.helo = slice_str(s->helo),
		.host = service->host_name,
		.arc_trusted = service->senders.arc_trusted,
		.now = clock_wall_s(),
		.sample = (unsigned)(random_u64() % PERCENT)};

	if (s->kind != KIND_MX || !s->visit || !service->senders.is_checked)
		return;
	request.ip = s->visit->ip;
	request.is_sealed = smtp_seal_is_needed(c);
	if (at != SIZE_MAX) {
		request.sender_local = slice_head(sender, at);
		request.sender_domain = slice_from(sender, at + 1);
	}
	tx->check = mailauth_check_new(&request);
	tx->raw = spool_new(store_spool_dir(service->store), service->limits.message_max);
}

int smtp_sender_feed(struct session_tx *tx, struct slice bytes, struct err *err)
{
	mailauth_check_feed(tx->check, bytes);
	return spool_append(tx->raw, bytes, err);
}

static void put_results(struct conn *c, struct buf *out)
{
	static const char *const iprev[] = {[IPREV_PASS] = "pass",
		[IPREV_FAIL] = "fail",
		[IPREV_TEMPERROR] = "temperror",
		[IPREV_PERMERROR] = "permerror"};
	const struct door_visit *visit = session_of(c)->visit;

	mailauth_check_write(session_of(c)->tx->check, out);
	if (visit->iprev != IPREV_NONE) {
		authres_method(out, "iprev", iprev[visit->iprev]);
		authres_property(out, "policy.iprev", conn_peer_address(c));
	}
	authres_end(out);
}

/* The sender's header without fields that claim to be results of ours (RFC 8601 5). */
static int append_header(struct conn *c, struct slice header, struct err *err)
{
	struct session_tx *tx = session_of(c)->tx;
	struct slice rest = header, from = header;
	struct mime_field field;
	int rc = 0;

	while (rc == 0 && mime_header_next(&rest, &field)) {
		if (!slice_eq_nocase(field.name, slice_lit("Authentication-Results")) ||
			!authres_names(field.value, session_service(c)->host_name))
			continue;
		rc = incoming_append(
			tx->in, slice_head(from, (size_t)(field.raw.ptr - from.ptr)), err);
		from = slice_from(from, (size_t)(field.raw.ptr - from.ptr) + field.raw.len);
	}
	return rc == 0 ? incoming_append(tx->in, from, err) : rc;
}

static int begin_again(struct conn *c, struct slice seal, struct err *err)
{
	struct session_tx *tx = session_of(c)->tx;
	struct slice header;
	struct buf results AUTO(buf_done);
	int rc;

	buf_init(&results, SESSION_RESULTS_MAX);
	buf_append(&results, seal);
	authres_begin(&results, session_service(c)->host_name);
	put_results(c, &results);
	rc = mailauth_check_header(tx->check, &header, err);
	if (rc == 0)
		rc = buf_check(&results, "Authentication-Results", err);
	if (rc == 0)
		rc = smtp_session_trace(c, buf_slice(&results), err);
	if (rc == 0)
		rc = append_header(c, header, err);
	tx->copied = rc == 0 ? header.len : 0;
	return rc;
}

static int go_on_again(struct conn *c, bool *is_done, struct err *err)
{
	struct session_tx *tx = session_of(c)->tx;
	const int rc = rebuild_append(tx->in, tx->raw, &tx->copied, REBUILD_TURN, err);

	*is_done = tx->copied == spool_size(tx->raw);
	return rc == 0 && *is_done ? incoming_finish(tx->in, err) : rc;
}

/* Why the message is not taken, or NULL. */
static const char *why_refused(struct conn *c)
{
	struct session_tx *tx = session_of(c)->tx;
	const struct mailauth_verdict *verdict = mailauth_check_verdict(tx->check);
	const struct dmarc_outcome *dmarc = &verdict->dmarc;
	struct buf text AUTO(buf_done);
	const char *why;

	buf_init(&text, SENT_TEXT_MAX);
	if (!session_service(c)->senders.is_dmarc_obeyed)
		return NULL;
	if (verdict->is_ambiguous)
		return "From must name one author, in one field";
	if (dmarc->result != AUTH_FAIL || dmarc->wanted != DMARC_REJECT)
		return NULL;
	buf_append(&text, dmarc->author);
	buf_printf(&text,
		" wants mail refused that it did not send (DMARC): SPF says %s, and no DKIM "
		"signature "
		"of the domain is good",
		auth_result_name(verdict->spf.result));
	why = arena_str(&tx->arena, buf_slice(&text));
	return why ? why : "Refused by DMARC";
}

/* "example.org:pass other.example:fail" */
static void put_domains(const struct dkim *dkim, struct buf *out)
{
	for (size_t i = 0; i < dkim->n; i++) {
		const struct signature *sig = &dkim->list[i].sig;

		buf_str(out, i ? " " : "");
		buf_append(out, sig->domain);
		buf_printf(out, ":%s",
			sig->result == AUTH_PENDING ? "temperror" : auth_result_name(sig->result));
	}
}

static void log_verdict(struct conn *c)
{
	const struct session_tx *tx = session_of(c)->tx;
	const struct mailauth_verdict *v = mailauth_check_verdict(tx->check);
	struct buf signatures AUTO(buf_done);

	buf_init(&signatures, SIGNATURES_TEXT_MAX);
	put_domains(&v->dkim, &signatures);
	track_event(session_service(c)->track, tx->id, "checked", log_s("author", v->dmarc.author),
		log_c("spf", auth_result_name(v->spf.result)),
		log_s("dkim", buf_slice(&signatures)),
		log_c("dmarc", auth_result_name(v->dmarc.result)),
		log_c("policy", dmarc_policy_name(v->dmarc.wanted)),
		log_c("override", v->dmarc.override ? v->dmarc.override : ""),
		log_c("arc", auth_result_name(v->arc.result)),
		log_n("signatures", (int64_t)v->dkim.n));
	log_info(conn_log(c), "sender", log_s("from", tx->env.sender),
		log_s("author", v->dmarc.author), log_c("spf", auth_result_name(v->spf.result)),
		log_c("dmarc", auth_result_name(v->dmarc.result)),
		log_c("policy", dmarc_policy_name(v->dmarc.wanted)),
		log_c("arc", auth_result_name(v->arc.result)),
		log_n("signatures", (int64_t)v->dkim.n));
}

/* With a message that fails DMARC. */
static enum dmarc_policy what_is_done(struct conn *c, const char *why_refused)
{
	const struct mailauth_verdict *v = mailauth_check_verdict(session_of(c)->tx->check);

	if (why_refused)
		return DMARC_REJECT;
	return session_service(c)->senders.is_dmarc_obeyed ? v->dmarc.wanted : DMARC_NONE;
}

static void on_known(struct conn *c)
{
	const char *why = why_refused(c);
	struct buf results;

	log_verdict(c);
	smtp_reports_seen(c, what_is_done(c, why));
	if (why) {
		smtp_session_refuse(c, SMTP_SAY_REFUSED, why);
		return;
	}
	if (!smtp_seal_is_needed(c)) {
		smtp_sender_finish(c, (struct slice){0});
		return;
	}
	buf_init(&results, SESSION_RESULTS_MAX);
	buf_append(&results, session_service(c)->host_name);
	put_results(c, &results);
	smtp_seal(c, buf_slice(&results));
	buf_done(&results);
}

static void on_together(struct conn *c)
{
	struct session_tx *tx = session_of(c)->tx;

	tx->env.is_suspect = session_service(c)->senders.is_dmarc_obeyed &&
			     mailauth_check_verdict(tx->check)->dmarc.wanted != DMARC_NONE;
	smtp_binary(c, smtp_session_deliver);
}

void smtp_sender_finish(struct conn *c, struct slice seal)
{
	struct err err;

	if (begin_again(c, seal, &err) < 0)
		smtp_session_broken(c, &err);
	else
		smtp_session_work(c, go_on_again, on_together);
}

static void look(struct conn *c)
{
	mailauth_check_run(session_of(c)->tx->check);
}

void smtp_sender_check(struct conn *c)
{
	struct session_tx *tx = session_of(c)->tx;

	mailauth_check_end(tx->check);
	smtp_session_ask(c, mailauth_check_view(tx->check), look, on_known);
}

/* ---- signing ---- */

struct keeper_call smtp_sender_park(struct conn *c, conn_resume_fn *resume)
{
	return (struct keeper_call){.keeper = session_service(c)->keeper,
		.who = conn_ref(c),
		.ticket = conn_park(c, KEEPER_VERIFY_TIMEOUT_MS, resume)};
}

static void on_signature(struct conn *c, struct answer *answer);

static int put_signatures(struct conn *c, bool *is_done, struct err *err)
{
	struct session_tx *tx = session_of(c)->tx;

	return mail_signing_end(
		tx->signing, session_service(c), &tx->in, REBUILD_TURN, is_done, err);
}

static void sign_next(struct conn *c)
{
	struct session_tx *tx = session_of(c)->tx;
	const struct keeper_dkim_key *key;
	unsigned char digest[SHA256_LEN];
	struct keeper_call call;

	if (mail_signing_next(tx->signing, &key, digest)) {
		call = smtp_sender_park(c, on_signature);
		keeper_dkim_sign(&call, key, (struct slice){(const char *)digest, SHA256_LEN});
		return;
	}
	smtp_session_work(c, put_signatures, smtp_session_deliver);
}

/* A keeper that is away must not make unsigned mail of signed: the client tries again. */
static bool has_failed(struct conn *c, const struct answer *answer)
{
	if (answer->rc == 0)
		return false;
	log_error(conn_log(c), "sign", log_e(&answer->err));
	smtp_session_refuse(c, SMTP_SAY_LATER, NULL);
	return true;
}

static void on_signature(struct conn *c, struct answer *answer)
{
	const struct keeper_text *text = answer->data;

	if (!has_failed(c, answer)) {
		mail_signing_take(
			session_of(c)->tx->signing, (struct slice){text->text, text->len});
		sign_next(c);
	}
	if (answer->data)
		answer->free_data(answer->data);
}

static int read_body(struct conn *c, bool *is_done, struct err *err)
{
	struct session_tx *tx = session_of(c)->tx;

	return mail_signing_read(tx->signing, tx->in, REBUILD_TURN, is_done, err);
}

static void on_keys(struct conn *c, struct answer *answer)
{
	if (!has_failed(c, answer)) {
		mail_signing_use(session_of(c)->tx->signing, answer->data);
		smtp_session_work(c, read_body, sign_next);
	}
	if (answer->data)
		answer->free_data(answer->data);
}

void smtp_sender_sign(struct conn *c)
{
	struct session_tx *tx = session_of(c)->tx;
	struct keeper_call call;
	struct err err;

	if (!session_service(c)->senders.is_signed ||
		mail_signing_new(tx->in, tx->env.own_bytes, &tx->signing, &err) < 0) {
		smtp_session_deliver(c);
		return;
	}
	call = smtp_sender_park(c, on_keys);
	keeper_dkim_keys(&call, mail_signing_domain(tx->signing));
}

void smtp_sender_end(struct session_tx *tx)
{
	smtp_seal_free(&tx->seal);
	smtp_binary_free(&tx->binary);
	mailauth_check_free(&tx->check);
	mail_signing_free(&tx->signing);
	spool_free(&tx->raw);
}
