/* queue_kit.h - a queue in a temporary folder, for the tests of this room and of the courier. */
#ifndef QUEUE_KIT_H
#define QUEUE_KIT_H

#include "queue/manage.h"

/* kit_enter - a new temporary folder is the current one; kit_leave - it is gone. */
void kit_enter(void);
void kit_leave(void);

struct kit {
	struct queue *queue;
	int64_t due_s; /* the least that changed() told since the last kit_reset() */
	int64_t destination;
	char name[QUEUE_NAME_MAX];
	unsigned changes;
};
/* kit_open - pauses of 60 s and 120 s, a day of life, word of delay after an hour. */
void kit_open(struct kit *kit, const char *smarthost);
void kit_close(struct kit *kit);

/* kit_set_up, kit_tear_down - a folder and an open kit as a test's state. */
int kit_set_up(void **state);
int kit_tear_down(void **state);
/* kit_move_clock - so many seconds on, for this process. */
void kit_move_clock(int64_t s);

/* kit_message - from sender@here.example to these addresses, NULL at the end. */
struct queue_message *kit_message(const char *const *to);
/* kit_put - that text; what queue_put() said. */
int kit_put(struct kit *kit, struct queue_message *m, const char *text);
int kit_put_to(struct kit *kit, const char *address);
/* kit_destination - id of a name, or 0. */
int64_t kit_destination(struct kit *kit, const char *name);
struct queue_message *kit_claim(struct kit *kit, const char *destination, size_t max);
void kit_finish(struct kit *kit, struct queue_message *m, enum queue_outcome outcome);
/* kit_dump - "ID.NUMBER state address destination attempts" of all, a line each; and that
 * queue_status() has counted them. */
void kit_dump(struct kit *kit, struct buf *out);
/* kit_expect - that it gives this. */
void kit_expect(struct kit *kit, const char *want);

#endif
