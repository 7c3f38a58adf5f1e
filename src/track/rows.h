/*
 * rows.h - histories as `posthouse trace` shows them, from each process that keeps some.
 */
#ifndef TRACK_ROWS_H
#define TRACK_ROWS_H

#include <jansson.h>

#include "base/buf.h"
#include "track/track.h"

enum {
	TRACK_MESSAGES_MAX = 100, /* of an address */
	TRACK_ROWS_MAX = 2000,    /* of them all; then a row says that there is more */
};

/* track_rows - an array of {"message", "time", "event", "what"}, of the message
 * of that number (16 hexadecimal digits) or of the latest of an address in so many days (0:
 * TRACK_DAYS); empty if nothing is known. -ERR_SYNTAX: it is neither. */
MUST_CHECK int track_rows(
	struct track *track, struct slice what, uint64_t days, json_t **rows_out, struct err *err);

/* track_field_next - the next key=value of an event's text; a value in quotes may hold anything and
 * is still escaped. track_field - the value of that key, for people; false: it has none. */
bool track_field_next(struct slice *text, struct slice *key_out, struct slice *value_out);
bool track_field(struct slice text, const char *key, struct buf *out);

#endif
