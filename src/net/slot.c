/* slot.c - the word of a connection, and what others may do to a connection through it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/internal.h"

enum { WAKE_BATCH = 64 };

struct slot *slot_of(struct pool *pool, struct conn_ref ref)
{
	return ref.slot > 0 && ref.slot < pool->slot_count ? &pool->slots[ref.slot] : NULL;
}

bool slot_signal(struct slot *slot, uint32_t generation, uint32_t bits)
{
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
	uint64_t next;

	do {
		if (word >> 32 != generation || (word & WORD_STATE) == WORD_FREE)
			return false;
		next = word | bits;
		if ((word & WORD_STATE) == WORD_PARKED)
			next = (next & ~(uint64_t)WORD_STATE) | WORD_QUEUED;
	} while (!atomic_compare_exchange_weak_explicit(
		&slot->word, &word, next, memory_order_acq_rel, memory_order_relaxed));
	return (word & WORD_STATE) == WORD_PARKED;
}

uint32_t slot_begin(struct slot *slot)
{
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);

	assert((word & WORD_STATE) == WORD_QUEUED);
	while (!atomic_compare_exchange_weak_explicit(&slot->word, &word,
		(word & ~(uint64_t)(BITS_ALL | WORD_STATE)) | WORD_RUNNING, memory_order_acq_rel,
		memory_order_relaxed))
		;
	return word & BITS_ALL;
}

uint32_t slot_take_bits(struct slot *slot)
{
	if ((atomic_load_explicit(&slot->word, memory_order_relaxed) & BITS_ALL) == 0)
		return 0;
	return atomic_fetch_and_explicit(&slot->word, ~(uint64_t)BITS_ALL, memory_order_acq_rel) &
	       BITS_ALL;
}

bool slot_park(struct slot *slot)
{
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
	uint64_t next = (word & ~(uint64_t)WORD_STATE) | WORD_PARKED;

	assert((word & WORD_STATE) == WORD_RUNNING);
	return (word & BITS_ALL) == 0 && atomic_compare_exchange_strong_explicit(&slot->word, &word,
						 next, memory_order_acq_rel, memory_order_relaxed);
}

void slot_requeue(struct slot *slot)
{
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);

	assert((word & WORD_STATE) == WORD_RUNNING);
	while (!atomic_compare_exchange_weak_explicit(&slot->word, &word,
		(word & ~(uint64_t)WORD_STATE) | WORD_QUEUED, memory_order_acq_rel,
		memory_order_relaxed))
		;
}

void slot_post(struct pool *pool, struct conn_ref ref, uint32_t bits)
{
	struct slot *slot = slot_of(pool, ref);

	if (slot && slot_signal(slot, ref.generation, bits))
		pool_enqueue(pool, slot->class, &slot->job, false);
}

void pool_wake(struct pool *pool, struct conn_ref ref)
{
	slot_post(pool, ref, BIT_WAKE);
}

void pool_revoke(struct pool *pool, struct conn_ref ref)
{
	slot_post(pool, ref, BIT_CLOSE);
}

/* A fan-out: wakes WAKE_BATCH connections a turn. */
struct fan_out {
	struct pool_job job;
	struct pool *pool;
	size_t at, n;
	struct conn_ref refs[];
};

static void fan_out_run(struct pool_job *job)
{
	struct fan_out *f = (struct fan_out *)job;

	for (size_t end = f->at + WAKE_BATCH; f->at < f->n && f->at < end; f->at++)
		pool_wake(f->pool, f->refs[f->at]);
	if (f->at < f->n)
		pool_run(f->pool, POOL_INTERACTIVE, job);
	else
		free(f);
}

void pool_wake_many(struct pool *pool, const struct conn_ref *refs, size_t n)
{
	struct fan_out *f;

	if (n == 0)
		return;
	f = mem_alloc(sizeof(*f) + n * sizeof(refs[0]));
	*f = (struct fan_out){.job = {.run = fan_out_run}, .pool = pool, .n = n};
	memcpy(f->refs, refs, n * sizeof(refs[0]));
	pool_run(pool, POOL_INTERACTIVE, &f->job);
}

pthread_mutex_t *slot_answer_lock(struct pool *pool, uint32_t slot)
{
	return &pool->answer_locks[slot % ANSWER_LOCKS];
}

/* Under the answer lock slot->conn is either NULL or a connection that will not be freed. */
static bool answer_store(
	struct slot *slot, struct conn_ref ref, uint64_t ticket, const struct answer *answer)
{
	struct conn *c = slot->conn;

	if (!c || c->ref.generation != ref.generation || ticket == 0 || c->ticket != ticket)
		return false;
	c->ticket = 0;
	c->answer = mem_alloc(sizeof(*c->answer));
	*c->answer = *answer;
	return true;
}

bool pool_answer(
	struct pool *pool, struct conn_ref ref, uint64_t ticket, const struct answer *answer)
{
	struct slot *slot = slot_of(pool, ref);
	bool is_taken = false;

	if (slot) {
		pthread_mutex_lock(slot_answer_lock(pool, ref.slot));
		is_taken = answer_store(slot, ref, ticket, answer);
		pthread_mutex_unlock(slot_answer_lock(pool, ref.slot));
	}
	if (is_taken)
		slot_post(pool, ref, BIT_ANSWER);
	else if (answer->free_data)
		answer->free_data(answer->data);
	return is_taken;
}
