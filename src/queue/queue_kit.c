/* queue_kit.c - see queue_kit.h. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue/queue_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/temp.h"
#include "queue/internal.h"

static char folder[TEMP_MAX];

void kit_enter(void)
{
	assert_non_null(mkdtemp(temp_path(folder, "queue-test-XXXXXX")));
	assert_int_equal(chdir(folder), 0);
}

void kit_leave(void)
{
	static const char *const names[] = {"queue.db", "queue.db-wal", "queue.db-shm"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void on_changed(void *context, int64_t destination, struct slice name, int64_t due_s)
{
	struct kit *kit = context;

	kit->changes++;
	kit->destination = destination;
	snprintf(kit->name, sizeof(kit->name), "%.*s", SLICE_ARG(name));
	if (!kit->due_s || due_s < kit->due_s)
		kit->due_s = due_s;
}

void kit_open(struct kit *kit, const char *smarthost)
{
	const struct queue_config config = {.path = "queue.db",
		.backoff = {.pauses_s = {60, 120}, .n = 2},
		.smarthost = slice_str(smarthost),
		.lifetime_s = 86400,
		.delay_s = 3600,
		.changed = on_changed,
		.context = kit};
	struct err err;

	*kit = (struct kit){0};
	if (queue_open(&config, &kit->queue, &err) < 0)
		fail_msg("open: %s", err.msg);
	if (queue_start(kit->queue, &err) < 0)
		fail_msg("start: %s", err.msg);
}

void kit_close(struct kit *kit)
{
	queue_wait(kit->queue);
	queue_close(&kit->queue);
}

int kit_set_up(void **state)
{
	struct kit *kit = calloc(1, sizeof(*kit));

	kit_enter();
	kit_open(kit, "");
	*state = kit;
	return 0;
}

int kit_tear_down(void **state)
{
	struct kit *kit = *state;

	kit_close(kit);
	kit_leave();
	free(kit);
	return 0;
}

void kit_move_clock(int64_t s)
{
	clock_shift(s * 1000000);
}

struct queue_message *kit_message(const char *const *to)
{
	struct queue_message *m = queue_message_new();
	struct err err;

	m->sender = slice_lit("sender@here.example");
	for (; *to; to++) {
		const struct queue_recipient r = {.address = slice_str(*to)};

		assert_int_equal(queue_message_add(m, &r, &err), 0);
	}
	return m;
}

static void put_done(void *context, int rc, const struct err *err)
{
	(void)err;
	*(int *)context = rc;
}

int kit_put(struct kit *kit, struct queue_message *m, const char *text)
{
	const struct queue_body body = {.fd = -1, .size = strlen(text), .bytes = slice_str(text)};
	int rc = 1;

	queue_put(kit->queue, m, &body, put_done, &rc);
	assert_int_not_equal(rc, 1);
	return rc;
}

int kit_put_to(struct kit *kit, const char *address)
{
	return kit_put(
		kit, kit_message((const char *const[]){address, NULL}), "Subject: x\r\n\r\nx\r\n");
}

int64_t kit_destination(struct kit *kit, const char *name)
{
	struct queue_reader *reader = queue_reader_take(kit->queue);
	int64_t id = 0;
	struct err err;

	if (db_get_int(reader->db, &id, &err, "SELECT id FROM destination WHERE name = ?",
		    db_t(slice_str(name))) < 0)
		id = 0;
	queue_reader_give(reader);
	return id;
}

struct queue_message *kit_claim(struct kit *kit, const char *destination, size_t max)
{
	struct queue_message *m = NULL;
	struct err err;
	const int rc = queue_claim(kit->queue, kit_destination(kit, destination), max, &m, &err);

	if (rc < 0 && rc != -ERR_NOTFOUND)
		fail_msg("claim: %s", err.msg);
	return m;
}

void kit_finish(struct kit *kit, struct queue_message *m, enum queue_outcome outcome)
{
	for (size_t i = 0; i < m->recipients_n; i++) {
		m->recipients[i].outcome = outcome;
		m->recipients[i].reply = slice_lit("550 5.1.1 said so");
		m->recipients[i].host = slice_lit("mx.there.example");
	}
	queue_finish(kit->queue, m);
	queue_wait(kit->queue);
}

struct dump {
	struct buf *out;
	int64_t last_id;
	struct queue_status counted;
};

static void count_entry(struct dump *dump, const struct queue_entry *e)
{
	struct queue_status *counted = &dump->counted;

	if (e->id != dump->last_id) {
		counted->messages++;
		counted->bytes += e->size;
	}
	dump->last_id = e->id;
	counted->held += e->state == QUEUE_HELD;
	counted->recipients += e->state == QUEUE_HELD || e->state == QUEUE_WAITING;
}

static void dump_entry(void *context, const struct queue_entry *e)
{
	static const char *const states[] = {"waiting", "held", "delivered", "relayed", "bounced"};
	struct dump *dump = context;

	count_entry(dump, e);
	buf_printf(dump->out, "%lld.%u %s %.*s %.*s %u\n", (long long)e->id, e->number,
		e->is_running ? "running" : states[e->state], SLICE_ARG(e->address),
		SLICE_ARG(e->destination), e->attempts);
}

void kit_dump(struct kit *kit, struct buf *out)
{
	const struct queue_filter all = {.state = -1};
	struct dump dump = {.out = out};
	struct queue_status status;
	struct err err;
	bool more;

	buf_clear(out);
	assert_int_equal(
		queue_list(kit->queue, &all, 0, 0, SIZE_MAX, dump_entry, &dump, &more, &err), 0);
	buf_byte(out, '\0');
	assert_int_equal(queue_status(kit->queue, &status, &err), 0);
	assert_int_equal(status.messages, dump.counted.messages);
	assert_int_equal(status.bytes, dump.counted.bytes);
	assert_int_equal(status.recipients, dump.counted.recipients);
	assert_int_equal(status.held, dump.counted.held);
}

void kit_expect(struct kit *kit, const char *want)
{
	struct buf got AUTO(buf_done);

	buf_init(&got, 1 << 20);
	kit_dump(kit, &got);
	assert_string_equal(got.ptr, want);
}
