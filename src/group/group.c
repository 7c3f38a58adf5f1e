/* group.c - see group.h for the contract. */
#include "group/group.h"

#include <assert.h>

enum {
	ROUND_ITEMS_MAX = 256,           /* of one transaction */
	ROUND_LATER_MAX = 64,            /* and so many that nobody waits for */
	ROUNDS_MAX = 4,                  /* by a thread that has other things to do */
	WAL_BYTES_MAX = 8 * 1024 * 1024, /* then it is copied back into the file */
	VACUUM_PAGES = 256,
};

static void list_init(struct group_list *list)
{
	list->head = NULL;
	list->tail = &list->head;
}

/* At most n of the list's items to the end of *link. */
static struct group_item **take(struct group_list *list, struct group_item **link, size_t n)
{
	if (!list->head || n == 0)
		return link;
	*link = list->head;
	while (*link && n-- > 0)
		link = &(*link)->next;
	list->head = *link;
	if (!list->head)
		list->tail = &list->head;
	*link = NULL;
	return link;
}

/* What nobody waits for is a part of each round, lest it never has its turn. */
static struct group_item *take_round(struct group *group)
{
	struct group_item *first = NULL, **link;

	pthread_mutex_lock(&group->lock);
	link = take(&group->later, take(&group->first, &first, ROUND_ITEMS_MAX), ROUND_LATER_MAX);
	*link = NULL;
	if (!first)
		group->is_owned = false;
	pthread_mutex_unlock(&group->lock);
	return first;
}

static void run_item(struct group *group, struct group_item *item)
{
	item->rc = db_savepoint(group->db, &item->err);
	if (item->rc < 0)
		return;
	item->rc = item->run(item, group->db, &item->err);
	if (item->rc == 0)
		item->rc = db_release(group->db, &item->err);
	if (item->rc < 0)
		db_rollback_savepoint(group->db);
}

/* The whole round shares what became of its transaction. A full disk may have ended that: what
 * would be run after it would be written by itself, and then said to have failed. */
static int run_all(struct group *group, struct group_item *first, struct err *err)
{
	int rc = db_begin(group->db, err);

	if (rc < 0)
		return rc;
	for (struct group_item *item = first; item; item = item->next) {
		run_item(group, item);
		if (!db_in_transaction(group->db)) {
			*err = item->err;
			return item->rc < 0 ? item->rc
					    : err_set(err, ERR_IO, "the transaction is over");
		}
	}
	return db_commit(group->db, err);
}

static void run_round(struct group *group, struct group_item *first)
{
	struct group_item *next;
	struct err err;
	const int rc = run_all(group, first, &err);

	for (struct group_item *item = first; item; item = next) {
		next = item->next;
		if (rc < 0) {
			item->rc = rc;
			item->err = err;
		}
		item->done(item, item->rc, &item->err);
	}
	/* A log that cannot be copied back now is copied back after a later round. */
	if (db_wal_bytes(group->db) > WAL_BYTES_MAX &&
		db_vacuum(group->db, VACUUM_PAGES, &err) == 0)
		(void)!db_checkpoint(group->db, &err);
}

static void run_rounds(struct group *group, unsigned rounds_max)
{
	struct group_item *first;

	for (unsigned i = 0; i < rounds_max || !group->pool; i++) {
		first = take_round(group);
		if (!first)
			return;
		run_round(group, first);
	}
	pool_run(group->pool, POOL_INTERACTIVE, &group->job);
}

static void run_job(struct pool_job *job)
{
	struct group *group = (struct group *)((char *)job - offsetof(struct group, job));

	run_rounds(group, ROUNDS_MAX);
}

void group_init(struct group *group, struct db *db, struct pool *pool)
{
	*group = (struct group){.db = db, .pool = pool, .job = {.run = run_job}};
	list_init(&group->first);
	list_init(&group->later);
	pthread_mutex_init(&group->lock, NULL);
}

void group_done(struct group *group)
{
	/* A job that the pool did not run any more leaves its round to us. */
	group->pool = NULL;
	run_rounds(group, 1);
	assert(!group->first.head && !group->later.head);
	pthread_mutex_destroy(&group->lock);
}

/* True: nobody is at work yet. */
static bool enqueue(struct group *group, struct group_list *list, struct group_item *item)
{
	bool is_owner;

	item->next = NULL;
	pthread_mutex_lock(&group->lock);
	*list->tail = item;
	list->tail = &item->next;
	is_owner = !group->is_owned;
	group->is_owned = true;
	pthread_mutex_unlock(&group->lock);
	return is_owner;
}

void group_submit(struct group *group, struct group_item *item)
{
	if (enqueue(group, &group->first, item))
		run_rounds(group, ROUNDS_MAX);
}

static void hand_over(struct group *group, struct group_list *list, struct group_item *item)
{
	if (!enqueue(group, list, item))
		return;
	if (group->pool)
		pool_run(group->pool, POOL_INTERACTIVE, &group->job);
	else
		run_rounds(group, ROUNDS_MAX);
}

void group_hand_over(struct group *group, struct group_item *item)
{
	hand_over(group, &group->first, item);
}

void group_hand_over_later(struct group *group, struct group_item *item)
{
	hand_over(group, &group->later, item);
}
