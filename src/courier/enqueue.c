/* enqueue.c - see enqueue.h for the contract. */
#include "courier/enqueue.h"

#include <stdlib.h>

#include "ask/verbs.h"
#include "base/io.h"
#include "base/mem.h"
#include "courier/runner.h"

struct enqueuing {
	struct asked *asked;
	int fd;
	struct buf text; /* of a short message */
	struct track *track;
	uint64_t number; /* of the message, there */
};

static void enqueuing_free(struct enqueuing *e)
{
	io_close(&e->fd);
	buf_done(&e->text);
	free(e);
}

static void on_put(void *context, int rc, const struct err *err)
{
	struct enqueuing *e = context;
	struct buf fields AUTO(buf_done);

	buf_init(&fields, FRAME_HEAD);
	if (rc < 0) {
		track_event(e->track, e->number, "not-queued", log_e(err));
		asked_fail(e->asked, err);
	} else {
		track_event(e->track, e->number, "queued");
		asked_answer(e->asked, &fields);
	}
	enqueuing_free(e);
}

static unsigned flags_of(uint64_t bits)
{
	static const struct {
		enum ask_letter bit;
		enum queue_flag flag;
	} flags[] = {
		{ASK_LETTER_SMTPUTF8, QUEUE_SMTPUTF8},
		{ASK_LETTER_8BIT, QUEUE_8BIT},
		{ASK_LETTER_REPORT, QUEUE_REPORT},
		{ASK_LETTER_REPEATED, QUEUE_REPEATED},
		{ASK_LETTER_BY_NOTIFY, QUEUE_BY_NOTIFY},
		{ASK_LETTER_BY_TRACED, QUEUE_BY_TRACE},
		{ASK_LETTER_REQUIRETLS, QUEUE_REQUIRETLS},
		{ASK_LETTER_TLS_OPTIONAL, QUEUE_TLS_OPTIONAL},
	};
	unsigned found = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		found |= bits & flags[i].bit ? flags[i].flag : 0;
	return found;
}

static enum queue_priority priority_of(uint64_t priority)
{
	static const enum queue_priority of[ASK_PRIORITIES] = {
		[ASK_NORMAL] = QUEUE_NORMAL, [ASK_URGENT] = QUEUE_FIRST, [ASK_BULK] = QUEUE_BULK};

	return priority < ASK_PRIORITIES ? of[priority] : QUEUE_NORMAL;
}

static int take_text(struct queue_message *m, struct slice *text, struct err *err)
{
	*text = arena_dup(&m->arena, *text);
	return text->ptr ? 0 : err_set(err, ERR_TOOBIG, "envelope too large");
}

static int take_recipients(struct frame *f, struct queue_message *m, struct err *err)
{
	const uint64_t n = frame_u64(f);
	int rc = 0;

	for (uint64_t i = 0; i < n && rc == 0 && !f->is_bad; i++) {
		struct queue_recipient r = {.address = frame_bytes(f)};

		r.recipient = frame_bytes(f);
		r.orcpt = frame_bytes(f);
		r.notify = (unsigned)frame_u64(f);
		r.is_here = frame_u64(f);
		rc = queue_message_add(m, &r, err);
	}
	return rc;
}

static int take_letter(
	struct frame *f, struct queue_message *m, struct queue_body *body, struct err *err)
{
	int rc;

	m->delivery_id = frame_u64(f);
	m->number = frame_u64(f);
	m->flags = flags_of(frame_u64(f));
	m->submitter = frame_u64(f);
	m->accepted_s = (int64_t)frame_u64(f);
	m->ret = (char)frame_u64(f);
	m->not_before_s = (int64_t)frame_u64(f);
	m->by_s = (int64_t)frame_u64(f);
	m->priority = priority_of(frame_u64(f));
	m->until_ms = (int64_t)frame_u64(f);
	m->sender = frame_bytes(f);
	m->path = frame_bytes(f);
	m->route = frame_bytes(f);
	m->envid = frame_bytes(f);
	body->size = frame_u64(f);
	body->at = frame_u64(f);
	body->bytes = frame_bytes(f);
	m->origin = m->submitter ? QUEUE_OF_USER : QUEUE_OF_FORWARD;
	rc = take_text(m, &m->sender, err);
	if (rc == 0)
		rc = take_text(m, &m->path, err);
	if (rc == 0)
		rc = take_text(m, &m->route, err);
	if (rc == 0)
		rc = take_text(m, &m->envid, err);
	if (rc == 0)
		rc = take_recipients(f, m, err);
	if (rc == 0 && !frame_end(f))
		rc = err_set(err, ERR_SYNTAX, "this is no letter");
	return rc;
}

void desk_enqueue(struct courier *courier, struct asked *asked, struct frame *f, int fd)
{
	struct enqueuing *e = mem_new(struct enqueuing);
	struct queue_message *m = queue_message_new();
	struct queue_body body = {.fd = fd};
	struct err err;
	int rc;

	e->asked = asked;
	e->fd = fd;
	rc = take_letter(f, m, &body, &err);
	if (rc == 0 && fd < 0 && body.bytes.len != body.size)
		rc = err_set(&err, ERR_SYNTAX, "the text is not as long as it was said to be");
	if (rc < 0) {
		queue_message_free(&m);
		on_put(e, rc, &err);
		return;
	}
	e->track = courier->track;
	e->number = m->number;
	track_address(courier->track, m->number, m->sender);
	for (size_t i = 0; i < m->recipients_n; i++)
		track_address(courier->track, m->number, m->recipients[i].address);
	buf_init(&e->text, body.bytes.len);
	buf_append(&e->text, body.bytes);
	body.bytes = buf_slice(&e->text);
	queue_put(runner_queue(courier->runner), m, &body, on_put, e);
}
