/*
 * err.h - why a call failed: one code for machines, one line for people.
 *
 * Every call that can fail in the field returns 0 or a negative enum err_code, is MUST_CHECK and
 * takes `struct err *err` as its last parameter (never NULL). Outputs are named *_out and are
 * written on success only. Each protocol maps the codes to its own replies in one table.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#define AUTO(done_fn) __attribute__((cleanup(done_fn)))

enum err_code {
	ERR_SYNTAX = 1, /* the input is not what the grammar says */
	ERR_TOOBIG,     /* a named bound was passed */
	ERR_NOTFOUND,   /* what was named does not exist */
	ERR_EXISTS,     /* what should be made exists already */
	ERR_DENIED,     /* not allowed for this caller */
	ERR_QUOTA,      /* the account, or the disk's reserve, is full */
	ERR_CONFLICT,   /* somebody else changed it meanwhile, or the state forbids it */
	ERR_BUSY,       /* try again later: overload, deadline, a peer process is away */
	ERR_IO,         /* the operating system or the database refused */
	ERR_CORRUPT,    /* stored data is not what we wrote */
};

struct err {
	enum err_code code;
	char msg[160];
};

/* err_set - record why we fail; returns -code, so `return err_set(...)` reads well. */
PRINTF_LIKE(3, 4)
int err_set(struct err *err, enum err_code code, const char *fmt, ...);

/* err_errno - ERR_IO (ERR_QUOTA for ENOSPC and EDQUOT) with what was tried and errno's text. */
PRINTF_LIKE(2, 3)
int err_errno(struct err *err, const char *fmt, ...);

/* err_code_name - "NOTFOUND"; for logs and JSON. */
const char *err_code_name(enum err_code code);

#endif
