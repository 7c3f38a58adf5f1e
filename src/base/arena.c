/* arena.c - see arena.h for the contract. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CHUNK_FIRST = 1024, CHUNK_MAX = 64 * 1024 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, size_t cap)
{
	*a = (struct arena){.cap = cap};
}

static struct arena_chunk *add_chunk(struct arena *a, size_t need)
{
	size_t size = a->head ? a->head->size * 2 : CHUNK_FIRST;
	struct arena_chunk *chunk;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < need)
		size = need;
	chunk = mem_alloc(sizeof(*chunk) + size);
	chunk->used = 0;
	chunk->size = size;
	chunk->next = a->head;
	a->head = chunk;
	return chunk;
}

void *arena_alloc(struct arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct arena_chunk *chunk = a->head;
	size_t padded;
	void *p;

	if (n > a->cap || a->used > a->cap - n)
		return NULL;
	padded = (n + align - 1) & ~(align - 1);
	if (!chunk || chunk->size - chunk->used < padded)
		chunk = add_chunk(a, padded);
	p = chunk->bytes + chunk->used;
	chunk->used += padded;
	a->used += n;
	return memset(p, 0, padded);
}

void *arena_alloc_array(struct arena *a, size_t size, size_t n)
{
	if (n && size > SIZE_MAX / n)
		return NULL;
	return arena_alloc(a, size * n);
}

struct slice arena_dup(struct arena *a, struct slice s)
{
	char *p = arena_alloc(a, s.len);

	if (!p)
		return (struct slice){NULL, 0};
	if (s.len)
		memcpy(p, s.ptr, s.len);
	return (struct slice){p, s.len};
}

char *arena_str(struct arena *a, struct slice s)
{
	char *p = arena_alloc(a, s.len + 1);

	if (p && s.len)
		memcpy(p, s.ptr, s.len);
	return p;
}

void arena_reset(struct arena *a)
{
	while (a->head) {
		struct arena_chunk *next = a->head->next;

		free(a->head);
		a->head = next;
	}
	a->used = 0;
}

void arena_done(struct arena *a)
{
	arena_reset(a);
}
