/* mail_send.c - what the buttons of the form do: keep a draft, attach, throw away, send. */
#include <stdlib.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/random.h"
#include "mail/limits.h"
#include "mail/sign.h"
#include "mail/submit.h"
#include "mail/trace.h"
#include "web/pages.h"
#include "web/write.h"
#include "wire/smtp/addr.h"

enum {
	SEND_MS = 10 * 60 * 1000,
	TRACE_MAX = 4096,
	ENVELOPE_MAX = 32 << 20,
	DIGESTS_MAX = 3 * (WEB_ATTACHMENTS_MAX + 20) * SHA256_LEN,
};

struct sending {
	struct write w;
	bool is_sent;
	uint64_t once, once_kept; /* delivery ids of what is sent, and of the copy that is kept */
	struct arena arena;       /* envelope: what aliases lead to may be much */
	struct mail_envelope env;
	struct incoming *in, *copy; /* what is sent, what is kept */
	struct mail_signing *signing;
};

static void free_sending(void *more)
{
	struct sending *s = more;

	if (s->in)
		incoming_free(&s->in);
	if (s->copy)
		incoming_free(&s->copy);
	mail_signing_free(&s->signing);
	arena_done(&s->arena);
	json_decref(s->w.values);
}

/* ---- a button that is pressed twice sends once ---- */

static void put_digest(struct buf *out, struct slice s)
{
	unsigned char digest[SHA256_LEN];

	sha256(s, digest);
	buf_append(out, (struct slice){(const char *)digest, sizeof(digest)});
}

/* A form's token is another one each time the form is shown, so the same message with the same
 * token is the same wish; what was edited after "back" is another one. */
static uint64_t once_id(struct http *x, const struct sending *s, const char *purpose)
{
	const struct write *w = &s->w;
	const struct slice texts[] = {slice_str(purpose), visit_of(x)->account.address,
		http_form(x, "token"), w->from, w->to, w->cc, w->bcc, w->subject, w->body,
		http_form(x, "source")};
	struct buf all AUTO(buf_done);
	unsigned char digest[SHA256_LEN];
	struct http_file file;
	struct slice kept;
	size_t at = 0;

	buf_init(&all, DIGESTS_MAX);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		put_digest(&all, texts[i]);
	while (http_form_next(x, "keep", &at, &kept))
		put_digest(&all, kept);
	at = 0;
	while (http_file_next(x, "file", &at, &file)) {
		put_digest(&all, file.name);
		put_digest(&all, file.bytes);
	}
	if (all.failed)
		return 0;
	sha256(buf_slice(&all), digest);
	return be64_get(digest) & INT64_MAX;
}

/* ---- the message, twice: as it is sent, and as it is kept ---- */

struct copy_sink {
	struct write_sink sink;
	struct incoming *in;
};

static int append_copy(struct write_sink *sink, struct slice bytes, struct err *err)
{
	return incoming_append(((struct copy_sink *)sink)->in, bytes, err);
}

static int make_copy(
	struct http *x, struct sending *s, struct account_reader *reader, struct err *err)
{
	struct service *service = visit_of(x)->service;
	struct copy_sink sink = {.sink = {append_copy}};
	int rc;

	s->copy = incoming_new(store_spool_dir(service->store), service->limits.message_max);
	sink.in = s->copy;
	rc = write_compose(x, &s->w, reader, true, &sink.sink, err);
	return rc < 0 ? rc : incoming_finish(s->copy, err);
}

struct submit_sink {
	struct write_sink sink;
	struct mail_submit submit;
	struct incoming *in;
};

static int append_submit(struct write_sink *sink, struct slice bytes, struct err *err)
{
	struct submit_sink *s = (struct submit_sink *)sink;

	return mail_submit_append(&s->submit, bytes, s->in, err);
}

static int put_trace(struct http *x, struct sending *s, struct err *err)
{
	struct conn *c = http_conn(x);
	struct buf head AUTO(buf_done);
	char id[17];
	const struct mail_trace trace = {.sender = s->env.sender,
		.helo = slice_lit("webmail"),
		.host_name = visit_of(x)->service->host_name,
		.id = slice_str(id),
		.tls = conn_tls_version(c),
		.cipher = conn_tls_cipher(c),
		.is_extended = true,
		.is_authenticated = true};
	int rc;

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)random_u64());
	buf_init(&head, TRACE_MAX);
	s->env.own_bytes = mail_trace_put(&head, &trace);
	rc = buf_check(&head, "trace", err);
	return rc < 0 ? rc : incoming_append(s->in, buf_slice(&head), err);
}

static int make_message(
	struct http *x, struct sending *s, struct account_reader *reader, struct err *err)
{
	struct visit *v = visit_of(x);
	struct submit_sink sink = {.sink = {append_submit}};
	int rc;

	s->in = incoming_new(store_spool_dir(v->service->store),
		v->service->limits.message_max + TRACE_MAX + SUBMIT_HEADER_MAX);
	sink.in = s->in;
	mail_submit_init(&sink.submit, v->service, v->account.id, s->env.sender);
	rc = put_trace(x, s, err);
	if (rc == 0)
		rc = write_compose(x, &s->w, reader, false, &sink.sink, err);
	if (rc == 0)
		rc = mail_submit_finish(&sink.submit, s->in, err);
	mail_submit_done(&sink.submit);
	return rc < 0 ? rc : incoming_finish(s->in, err);
}

/* ---- the envelope ---- */

static bool is_known(const struct mail_envelope *env, struct slice address)
{
	for (size_t i = 0; i < env->recipients_n; i++) {
		if (slice_eq(env->recipients[i].address, address))
			return true;
	}
	return false;
}

static int resolve(
	struct service *service, struct mail_recipient *r, struct arena *arena, struct err *err)
{
	const int rc = mail_resolve(service->directory, r->address, arena, &r->resolved, err);

	if (rc != -ERR_DENIED)
		return rc;
	/* Another's domain. */
	r->resolved.targets = arena_array(arena, struct mail_target, 1);
	if (!r->resolved.targets)
		return err_set(err, ERR_TOOBIG, "too many recipients");
	r->resolved.targets[0].address = r->address;
	r->resolved.n = 1;
	return 0;
}

/* False: form_error() says who cannot be reached. */
static bool add_recipients(struct http *x, struct sending *s, const char *field,
	const struct mime_address *list, size_t max)
{
	struct service *service = visit_of(x)->service;
	char why[300];

	for (; list; list = list->next) {
		struct mail_recipient *r = &s->env.recipients[s->env.recipients_n];
		struct smtp_addr addr;
		struct err err;

		if (list->kind != MIME_ADDRESS_MAILBOX)
			continue;
		if (smtp_addr_make(list->mailbox, list->domain, &s->arena, &addr, &err) < 0 ||
			is_known(&s->env, addr.text))
			continue;
		if (s->env.recipients_n == max) {
			form_error(s->w.values, field, "These are too many recipients.");
			return false;
		}
		*r = (struct mail_recipient){.address = addr.text};
		if (resolve(service, r, &s->arena, &err) < 0) {
			snprintf(why, sizeof(why), "There is nobody called %.*s.",
				(int)(addr.text.len < 200 ? addr.text.len : 200), addr.text.ptr);
			form_error(s->w.values, field,
				err.code == ERR_NOTFOUND ? why : "Please try again later.");
			return false;
		}
		s->env.is_smtputf8 |= addr.has_utf8;
		s->env.recipients_n++;
	}
	return true;
}

static bool make_envelope(struct http *x, struct sending *s)
{
	struct visit *v = visit_of(x);
	const size_t max = v->service->limits.recipients_max;

	s->env = (struct mail_envelope){
		.sender = s->w.from, .submitter = v->account.id, .delivery_id = s->once};
	s->env.is_8bit = s->w.kept_n > 0;
	s->env.recipients = arena_array(&s->arena, struct mail_recipient, max + 1);
	return s->env.recipients && add_recipients(x, s, "to", s->w.to_list, max) &&
	       add_recipients(x, s, "cc", s->w.cc_list, max) &&
	       add_recipients(x, s, "bcc", s->w.bcc_list, max);
}

/* ---- afterwards: the copy, the mark on what was answered, the draft's end ---- */

struct keep {
	struct visit_write w;
	struct incoming *copy;
	uint64_t folder; /* Sent or Drafts */
	uint64_t flags, once;
	struct write_ref draft, source;
	bool is_forward;
	struct message_added added;
};

static int run_keep(struct account_write *item, struct account_tx *tx, struct err *err)
{
	static const struct slice forwarded = {"$Forwarded", 10};
	struct keep *k = (struct keep *)item;
	uint64_t mark = FLAG_ANSWERED;
	int rc = 0;

	if (k->copy)
		rc = tx_add(tx, k->folder, k->copy, k->flags, k->once, &k->added, err);
	if (rc == 0 && k->source.uid && k->is_forward)
		rc = tx_keywords(tx, &forwarded, 1, &mark, err);
	if (rc == 0 && k->source.uid)
		rc = tx_flags(tx, k->source.folder, &k->source.uid, 1, FLAGS_ADD, mark, UINT64_MAX,
			NULL, err);
	if (rc == 0 && k->draft.uid)
		rc = tx_expunge(tx, k->draft.folder, &k->draft.uid, 1, err);
	/* Its folder may have been deleted meanwhile: nothing is left to be done there. */
	return rc == -ERR_NOTFOUND && !k->copy ? 0 : rc;
}

static void free_keep(struct visit_write *w)
{
	struct keep *k = (struct keep *)w;

	if (k->copy)
		incoming_free(&k->copy);
}

/* A draft is only ever one of the Drafts folder: another message cannot be made to vanish. */
static struct write_ref own_draft(const struct write *w, uint64_t drafts)
{
	return w->draft.folder == drafts ? w->draft : (struct write_ref){0};
}

static bool find_role(struct http *x, enum mailbox_role role, uint64_t *id_out)
{
	struct mailbox_info found;
	struct err err;
	const int rc = account_mailbox(
		visit_of(x)->store, (struct slice){0}, 0, role, http_arena(x), &found, &err);

	*id_out = rc == 0 ? found.id : 0;
	if (rc < 0 && rc != -ERR_NOTFOUND)
		visit_fail(x, rc, &err);
	return rc == 0 || rc == -ERR_NOTFOUND;
}

static void on_sent_kept(struct http *x, struct answer *answer)
{
	if (answer->rc < 0)
		log_warn(http_log(x), "sent_copy", log_e(&answer->err));
	visit_say(x, answer->rc < 0 ? "sent_no_copy" : "sent");
	visit_answer_done(answer);
	visit_go(x, "/mail");
}

static void keep_sent(struct http *x, struct sending *s)
{
	struct keep *k;
	uint64_t sent, drafts;

	if (!find_role(x, ROLE_SENT, &sent) || !find_role(x, ROLE_DRAFTS, &drafts))
		return;
	k = visit_write_new(x, sizeof(*k), run_keep);
	k->w.free_kind = free_keep;
	k->copy = sent ? incoming_ref(s->copy) : NULL;
	k->folder = sent;
	k->flags = FLAG_SEEN;
	k->once = s->once_kept;
	k->draft = own_draft(&s->w, drafts);
	k->source = s->w.source;
	k->is_forward = s->w.is_forward;
	visit_write(x, &k->w, on_sent_kept);
}

static void on_draft_kept(struct http *x, struct answer *answer)
{
	const struct keep *k = answer->data;

	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
	} else {
		visit_say(x, "draft");
		visit_go(x, "/mail/write?draft=%llx-%u&source=%.*s&kind=%.*s",
			(unsigned long long)k->folder, k->added.uid,
			SLICE_ARG(k->source.uid ? http_form(x, "source") : (struct slice){0}),
			SLICE_ARG(k->is_forward ? slice_lit("forward") : slice_lit("reply")));
	}
	visit_answer_done(answer);
}

static int run_draft(struct account_write *item, struct account_tx *tx, struct err *err)
{
	struct keep *k = (struct keep *)item;
	int rc = tx_add(tx, k->folder, k->copy, k->flags, 0, &k->added, err);

	if (rc == 0 && k->draft.uid)
		rc = tx_expunge(tx, k->draft.folder, &k->draft.uid, 1, err);
	return rc;
}

static void keep_draft(struct http *x, struct sending *s)
{
	struct keep *k;
	uint64_t drafts;

	if (!find_role(x, ROLE_DRAFTS, &drafts))
		return;
	if (!drafts) {
		form_error(s->w.values, "body", "There is no folder for drafts.");
		write_show(x, &s->w);
		return;
	}
	k = visit_write_new(x, sizeof(*k), run_draft);
	k->w.item.is_adding = true;
	k->w.free_kind = free_keep;
	k->copy = incoming_ref(s->copy);
	k->folder = drafts;
	k->flags = FLAG_SEEN | FLAG_DRAFT;
	k->draft = own_draft(&s->w, drafts);
	k->source = s->w.source;
	k->is_forward = s->w.is_forward;
	visit_write(x, &k->w, on_draft_kept);
}

/* ---- submission ---- */

struct wait {
	struct pool *pool;
	struct conn_ref who;
	uint64_t ticket;
};

static void accepted(
	void *context, int rc, const struct message_added *added, const struct err *err)
{
	struct wait *wait = context;
	struct answer answer = {.rc = rc};

	(void)added;
	if (rc < 0)
		answer.err = *err;
	pool_answer(wait->pool, wait->who, wait->ticket, &answer);
	free(wait);
}

static void refuse(struct http *x, struct sending *s, int rc, const struct err *err)
{
	switch (-rc) {
	case ERR_DENIED:
	case ERR_NOTFOUND:
		form_error(s->w.values, "to", err->msg);
		break;
	case ERR_TOOBIG:
		form_error(s->w.values, "body", "This message is too large, with its files.");
		break;
	case ERR_QUOTA:
		form_error(s->w.values, "to", "There is no room for this message now.");
		break;
	default:
		log_error(http_log(x), "submit", log_e(err));
		form_error(s->w.values, "to",
			"The message could not be sent just now. Please try again.");
		break;
	}
	write_show(x, &s->w);
}

static void on_accepted(struct http *x, struct answer *answer)
{
	struct sending *s = visit_of(x)->more;

	if (answer->rc < 0) {
		refuse(x, s, answer->rc, &answer->err);
	} else {
		log_info(http_log(x), "message", log_s("from", s->env.sender),
			log_n("recipients", (int64_t)s->env.recipients_n),
			log_n("bytes", (int64_t)s->in->size));
		keep_sent(x, s);
	}
	visit_answer_done(answer);
}

/* What the account's level allows, as on the port for mail programs. */
static bool may_send(struct http *x, struct sending *s)
{
	struct visit *v = visit_of(x);
	struct err err;

	if (mail_limits_check(v->service, v->account.id, s->in->size, s->env.recipients_n, &err) ==
		0)
		return true;
	log_info(http_log(x), "limit", log_e(&err));
	form_error(s->w.values, "to", err.msg);
	write_show(x, &s->w);
	return false;
}

static void submit(struct http *x, struct sending *s)
{
	struct wait *wait;

	if (!may_send(x, s))
		return;
	wait = mem_new(struct wait);

	*wait = (struct wait){.pool = conn_pool(http_conn(x)), .who = conn_ref(http_conn(x))};
	wait->ticket = http_park(x, SEND_MS, on_accepted);
	mail_track_received(visit_of(x)->service, "web", &s->env, s->in);
	mail_accept_submit(visit_of(x)->service, &s->env, s->in, accepted, wait);
}

/* ---- the domain's signatures, before it is handed over ---- */

static void sign_next(struct http *x, struct sending *s);

/* False: the keeper cannot say now; unsigned mail would not be believed elsewhere. */
static bool has_answer(struct http *x, struct sending *s, struct answer *answer)
{
	if (answer->rc == 0)
		return true;
	refuse(x, s, answer->rc, &answer->err);
	return false;
}

static void on_signature(struct http *x, struct answer *answer)
{
	struct sending *s = visit_of(x)->more;
	const struct keeper_text *text = answer->data;

	if (has_answer(x, s, answer)) {
		mail_signing_take(s->signing, (struct slice){text->text, text->len});
		sign_next(x, s);
	}
	visit_answer_done(answer);
}

static void sign_next(struct http *x, struct sending *s)
{
	const struct keeper_dkim_key *key;
	unsigned char digest[SHA256_LEN];
	struct keeper_call call;
	struct err err;
	int rc;

	if (mail_signing_next(s->signing, &key, digest)) {
		call = visit_call(x, on_signature);
		keeper_dkim_sign(&call, key, (struct slice){(const char *)digest, SHA256_LEN});
		return;
	}
	rc = mail_signing_end(s->signing, visit_of(x)->service, &s->in, &err);
	if (rc < 0)
		refuse(x, s, rc, &err);
	else
		submit(x, s);
}

static void on_keys(struct http *x, struct answer *answer)
{
	struct sending *s = visit_of(x)->more;

	if (has_answer(x, s, answer)) {
		mail_signing_use(s->signing, answer->data);
		sign_next(x, s);
	}
	visit_answer_done(answer);
}

static void sign(struct http *x, struct sending *s)
{
	struct keeper_call call;
	struct err err;

	if (!visit_of(x)->service->senders.is_signed ||
		mail_signing_new(s->in, s->env.own_bytes, &s->signing, &err) < 0) {
		submit(x, s);
		return;
	}
	call = visit_call(x, on_keys);
	keeper_dkim_keys(&call, mail_signing_domain(s->signing));
}

static void make(struct http *x, struct account_reader *reader)
{
	struct sending *s = visit_of(x)->more;
	struct err err;
	bool was_sent = false;
	int rc = s->is_sent ? reader_delivered(reader, s->once_kept, &was_sent, &err) : 0;

	if (was_sent) {
		visit_say(x, "sent");
		visit_go(x, "/mail");
		return;
	}
	if (rc == 0)
		rc = write_find(x, &s->w, reader, &err);
	if (rc == 0)
		rc = make_copy(x, s, reader, &err);
	if (rc == 0 && s->is_sent)
		rc = make_message(x, s, reader, &err);
	if (rc < 0)
		refuse(x, s, rc, &err);
	else if (s->is_sent)
		sign(x, s);
	else
		keep_draft(x, s);
}

/* ---- the buttons ---- */

static void on_discarded(struct http *x, struct answer *answer)
{
	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
	} else {
		visit_say(x, "discarded");
		visit_go(x, "/mail");
	}
	visit_answer_done(answer);
}

static void discard(struct http *x, const struct write *w)
{
	struct keep *k;
	uint64_t drafts;

	if (!find_role(x, ROLE_DRAFTS, &drafts))
		return;
	k = visit_write_new(x, sizeof(*k), run_keep);
	k->draft = own_draft(w, drafts);
	visit_write(x, &k->w, on_discarded);
}

void page_write_post(struct http *x)
{
	const struct slice wish = http_form(x, "do");
	struct sending *s;

	if (!visit_store(x))
		return;
	s = visit_keep(x, sizeof(*s), free_sending);
	if (!s) {
		http_fail(x, 413);
		return;
	}
	arena_init(&s->arena, ENVELOPE_MAX);
	s->is_sent = slice_eq(wish, slice_lit("send"));
	write_take(x, &s->w, s->is_sent);
	s->once = once_id(x, s, "sent");
	s->once_kept = once_id(x, s, "kept");
	if (slice_eq(wish, slice_lit("discard")))
		discard(x, &s->w);
	else if (form_has_errors(s->w.values) || (s->is_sent && !make_envelope(x, s)))
		write_show(x, &s->w);
	else
		visit_read(x, make);
}
