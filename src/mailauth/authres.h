/*
 * authres.h - what was found out about a sender, as a header field; and knowing those that bear our
 * name without being ours.
 *
 * Reads:  RFC 8601. Writes the same, one method a line.
 */
#ifndef MAILAUTH_AUTHRES_H
#define MAILAUTH_AUTHRES_H

#include "base/buf.h"

/* authres_begin - "Authentication-Results: HOST", or with an empty name what stands behind the
 * colon. Then any number of methods, each with its reason and properties; authres_end ends the
 * line.
 */
void authres_begin(struct buf *out, struct slice host);
void authres_method(struct buf *out, const char *method, const char *result);
void authres_reason(struct buf *out, const char *reason); /* NULL: none */
/* authres_property - "header.d" and so on; nothing is written for an empty value. Control bytes of
 * the value are left out. */
void authres_property(struct buf *out, const char *name, struct slice value);
void authres_end(struct buf *out);

/* authres_names - is the field's value one of this host, or of nobody whose name can be read? Such
 * a field must not come in from outside (RFC 8601 5). */
bool authres_names(struct slice value, struct slice host);

#endif
