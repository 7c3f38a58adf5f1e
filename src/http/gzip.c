/* gzip.c - compress replies (RFC 1952), whole or as they are made. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "http/internal.h"

/* 15 + 16: the largest window, in gzip's format. */
enum { LEVEL = 5, WINDOW = 15 + 16, MEMORY = 8, PIECE_MAX = 256 * 1024, ROOM = 4096 };

static bool start(z_stream *z)
{
	memset(z, 0, sizeof(*z));
	return deflateInit2(z, LEVEL, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
}

bool http_gzip(struct slice in, struct buf *out)
{
	z_stream z;
	char *room;
	bool is_whole;

	if (!start(&z))
		return false;
	room = buf_reserve(out, in.len);
	z.next_in = (unsigned char *)(uintptr_t)in.ptr;
	z.avail_in = (uInt)in.len;
	z.next_out = (unsigned char *)room;
	z.avail_out = room ? (uInt)in.len : 0;
	is_whole = room && deflate(&z, Z_FINISH) == Z_STREAM_END;
	if (is_whole)
		out->len += in.len - z.avail_out;
	deflateEnd(&z);
	return is_whole;
}

struct gzip_source {
	struct source base;
	struct source *inner;
	z_stream z;
};

static int squeeze(
	struct gzip_source *s, struct slice in, int flush, struct buf *out, struct err *err)
{
	s->z.next_in = (unsigned char *)(uintptr_t)in.ptr;
	s->z.avail_in = (uInt)in.len;
	do {
		char *room = buf_reserve(out, ROOM);

		if (!room)
			return buf_check(out, "reply", err);
		s->z.next_out = (unsigned char *)room;
		s->z.avail_out = ROOM;
		deflate(&s->z, flush);
		out->len += ROOM - s->z.avail_out;
	} while (s->z.avail_out == 0);
	return 0;
}

static int pull(struct source *base, struct conn *c, struct buf *out, struct err *err)
{
	struct gzip_source *s = (struct gzip_source *)base;
	struct buf plain AUTO(buf_done);
	int rc, done;

	buf_init(&plain, PIECE_MAX);
	rc = s->inner->pull(s->inner, c, &plain, err);
	if (rc < 0)
		return rc;
	if (buf_check(&plain, "reply", err) < 0)
		return -ERR_TOOBIG;
	/* What waits for more must arrive meanwhile. */
	done = squeeze(s, buf_slice(&plain),
		rc == SOURCE_DONE                ? Z_FINISH
		: rc == SOURCE_WAIT && plain.len ? Z_SYNC_FLUSH
						 : Z_NO_FLUSH,
		out, err);
	mem_wipe(plain.ptr, plain.len);
	return done < 0 ? done : rc;
}

static void free_source(struct source *base)
{
	struct gzip_source *s = (struct gzip_source *)base;

	if (s->inner->free)
		s->inner->free(s->inner);
	deflateEnd(&s->z);
	free(s);
}

struct source *http_gzip_source(struct source *inner)
{
	struct gzip_source *s = mem_new(struct gzip_source);

	s->base = (struct source){.pull = pull, .free = free_source};
	s->inner = inner;
	if (start(&s->z))
		return &s->base;
	free(s);
	return NULL;
}
