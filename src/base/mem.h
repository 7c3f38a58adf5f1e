/*
 * mem.h - heap memory whose absence ends the process, and wiping of secrets.
 *
 * Out of memory is not an input error: the process says so, aborts, and the supervisor starts
 * another. What an outsider can make large is bounded by its owner before it comes here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/slice.h"

#define MEM_MUST_USE __attribute__((warn_unused_result, returns_nonnull))

MEM_MUST_USE void *mem_alloc(size_t n);  /* not zeroed; n may be 0 */
MEM_MUST_USE void *mem_zalloc(size_t n); /* zeroed */
MEM_MUST_USE void *mem_realloc(void *p, size_t n);
MEM_MUST_USE void *mem_zalloc_array(size_t n, size_t size); /* zeroed; overflow ends us */
MEM_MUST_USE char *mem_str(struct slice s);                 /* NUL-terminated copy */

/* mem_new - one zeroed object of the given type. */
#define mem_new(type) ((type *)mem_zalloc(sizeof(type)))

/* mem_wipe - overwrite a secret; never optimised away. */
void mem_wipe(void *p, size_t n);

#endif
