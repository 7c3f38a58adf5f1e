/*
 * block.h - up to 512 entries of a mailbox packed into bytes: the form in which a mailbox's index
 * is stored, in its own rows and among what is past.
 *
 * A mailbox is cut by UID: block no holds the UIDs no * 512 + 1 .. no * 512 + 512, so the place of
 * a UID is known without a search and blocks never split or merge. Pure functions; unpacking checks
 * everything (-ERR_CORRUPT), because what is read from a disk is outside bytes too.
 *
 * Format 1: the byte 1; varint n; then per entry varints: uid - previous uid (of the block's start
 * at first), message id - previous (zigzag), size, received - previous received (zigzag),
 * saved - received (zigzag), zone in minutes (zigzag), flags, modseq - previous modseq (zigzag).
 */
#ifndef STORE_BLOCK_H
#define STORE_BLOCK_H

#include "base/buf.h"

enum {
	BLOCK_BITS = 9,
	BLOCK_ENTRIES = 1 << BLOCK_BITS,
	BLOCK_PACKED_MAX = 1 + 10 + BLOCK_ENTRIES * 8 * 10,
	ZONE_MAX = 24 * 60, /* minutes */
};

/* What never changes of a message in a mailbox. */
struct entry {
	uint64_t message;
	int64_t received_s;
	uint32_t uid, size;
	uint32_t saved_s; /* good until 2106 */
	int16_t zone_min;
};

/* What does. */
struct attr {
	uint64_t flags, modseq;
};

static inline uint32_t block_of(uint32_t uid)
{
	return (uid - 1) >> BLOCK_BITS;
}

static inline uint32_t block_first_uid(uint32_t no)
{
	return (no << BLOCK_BITS) + 1;
}

void block_pack(struct buf *out, uint32_t no, const struct entry *entries, const struct attr *attrs,
	size_t n);
/* block_unpack - into arrays of BLOCK_ENTRIES. */
MUST_CHECK int block_unpack(struct slice in, uint32_t no, struct entry *entries, struct attr *attrs,
	size_t *n_out, struct err *err);

/* Runs of ascending UIDs, as `change` rows hold them: per run varints first - previous last and
 * length - 1; with flags: a run ends where they change, and each is followed by its flags. */
void runs_pack(struct buf *out, const uint32_t *uids, const uint64_t *flags, size_t n);

#endif
