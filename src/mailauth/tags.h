/*
 * tags.h - "tag=value; tag=value", which DKIM, ARC, DMARC and their records in the DNS are made of.
 *
 * Reads:  RFC 6376 3.2. Values may be folded and may hold UTF-8 (RFC 8616).
 * Bounds: TAGS_MAX tags; the work is linear for a bounded number of them.
 * Errors: -ERR_SYNTAX (also for a tag that stands twice), -ERR_TOOBIG.
 *
 * Slices point into the text. Pure functions.
 */
#ifndef MAILAUTH_TAGS_H
#define MAILAUTH_TAGS_H

#include "base/arena.h"
#include "base/buf.h"

enum { TAGS_MAX = 48 };

struct tag {
	struct slice name, value; /* the value without white space at its ends */
};

struct tags {
	struct tag list[TAGS_MAX];
	size_t n;
};

/* tags_parse - after an error there are none. */
MUST_CHECK int tags_parse(struct slice text, struct tags *out, struct err *err);

/* tags_parse_loose - what is malformed, or stands there again, is left out (RFC 9989 4.7); so are
 * tags beyond TAGS_MAX. */
void tags_parse_loose(struct slice text, struct tags *out);

/* tags_get - the value, empty if it is so; ptr is NULL if there is no such tag. */
struct slice tags_get(const struct tags *tags, const char *name);

/* tags_number - a number without sign of at most 15 digits; false if it is none. */
bool tags_number(struct slice value, uint64_t *out);

/* tags_base64 - decode a value that may have white space anywhere; -ERR_SYNTAX, -ERR_TOOBIG. */
MUST_CHECK int tags_base64(
	struct slice value, size_t max, struct arena *arena, struct slice *out, struct err *err);

/* tags_item - the next item of a list with colons, without white space around it; false at the
 * end. tags_has - true if the list holds the item, whatever its case. */
bool tags_item(struct slice *rest, struct slice *out);
bool tags_has(struct slice list, const char *item);

#endif
