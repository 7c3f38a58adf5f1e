/*
 * cache.h - look-ups that were answered before, within a bound of bytes.
 *
 * Two generations: what is asked for moves to the young one, and when that is half of the bound,
 * the old one is dropped. A change of the directory drops everything; an answer that was read
 * before the change (see cache_version()) is not taken in any more. Any thread.
 */
#ifndef DIRECTORY_CACHE_H
#define DIRECTORY_CACHE_H

#include "directory/directory.h"

struct cache;

/* What is looked up; the same bytes may be each of them. */
enum cache_kind { CACHE_ADDRESS = 'a', CACHE_DOMAIN = 'd', CACHE_ID = 'i' };

struct cache *cache_new(size_t bytes_max);
void cache_free(struct cache **cache);

/* cache_version - to be asked for before reading what cache_put() is given. */
uint64_t cache_version(struct cache *cache);
void cache_drop(struct cache *cache);

/* cache_get - 1: *out is a copy in the arena; 0: not known; -ERR_TOOBIG: the arena is full. */
MUST_CHECK int cache_get(struct cache *cache, enum cache_kind kind, struct slice key,
	struct arena *arena, struct directory_entry *out, struct err *err);
void cache_put(struct cache *cache, enum cache_kind kind, struct slice key, uint64_t version,
	const struct directory_entry *entry);

#endif
