/* later.c - see later.h for the contract. */
#include "group/later.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

enum { WRITE_AFTER_MS = 500, CHECKPOINT_BYTES = 4 << 20 };

static void write_timed(struct pool_job *job);

int later_open(struct later *later, const struct later_config *config, struct err *err)
{
	int rc;

	*later = (struct later){.config = *config};
	rc = db_open(&config->file, &later->db, err);
	if (rc == 0)
		rc = db_migrate(later->db, config->schema, config->schema_n, err);
	if (rc < 0) {
		db_close(&later->db);
		return rc;
	}
	pthread_mutex_init(&later->lock, NULL);
	pthread_mutex_init(&later->writing, NULL);
	later->last = &later->first;
	later->timer.job.run = write_timed;
	later->timer.class = POOL_BULK;
	return 0;
}

static struct later_item *take_all(struct later *later, size_t *dropped_out)
{
	struct later_item *first;

	pthread_mutex_lock(&later->lock);
	first = later->first;
	*dropped_out = later->dropped;
	later->first = NULL;
	later->last = &later->first;
	later->n = later->dropped = 0;
	later->is_timed = false;
	pthread_mutex_unlock(&later->lock);
	return first;
}

static int write_list(struct later *later, struct later_item *first, struct err *err)
{
	int rc = db_begin(later->db, err);

	if (rc < 0)
		return rc;
	rc = later->config.write(later, first, err);
	if (rc < 0) {
		db_rollback(later->db);
		return rc;
	}
	return db_commit(later->db, err);
}

/* With `writing` held. */
static void write_waiting(struct later *later)
{
	struct later_item *next;
	struct err err;
	size_t dropped;
	struct later_item *first = take_all(later, &dropped);

	if (first && write_list(later, first, &err) < 0)
		log_error(NULL, later->config.name, log_e(&err));
	if (db_wal_bytes(later->db) > CHECKPOINT_BYTES && db_checkpoint(later->db, &err) < 0)
		log_warn(NULL, later->config.name, log_e(&err));
	if (dropped)
		log_warn(NULL, later->config.name, log_n("dropped", (int64_t)dropped));
	for (struct later_item *item = first; item; item = next) {
		next = item->next;
		free(item);
	}
}

static void write_timed(struct pool_job *job)
{
	struct pool_timer *timer =
		(struct pool_timer *)(void *)((char *)job - offsetof(struct pool_timer, job));

	later_flush((struct later *)(void *)((char *)timer - offsetof(struct later, timer)));
}

void later_flush(struct later *later)
{
	later_lock(later);
	later_unlock(later);
}

struct db *later_lock(struct later *later)
{
	pthread_mutex_lock(&later->writing);
	write_waiting(later);
	return later->db;
}

void later_unlock(struct later *later)
{
	pthread_mutex_unlock(&later->writing);
}

void later_close(struct later *later)
{
	later_flush(later);
	db_close(&later->db);
	pthread_mutex_destroy(&later->lock);
	pthread_mutex_destroy(&later->writing);
}

void later_add(struct later *later, struct later_item *item)
{
	bool must_time;

	item->next = NULL;
	pthread_mutex_lock(&later->lock);
	if (later->n >= later->config.max) {
		later->dropped++;
		pthread_mutex_unlock(&later->lock);
		free(item);
		return;
	}
	*later->last = item;
	later->last = &item->next;
	later->n++;
	must_time = !later->is_timed;
	later->is_timed = true;
	pthread_mutex_unlock(&later->lock);
	if (must_time && later->config.pool)
		pool_timer_set(later->config.pool, &later->timer, clock_mono_ms() + WRITE_AFTER_MS);
}
