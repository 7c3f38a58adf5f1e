/*
 * map.h - hash map from bytes to pointers; the keys are owned by the values.
 *
 * Open addressing with a keyed hash (seeded once per process), so that a peer who chooses the
 * keys cannot make them collide. The key slice given to map_put() must stay valid and unchanged
 * until map_del(): usually it points into the value. Numbers are used as keys with map_key_u64().
 * Not for use by two threads at once.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/slice.h"

struct map_slot;

struct map {
	struct map_slot *slots;
	size_t count, size;
};

void *map_get(const struct map *m, struct slice key); /* the value, or NULL */
/* map_put - set key to value (not NULL); returns the value that stood there before, or NULL. */
void *map_put(struct map *m, struct slice key, void *value);
void *map_del(struct map *m, struct slice key); /* what was removed, or NULL */
void map_done(struct map *m);                   /* frees the table, not the values */

/* map_next - walk: start with *at = 0; the next value, or NULL at the end. Deleting the value
 * just returned is allowed, adding is not. */
void *map_next(const struct map *m, size_t *at);

/* map_key_u64 - a slice over a number that lives in the value. */
static inline struct slice map_key_u64(const uint64_t *n)
{
	return (struct slice){(const char *)n, sizeof(*n)};
}

/* bytes_hash - 64-bit keyed hash of bytes (per-process seed: never store it). */
uint64_t bytes_hash(struct slice s);

#endif
