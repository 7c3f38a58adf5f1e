/*
 * sign.h - writing the fields of signatures, folded so that any relay passes them on; for this room
 * only.
 */
#ifndef MAILAUTH_SIGN_H
#define MAILAUTH_SIGN_H

#include "mailauth/signature.h"

enum { SIGN_FIELD_MAX = 64 * 1024 };

/* A field's text with the place in its last line: lines break between tags, at colons and anywhere
 * in base64. */
struct sign_text {
	struct buf *out;
	size_t line; /* where it starts */
};

struct sign_text sign_text_begin(struct buf *out, const char *name); /* "Name: " */
/* sign_tag - "name=value;", on a new line if it would not fit. */
void sign_tag(struct sign_text *text, const char *name, struct slice value);
void sign_number(struct sign_text *text, const char *name, uint64_t value);
void sign_base64(struct sign_text *text, const char *name, struct slice bytes); /* without ";" */

const char *sign_algorithm(enum signature_algorithm algorithm); /* the value of the tag a */

/* sign_names - the tag h for the fields that are to be covered: the names of `always` once more
 * often than they are there, so that none can be added, then those of `present`. */
void sign_names(struct sign_text *text, const struct fields *fields, const char *const *always,
	const char *const *present);

/* sign_digest - of the named fields and the one that was written, which ends in "b=". */
MUST_CHECK int sign_digest(struct fields *fields, struct slice written,
	unsigned char digest_out[SHA256_LEN], struct err *err);

#endif
