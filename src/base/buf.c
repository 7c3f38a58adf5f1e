/* buf.c - see buf.h for the contract. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CAP_FIRST = 64 };

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

char *buf_reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : CAP_FIRST;

	if (b->failed || n > b->max || b->len > b->max - n) {
		b->failed = true;
		return NULL;
	}
	if (b->cap - b->len >= n && b->ptr)
		return b->ptr + b->len;
	while (cap < b->len + n)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	b->ptr = mem_realloc(b->ptr, cap);
	b->cap = cap;
	return b->ptr + b->len;
}

void buf_append(struct buf *b, struct slice s)
{
	char *p = s.len ? buf_reserve(b, s.len) : NULL;

	if (p) {
		memcpy(p, s.ptr, s.len);
		b->len += s.len;
	}
}

void buf_byte(struct buf *b, char c)
{
	buf_append(b, (struct slice){&c, 1});
}

void buf_str(struct buf *b, const char *s)
{
	buf_append(b, slice_str(s));
}

void buf_u64(struct buf *b, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	buf_append(b, (struct slice){digits + at, sizeof(digits) - at});
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	char *p;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n < 0 ? NULL : buf_reserve(b, (size_t)n + 1);
	if (p) {
		vsnprintf(p, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->ptr, b->ptr + n, b->len - n);
	b->len -= n;
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

void buf_done(struct buf *b)
{
	free(b->ptr);
	*b = (struct buf){.max = b->max};
}

int buf_check(const struct buf *b, const char *what, struct err *err)
{
	return b->failed ? err_set(err, ERR_TOOBIG, "%s is larger than %zu bytes", what, b->max)
			 : 0;
}
