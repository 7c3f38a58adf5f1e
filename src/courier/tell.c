/*
 * tell.c - senders are told what became of their mail: RFC 3461, 3464.
 *
 * The report is a message of the queue's own, for the mail server of this host, which knows whether
 * the sender is here or elsewhere.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "courier/runner_internal.h"
#include "wire/mime/report.h"

enum {
	TEXT_MAX = 4 << 20,
	WHOLE_MAX = QUEUE_CHUNK, /* a larger message is not sent back, only its header */
	STATUS_LEN = 16,
	TURN_MAX = 200,
};

static enum mime_report_action action_of(const struct queue_recipient *r)
{
	if (r->is_delayed)
		return MIME_REPORT_DELAYED;
	if (r->state == QUEUE_BOUNCED)
		return MIME_REPORT_FAILED;
	return r->state == QUEUE_RELAYED ? MIME_REPORT_RELAYED : MIME_REPORT_DELIVERED;
}

/* The first word that looks like a status; the class must be that of the action. */
static struct slice status_in(struct slice reply)
{
	struct slice rest = reply;

	for (int i = 0; i < 2 && rest.len; i++) {
		const struct slice word = slice_cut(rest, ' ', &rest);

		if (word.len >= 5 && word.len < STATUS_LEN && word.ptr[1] == '.' &&
			slice_chr(slice_from(word, 2), '.') != SIZE_MAX)
			return word;
	}
	return (struct slice){0};
}

static struct slice status_of(
	struct queue_message *m, const struct queue_recipient *r, enum mime_report_action action)
{
	static const char *const defaults[] = {"5.0.0", "4.0.0", "2.0.0", "2.0.0"};
	const struct slice status = status_in(r->reply);
	char *copy;

	if (action == MIME_REPORT_DELAYED && m->flags & QUEUE_BY_OVER)
		return slice_lit("4.4.7"); /* RFC 2852 4.1.4.1 */

	if (!status.len || action > MIME_REPORT_DELAYED)
		return slice_str(defaults[action]);
	/* What failed for now so often that time was up has failed (RFC 3464 2.3.4). */
	if (action == MIME_REPORT_FAILED && status.ptr[0] == '4') {
		copy = arena_str(&m->arena, status);
		if (copy)
			copy[0] = '5';
		return copy ? slice_str(copy) : slice_str(defaults[action]);
	}
	return status;
}

static const char *words_of(const struct queue_recipient *r, enum mime_report_action action)
{
	const bool is_final = r->reply.len && r->reply.ptr[0] == '5';

	switch (action) {
	case MIME_REPORT_FAILED:
		return is_final ? "it could not be delivered."
				: "it could not be delivered for too long.";
	case MIME_REPORT_DELAYED:
		return "it could not be delivered yet.";
	case MIME_REPORT_RELAYED:
		return "it was passed on to a host that tells nothing of its further way.";
	default:
		return "it was delivered.";
	}
}

static struct mime_report_item item_of(struct queue_message *m, const struct queue_recipient *r)
{
	const enum mime_report_action action = action_of(r);

	return (struct mime_report_item){.action = action,
		.recipient = r->recipient.len ? r->recipient : r->address,
		.orcpt = r->orcpt,
		.status = status_of(m, r, action),
		.words = slice_str(words_of(r, action)),
		.host = r->host,
		.diagnostic = r->reply,
		.until_s = action == MIME_REPORT_DELAYED ? m->expires_s : 0};
}

static bool is_any_failed(const struct queue_message *m)
{
	bool is = false;

	for (size_t i = 0; i < m->recipients_n && !is; i++)
		is = m->recipients[i].state == QUEUE_BOUNCED;
	return is;
}

static int compose(
	struct runner *r, struct queue_message *m, uint64_t id, struct buf *out, struct err *err)
{
	struct mime_report report = {.host_name = r->settings->host_name,
		.to = m->sender,
		.envid = m->envid,
		.id = id,
		.now_s = clock_wall_s(),
		.arrival_s = m->accepted_s,
		.by_s = m->by_s,
		.is_utf8 = m->flags & QUEUE_SMTPUTF8,
		.n = m->recipients_n};
	struct mime_report_item *items =
		arena_array(&m->arena, struct mime_report_item, m->recipients_n);
	struct buf original AUTO(buf_done);
	int rc;

	buf_init(&original, QUEUE_CHUNK);
	if (!items)
		return err_set(err, ERR_TOOBIG, "envelope too large");
	for (size_t i = 0; i < m->recipients_n; i++)
		items[i] = item_of(m, &m->recipients[i]);
	rc = queue_read(r->queue, m->id, 0, &original, err);
	if (rc < 0)
		return rc;
	report.items = items;
	report.original = buf_slice(&original);
	/* RFC 3461 4.3: the whole text only about failures. */
	report.is_whole = m->ret == 'F' && !(m->flags & QUEUE_REQUIRETLS) && m->size <= WHOLE_MAX &&
			  is_any_failed(m);
	mime_report_put(out, &report);
	return buf_check(out, "delivery report", err);
}

static struct queue_message *report_for(const struct queue_message *about, uint64_t id)
{
	struct queue_message *m = queue_message_new();
	const struct queue_recipient to = {.address = about->sender, .notify = QUEUE_NOTIFY_NEVER};
	struct err err;

	m->delivery_id = id;
	m->origin = QUEUE_OF_REPORT;
	m->priority = QUEUE_FIRST;
	/* RFC 8689 5 */
	m->flags = QUEUE_REPORT | (about->flags & (QUEUE_SMTPUTF8 | QUEUE_8BIT | QUEUE_REQUIRETLS));
	if (queue_message_add(m, &to, &err) < 0)
		queue_message_free(&m);
	return m;
}

static int tell(struct runner *r, struct queue_message *about, struct err *err)
{
	const uint64_t id = (random_u64() >> 1) | 1;
	const int64_t message = about->id;
	struct queue_message *report = NULL;
	struct buf text AUTO(buf_done);
	int rc;

	buf_init(&text, TEXT_MAX);
	rc = compose(r, about, id, &text, err);
	if (rc == 0)
		report = report_for(about, id);
	if (rc < 0 && rc != -ERR_TOOBIG) {
		queue_message_free(&about);
		return rc;
	}
	rc = queue_report_done(r->queue, about, report, buf_slice(&text), err);
	if (rc == 0)
		log_info(NULL, "sender-told", log_n("message", message));
	return rc;
}

void runner_tell(struct runner *r)
{
	struct queue_message *about;
	struct err err;
	int rc = 0;

	for (int i = 0; i < TURN_MAX && rc == 0; i++) {
		rc = queue_report_next(r->queue, &about, &err);
		if (rc == 0)
			rc = tell(r, about, &err);
	}
	if (rc < 0 && rc != -ERR_NOTFOUND)
		log_error(NULL, "report", log_e(&err));
}
