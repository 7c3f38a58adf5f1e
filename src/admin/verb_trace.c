/*
 * verb_trace.c - what happened to messages: what the courier knows of it, and then what the servers
 * do. A courier that is away is told of in a row of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "admin/verb.h"
#include "base/mem.h"
#include "track/rows.h"

enum { COURIER_MS = 10000 };

struct trace_task {
	struct verb_task task; /* must be first */
	json_t *args;
	json_t *rows; /* the courier's, then all */
};

static const char *member(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

/* Messages by number, which is by time; each one's events by time. */
static int compare(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	const int by_message = strcmp(member(x, "message"), member(y, "message"));

	return by_message ? by_message : strcmp(member(x, "time"), member(y, "time"));
}

static int trace_work(struct verb_task *task, struct err *err)
{
	struct trace_task *t = (struct trace_task *)(void *)task;
	json_t *own;
	struct slice what;
	int rc = verb_text(t->args, "what", &what, err);

	if (rc == 0)
		rc = track_rows(
			task->service->track, what, verb_number(t->args, "days"), &own, err);
	if (rc < 0)
		return rc;
	json_array_extend(t->rows, own);
	json_decref(own);
	if (json_array_size(t->rows) == 0)
		return err_set(err, ERR_NOTFOUND, "nothing is known of %.*s", SLICE_ARG(what));
	return 0;
}

static void trace_reply(struct verb_task *task, struct buf *out)
{
	const struct trace_task *t = (struct trace_task *)(void *)task;
	const size_t n = json_array_size(t->rows);
	json_t **list = mem_zalloc_array(n, sizeof(*list));

	for (size_t i = 0; i < n; i++)
		list[i] = json_array_get(t->rows, i);
	qsort(list, n, sizeof(*list), compare);
	for (size_t i = 0; i < n; i++)
		verb_row(out, json_incref(list[i]));
	free(list);
	verb_done(out, NULL);
}

static void trace_free(struct verb_task *task)
{
	struct trace_task *t = (struct trace_task *)(void *)task;

	json_decref(t->args);
	json_decref(t->rows);
	free(t);
}

static void on_courier(struct conn *c, struct answer *answer)
{
	struct control_session *session = conn_session(c);
	json_t *reply = verb_queue_take(answer);
	struct trace_task *t = mem_new(struct trace_task);

	*t = (struct trace_task){
		.task = {.work = trace_work, .reply = trace_reply, .free = trace_free},
		.args = session->trace,
		.rows = json_incref(json_object_get(reply, "rows"))};
	session->trace = NULL;
	if (!t->rows)
		t->rows = json_pack("[{s:s, s:s, s:s, s:s}]", "message", "-", "time", "", "event",
			"incomplete", "what", answer->err.msg);
	json_decref(reply);
	verb_task_run(c, &t->task);
}

void verb_trace(struct conn *c, const json_t *args)
{
	struct control_session *session = conn_session(c);
	json_t *wish = json_deep_copy(args);

	session->trace = json_deep_copy(args);
	json_object_set_new(wish, "do", json_string("trace"));
	verb_queue_ask(c, wish, COURIER_MS, on_courier);
}

void verb_trace_done(struct control_session *session)
{
	json_decref(session->trace);
	session->trace = NULL;
}
