/*
 * crowd.c - the connections of one account: few of them have a turn at a time.
 *
 * A queued connection whose crowd is at work already is put aside when it comes to its turn, in the
 * crowd's own queue; one that ends calls the next back into the queue of its class. So what a
 * hundred busy connections of one account cost the others in waiting does not grow with their
 * number, in any class. All under the pool's lock.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/internal.h"

static void crowd_free_unused(struct pool *pool, struct crowd *crowd)
{
	if (crowd->conns || crowd->running)
		return;
	map_del(&pool->crowds, map_key_u64(&crowd->key));
	free(crowd);
}

void conn_join(struct conn *c, uint64_t key)
{
	struct pool *pool = c->pool;
	struct slot *slot = &pool->slots[c->ref.slot];
	struct crowd *crowd;

	assert(!slot->crowd);
	pthread_mutex_lock(&pool->lock);
	crowd = map_get(&pool->crowds, map_key_u64(&key));
	if (!crowd) {
		crowd = mem_new(struct crowd);
		crowd->key = key;
		map_put(&pool->crowds, map_key_u64(&crowd->key), crowd);
	}
	crowd->conns++;
	slot->crowd = crowd;
	pthread_mutex_unlock(&pool->lock);
}

void crowd_leave(struct conn *c)
{
	struct pool *pool = c->pool;
	struct slot *slot = &pool->slots[c->ref.slot];
	struct crowd *crowd = slot->crowd;

	if (!crowd)
		return;
	pthread_mutex_lock(&pool->lock);
	slot->crowd = NULL;
	crowd->conns--;
	crowd_free_unused(pool, crowd);
	pthread_mutex_unlock(&pool->lock);
}

struct crowd *crowd_of(const struct pool_job *job)
{
	return job->run == conn_job ? ((const struct slot *)job)->crowd : NULL;
}

bool crowd_enter(struct crowd *crowd, struct pool_job *job)
{
	if (crowd->running >= CROWD_THREADS) {
		queue_push(&crowd->aside, job);
		return false;
	}
	crowd->running++;
	return true;
}

struct pool_job *crowd_end(struct pool *pool, struct crowd *crowd)
{
	struct pool_job *next = queue_pop(&crowd->aside);

	crowd->running--;
	crowd_free_unused(pool, crowd);
	return next;
}
