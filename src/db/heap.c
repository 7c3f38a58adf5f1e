/*
 * heap.c - slabs by size, see heap.h.
 *
 * Sizes go in quarters of a power of two, and one is that of SQLite's pages. A slab has room for
 * objects of one size; each size has a lock and a list of its slabs with room. Slabs come from a
 * range of addresses reserved at the start, so that an address alone tells whose it is.
 */
#include "db/heap.h"

#include <malloc.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	SLAB = 64 * 1024,
	SIZE_FIRST = 32,
	SIZE_PAGE = 4416, /* a page of 4 KiB and what SQLite keeps of it */
	SIZES_MAX = 48,
	GROW = 16, /* slabs made usable at once */
	KEEP = 64, /* empty slabs that are not given back until heap_release() */
	SLABS_MAX = 64 * 1024,
	STEP = 8, /* all sizes are multiples of it */
};

#if defined(__has_feature)
#define IS_SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

#define RESERVED ((size_t)SLABS_MAX * SLAB)

struct slab {
	struct slab *next, *prev;      /* with room, of the same size; of empty ones only next */
	void *free;                    /* objects that were freed; each begins with the next one */
	unsigned size_no, used, fresh; /* fresh: objects from here on were never given out */
	bool has_room;                 /* it is in its list */
};

struct size {
	pthread_mutex_t lock;
	size_t bytes;
	unsigned count; /* objects in a slab */
	struct slab *slabs;
};

static struct {
	pthread_once_t once;
	char *base; /* NULL: no range, everything is malloc()'s */
	struct size sizes[SIZES_MAX];
	unsigned char size_of[HEAP_LARGEST / STEP + 1]; /* by bytes / STEP, rounded up */
	pthread_mutex_t lock;                           /* what follows */
	size_t made, usable;                            /* slabs */
	struct slab *kept;                              /* empty */
	size_t kept_n;
	uint32_t returned[SLABS_MAX]; /* empty, and without pages: their numbers */
	size_t returned_n;
} heap = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

static void add_size(unsigned *n, size_t bytes)
{
	struct size *size = &heap.sizes[*n];

	pthread_mutex_init(&size->lock, NULL);
	size->bytes = bytes;
	size->count = (unsigned)((SLAB - sizeof(struct slab)) / bytes);
	++*n;
}

static void set_up(void)
{
	unsigned n = 0, at = 0;
	char *base = mmap(NULL, RESERVED + SLAB, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	for (size_t power = SIZE_FIRST; power < HEAP_LARGEST; power *= 2) {
		for (size_t quarter = 0; quarter < 4; quarter++) {
			const size_t bytes = power + power / 4 * quarter;

			add_size(&n, bytes);
			if (bytes < SIZE_PAGE && bytes + power / 4 > SIZE_PAGE)
				add_size(&n, SIZE_PAGE);
		}
	}
	add_size(&n, HEAP_LARGEST);
	for (size_t bytes = 0; bytes <= HEAP_LARGEST; bytes += STEP) {
		at += bytes > heap.sizes[at].bytes;
		heap.size_of[bytes / STEP] = (unsigned char)at;
	}
	if (base != MAP_FAILED)
		heap.base = (char *)(((uintptr_t)base + SLAB - 1) & ~(uintptr_t)(SLAB - 1));
}

static bool is_ours(const void *p)
{
	return heap.base && (uintptr_t)p - (uintptr_t)heap.base < RESERVED;
}

static struct slab *slab_of(const void *p)
{
	return (struct slab *)((uintptr_t)p & ~(uintptr_t)(SLAB - 1));
}

/* ---- slabs ---- */

static struct slab *make_slab(void)
{
	char *at = heap.base + heap.made * SLAB;

	if (heap.made == heap.usable) {
		if ((heap.usable + GROW) * SLAB > RESERVED ||
			mprotect(at, (size_t)GROW * SLAB, PROT_READ | PROT_WRITE) < 0)
			return NULL;
		heap.usable += GROW;
	}
	heap.made++;
	return (struct slab *)at;
}

static struct slab *take_slab(unsigned size_no)
{
	struct slab *slab;

	pthread_mutex_lock(&heap.lock);
	if ((slab = heap.kept)) {
		heap.kept = slab->next;
		heap.kept_n--;
	} else if (heap.returned_n) {
		slab = (struct slab *)(heap.base + heap.returned[--heap.returned_n] * (size_t)SLAB);
	} else {
		slab = make_slab();
	}
	pthread_mutex_unlock(&heap.lock);
	if (slab)
		*slab = (struct slab){.size_no = size_no};
	return slab;
}

/* Under heap.lock. */
static void return_slab(struct slab *slab)
{
	madvise(slab, SLAB, MADV_DONTNEED);
	heap.returned[heap.returned_n++] = (uint32_t)(((char *)slab - heap.base) / SLAB);
}

static void give_slab(struct slab *slab)
{
	pthread_mutex_lock(&heap.lock);
	if (heap.kept_n < KEEP) {
		slab->next = heap.kept;
		heap.kept = slab;
		heap.kept_n++;
	} else {
		return_slab(slab);
	}
	pthread_mutex_unlock(&heap.lock);
}

static void list_slab(struct size *size, struct slab *slab)
{
	slab->prev = NULL;
	slab->next = size->slabs;
	if (slab->next)
		slab->next->prev = slab;
	size->slabs = slab;
	slab->has_room = true;
}

static void unlist_slab(struct size *size, struct slab *slab)
{
	*(slab->prev ? &slab->prev->next : &size->slabs) = slab->next;
	if (slab->next)
		slab->next->prev = slab->prev;
	slab->has_room = false;
}

/* ---- objects ---- */

static void *take_object(struct size *size, struct slab *slab)
{
	void *p = slab->free;

	if (p)
		memcpy(&slab->free, p, sizeof(slab->free));
	else
		p = (char *)(slab + 1) + slab->fresh++ * size->bytes;
	if (++slab->used == size->count)
		unlist_slab(size, slab);
	return p;
}

void *heap_alloc(size_t n)
{
	struct size *size;
	unsigned size_no;
	void *p = NULL;

	pthread_once(&heap.once, set_up);
	if (n > HEAP_LARGEST || !heap.base)
		return malloc(n);
	size_no = heap.size_of[(n + STEP - 1) / STEP];
	size = &heap.sizes[size_no];
	pthread_mutex_lock(&size->lock);
	if (!size->slabs) {
		struct slab *slab = take_slab(size_no);

		if (slab)
			list_slab(size, slab);
	}
	if (size->slabs)
		p = take_object(size, size->slabs);
	pthread_mutex_unlock(&size->lock);
	return p ? p : malloc(n);
}

void heap_free(void *p)
{
	struct slab *slab = slab_of(p);
	struct size *size;
	bool is_empty;

	if (!is_ours(p)) {
		free(p);
		return;
	}
	size = &heap.sizes[slab->size_no];
	pthread_mutex_lock(&size->lock);
	memcpy(p, &slab->free, sizeof(slab->free));
	slab->free = p;
	if (!slab->has_room)
		list_slab(size, slab);
	is_empty = --slab->used == 0;
	if (is_empty)
		unlist_slab(size, slab);
	pthread_mutex_unlock(&size->lock);
	if (is_empty)
		give_slab(slab);
}

size_t heap_size(const void *p)
{
	return is_ours(p) ? heap.sizes[slab_of(p)->size_no].bytes : malloc_usable_size((void *)p);
}

void *heap_resize(void *p, size_t n)
{
	void *new;
	size_t old;

	if (!p)
		return heap_alloc(n);
	if (!is_ours(p) && n > HEAP_LARGEST)
		return realloc(p, n);
	old = heap_size(p);
	if (is_ours(p) && n <= old && heap.size_of[(n + STEP - 1) / STEP] == slab_of(p)->size_no)
		return p;
	new = heap_alloc(n);
	if (!new)
		return NULL;
	memcpy(new, p, old < n ? old : n);
	heap_free(p);
	return new;
}

void heap_release(void)
{
	struct slab *slab;

	pthread_mutex_lock(&heap.lock);
	while ((slab = heap.kept)) {
		heap.kept = slab->next;
		return_slab(slab);
	}
	heap.kept_n = 0;
	pthread_mutex_unlock(&heap.lock);
}

void heap_stats(struct heap_stats *out)
{
	pthread_mutex_lock(&heap.lock);
	*out = (struct heap_stats){.slabs = heap.made - heap.returned_n, .kept = heap.kept_n};
	pthread_mutex_unlock(&heap.lock);
}

/* ---- as SQLite calls it ---- */

static void *sqlite_alloc(int n)
{
	return heap_alloc((size_t)n);
}

static void *sqlite_resize(void *p, int n)
{
	return heap_resize(p, (size_t)n);
}

static int sqlite_size(void *p)
{
	return p ? (int)heap_size(p) : 0;
}

static int sqlite_round(int n)
{
	return (n + STEP - 1) & ~(STEP - 1);
}

static int sqlite_start(void *context)
{
	(void)context;
	return SQLITE_OK;
}

static void sqlite_end(void *context)
{
	(void)context;
}

void heap_install(void)
{
	static const sqlite3_mem_methods methods = {
		.xMalloc = sqlite_alloc,
		.xFree = heap_free,
		.xRealloc = sqlite_resize,
		.xSize = sqlite_size,
		.xRoundup = sqlite_round,
		.xInit = sqlite_start,
		.xShutdown = sqlite_end,
	};

	if (!IS_SANITIZED)
		sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}
