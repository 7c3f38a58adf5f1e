/*
 * pack.h - an archive while it is made: what has been packed can be taken at any time.
 *
 * Writes: tar with gzip, whose files must say their size first; or zip, whose files need not.
 * Bounds: a zip keeps about 100 bytes of memory for each file until its end.
 * One thread at a time.
 */
#ifndef TRANSFER_PACK_H
#define TRANSFER_PACK_H

#include "base/buf.h"

struct pack;

enum pack_kind { PACK_TAR_GZ, PACK_ZIP };

MUST_CHECK int pack_new(enum pack_kind kind, struct pack **out, struct err *err);
void pack_free(struct pack **pack);
/* pack_folder, pack_file - begin one; size -1: not known (zip). pack_bytes - of the present file.
 * pack_end - no more files. */
MUST_CHECK int pack_folder(
	struct pack *pack, struct slice path, int64_t changed_s, struct err *err);
MUST_CHECK int pack_file(
	struct pack *pack, struct slice path, int64_t size, int64_t changed_s, struct err *err);
MUST_CHECK int pack_bytes(struct pack *pack, struct slice bytes, struct err *err);
MUST_CHECK int pack_end(struct pack *pack, struct err *err);
/* pack_out - what has been packed; the caller consumes it. */
struct buf *pack_out(struct pack *pack);

#endif
