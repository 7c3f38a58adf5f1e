/*
 * arena.h - bump allocator with a hard cap; freed or reset as a whole.
 *
 * Memory comes in chunks that double up to 64 KiB (a larger request gets a chunk of its own), so
 * an unused arena costs nothing. A full arena returns NULL: an error reply, not a crash. Real
 * out-of-memory ends the process. Not for use by two threads at once.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/slice.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *head; /* newest first */
	size_t used, cap;         /* bytes handed out and their bound */
};

/* arena_init - an empty arena that hands out at most cap bytes. */
void arena_init(struct arena *a, size_t cap);

/* arena_alloc - n zeroed bytes aligned for any type, or NULL if the cap would be passed. */
void *arena_alloc(struct arena *a, size_t n);

/* arena_array - n elements of the given type, zeroed, or NULL. */
#define arena_array(a, type, n) ((type *)arena_alloc_array((a), sizeof(type), (n)))
void *arena_alloc_array(struct arena *a, size_t size, size_t n);

/* arena_dup - a copy of s in the arena; ptr is NULL if the cap would be passed. */
struct slice arena_dup(struct arena *a, struct slice s);

/* arena_str - a NUL-terminated copy of s (cut at a NUL byte of its own), or NULL. */
char *arena_str(struct arena *a, struct slice s);

/* arena_reset - forget everything and give the memory back; the arena can be used again. */
void arena_reset(struct arena *a);

/* arena_done - the same, under the name that AUTO() and owners use. */
void arena_done(struct arena *a);

#endif
