/* rebuild.c - see rebuild.h. */
#include "mail/rebuild.h"

int rebuild_read(struct spool *spool, uint64_t *at, int64_t max, rebuild_fn *each, void *context,
	struct err *err)
{
	const uint64_t size = spool_size(spool);
	const uint64_t until = max == REBUILD_ALL ? size : *at + (uint64_t)max;
	struct buf piece AUTO(buf_done);
	int rc = 0;

	buf_init(&piece, REBUILD_PIECE);
	for (; rc == 0 && *at < size && *at < until; *at += piece.len) {
		buf_clear(&piece);
		rc = spool_read(spool, *at, REBUILD_PIECE, &piece, err);
		if (rc == 0 && piece.len == 0)
			rc = err_set(err, ERR_IO, "the spooled message is cut short");
		if (rc == 0)
			rc = each(context, buf_slice(&piece), err);
	}
	return rc;
}

static int append(void *context, struct slice piece, struct err *err)
{
	return incoming_append(context, piece, err);
}

int rebuild_append(
	struct incoming *in, struct spool *spool, uint64_t *at, int64_t max, struct err *err)
{
	return rebuild_read(spool, at, max, append, in, err);
}
