/*
 * fields.h - the header fields of a message, found by name from the bottom up as signatures take
 * them (RFC 6376 5.4.2): the lowest first, each only once in one signature.
 *
 * Bounds: FIELDS_MAX fields; finding one takes the same time however many there are. Everything
 *         lives in the caller's arena and points into the header block.
 * Errors: -ERR_TOOBIG.
 */
#ifndef MAILAUTH_FIELDS_H
#define MAILAUTH_FIELDS_H

#include "base/map.h"
#include "wire/mime/header.h"

enum {
	FIELDS_MAX = 2000,
	FIELDS_BLOCK_MAX = 256 * 1024, /* of one header: what the rest of the program reads too */
};

struct field {
	struct mime_field text;
	struct field *above; /* the next one of that name upwards */
};

struct field_group {
	struct slice name; /* in lower case */
	struct field *lowest, *next;
	uint64_t round; /* next is valid in this round only */
	unsigned count;
};

struct fields {
	struct arena *arena;
	struct field *list; /* in the order of the message */
	size_t n;
	struct map groups;
	uint64_t round;
};

/* fields_read - of the block up to its blank line. fields_done() gives the table back, also after
 * an error. */
MUST_CHECK int fields_read(
	struct fields *fields, struct slice block, struct arena *arena, struct err *err);
void fields_done(struct fields *fields);

/* fields_lowest - the lowest field of that name (in any case), or NULL; fields_count - how many. */
const struct field *fields_lowest(const struct fields *fields, struct slice name);
unsigned fields_count(const struct fields *fields, struct slice name);

/* fields_begin - start a round; fields_take - the lowest field of that name that was not taken in
 * this round, or NULL. */
void fields_begin(struct fields *fields);
const struct field *fields_take(struct fields *fields, struct slice name);

#endif
