/* mail_send.c - what the buttons of the form do: the message is made, and its envelope. */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"
#include "mail/limits.h"
#include "mail/submit.h"
#include "mail/trace.h"
#include "web/pages.h"
#include "web/send.h"
#include "wire/smtp/addr.h"

enum {
	TRACE_MAX = 4096,
	ENVELOPE_MAX = 32 << 20,
	DIGESTS_MAX = 3 * (WEB_ATTACHMENTS_MAX + 20) * SHA256_LEN,
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
static uint64_t once_id(struct http *x, const struct sending *s)
{
	const struct write *w = &s->w;
	const struct slice texts[] = {visit_of(x)->account.address, http_form(x, "token"), w->from,
		w->to, w->cc, w->bcc, w->subject, w->body, http_form(x, "source"),
		http_form(x, "later")};
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
		return (random_u64() >> 1) | 1;
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
		.id = {id, sizeof(id) - 1},
		.tls = conn_tls_version(c),
		.cipher = conn_tls_cipher(c),
		.is_extended = true,
		.is_authenticated = true};
	int rc;

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)s->in->number);
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

	s->env = (struct mail_envelope){.sender = s->w.from,
		.submitter = v->account.id,
		.peer = conn_peer_address(http_conn(x)),
		.delivery_id = s->once};
	s->env.is_8bit = s->w.kept_n > 0;
	s->env.wishes.not_before_s = s->not_before_s;
	s->env.recipients = arena_array(&s->arena, struct mail_recipient, max + 1);
	return s->env.recipients && add_recipients(x, s, "to", s->w.to_list, max) &&
	       add_recipients(x, s, "cc", s->w.cc_list, max) &&
	       add_recipients(x, s, "bcc", s->w.bcc_list, max);
}

/* ---- when ---- */

/* As <input type="datetime-local"> sends it, in the time zone of this host. */
static bool take_local_time(struct slice text, int64_t *out)
{
	struct tm tm = {.tm_isdst = -1};
	char copy[sizeof("2026-01-31T12:00:00")];
	const char *end;
	time_t t;

	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	end = strptime(copy, "%Y-%m-%dT%H:%M", &tm);
	t = end ? mktime(&tm) : -1;
	*out = (int64_t)t;
	return t > 0 && (*end == '\0' || *end == ':');
}

/* The time that the form names; else as long from now as the account wants to be able to take mail
 * back. */
static void take_time(struct http *x, struct sending *s)
{
	const struct slice text = slice_trim(http_form(x, "later"));
	const struct visit *v = visit_of(x);
	const int64_t now = clock_wall_s();

	s->is_later = text.len > 0;
	if (!s->is_later) {
		s->held_s = mail_undo_s(v->service, v->account.id, true);
		s->not_before_s = s->held_s ? now + s->held_s : 0;
	} else if (!take_local_time(text, &s->not_before_s)) {
		form_error(s->w.values, "later", "This is no date and time.");
	} else if (s->not_before_s <= now) {
		form_error(s->w.values, "later", "This time is past.");
	} else if (s->not_before_s > now + MAIL_HOLD_MAX_S) {
		form_error(s->w.values, "later", "Mail can wait for a year at most.");
	}
}

/* ---- the buttons ---- */

void send_refuse(struct http *x, struct sending *s, int rc, const struct err *err)
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
		send_refuse(x, s, rc, &err);
	else if (s->is_sent)
		send_hand_over(x, s);
	else
		send_keep_draft(x, s);
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
	if (s->is_sent)
		write_add_copies(x, &s->w);
	s->once = once_id(x, s);
	s->once_kept = send_kept_id(s->once);
	if (s->is_sent)
		take_time(x, s);
	if (slice_eq(wish, slice_lit("discard")))
		send_discard(x, &s->w);
	else if (form_has_errors(s->w.values) || (s->is_sent && !make_envelope(x, s)))
		write_show(x, &s->w);
	else
		visit_read(x, make);
}
