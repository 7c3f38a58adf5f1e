/*
 * buf.h - growing bytes with a named maximum and a sticky error: append ten times, check once.
 *
 * A buf that would pass its maximum keeps what it has, sets `failed`, and ignores what follows.
 * An empty buf owns no memory until the first append. Not for use by two threads at once.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/err.h"
#include "base/slice.h"

struct buf {
	char *ptr;
	size_t len, cap, max;
	bool failed;
};

/* buf_init - empty, at most max bytes. */
void buf_init(struct buf *b, size_t max);

void buf_append(struct buf *b, struct slice s);
void buf_byte(struct buf *b, char c);
void buf_str(struct buf *b, const char *s);
void buf_u64(struct buf *b, uint64_t n); /* in decimal */
PRINTF_LIKE(2, 3)
void buf_printf(struct buf *b, const char *fmt, ...);

/* buf_lit - append a string literal. */
#define buf_lit(b, s) buf_append((b), slice_lit(s))

/* buf_reserve - room for n more bytes behind len; the caller writes there and adds to len.
 * NULL (and failed) if the maximum would be passed. */
char *buf_reserve(struct buf *b, size_t n);

/* buf_consume - drop the first n bytes (at most len). */
void buf_consume(struct buf *b, size_t n);

/* buf_clear - length 0, error forgotten, memory kept; buf_done - memory given back too. */
void buf_clear(struct buf *b);
void buf_done(struct buf *b);

static inline struct slice buf_slice(const struct buf *b)
{
	return (struct slice){b->ptr, b->len};
}

/* buf_check - 0, or -ERR_TOOBIG that names what grew too large. */
MUST_CHECK int buf_check(const struct buf *b, const char *what, struct err *err);

#endif
