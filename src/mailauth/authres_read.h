/*
 * authres_read.h - what an Authentication-Results field says, ours or somebody else's.
 *
 * Reads:  RFC 8601 2.2, behind the name of who says it. Comments may stand anywhere; what is
 *         malformed is passed over to the next ";".
 * Bounds: AUTHRES_PROPERTIES_MAX of one method; linear. Values are copies in the arena.
 */
#ifndef MAILAUTH_AUTHRES_READ_H
#define MAILAUTH_AUTHRES_READ_H

#include "base/arena.h"
#include "base/buf.h"

enum { AUTHRES_PROPERTIES_MAX = 16 };

struct authres_said {
	struct slice method, result;
	struct {
		struct slice name, value; /* "header.from" */
	} properties[AUTHRES_PROPERTIES_MAX];
	size_t n;
};

/* authres_read_next - the next method of *rest; false at the end. Begin with the whole value. */
bool authres_read_next(struct slice *rest, struct arena *arena, struct authres_said *out);
/* authres_said_get - empty: it has no such property. */
struct slice authres_said_get(const struct authres_said *said, const char *name);

/* authres_skip_cfws - white space and comments at the front; false if a comment does not end. */
bool authres_skip_cfws(struct slice *text);

#endif
