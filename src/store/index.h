/*
 * index.h - a mailbox in memory: one generation of blocks of entries.
 *
 * A generation is immutable once others may see it; a change makes a new one that shares all
 * blocks but those it touched. References are counted, any thread may hold one.
 *
 * Appending shares even the last block: its memory is written behind `count`, where no reader of an
 * older generation looks. That is safe because only the transaction at work appends, and always to
 * the newest generation: a generation that was given up (a failed transaction) is forgotten, and
 * its entries are written over.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <stdatomic.h>

#include "store/block.h"

struct num { /* numbering: uid and what never changes */
	_Atomic unsigned refs;
	uint32_t cap;
	struct entry e[];
};

struct attrs {
	_Atomic unsigned refs;
	uint32_t cap;
	struct attr a[];
};

struct index_block {
	uint32_t no, count;
	uint32_t before; /* entries in the blocks before */
	struct num *num;
	struct attrs *attrs;
};

struct index {
	_Atomic unsigned refs;
	uint32_t total, blocks_n;
	uint64_t modseq; /* of the mailbox when this was true */
	bool is_tail;    /* only the last block is here: a delivery needs no more */
	struct index_block b[];
};

struct index *index_new(void);
struct index *index_ref(struct index *ix);
void index_free(struct index **ix);
size_t index_bytes(const struct index *ix);

/* index_at - block position and place in it of a sequence number (1..total); false outside. */
bool index_at(const struct index *ix, uint32_t seq, uint32_t *block_out, uint32_t *place_out);
/* index_find - of a UID; false if it is not there. */
bool index_find(const struct index *ix, uint32_t uid, uint32_t *block_out, uint32_t *place_out);
/* index_block_find - position of block no, or where it would be. */
uint32_t index_block_find(const struct index *ix, uint32_t no);
/* block_place - first place in the block with at least this uid (count: none). */
uint32_t block_place(const struct index_block *b, uint32_t uid);
/* index_floor - sequence number of the first entry with at least this UID; total + 1 if none. */
uint32_t index_floor(const struct index *ix, uint32_t uid);

/* index_append - a new generation with n more entries (ascending UIDs above all others). */
struct index *index_append(
	const struct index *ix, const struct entry *e, const struct attr *a, size_t n);

/* Making a generation block by block, in ascending order. */
struct index_maker {
	struct index *ix;
	uint32_t cap;
};
void maker_init(struct index_maker *m, uint32_t blocks);
void maker_share(struct index_maker *m, const struct index_block *b); /* takes references */
/* maker_put - a block of copies; nothing for n = 0. Either of num and attrs may be shared from
 * like instead when the pointer is NULL. */
void maker_put(struct index_maker *m, uint32_t no, const struct entry *entries,
	const struct attr *attrs, uint32_t n, const struct index_block *like);
struct index *maker_done(struct index_maker *m);

#endif
