/*
 * heap.h - SQLite's memory, apart from everybody else's.
 *
 * What an open database needs (pages, schema, statements) lives until the database is closed:
 * seconds. What a connection needs lives for hours. Mixed in one heap, closed databases leave holes
 * between connections that can never be given back: a third of the memory of an idle server. Here
 * objects of about one size share a slab of 64 KiB, and an empty slab goes back to the system.
 *
 * Any thread. Objects larger than HEAP_LARGEST, and all when the address space cannot be had, are
 * malloc()'s. With an address sanitizer SQLite keeps malloc(), so that its mistakes are seen.
 */
#ifndef DB_HEAP_H
#define DB_HEAP_H

#include <stddef.h>

enum { HEAP_LARGEST = 16 * 1024 };

void *heap_alloc(size_t n); /* NULL without memory */
void heap_free(void *p);
void *heap_resize(void *p, size_t n); /* p stays as it is when this is NULL */
size_t heap_size(const void *p);      /* usable bytes */

/* heap_install - SQLite uses it from now on; before sqlite3_initialize(), once. */
void heap_install(void);
/* heap_release - give back what is kept for the next use. */
void heap_release(void);

struct heap_stats {
	size_t slabs; /* with objects, or kept for the next use */
	size_t kept;  /* of these */
};
void heap_stats(struct heap_stats *out);

#endif
