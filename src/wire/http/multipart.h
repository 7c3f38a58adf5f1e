/*
 * multipart.h - the parts of a form with files (multipart/form-data, RFC 7578; RFC 2046 5.1).
 *
 * The whole body is in memory (or mapped); parts are slices of it. Pure, one pass.
 * Names and file names: browsers write %22 %0D %0A for the three bytes that cannot stand in quotes;
 * exactly these are decoded. Refused: parts without a name, a transfer encoding (RFC 7578 4.7),
 * text after the last boundary's line that is not an epilogue, anything cut short. Bounds:
 * HTTP_PARTS_MAX parts, HTTP_PART_HEAD_MAX bytes of a part's head. Errors: -ERR_SYNTAX,
 * -ERR_TOOBIG.
 */
#ifndef WIRE_HTTP_MULTIPART_H
#define WIRE_HTTP_MULTIPART_H

#include "base/arena.h"
#include "base/err.h"

enum { HTTP_PARTS_MAX = 1000, HTTP_PART_HEAD_MAX = 4096, HTTP_BOUNDARY_MAX = 70 };

struct http_part {
	struct slice name;
	struct slice filename; /* ptr NULL: a field, not a file. The last path segment only */
	struct slice type;     /* "" if not said */
	struct slice bytes;
};

MUST_CHECK int http_multipart_parse(struct slice body, struct slice boundary, struct arena *arena,
	struct http_part **parts_out, size_t *n_out, struct err *err);

#endif
