/* pending.c - see pending.h for the contract. */
#include "keeper/pending.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"

struct item {
	struct item *before, *after; /* in order of age */
	int64_t until_ms;
	size_t key_len, value_len;
	char key[1 + PENDING_NAME_MAX];
	char value[];
};

struct pending {
	pthread_mutex_t lock; /* guards all below */
	struct map map;
	struct item *oldest, *newest;
	size_t max;
};

struct pending *pending_new(size_t max)
{
	struct pending *p = mem_new(struct pending);

	pthread_mutex_init(&p->lock, NULL);
	p->max = max;
	return p;
}

static struct slice key_of(const struct item *item)
{
	return (struct slice){item->key, item->key_len};
}

/* Out of the map and the list; the item is the caller's. The caller holds the lock. */
static void take_out(struct pending *p, struct item *item)
{
	map_del(&p->map, key_of(item));
	*(item->before ? &item->before->after : &p->oldest) = item->after;
	*(item->after ? &item->after->before : &p->newest) = item->before;
}

static void item_free(struct item *item)
{
	mem_wipe(item->value, item->value_len);
	free(item);
}

void pending_free(struct pending **pending)
{
	struct pending *p = *pending;

	if (!p)
		return;
	while (p->oldest) {
		struct item *item = p->oldest;

		take_out(p, item);
		item_free(item);
	}
	map_done(&p->map);
	pthread_mutex_destroy(&p->lock);
	free(p);
	*pending = NULL;
}

static size_t make_key(enum pending_kind kind, struct slice name, char key[1 + PENDING_NAME_MAX])
{
	name = slice_head(name, PENDING_NAME_MAX);
	key[0] = (char)kind;
	if (name.len)
		memcpy(key + 1, name.ptr, name.len);
	return 1 + name.len;
}

void pending_put(struct pending *p, enum pending_kind kind, struct slice name, struct slice value,
	int64_t seconds)
{
	struct item *item, *former;

	value = slice_head(value, PENDING_VALUE_MAX);
	item = mem_zalloc(sizeof(*item) + value.len);
	item->key_len = make_key(kind, name, item->key);
	item->until_ms = clock_mono_ms() + seconds * 1000;
	item->value_len = value.len;
	if (value.len)
		memcpy(item->value, value.ptr, value.len);
	pthread_mutex_lock(&p->lock);
	former = map_get(&p->map, key_of(item));
	if (!former && p->map.count == p->max)
		former = p->oldest;
	if (former)
		take_out(p, former);
	item->before = p->newest;
	*(p->newest ? &p->newest->after : &p->oldest) = item;
	p->newest = item;
	map_put(&p->map, key_of(item), item);
	pthread_mutex_unlock(&p->lock);
	if (former)
		item_free(former);
}

/* The item if it is still good; what is not is removed and freed. The caller holds the lock. */
static struct item *find(struct pending *p, enum pending_kind kind, struct slice name)
{
	char key[1 + PENDING_NAME_MAX];
	struct item *item = map_get(&p->map, (struct slice){key, make_key(kind, name, key)});

	if (!item || clock_mono_ms() < item->until_ms)
		return item;
	take_out(p, item);
	item_free(item);
	return NULL;
}

bool pending_take(struct pending *p, enum pending_kind kind, struct slice name, struct buf *out,
	int64_t *left_out)
{
	struct item *item;

	pthread_mutex_lock(&p->lock);
	item = find(p, kind, name);
	if (item)
		take_out(p, item);
	pthread_mutex_unlock(&p->lock);
	if (!item)
		return false;
	buf_append(out, (struct slice){item->value, item->value_len});
	if (left_out)
		*left_out = (item->until_ms - clock_mono_ms()) / 1000;
	item_free(item);
	return true;
}

bool pending_read(struct pending *p, enum pending_kind kind, struct slice name, struct buf *out)
{
	struct item *item;

	pthread_mutex_lock(&p->lock);
	item = find(p, kind, name);
	if (item)
		buf_append(out, (struct slice){item->value, item->value_len});
	pthread_mutex_unlock(&p->lock);
	return item != NULL;
}
