/* internal.h - what the files of this room share; nobody else includes it. */
#ifndef NOTICE_INTERNAL_H
#define NOTICE_INTERNAL_H

#include "group/group.h"
#include "notice/notice.h"

enum notice_state { NOTICE_WAITING, NOTICE_SENT, NOTICE_FAILED };

struct notices {
	struct service *service;
	struct notice_config config; /* in the arena */
	struct arena arena;
	struct db *db, *reader;
	struct group group;
	pthread_mutex_t reader_lock;
	struct pool_timer timer;
	int64_t purge_s; /* these two are the job's */
	bool was_any;
	pthread_mutex_t lock; /* guards what follows */
	int64_t timer_due_ms; /* 0: not set */
	size_t running;       /* sendings of the batch, and the batch itself */
};

/* One notice of a batch; its texts live while the batch is begun. */
struct sending {
	uint64_t id, account;
	struct slice template, values, to;
	unsigned attempts;
};

/* notices_arm - the job runs in delay_ms at the latest. */
void notices_arm(struct notices *notices, int64_t delay_ms);
/* notices_mark - record what became of it, or when to try again; ends in notices_finish(). */
void notices_mark(struct notices *notices, uint64_t id, enum notice_state state, int64_t due);
void notices_finish(struct notices *notices);

/* send.c: compose and deliver one; ends in notices_mark(). */
void sending_start(struct notices *notices, const struct sending *sending);

#endif
