/*
 * pack.h - reports as they travel: gzip outward; inward gzip, zip or nothing around them.
 *
 * Does:   reading goes by libarchive, of the first file that holds anything; its name counts for
 *         nothing.
 * Bounds: PACK_ENTRIES_MAX files are looked at; what unpacks to more than out's maximum is
 *         -ERR_TOOBIG as soon as that shows, whatever the container claims.
 * Errors: -ERR_SYNTAX.
 *
 * Pure functions.
 */
#ifndef REPORT_PACK_H
#define REPORT_PACK_H

#include "base/buf.h"

enum { PACK_ENTRIES_MAX = 16 };

MUST_CHECK int pack_gzip(struct slice in, struct buf *out, struct err *err);
/* pack_open - append what is in it. */
MUST_CHECK int pack_open(struct slice in, struct buf *out, struct err *err);

#endif
