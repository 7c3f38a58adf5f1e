/*
 * schema.h - the account file's tables, and why they are as they are.
 *
 * - `entries` is the mailbox index: a row a block (see block.h), the persisted form is the
 * in-memory block. SELECT of 100,000 messages reads 200 rows, STORE 1:* writes 200 rows; a row and
 * an index entry a message would cost five times that. Its id is mailbox << 32 | first uid.
 * - `message` and `chunk` are keyed by an id that only grows, so that a delivery appends to both
 *   trees; chunk.id = message << 12 | n. The body is apart, so that lists never step over it.
 * - `share` counts the references to a message only where there is more than one: a delivery, a
 *   move and most expunges do not touch it. No row: exactly one reference, living or past.
 * - `msgid` maps hash(message-id, base subject) to a thread: two messages are in one thread when
 * they share a message-id and their base subjects are equal (RFC 8621 3).
 * - `change` is the log of what a transaction did, one row for each call: id = modseq << 20 | n, so
 * it is written at its end and read from any modseq on. runs: see runs_pack(); former: flags
 * before.
 * - `past` holds what was expunged: blocks as in entries, in the order of their going.
 * - `delivery` remembers delivery ids for 7 days.
 *
 * A delivery touches eight trees: account, mailbox, entries, message, chunk, msgid, change,
 * delivery.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "db/db.h"

enum {
	CHUNK_BITS = 12,
	CHUNK_SMALL = 64 * 1024,
	CHUNK_LARGE = 256 * 1024,
	CHANGE_BITS = 20,
};

enum change_kind { CHANGE_ADDED = 1, CHANGE_FLAGS = 2, CHANGE_EXPUNGED = 3 };

/* chunk_size - of the pieces of a message of this size: 4096 of them must be enough. */
static inline uint64_t chunk_size(uint64_t message_size)
{
	return message_size <= (uint64_t)CHUNK_SMALL << CHUNK_BITS ? CHUNK_SMALL : CHUNK_LARGE;
}

enum { MESSAGE_SIZE_MAX = 1 << 30 }; /* CHUNK_LARGE << CHUNK_BITS */

static inline int64_t entries_id(uint64_t mailbox, uint32_t first_uid)
{
	return (int64_t)(mailbox << 32 | first_uid);
}

/* schema_open - bring the file to the present schema. */
MUST_CHECK int schema_open(struct db *db, struct err *err);

#endif
