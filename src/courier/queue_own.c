/* queue_own.c - see queue_desk.h: what a sender may do with mail of its own that is held. */
#include "queue/own.h"

#include <assert.h>
#include <stdlib.h>

#include "ask/verbs.h"
#include "base/mem.h"
#include "courier/queue_desk.h"
#include "courier/queue_wish.h"
#include "courier/runner.h"
#include "wire/mime/header.h"

static_assert((int)ASK_TEXT_PIECE == (int)QUEUE_CHUNK, "pieces of a text are chunks");

enum { LIST_MAX = 500, RECIPIENTS_MAX = 500, SUBJECT_MAX = 1000 };

/* Whose it is, and which. Numbers of 63 bits: JSON's integers hold them. */
static uint64_t number_of(const struct wish *w, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(w->args, name));
}

static json_t *subject_of(struct queue *queue, int64_t id)
{
	struct buf text AUTO(buf_done);
	struct mime_field field = {0};
	struct err err;

	buf_init(&text, QUEUE_CHUNK);
	if (queue_read(queue, id, 0, &text, &err) < 0 ||
		!mime_header_find(buf_slice(&text), slice_lit("Subject"), &field))
		return json_string("");
	return wish_json_text(slice_head(field.value, SUBJECT_MAX));
}

struct listing {
	struct queue *queue;
	json_t *rows;
};

static void add_letter(void *context, const struct queue_own *own)
{
	const struct listing *listing = context;

	json_array_append_new(listing->rows,
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o, s:o}", "number",
			(json_int_t)own->number, "delivery", (json_int_t)own->delivery_id, "size",
			(json_int_t)own->size, "accepted", (json_int_t)own->accepted_s, "at",
			(json_int_t)own->not_before_s, "recipients", (json_int_t)own->recipients_n,
			"taken", own->is_taken, "to", wish_json_text(own->to), "subject",
			subject_of(listing->queue, own->id)));
}

int wish_own_list(struct wish *w, json_t *out, struct err *err)
{
	struct listing listing = {.queue = wish_queue(w), .rows = json_array()};

	json_object_set_new(out, "rows", listing.rows);
	return queue_own_list(
		listing.queue, number_of(w, "submitter"), LIST_MAX, add_letter, &listing, err);
}

static json_t *recipients_of(const struct queue_message *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->recipients_n && i < RECIPIENTS_MAX; i++) {
		const struct queue_recipient *r = &m->recipients[i];

		json_array_append_new(
			list, wish_json_text(r->recipient.len ? r->recipient : r->address));
	}
	return list;
}

int wish_own_take(struct wish *w, json_t *out, struct err *err)
{
	const uint64_t submitter = number_of(w, "submitter"), id = number_of(w, "delivery");
	struct queue_message *m = NULL;
	int rc = queue_own_take(wish_queue(w), submitter, id, err);

	if (rc == 0)
		rc = queue_own_find(wish_queue(w), submitter, id, &m, err);
	if (rc == 0) {
		track_event(w->courier->track, m->number, "taken-back");
		json_object_set_new(out, "recipients", recipients_of(m));
		json_object_set_new(out, "accepted", json_integer(m->accepted_s));
	}
	queue_message_free(&m);
	return rc;
}

int wish_own_forget(struct wish *w, json_t *out, struct err *err)
{
	(void)out;
	return queue_own_forget(
		wish_queue(w), number_of(w, "submitter"), number_of(w, "delivery"), err);
}

int wish_own_send(struct wish *w, json_t *out, struct err *err)
{
	(void)out;
	return queue_own_send(
		wish_queue(w), number_of(w, "submitter"), number_of(w, "delivery"), err);
}

/* ---- its text ---- */

struct reading {
	struct pool_job job;
	struct courier *courier;
	struct asked *asked;
	uint64_t submitter, delivery, at;
};

static void read_job(struct pool_job *job)
{
	struct reading *r = (struct reading *)job;
	struct queue *queue = runner_queue(r->courier->runner);
	struct buf text AUTO(buf_done), fields AUTO(buf_done);
	struct queue_message *m = NULL;
	struct err err;
	int rc = queue_own_find(queue, r->submitter, r->delivery, &m, &err);

	buf_init(&text, QUEUE_CHUNK);
	buf_init(&fields, QUEUE_CHUNK + FRAME_FIELD_HEAD);
	if (rc == 0)
		rc = queue_read(queue, m->id, r->at, &text, &err);
	frame_put(&fields, buf_slice(&text));
	if (rc == 0)
		asked_answer(r->asked, &fields);
	else
		asked_fail(r->asked, &err);
	queue_message_free(&m);
	free(r);
}

void desk_taken_text(struct courier *courier, struct asked *asked, struct frame *f, int fd)
{
	struct reading *r = mem_new(struct reading);
	struct err err;

	(void)fd;
	*r = (struct reading){.job = {.run = read_job}, .courier = courier, .asked = asked};
	r->submitter = frame_u64(f);
	r->delivery = frame_u64(f);
	r->at = frame_u64(f);
	if (frame_end(f) && r->at % QUEUE_CHUNK == 0) {
		pool_run(courier->pool, POOL_BULK, &r->job);
		return;
	}
	free(r);
	err_set(&err, ERR_SYNTAX, "this names no text");
	asked_fail(asked, &err);
}
