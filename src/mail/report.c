/* report.c - see report.h for the contract. */
#include "mail/report.h"

#include "base/clock.h"
#include "wire/mime/report.h"

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

/* What there is to tell; more than ENTRIES_MAX are only counted. */
static size_t list_items(const struct letter *letter, struct mime_report_item *items, size_t max)
{
	const struct letter_target *t;
	size_t at = 0, n = 0;

	while ((t = next_told(letter, &at)) && n < max)
		items[n++] = (struct mime_report_item){
			.action = t->state == LETTER_FAILED ? MIME_REPORT_FAILED
							    : MIME_REPORT_DELIVERED,
			.recipient = t->recipient,
			.orcpt = t->orcpt,
			.status = slice_str(status_of(t)),
			.words = slice_str(words_of(t)),
		};
	return n;
}

static int put_report(struct buf *b, struct service *s, const struct letter *letter,
	const struct incoming *about, struct arena *arena, struct err *err)
{
	struct mime_report_item *items = arena_array(arena, struct mime_report_item, ENTRIES_MAX);
	struct mime_report report = {.host_name = s->host_name,
		.to = letter->sender,
		.envid = letter->envid,
		.id = letter->delivery_id,
		.now_s = clock_wall_s(),
		.arrival_s = letter->accepted_s,
		.is_utf8 = letter->is_smtputf8,
		.items = items};
	struct buf head AUTO(buf_done);
	int rc;

	buf_init(&head, HEADER_MAX);
	if (!items)
		return err_set(err, ERR_TOOBIG, "envelope too large");
	report.n = list_items(letter, items, ENTRIES_MAX);
	rc = spool_read(about->spool, letter->own_bytes, HEADER_MAX, &head, err);
	if (rc < 0)
		return rc;
	report.original = buf_slice(&head);
	buf_lit(b, "Return-Path: <>\r\n");
	mime_report_put(b, &report);
	return buf_check(b, "delivery report", err);
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

static bool is_any_told(const struct letter *letter)
{
	size_t at = 0;

	return next_told(letter, &at);
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
	int rc;

	arena_init(&arena, LETTER_ARENA_MAX);
	buf_init(&text, REPORT_MAX);
	*letter_out = NULL;
	*in_out = NULL;
	if (letter->sender.len == 0 || letter->is_report || !is_any_told(letter))
		return 0;
	rc = find_sender(service, letter->sender, &arena, &to.resolved, err);
	if (rc < 0 || to.resolved.n == 0)
		return rc;
	rc = put_report(&text, service, letter, about, &arena, err);
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
