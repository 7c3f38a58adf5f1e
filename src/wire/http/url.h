/*
 * url.h - paths and parameters of a target (RFC 3986), and forms that are written like a query
 * (application/x-www-form-urlencoded, WHATWG URL).
 *
 * Pure, linear; decoded text comes from the arena. Refused: "%" without two hex digits, NUL, text
 * that is not UTF-8; in paths also an encoded "/" or "\\", because two programs would see two
 * paths. Errors: -ERR_SYNTAX; -ERR_TOOBIG: the arena is full, or there are more than
 * HTTP_PARAMS_MAX.
 */
#ifndef WIRE_HTTP_URL_H
#define WIRE_HTTP_URL_H

#include "base/arena.h"
#include "base/buf.h"

enum { HTTP_PARAMS_MAX = 2000 };

/* http_path_parse - decode, then resolve "." and ".." (above the root is the root) and drop empty
 * segments but the last: "/a//b/../c/" is "/a/c/". */
MUST_CHECK int http_path_parse(
	struct slice path, struct arena *arena, struct slice *out, struct err *err);

struct http_pair {
	struct slice name, value;
};

/* http_params_parse - "a=1&b=%C3%A4&c". */
MUST_CHECK int http_params_parse(struct slice text, struct arena *arena,
	struct http_pair **pairs_out, size_t *n_out, struct err *err);

/* http_url_encode - all but unreserved bytes as %XX: good for a segment, a name or a value. */
void http_url_encode(struct buf *out, struct slice text);

#endif
