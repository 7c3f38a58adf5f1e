/* message.c - a message in memory: see queue.h. */
#include <stdlib.h>

#include "base/mem.h"
#include "queue/internal.h"

enum { RECIPIENTS_FIRST = 4 };

struct queue_message *queue_message_new(void)
{
	struct queue_message *m = mem_new(struct queue_message);

	arena_init(&m->arena, QUEUE_ARENA_MAX);
	m->priority = QUEUE_NORMAL;
	return m;
}

void queue_message_free(struct queue_message **m)
{
	if (*m) {
		arena_done(&(*m)->arena);
		free((*m)->recipients);
	}
	free(*m);
	*m = NULL;
}

static bool copy(struct queue_message *m, struct slice *s)
{
	if (s->len)
		*s = arena_dup(&m->arena, *s);
	return s->ptr || !s->len;
}

int queue_message_add(
	struct queue_message *m, const struct queue_recipient *recipient, struct err *err)
{
	struct queue_recipient r = *recipient;

	if (m->recipients_n == QUEUE_RECIPIENTS_MAX)
		return err_set(err, ERR_TOOBIG, "too many recipients");
	if (!copy(m, &r.address) || !copy(m, &r.recipient) || !copy(m, &r.orcpt) ||
		!copy(m, &r.reply) || !copy(m, &r.host))
		return err_set(err, ERR_TOOBIG, "envelope too large");
	if (m->recipients_n == m->recipients_cap) {
		m->recipients_cap = m->recipients_cap ? m->recipients_cap * 2 : RECIPIENTS_FIRST;
		m->recipients =
			mem_realloc(m->recipients, m->recipients_cap * sizeof(m->recipients[0]));
	}
	m->recipients[m->recipients_n++] = r;
	return 0;
}

bool queue_is_told(const struct queue_message *m, unsigned notify, unsigned event)
{
	if (m->sender.len == 0 || m->flags & QUEUE_REPORT)
		return false;
	if (notify == 0)
		return event != QUEUE_NOTIFY_SUCCESS;
	return notify & event;
}

void queue_changes_init(struct queue_changes *changes)
{
	*changes = (struct queue_changes){.report_s = INT64_MAX};
	arena_init(&changes->arena, QUEUE_ARENA_MAX);
}

void queue_changes_clear(struct queue_changes *changes)
{
	changes->n = 0;
	changes->report_s = INT64_MAX;
}

void queue_changes_done(struct queue_changes *changes)
{
	arena_done(&changes->arena);
	free(changes->list);
}

void queue_changes_add(
	struct queue_changes *changes, int64_t destination, struct slice name, int64_t due_s)
{
	if (changes->n && changes->list[changes->n - 1].destination == destination) {
		struct queue_change *last = &changes->list[changes->n - 1];

		last->due_s = due_s < last->due_s ? due_s : last->due_s;
		return;
	}
	if (changes->n == changes->cap) {
		changes->cap = changes->cap ? changes->cap * 2 : RECIPIENTS_FIRST;
		changes->list = mem_realloc(changes->list, changes->cap * sizeof(changes->list[0]));
	}
	changes->list[changes->n++] = (struct queue_change){.destination = destination,
		.due_s = due_s,
		.name = arena_dup(&changes->arena, name)};
}

void queue_changes_tell(struct queue *queue, const struct queue_changes *changes)
{
	queue_report_at(queue, changes->report_s);
	for (size_t i = 0; queue->config.changed && i < changes->n; i++) {
		const struct queue_change *c = &changes->list[i];

		queue->config.changed(queue->config.context, c->destination, c->name, c->due_s);
	}
}
