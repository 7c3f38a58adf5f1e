/* tally.c - see tally.h for the contract. */
#include "base/tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct count {
	struct slice key;
	unsigned n;
	char space[TALLY_KEY_MAX];
};

static void drop(struct map *map)
{
	struct count *c;

	for (size_t at = 0; (c = map_next(map, &at));)
		free(c);
	map_done(map);
	*map = (struct map){0};
}

void tally_init(struct tally *t, int64_t window_ms, size_t max)
{
	*t = (struct tally){.window_ms = window_ms, .max = max};
}

void tally_done(struct tally *t)
{
	drop(&t->now);
	drop(&t->before);
}

static void turn(struct tally *t, int64_t now_ms)
{
	drop(&t->before);
	t->before = t->now;
	t->now = (struct map){0};
	t->turned_at_ms = now_ms;
}

static void turn_if_due(struct tally *t, int64_t now_ms)
{
	if (now_ms - t->turned_at_ms < t->window_ms / 2)
		return;
	/* Nothing was asked for a whole window: both generations are too old. */
	if (now_ms - t->turned_at_ms >= t->window_ms)
		turn(t, now_ms);
	turn(t, now_ms);
}

unsigned tally_get(struct tally *t, struct slice key, int64_t now_ms)
{
	const struct count *now, *before;

	turn_if_due(t, now_ms);
	now = map_get(&t->now, key);
	before = map_get(&t->before, key);
	return (now ? now->n : 0) + (before ? before->n : 0);
}

void tally_add(struct tally *t, struct slice key, int64_t now_ms)
{
	struct count *c;

	assert(key.len <= TALLY_KEY_MAX);
	turn_if_due(t, now_ms);
	c = map_get(&t->now, key);
	if (!c) {
		if (t->now.count >= t->max)
			turn(t, now_ms);
		c = mem_new(struct count);
		memcpy(c->space, key.ptr, key.len);
		c->key = (struct slice){c->space, key.len};
		map_put(&t->now, c->key, c);
	}
	c->n++;
}

void tally_forget(struct tally *t, struct slice key)
{
	free(map_del(&t->now, key));
	free(map_del(&t->before, key));
}
