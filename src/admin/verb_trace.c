/* verb_trace.c - what happened to messages, found by number or by address. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/verb.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"

enum { ARENA_BYTES = 8 << 20, MESSAGES_MAX = 100, ROWS_BYTES_MAX = 16 << 20, DAY_S = 86400 };

struct trace_task {
	struct verb_task task; /* must be first */
	char *address;         /* NULL: by number */
	uint64_t number;
	int64_t since_s;
	struct buf rows;
};

static void put_time(int64_t us, char *out, size_t size)
{
	const time_t s = (time_t)(us / 1000000);
	struct tm tm;
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(out + n, size - n, ".%03d", (int)(us / 1000 % 1000));
}

static void put_row(struct buf *rows, uint64_t number, const struct track_entry *entry)
{
	char id[17], when[40];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)number);
	put_time(entry->at_us, when, sizeof(when));
	verb_row(rows, json_pack("{s:s, s:s, s:o, s:o}", "message", id, "time", when, "event",
			       verb_string(entry->kind), "what", verb_string(entry->text)));
}

static int put_message(
	struct trace_task *t, uint64_t number, struct arena *arena, size_t *n_out, struct err *err)
{
	struct track_entry *list;
	const int rc = track_read(t->task.service->track, number, arena, &list, n_out, err);

	for (size_t i = 0; rc == 0 && i < *n_out; i++)
		put_row(&t->rows, number, &list[i]);
	return rc;
}

static int trace_by_number(struct trace_task *t, struct arena *arena, struct err *err)
{
	size_t n = 0;
	const int rc = put_message(t, t->number, arena, &n, err);

	if (rc == 0 && n == 0)
		return err_set(err, ERR_NOTFOUND, "nothing is known of message %016llx",
			(unsigned long long)t->number);
	return rc;
}

static int trace_by_address(struct trace_task *t, struct arena *arena, struct err *err)
{
	uint64_t ids[MESSAGES_MAX], *found;
	size_t n = 0, events;
	int rc = track_find(t->task.service->track, slice_str(t->address), t->since_s, MESSAGES_MAX,
		arena, &found, &n, err);

	if (rc == 0 && n == 0)
		return err_set(err, ERR_NOTFOUND, "no message of %s in that time", t->address);
	if (rc == 0)
		memcpy(ids, found, n * sizeof(*ids));
	for (size_t i = 0; i < n && rc == 0; i++) {
		arena_reset(arena);
		rc = put_message(t, ids[i], arena, &events, err);
	}
	return rc;
}

static int trace_work(struct verb_task *task, struct err *err)
{
	struct trace_task *t = (struct trace_task *)(void *)task;
	struct arena arena AUTO(arena_done);

	arena_init(&arena, ARENA_BYTES);
	return t->address ? trace_by_address(t, &arena, err) : trace_by_number(t, &arena, err);
}

static void trace_reply(struct verb_task *task, struct buf *out)
{
	buf_append(out, buf_slice(&((struct trace_task *)(void *)task)->rows));
	verb_done(out, NULL);
}

static void trace_free(struct verb_task *task)
{
	struct trace_task *t = (struct trace_task *)(void *)task;

	free(t->address);
	buf_done(&t->rows);
	free(t);
}

void verb_trace(struct conn *c, const json_t *args)
{
	struct trace_task *t;
	struct slice what;
	struct err err;
	unsigned char number[8] = {0};
	const uint64_t days = verb_number(args, "days");

	if (verb_text(args, "what", &what, &err) < 0) {
		verb_end(c, -(int)err.code, &err);
		return;
	}
	if (slice_chr(what, '@') == SIZE_MAX && !hex_decode(what, number, sizeof(number))) {
		err_set(&err, ERR_SYNTAX,
			"%.*s is neither an address nor a message's number (16 digits, 0-9 and "
			"a-f)",
			SLICE_ARG(what));
		verb_end(c, -ERR_SYNTAX, &err);
		return;
	}
	t = mem_new(struct trace_task);
	*t = (struct trace_task){
		.task = {.work = trace_work, .reply = trace_reply, .free = trace_free},
		.address = slice_chr(what, '@') == SIZE_MAX ? NULL : mem_str(what),
		.number = be64_get(number),
		.since_s = clock_wall_s() - (int64_t)(days ? days : TRACK_DAYS) * DAY_S};
	buf_init(&t->rows, ROWS_BYTES_MAX);
	verb_task_run(c, &t->task);
}
