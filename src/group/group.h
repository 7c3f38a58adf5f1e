/*
 * group.h - writes to one database that share its flushes.
 *
 * Whoever finds the queue without an owner becomes the owner: takes all that waits, runs it in
 * one transaction with a savepoint an item, commits once, completes the items, and goes on until
 * nothing waits. After a few rounds it hands over to a job of the pool, so that no connection's
 * thread is caught here for long. Items are the caller's; any thread may submit.
 */
#ifndef GROUP_GROUP_H
#define GROUP_GROUP_H

#include <pthread.h>

#include "db/db.h"
#include "net/pool.h"

struct group_item {
	/* run - the item's statements; a negative result undoes this item alone. */
	int (*run)(struct group_item *item, struct db *db, struct err *err);
	/* done - after the flush, or the failure; the item is the caller's again. */
	void (*done)(struct group_item *item, int rc, const struct err *err);
	struct group_item *next;
	int rc; /* these two are the group's */
	struct err err;
};

struct group_list {
	struct group_item *head, **tail;
};

struct group {
	struct db *db; /* the owner's while is_owned */
	struct pool *pool;
	struct pool_job job;
	pthread_mutex_t lock;
	struct group_list first, later;
	bool is_owned;
};

/* group_init - db stays the caller's but is used by nobody else; pool may be NULL. */
void group_init(struct group *group, struct db *db, struct pool *pool);
void group_done(struct group *group);

/* group_submit - queue the item; it may be completed before this returns, by this thread. */
void group_submit(struct group *group, struct group_item *item);
/* group_hand_over - the same, but a job of the pool does the work, so that a thread that submits
 * for many sessions does not flush for each of them. Without a pool: as group_submit().
 * group_hand_over_later - and what was submitted otherwise goes first: for what nobody waits for.
 */
void group_hand_over(struct group *group, struct group_item *item);
void group_hand_over_later(struct group *group, struct group_item *item);

#endif
