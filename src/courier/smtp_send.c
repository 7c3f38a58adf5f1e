/* smtp_send.c - one message: RFC 5321 3.3. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "courier/smtp_internal.h"
#include "wire/smtp/addr.h"
#include "wire/smtp/stuff.h"

enum {
	COMMANDS_MAX = 4 << 20, /* of one transaction */
	BATCH = 100,            /* recipients sent without waiting for answers */
	ASCII_MAX = 16 << 20,   /* what becomes of a chunk that is made ASCII */
	TEXT_MAX = 3 * ASCII_MAX,
	ADDRESS_ARENA = 4096,
};

struct sending {
	struct smtp_client *c;
	struct queue *queue;
	struct queue_message *m;
	size_t accepted;
	bool is_answered; /* the server has said something in this transaction */
	bool is_unsure;   /* it had the whole message when the connection was lost */
	struct buf chunk, ascii;
};

static void set_outcome(
	struct sending *s, struct queue_recipient *r, enum queue_outcome outcome, struct slice text)
{
	r->outcome = outcome;
	r->reply = arena_dup(&s->m->arena, slice_head(text, QUEUE_REPLY_MAX));
	r->host = arena_dup(&s->m->arena, slice_str(s->c->host));
}

static void set_all(struct sending *s, enum queue_outcome outcome, struct slice text)
{
	for (size_t i = 0; i < s->m->recipients_n; i++) {
		if (s->m->recipients[i].outcome == QUEUE_OUT_NONE)
			set_outcome(s, &s->m->recipients[i], outcome, text);
	}
}

static enum queue_outcome outcome_of(const struct smtp_client *c)
{
	return c->code >= 500 ? QUEUE_OUT_FAILED : QUEUE_OUT_DEFERRED;
}

/* The recipient's server has the message: who tells of it? RFC 2852 4.1.4.2 and 4.1.4.3: the sender
 * hears where nobody looks at the time any more, and of each host if it asked to. */
static enum queue_outcome success_of(const struct smtp_client *c, const struct queue_message *m)
{
	if (m->by_s && !c->is_lmtp && (!c->offer.deliverby || m->flags & QUEUE_BY_TRACE))
		return QUEUE_OUT_HANDED_ON;
	return c->offer.dsn || c->is_lmtp ? QUEUE_OUT_DELIVERED : QUEUE_OUT_RELAYED;
}

/* A recipient that was accepted, until the message is: marked by this. */
static const struct slice accepted_mark = {"250", 3};

static bool is_accepted(const struct queue_recipient *r)
{
	return r->outcome == QUEUE_OUT_NONE && r->reply.ptr == accepted_mark.ptr;
}

/* The connection is of no more use. A connection that had stood idle may have been closed by the
 * server before it saw anything of this message: then it is tried again at once. */
static void set_lost(struct sending *s, const struct err *err)
{
	char text[sizeof(err->msg) + 64];

	s->c->is_broken = true;
	if (!s->is_answered && s->c->transactions > 0)
		return;
	for (size_t i = 0; i < s->m->recipients_n; i++)
		s->m->recipients[i].is_unsure = s->is_unsure && is_accepted(&s->m->recipients[i]);
	snprintf(text, sizeof(text), "4.4.2 %s%s", err->msg,
		s->is_unsure ? "; it may have been taken all the same" : "");
	set_all(s, QUEUE_OUT_DEFERRED, slice_str(text));
}

/* ---- the envelope ---- */

/* What is no address as SMTP writes it would be another command. */
static bool is_address(struct slice text)
{
	struct arena arena AUTO(arena_done);
	struct smtp_addr addr;
	struct err err;

	arena_init(&arena, ADDRESS_ARENA);
	return smtp_addr_parse(text, &arena, &addr, &err) == 0 && slice_eq(addr.text, text);
}

/* RFC 5321 3.8: a server that has had enough of a connection says so before it looks at the
 * message, which another connection may bring at once. */
static int check_goes_on(const struct sending *s, struct err *err)
{
	if (s->c->code == 421 && s->c->transactions > 0)
		return err_set(err, ERR_IO, "the server ends the connection");
	return 0;
}

static int hear_mail(struct sending *s, struct err *err)
{
	int rc = smtp_hear(s->c, s->c->config->patience_ms, err);

	if (rc == 0)
		rc = check_goes_on(s, err);
	if (rc < 0)
		return rc;
	s->is_answered = true;
	if (s->c->code >= 300)
		set_all(s, outcome_of(s->c), buf_slice(&s->c->text));
	return 0;
}

/* RFC 5321 4.5.3.1.10: 452, and 552 of old, say that it is enough for this transaction. */
static bool is_too_many(const struct sending *s)
{
	return s->accepted && (s->c->code == 452 || s->c->code == 552);
}

static int hear_rcpt(struct sending *s, struct queue_recipient *r, struct err *err)
{
	const int rc = smtp_hear(s->c, s->c->config->patience_ms, err);

	if (rc < 0)
		return rc;
	if (r->outcome != QUEUE_OUT_NONE)
		return 0; /* MAIL was refused */
	if (s->c->code < 300) {
		r->reply = accepted_mark;
		s->accepted++;
	} else if (!is_too_many(s)) {
		set_outcome(s, r, outcome_of(s->c), buf_slice(&s->c->text));
	}
	return 0;
}

/* Whom it was sent to: not to addresses that were found malformed. */
static void put_batch(struct sending *s, size_t at, size_t end, bool *is_sent, struct buf *out)
{
	for (size_t i = at; i < end; i++) {
		is_sent[i - at] = s->m->recipients[i].outcome == QUEUE_OUT_NONE;
		if (is_sent[i - at])
			smtp_put_rcpt(s->c, &s->m->recipients[i], out);
	}
}

/* MAIL and up to BATCH recipients at once, where the server takes that; else one by one. */
static int send_envelope(struct sending *s, struct err *err)
{
	const size_t batch = s->c->offer.pipelining ? BATCH : 1;
	struct buf commands AUTO(buf_done);
	bool has_mail = true, is_sent[BATCH];
	int rc = 0;

	buf_init(&commands, COMMANDS_MAX);
	smtp_put_mail(s->c, s->m, &commands);
	if (!s->c->offer.pipelining) {
		rc = smtp_say(s->c, buf_slice(&commands), err);
		rc = rc < 0 ? rc : hear_mail(s, err);
		has_mail = false;
		if (rc < 0 || s->c->code >= 300)
			return rc;
		buf_clear(&commands);
	}
	for (size_t at = 0; rc == 0 && at < s->m->recipients_n && !s->c->is_broken; at += batch) {
		const size_t end =
			at + batch < s->m->recipients_n ? at + batch : s->m->recipients_n;

		put_batch(s, at, end, is_sent, &commands);
		rc = smtp_say(s->c, buf_slice(&commands), err);
		buf_clear(&commands);
		if (rc == 0 && has_mail)
			rc = hear_mail(s, err);
		has_mail = false;
		for (size_t i = at; rc == 0 && i < end; i++)
			rc = is_sent[i - at] ? hear_rcpt(s, &s->m->recipients[i], err) : 0;
	}
	return rc;
}

/* ---- the text ---- */

/* The chunk that begins there, as this server takes it. */
static int read_part(struct sending *s, uint64_t at, struct slice *part_out, struct err *err)
{
	int rc;

	buf_clear(&s->chunk);
	buf_clear(&s->ascii);
	rc = queue_read(s->queue, s->m->id, at, &s->chunk, err);
	if (rc == 0 && s->chunk.len == 0)
		rc = err_set(err, ERR_NOTFOUND, "the message was dropped");
	if (rc < 0)
		return rc;
	if (s->c->sevenbit)
		mime_downgrade_feed(s->c->sevenbit, buf_slice(&s->chunk), &s->ascii);
	*part_out = buf_slice(s->c->sevenbit ? &s->ascii : &s->chunk);
	return buf_check(&s->ascii, "a part made ASCII", err);
}

static int send_data(struct sending *s, struct err *err)
{
	struct buf text AUTO(buf_done);
	struct smtp_stuff stuff;
	struct slice part;
	int rc = 0;

	buf_init(&text, TEXT_MAX);
	smtp_stuff_init(&stuff, false);
	for (uint64_t at = 0; rc == 0 && at < s->m->size; at += QUEUE_CHUNK) {
		buf_clear(&text);
		rc = read_part(s, at, &part, err);
		if (rc < 0)
			break;
		smtp_stuff_feed(&stuff, part, &text);
		if (at + QUEUE_CHUNK >= s->m->size)
			smtp_stuff_finish(&stuff, &text);
		rc = smtp_say(s->c, buf_slice(&text), err);
	}
	return rc;
}

/* RFC 3030: each chunk is answered; the answer to the last one is the message's, and not heard
 * here. *is_refused_out: one before it was not taken. */
static int send_chunks(struct sending *s, bool *is_refused_out, struct err *err)
{
	struct buf text AUTO(buf_done), line AUTO(buf_done);
	struct smtp_stuff stuff;
	struct slice part;
	int rc = 0;

	buf_init(&text, TEXT_MAX);
	buf_init(&line, 64);
	smtp_stuff_init(&stuff, true);
	*is_refused_out = false;
	for (uint64_t at = 0; rc == 0 && at < s->m->size && !*is_refused_out; at += QUEUE_CHUNK) {
		const bool is_last = at + QUEUE_CHUNK >= s->m->size;

		buf_clear(&text);
		buf_clear(&line);
		rc = read_part(s, at, &part, err);
		if (rc < 0)
			break;
		smtp_stuff_feed(&stuff, part, &text);
		if (is_last)
			smtp_stuff_finish(&stuff, &text);
		buf_printf(&line, "BDAT %zu%s\r\n", text.len, is_last ? " LAST" : "");
		rc = smtp_say(s->c, buf_slice(&line), err);
		rc = rc < 0 ? rc : smtp_say(s->c, buf_slice(&text), err);
		if (rc == 0 && !is_last)
			rc = smtp_hear(s->c, s->c->config->patience_ms, err);
		*is_refused_out = rc == 0 && !is_last && s->c->code >= 300;
	}
	return rc;
}

static void set_accepted(struct sending *s, enum queue_outcome outcome)
{
	for (size_t i = 0; i < s->m->recipients_n; i++) {
		if (is_accepted(&s->m->recipients[i]))
			set_outcome(s, &s->m->recipients[i], outcome, buf_slice(&s->c->text));
	}
}

static enum queue_outcome final_outcome(const struct sending *s)
{
	return s->c->code < 300 ? success_of(s->c, s->m) : outcome_of(s->c);
}

/* The answer to the message; in LMTP one for each recipient that was accepted. */
static int hear_end(struct sending *s, struct err *err)
{
	const int64_t wait_ms = 2 * s->c->config->patience_ms;
	int rc = 0;

	if (!s->c->is_lmtp) {
		rc = smtp_hear(s->c, wait_ms, err);
		if (rc == 0)
			set_accepted(s, final_outcome(s));
		return rc;
	}
	for (size_t i = 0; rc == 0 && i < s->m->recipients_n; i++) {
		struct queue_recipient *r = &s->m->recipients[i];

		if (!is_accepted(r))
			continue;
		rc = smtp_hear(s->c, wait_ms, err);
		if (rc == 0)
			set_outcome(s, r, final_outcome(s), buf_slice(&s->c->text));
	}
	return rc;
}

static int send_text(struct sending *s, struct err *err)
{
	bool is_refused = false;
	int rc;

	if (s->c->offer.chunking) {
		rc = send_chunks(s, &is_refused, err);
	} else {
		rc = smtp_ask(s->c, slice_lit("DATA\r\n"), err);
		is_refused = rc == 0 && s->c->code != 354;
		if (rc == 0 && !is_refused)
			rc = send_data(s, err);
	}
	if (rc < 0)
		return rc;
	if (is_refused) {
		set_accepted(s, outcome_of(s->c));
		s->c->is_dirty = true;
		return 0;
	}
	rc = hear_end(s, err);
	/* It may have been taken all the same: the one place where a second copy cannot be
	 * excluded. */
	s->is_unsure = rc < 0;
	if (rc < 0)
		log_warn(NULL, "smtp-unsure", log_n("message", s->m->id), log_c("host", s->c->host),
			log_e(err));
	return rc;
}

/* ---- all of it ---- */

/* False: nobody is left to send to. */
static bool check_addresses(struct sending *s)
{
	bool is_any = false;

	if ((s->m->sender.len && !is_address(s->m->sender)) ||
		(s->m->path.len && !is_address(s->m->path))) {
		set_all(s, QUEUE_OUT_FAILED, slice_lit("553 5.1.7 malformed sender"));
		return false;
	}
	for (size_t i = 0; i < s->m->recipients_n; i++) {
		struct queue_recipient *r = &s->m->recipients[i];

		r->outcome = QUEUE_OUT_NONE;
		r->reply = (struct slice){0};
		if (is_address(r->address))
			is_any = true;
		else
			set_outcome(
				s, r, QUEUE_OUT_FAILED, slice_lit("553 5.1.3 malformed address"));
	}
	return is_any;
}

static int transact(struct sending *s, struct err *err)
{
	const char *why;
	int rc = smtp_check_fits(s->c, s->queue, s->m, &why, err);

	if (rc < 0 || why) {
		if (rc == 0)
			set_all(s, QUEUE_OUT_FAILED, slice_str(why));
		return rc;
	}
	if (s->c->is_dirty) {
		rc = smtp_ask(s->c, slice_lit("RSET\r\n"), err);
		rc = rc < 0 ? rc : check_goes_on(s, err);
	}
	s->c->is_dirty = true;
	if (rc == 0)
		rc = send_envelope(s, err);
	if (rc < 0 || s->accepted == 0 || s->c->is_broken)
		return rc;
	s->c->is_dirty = false;
	return send_text(s, err);
}

void smtp_client_send(struct smtp_client *c, struct queue *queue, struct queue_message *m)
{
	struct sending s = {.c = c, .queue = queue, .m = m};
	struct err err;

	if (!check_addresses(&s))
		return;
	buf_init(&s.chunk, QUEUE_CHUNK);
	buf_init(&s.ascii, ASCII_MAX);
	if (transact(&s, &err) < 0)
		set_lost(&s, &err);
	else if (c->is_broken) /* 421 before the end */
		set_all(&s, QUEUE_OUT_DEFERRED, buf_slice(&c->text));
	c->transactions++;
	mime_downgrade_free(&c->sevenbit);
	mime_message_free(&c->parts);
	buf_done(&s.chunk);
	buf_done(&s.ascii);
}
