/*
 * chunk.h - decode a chunked body (RFC 9112 7.1) as it comes.
 *
 * Pure and incremental: any cut of the input gives the same bytes. Extensions are allowed and
 * ignored, trailers are checked and thrown away.
 * Bounds: CHUNK_LINE_MAX bytes of a size line; extensions and trailers together CHUNK_EXTRA_MAX in
 * one body.
 * Errors: -ERR_SYNTAX (also for lines that end without CR), -ERR_TOOBIG.
 */
#ifndef WIRE_HTTP_CHUNK_H
#define WIRE_HTTP_CHUNK_H

#include "base/err.h"
#include "base/slice.h"

enum { CHUNK_LINE_MAX = 256, CHUNK_EXTRA_MAX = 16384 };

/* Zeroed at the start of a body. */
struct http_chunks {
	unsigned state;
	uint64_t left;  /* of the chunk under way */
	unsigned line;  /* bytes of the line under way */
	unsigned extra; /* bytes that are neither data nor a size */
	bool is_done;
};

/* http_chunks_next - consume from the front of *in up to the end of one run of data, which is
 * *data_out (empty: *in is used up or the body is over, see is_done). What follows the body stays
 * in *in. */
MUST_CHECK int http_chunks_next(
	struct http_chunks *chunks, struct slice *in, struct slice *data_out, struct err *err);

#endif
