/* report.c - see report.h for the contract. */
#include "mail/report.h"

#include <stdio.h>

#include "base/clock.h"
#include "mail/trace.h"

enum {
	REPORT_MAX = 4 * 1024 * 1024,
	HEADER_MAX = 64 * 1024, /* of the message reported on */
	ENTRIES_MAX = 1000,     /* more recipients than these are only counted */
};

/* RFC 3463 for the reasons that the store and the directory give. */
static const char *status_of(const struct letter_target *t)
{
	static const char *const of[] = {
		[ERR_TOOBIG] = "5.2.3",
		[ERR_NOTFOUND] = "5.1.1",
		[ERR_DENIED] = "5.2.1",
		[ERR_QUOTA] = "5.2.2",
	};

	if (t->state == LETTER_STORED)
		return "2.0.0";
	return t->code < sizeof(of) / sizeof(of[0]) && of[t->code] ? of[t->code] : "5.4.7";
}

static const char *words_of(const struct letter_target *t)
{
	static const char *const of[] = {
		[ERR_TOOBIG] = "the message is too big",
		[ERR_NOTFOUND] = "there is no such user",
		[ERR_DENIED] = "the mailbox takes no mail",
		[ERR_QUOTA] = "the mailbox is full",
	};

	if (t->state == LETTER_STORED)
		return "delivered";
	return t->code < sizeof(of) / sizeof(of[0]) && of[t->code]
		       ? of[t->code]
		       : "it could not be delivered for too long";
}

/* RFC 3461 4.1: failures unless the sender said otherwise, success only if asked for. */
static bool is_told(const struct letter_target *t)
{
	if (t->is_crossed)
		return false;
	if (t->state == LETTER_FAILED)
		return t->notify == 0 || t->notify & NOTIFY_FAILURE;
	return t->state == LETTER_STORED && t->account && t->notify & NOTIFY_SUCCESS;
}

/* An alias's targets stand one after the other; the sender knows only its name. */
static bool is_same(const struct letter_target *a, const struct letter_target *b)
{
	return a->state == b->state && slice_eq(a->recipient, b->recipient);
}

static const struct letter_target *next_told(const struct letter *letter, size_t *at)
{
	const struct letter_target *before = *at ? &letter->targets[*at - 1] : NULL;

	for (; *at < letter->targets_n; (*at)++) {
		const struct letter_target *t = &letter->targets[*at];

		if (is_told(t) && !(before && is_same(before, t)))
			return &letter->targets[(*at)++];
	}
	return NULL;
}

static void put_head(struct buf *b, struct service *s, const struct letter *letter,
	struct slice boundary, bool is_failure)
{
	const int64_t now = clock_wall_s();

	buf_lit(b, "Return-Path: <>\r\nFrom: Mail Delivery <postmaster@");
	buf_append(b, s->host_name);
	buf_lit(b, ">\r\nTo: <");
	buf_append(b, letter->sender);
	buf_str(b, is_failure ? ">\r\nSubject: Mail could not be delivered\r\n"
			      : ">\r\nSubject: Mail was delivered\r\n");
	buf_lit(b, "Date: ");
	mail_date_put(b, now);
	buf_lit(b, "\r\nMessage-ID: ");
	mail_id_put(b, s->host_name);
	buf_lit(b, "\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
		   "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"");
	buf_append(b, boundary);
	buf_lit(b, "\"\r\n\r\n");
}

static void put_part(struct buf *b, struct slice boundary, const char *type)
{
	buf_lit(b, "--");
	buf_append(b, boundary);
	buf_lit(b, "\r\nContent-Type: ");
	buf_str(b, type);
	buf_lit(b, "\r\n\r\n");
}

static void put_words(struct buf *b, struct service *s, const struct letter *letter)
{
	const struct letter_target *t;
	size_t at = 0, n = 0;

	buf_lit(b, "This is the mail system at ");
	buf_append(b, s->host_name);
	buf_lit(b, ".\r\nWhat became of your message:\r\n\r\n");
	while ((t = next_told(letter, &at)) && n++ < ENTRIES_MAX) {
		buf_lit(b, "<");
		buf_append(b, t->recipient);
		buf_lit(b, ">: ");
		buf_str(b, words_of(t));
		buf_lit(b, "\r\n");
	}
	buf_lit(b, "\r\n");
}

static void put_status(struct buf *b, struct service *s, const struct letter *letter)
{
	const struct letter_target *t;
	size_t at = 0, n = 0;

	buf_lit(b, "Reporting-MTA: dns; ");
	buf_append(b, s->host_name);
	if (letter->envid.len) {
		buf_lit(b, "\r\nOriginal-Envelope-Id: ");
		buf_append(b, letter->envid);
	}
	buf_lit(b, "\r\n\r\n");
	while ((t = next_told(letter, &at)) && n++ < ENTRIES_MAX) {
		if (t->orcpt.len) {
			buf_lit(b, "Original-Recipient: ");
			buf_append(b, t->orcpt);
			buf_lit(b, "\r\n");
		}
		buf_lit(b, "Final-Recipient: rfc822; ");
		buf_append(b, t->recipient);
		buf_str(b, t->state == LETTER_FAILED ? "\r\nAction: failed\r\nStatus: "
						     : "\r\nAction: delivered\r\nStatus: ");
		buf_str(b, status_of(t));
		buf_lit(b, "\r\n\r\n");
	}
}

/* The header of the message, as much as is kept for reports, cut at the end of a line. */
static int put_header(
	struct buf *b, const struct letter *letter, const struct incoming *about, struct err *err)
{
	const uint64_t at = letter->own_bytes;
	struct buf head AUTO(buf_done);
	struct slice text;
	size_t end;
	int rc;

	buf_init(&head, HEADER_MAX);
	rc = spool_read(about->spool, at, HEADER_MAX, &head, err);
	if (rc < 0)
		return rc;
	text = buf_slice(&head);
	end = slice_find(text, slice_lit("\r\n\r\n"));
	if (end == SIZE_MAX)
		end = slice_rchr(text, '\n') == SIZE_MAX ? 0 : slice_rchr(text, '\n') - 1;
	buf_append(b, slice_head(text, end));
	buf_lit(b, "\r\n\r\n");
	return 0;
}

static int put_report(struct buf *b, struct service *s, const struct letter *letter,
	const struct incoming *about, bool is_failure, struct err *err)
{
	char name[40];
	const int n = snprintf(
		name, sizeof(name), "report-%llx", (unsigned long long)letter->delivery_id);
	const struct slice boundary = {name, (size_t)n};
	int rc;

	put_head(b, s, letter, boundary, is_failure);
	put_part(b, boundary, "text/plain; charset=utf-8");
	put_words(b, s, letter);
	put_part(b, boundary,
		letter->is_smtputf8 ? "message/global-delivery-status" : "message/delivery-status");
	put_status(b, s, letter);
	put_part(b, boundary,
		letter->is_smtputf8 ? "message/global-headers" : "text/rfc822-headers");
	rc = put_header(b, letter, about, err);
	buf_lit(b, "--");
	buf_append(b, boundary);
	buf_lit(b, "--\r\n");
	return rc < 0 ? rc : buf_check(b, "delivery report", err);
}

/* The sender as the report's recipient: here if it is known here, else elsewhere. Without targets
 * there is nobody to tell. */
static int find_sender(struct service *s, struct slice sender, struct arena *arena,
	struct mail_resolved *out, struct err *err)
{
	struct mail_target *target;
	const int rc = mail_resolve(s->directory, sender, arena, out, err);

	if (rc == -ERR_NOTFOUND || rc == -ERR_CONFLICT || rc == -ERR_TOOBIG)
		return 0;
	if (rc != -ERR_DENIED)
		return rc;
	target = arena_array(arena, struct mail_target, 1);
	if (!target)
		return err_set(err, ERR_TOOBIG, "envelope too large");
	target->address = sender;
	*out = (struct mail_resolved){.targets = target, .n = 1};
	return 0;
}

static int make_incoming(
	struct service *s, struct slice text, struct incoming **in_out, struct err *err)
{
	struct incoming *in = incoming_new(store_spool_dir(s->store), REPORT_MAX);
	int rc = incoming_append(in, text, err);

	if (rc == 0)
		rc = incoming_finish(in, err);
	if (rc < 0) {
		incoming_free(&in);
		return rc;
	}
	*in_out = in;
	return 0;
}

static bool is_any_told(const struct letter *letter, bool *is_failure)
{
	const struct letter_target *t;
	bool is_any = false;
	size_t at = 0;

	*is_failure = false;
	while ((t = next_told(letter, &at))) {
		is_any = true;
		*is_failure = *is_failure || t->state == LETTER_FAILED;
	}
	return is_any;
}

int mail_report(struct service *service, const struct letter *letter, const struct incoming *about,
	struct letter **letter_out, struct incoming **in_out, struct err *err)
{
	struct mail_recipient to = {.address = letter->sender, .notify = NOTIFY_NEVER};
	struct mail_envelope env = {.is_smtputf8 = letter->is_smtputf8,
		.recipients = &to,
		.recipients_n = 1,
		.own_bytes = sizeof("Return-Path: <>\r\n") - 1};
	struct arena arena AUTO(arena_done);
	struct buf text AUTO(buf_done);
	bool is_failure;
	int rc;

	arena_init(&arena, LETTER_ARENA_MAX);
	buf_init(&text, REPORT_MAX);
	*letter_out = NULL;
	*in_out = NULL;
	if (letter->sender.len == 0 || letter->is_report || !is_any_told(letter, &is_failure))
		return 0;
	rc = find_sender(service, letter->sender, &arena, &to.resolved, err);
	if (rc < 0 || to.resolved.n == 0)
		return rc;
	rc = put_report(&text, service, letter, about, is_failure, err);
	if (rc == 0)
		rc = make_incoming(service, buf_slice(&text), in_out, err);
	if (rc == 0)
		rc = letter_new(&env, letter_out, err);
	if (rc < 0)
		incoming_free(in_out);
	else
		(*letter_out)->is_report = true;
	return rc;
}
