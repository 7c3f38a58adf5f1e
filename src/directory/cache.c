/* cache.c - see cache.h for the contract. */
#include "directory/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

enum { KEY_MAX = 801 };

/* One block: this, the targets' slices, the key, and all text behind. */
struct cached {
	struct slice key;
	struct directory_entry entry;
	size_t size;
};

struct generation {
	struct map map;
	size_t bytes;
};

struct cache {
	pthread_mutex_t lock;
	struct generation young, old;
	size_t bytes_max;
	uint64_t stamp;
};

struct key {
	struct slice bytes;
	char space[KEY_MAX];
};

static bool key_make(enum cache_kind kind, struct slice text, struct key *out)
{
	if (text.len >= KEY_MAX)
		return false;
	out->space[0] = (char)kind;
	if (text.len)
		memcpy(out->space + 1, text.ptr, text.len);
	out->bytes = (struct slice){out->space, text.len + 1};
	return true;
}

static void generation_drop(struct generation *g)
{
	struct cached *c;

	for (size_t at = 0; (c = map_next(&g->map, &at));)
		free(c);
	map_done(&g->map);
	*g = (struct generation){0};
}

static void generation_put(struct generation *g, struct cached *c)
{
	struct cached *before = map_get(&g->map, c->key);

	if (before) {
		g->bytes -= before->size;
		map_del(&g->map, before->key);
		free(before);
	}
	map_put(&g->map, c->key, c);
	g->bytes += c->size;
}

struct cache *cache_new(size_t bytes_max)
{
	struct cache *cache = mem_new(struct cache);

	pthread_mutex_init(&cache->lock, NULL);
	cache->bytes_max = bytes_max;
	return cache;
}

void cache_free(struct cache **cache)
{
	if (!*cache)
		return;
	generation_drop(&(*cache)->young);
	generation_drop(&(*cache)->old);
	pthread_mutex_destroy(&(*cache)->lock);
	free(*cache);
	*cache = NULL;
}

/* Under the lock: only what was true at this state is left. */
static void go_to(struct cache *cache, uint64_t stamp)
{
	if (cache->stamp == stamp)
		return;
	cache->stamp = stamp;
	generation_drop(&cache->young);
	generation_drop(&cache->old);
}

/* Makes room in the young generation for what will be asked for again. */
static void add_young(struct cache *cache, struct cached *c)
{
	if (cache->young.bytes + c->size > cache->bytes_max / 2) {
		generation_drop(&cache->old);
		cache->old = cache->young;
		cache->young = (struct generation){0};
	}
	generation_put(&cache->young, c);
}

static struct cached *find(struct cache *cache, struct slice key)
{
	struct cached *c = map_get(&cache->young.map, key);

	if (c)
		return c;
	c = map_del(&cache->old.map, key);
	if (!c)
		return NULL;
	cache->old.bytes -= c->size;
	add_young(cache, c);
	return c;
}

enum { TEXTS = 4 };

/* The texts of an account, which are copied with it. */
static void texts_of(struct directory_account *account, struct slice *texts[TEXTS])
{
	texts[0] = &account->address;
	texts[1] = &account->level;
	texts[2] = &account->language;
	texts[3] = &account->name;
}

static int copy_out(const struct directory_entry *from, struct arena *arena,
	struct directory_entry *out, struct err *err)
{
	struct directory_entry copy = *from;
	struct slice *texts[TEXTS];
	bool is_full = false;

	texts_of(&copy.account, texts);
	for (size_t i = 0; i < TEXTS && !is_full; i++) {
		const size_t len = texts[i]->len;

		*texts[i] = arena_dup(arena, *texts[i]);
		is_full = !texts[i]->ptr && len;
	}
	copy.targets = from->targets_n ? arena_array(arena, struct slice, from->targets_n) : NULL;
	is_full = is_full || (from->targets_n && !copy.targets);
	for (size_t i = 0; i < from->targets_n && !is_full; i++) {
		copy.targets[i] = arena_dup(arena, from->targets[i]);
		is_full = !copy.targets[i].ptr;
	}
	if (is_full)
		return err_set(err, ERR_TOOBIG, "the address has too many targets");
	*out = copy;
	return 1;
}

int cache_get(struct cache *cache, uint64_t stamp, enum cache_kind kind, struct slice text,
	struct arena *arena, struct directory_entry *out, struct err *err)
{
	struct cached *c;
	struct key key;
	int rc = 0;

	if (!key_make(kind, text, &key))
		return 0;
	pthread_mutex_lock(&cache->lock);
	go_to(cache, stamp);
	c = find(cache, key.bytes);
	if (c)
		rc = copy_out(&c->entry, arena, out, err);
	pthread_mutex_unlock(&cache->lock);
	return rc;
}

static struct slice place(char **at, struct slice s)
{
	struct slice copy = {*at, s.len};

	if (s.len)
		memcpy(*at, s.ptr, s.len);
	*at += s.len;
	return copy;
}

static struct cached *cached_new(struct slice key, const struct directory_entry *entry)
{
	size_t size = sizeof(struct cached) + entry->targets_n * sizeof(struct slice) + key.len;
	struct directory_account account = entry->account;
	struct slice *texts[TEXTS];
	struct cached *c;
	char *at;

	texts_of(&account, texts);
	for (size_t i = 0; i < TEXTS; i++)
		size += texts[i]->len;
	for (size_t i = 0; i < entry->targets_n; i++)
		size += entry->targets[i].len;
	c = mem_alloc(size);
	*c = (struct cached){.entry = *entry, .size = size};
	c->entry.targets = (struct slice *)(c + 1);
	at = (char *)(c->entry.targets + entry->targets_n);
	c->key = place(&at, key);
	for (size_t i = 0; i < TEXTS; i++)
		*texts[i] = place(&at, *texts[i]);
	c->entry.account = account;
	for (size_t i = 0; i < entry->targets_n; i++)
		c->entry.targets[i] = place(&at, entry->targets[i]);
	return c;
}

void cache_put(struct cache *cache, uint64_t stamp, enum cache_kind kind, struct slice text,
	const struct directory_entry *entry)
{
	struct cached *c;
	struct key key;

	if (!key_make(kind, text, &key))
		return;
	c = cached_new(key.bytes, entry);
	pthread_mutex_lock(&cache->lock);
	if (cache->stamp == stamp && c->size <= cache->bytes_max / 2) {
		add_young(cache, c);
		c = NULL;
	}
	pthread_mutex_unlock(&cache->lock);
	free(c);
}
