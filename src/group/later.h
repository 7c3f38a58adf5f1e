/*
 * later.h - rows that nobody waits for: they gather in memory and are written a moment later,
 * together, in one transaction. A kill in that moment loses them.
 *
 * Bounds: max items in memory; more are dropped, and that is logged. Any thread.
 */
#ifndef GROUP_LATER_H
#define GROUP_LATER_H

#include <pthread.h>

#include "db/db.h"
#include "net/pool.h"

/* First in what is gathered; allocated with malloc(), and freed here. */
struct later_item {
	struct later_item *next;
};

struct later;

struct later_config {
	struct db_config file;
	const struct db_migration *schema;
	size_t schema_n;
	const char *name;  /* in the log */
	struct pool *pool; /* NULL: only later_flush() writes */
	size_t max;
	/* write - all that gathered, oldest first, inside a transaction of later->db. */
	int (*write)(struct later *later, struct later_item *first, struct err *err);
};

struct later {
	struct later_config config;
	struct pool_timer timer;
	pthread_mutex_t lock; /* guards the list */
	struct later_item *first, **last;
	size_t n, dropped;
	bool is_timed;
	pthread_mutex_t writing; /* guards the database */
	struct db *db;
};

MUST_CHECK int later_open(struct later *later, const struct later_config *config, struct err *err);
/* later_close - writes what waits; after the pool has stopped. */
void later_close(struct later *later);

/* later_add - the item is no longer the caller's. */
void later_add(struct later *later, struct later_item *item);
void later_flush(struct later *later);

/* later_lock - the database for the caller alone, with all that was added before. */
struct db *later_lock(struct later *later);
void later_unlock(struct later *later);

#endif
