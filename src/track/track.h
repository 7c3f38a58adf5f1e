/*
 * track.h - what happened to each message: how it came, what was checked, where it went, what was
 * answered [beyond.2]. A file of each process that meets messages.
 *
 * A message has a number (random_dated()), the one in its Received line and in the log. Events are
 * added without waiting, gather in memory (group/later.h) and are written within a second; a kill
 * loses that second of history, never mail. They are kept for so many days.
 *
 * Costs: rows are written in the order of time, to the end of the file. An address is not indexed:
 * what was added together notes a short hash of each address beside the number, and a search by
 * address reads those notes, 16 bytes for each.
 *
 * Bounds: TRACK_TEXT_MAX of an event, TRACK_WAITING_MAX events in memory, TRACK_EVENTS_MAX of a
 * message when read. Never a message's content, never a secret. Any thread.
 */
#ifndef TRACK_TRACK_H
#define TRACK_TRACK_H

#include "base/arena.h"
#include "base/log.h"
#include "net/pool.h"

struct track;

enum {
	TRACK_TEXT_MAX = 2048,
	TRACK_WAITING_MAX = 50000,
	TRACK_EVENTS_MAX = 2000,
	TRACK_DAYS = 14, /* unless the settings say otherwise */
};

/* track_open - pool NULL: written when read or closed. */
MUST_CHECK int track_open(
	const char *path, unsigned days, struct pool *pool, struct track **out, struct err *err);
/* track_close - writes what waits; after the pool has stopped. */
void track_close(struct track **track);

/* track_add - an event of a message, as a line of the log is written; kind lives for ever. Nothing
 * with track NULL or id 0. */
void track_add(struct track *track, uint64_t id, const char *kind, const struct log_field *fields);
/* track_account - the field that says whose a message or a copy is; nothing for account 0. */
static inline struct log_field track_account(uint64_t account)
{
	return account ? log_n("account", (int64_t)account) : log_s("account", (struct slice){0});
}
#define track_event(track, id, kind, ...)                                                          \
	track_add(track, id, kind, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

/* track_address - the message can be found by this address, of sender or recipient. */
void track_address(struct track *track, uint64_t id, struct slice address);

struct track_entry {
	int64_t at_us;     /* wall clock */
	struct slice kind; /* "received", "stored", … */
	struct slice text; /* key=value …, as in the log */
};
/* track_read - in the order of time; *n_out is 0 for a number that nothing is known of. */
MUST_CHECK int track_read(struct track *track, uint64_t id, struct arena *arena,
	struct track_entry **list_out, size_t *n_out, struct err *err);

/* The time in which something is looked for, wall clock. */
struct track_span {
	int64_t since_s, until_s;
};
/* track_find - messages of an address in that time, newest first, at most max. */
MUST_CHECK int track_find(struct track *track, struct slice address, struct track_span span,
	size_t max, struct arena *arena, uint64_t **ids_out, size_t *n_out, struct err *err);

#endif
