/*
 * set.h - sequence sets (RFC 9051 9, sequence-set): read, put in order, walk, write.
 *
 * A set is read as it stands ("5,3:*"); imap_set_resolve() then gives "*" its value and leaves
 * ascending ranges that neither overlap nor touch. Reading is linear, resolving n log n in the
 * ranges.
 */
#ifndef WIRE_IMAP_SET_H
#define WIRE_IMAP_SET_H

#include "base/buf.h"
#include "wire/imap/lex.h"

enum { IMAP_STAR = UINT32_MAX }; /* "*" before it is resolved */

struct imap_range {
	uint32_t first, last;
};

struct imap_set {
	struct imap_range *ranges;
	size_t n;
	bool is_saved; /* "$": what the last SEARCH with SAVE found (n is 0) */
};

MUST_CHECK int imap_set_parse(struct imap_lex *lx, struct imap_set *out, struct err *err);

/* imap_set_resolve - "*" means star (0: nothing is there, such ranges fall away unless they name
 * a number too). */
void imap_set_resolve(struct imap_set *set, uint32_t star);

/* imap_set_last - the greatest number of a resolved set; 0 if empty. */
uint32_t imap_set_last(const struct imap_set *set);
/* imap_set_has - in a resolved set, by halving. */
bool imap_set_has(const struct imap_set *set, uint32_t n);

/* Builds a set's text from ascending numbers: 1,2,3,7 becomes "1:3,7". */
struct imap_set_writer {
	struct buf *out;
	uint32_t first, last; /* the open range; last 0: none yet */
	bool has_comma;
};

void imap_set_writer_init(struct imap_set_writer *w, struct buf *out);
/* imap_set_writer_add - n (not 0) extends the open range if it follows on it. Numbers may come in
 * any order, only then a set does not get shorter. */
void imap_set_writer_add(struct imap_set_writer *w, uint32_t n);
/* imap_set_writer_end - true if anything was written. */
bool imap_set_writer_end(struct imap_set_writer *w);

#endif
