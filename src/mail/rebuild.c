/* rebuild.c - see rebuild.h. */
#include "mail/rebuild.h"

int rebuild_append(struct incoming *in, struct spool *spool, uint64_t at, struct err *err)
{
	struct buf piece AUTO(buf_done);
	int rc = 0;

	buf_init(&piece, REBUILD_PIECE);
	for (; rc == 0 && at < spool_size(spool); at += piece.len) {
		buf_clear(&piece);
		rc = spool_read(spool, at, REBUILD_PIECE, &piece, err);
		if (rc == 0)
			rc = incoming_append(in, buf_slice(&piece), err);
	}
	return rc;
}
