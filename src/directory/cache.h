/*
 * cache.h - look-ups that were answered before, within a bound of bytes.
 *
 * Two generations: what is asked for moves to the young one, and when that is half of the bound,
 * the old one is dropped. All that is in it was true at one state of the file (db_watch_stamp(),
 * taken before it was read); who comes with the stamp of another state drops it. Any thread.
 */
#ifndef DIRECTORY_CACHE_H
#define DIRECTORY_CACHE_H

#include "directory/directory.h"

struct cache;

/* What is looked up; the same bytes may be each of them. */
enum cache_kind {
	CACHE_ADDRESS = 'a',
	CACHE_DOMAIN = 'd',
	CACHE_ID = 'i',
	CACHE_BOUNDS = 'b', /* of an account, by id */
};

struct cache *cache_new(size_t bytes_max);
void cache_free(struct cache **cache);

/* cache_get - 1: *out is a copy in the arena; 0: not known; -ERR_TOOBIG: the arena is full. */
MUST_CHECK int cache_get(struct cache *cache, uint64_t stamp, enum cache_kind kind,
	struct slice key, struct arena *arena, struct directory_entry *out, struct err *err);
void cache_put(struct cache *cache, uint64_t stamp, enum cache_kind kind, struct slice key,
	const struct directory_entry *entry);

#endif
