/*
 * accept.h - the delivery log's own parts: accept.c takes letters in and keeps the lists, work.c
 * delivers them, and crosses off what is done.
 *
 * Invariants
 *   1. A letter is in accept.db from before its 250 until every target is stored, queued or has
 *      failed for good; what failed is told in a report that is inserted by the transaction that
 *      crosses it off.
 *   2. Delivering again is harmless: accounts and the queue know the letter's delivery id. So
 *      whatever is in doubt (a crash, a failed cross-off, another server at work on the same letter
 *      during an upgrade) is simply delivered again.
 *   3. An accepted letter is in exactly one place: handed out to workers (ready), between two
 *      attempts (waiting), done with one attempt (crossing), or with targets still running.
 *
 * Lists and states are under one lock; targets' deliveries are not. A letter that waits gives its
 * memory back and is loaded again.
 */
#ifndef MAIL_ACCEPT_H
#define MAIL_ACCEPT_H

#include "group/group.h"
#include "mail/letter.h"

enum { ACCEPT_WORKERS = 8 };

struct accepted {
	struct accepted *next;
	struct mail_accept *accept;
	struct letter *letter; /* NULL: only in the database */
	struct incoming *in;   /* likewise */
	int64_t id;
	size_t next_target; /* to hand out; letter->targets_n: none left */
	size_t running;
	unsigned attempts;
	int64_t due_ms; /* while waiting */
};

struct accepted_list {
	struct accepted *head, **tail;
};

struct worker {
	struct pool_job job;
	struct mail_accept *accept;
	bool is_busy;
};

struct mail_accept {
	struct service *service;
	struct db *db, *reader;
	struct group group;
	pthread_mutex_t reader_lock, lock;
	struct accepted_list ready, waiting, crossing;
	size_t count, held;
	struct worker workers[ACCEPT_WORKERS];
	struct pool_timer timer;
	int64_t timer_due_ms; /* 0: not set */
};

/* All but accepted_new() and the two runs: under the lock. */
struct accepted *accepted_new(
	struct mail_accept *accept, struct letter *letter, struct incoming *in);
void accepted_free(struct accepted *a);
/* accepted_release - give the letter's memory back; it is in the database. */
void accepted_release(struct accepted *a);

void accepted_list_init(struct accepted_list *list);
void accepted_list_push(struct accepted_list *list, struct accepted *a);
struct accepted *accepted_list_pop(struct accepted_list *list);

/* accepted_ready - to the workers, if there is anything to do for them. */
void accepted_ready(struct accepted *a);
/* accepted_wait - to be tried again later. */
void accepted_wait(struct accepted *a);
/* accepted_cross_soon - the attempt is over for all targets. */
void accepted_cross_soon(struct accepted *a);
/* accepted_find_waiting - move next_target to the next one that waits; false if there is none. */
bool accepted_find_waiting(struct accepted *a);
void accept_start_worker(struct mail_accept *accept);
void accept_arm(struct mail_accept *accept, int64_t due_ms);

/* work.c: a worker's job, and what the timer does. */
void accept_work(struct pool_job *job);
void accept_tick(struct pool_job *job);

#endif
