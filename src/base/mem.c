/* mem.c - see mem.h for the contract. */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p, size_t n)
{
	if (!p) {
		fprintf(stderr, "posthouse: out of memory (%zu bytes)\n", n);
		abort();
	}
	return p;
}

void *mem_alloc(size_t n)
{
	return checked(malloc(n ? n : 1), n);
}

void *mem_zalloc(size_t n)
{
	return checked(calloc(1, n ? n : 1), n);
}

void *mem_realloc(void *p, size_t n)
{
	return checked(realloc(p, n ? n : 1), n);
}

void *mem_zalloc_array(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1), n);
}

char *mem_str(struct slice s)
{
	char *p = mem_alloc(s.len + 1);

	if (s.len)
		memcpy(p, s.ptr, s.len);
	p[s.len] = '\0';
	return p;
}

void mem_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}
