/* source.c - replies from memory, sent piece by piece. */
#include <stdlib.h>

#include "base/mem.h"
#include "http/internal.h"

struct memory_source {
	struct source base;
	struct buf owned; /* empty: static bytes */
	struct slice left;
};

static int pull(struct source *base, struct conn *c, struct buf *out, struct err *err)
{
	struct memory_source *s = (struct memory_source *)base;
	const struct slice piece = slice_head(s->left, HTTP_PIECE);

	(void)c;
	(void)err;
	buf_append(out, piece);
	s->left = slice_from(s->left, piece.len);
	return s->left.len ? SOURCE_MORE : SOURCE_DONE;
}

static void free_source(struct source *base)
{
	struct memory_source *s = (struct memory_source *)base;

	if (s->owned.ptr)
		mem_wipe(s->owned.ptr, s->owned.cap);
	buf_done(&s->owned);
	free(s);
}

struct source *http_slice_source(struct slice bytes)
{
	struct memory_source *s = mem_new(struct memory_source);

	s->base = (struct source){.pull = pull, .free = free_source};
	s->left = bytes;
	return &s->base;
}

struct source *http_buf_source(struct buf *bytes)
{
	struct memory_source *s = mem_new(struct memory_source);

	s->base = (struct source){.pull = pull, .free = free_source};
	s->owned = *bytes;
	s->left = buf_slice(bytes);
	buf_init(bytes, bytes->max);
	return &s->base;
}
