/* chunk_fuzz.c - libFuzzer target: a chunked body gives the same however it is cut. */
#include <stdlib.h>

#include "base/buf.h"
#include "wire/http/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The data, and in *used_out how far it came before the end or an error. */
static bool decode(struct slice in, size_t step, struct buf *out, size_t *used_out)
{
	struct http_chunks chunks = {0};
	size_t at = 0;

	while (at < in.len && !chunks.is_done) {
		struct slice piece = slice_head(slice_from(in, at), step), bytes;
		const size_t len = piece.len;
		struct err err;

		do {
			if (http_chunks_next(&chunks, &piece, &bytes, &err) < 0)
				return false;
			buf_append(out, bytes);
		} while (piece.len && !chunks.is_done);
		at += len - piece.len;
	}
	*used_out = at;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice in = {(const char *)data, size};
	struct buf whole AUTO(buf_done), pieces AUTO(buf_done);
	size_t whole_used = 0, pieces_used = 0;

	buf_init(&whole, size + 1);
	buf_init(&pieces, size + 1);
	if (decode(in, size, &whole, &whole_used) != decode(in, 3, &pieces, &pieces_used) ||
		whole_used != pieces_used || !slice_eq(buf_slice(&whole), buf_slice(&pieces)))
		abort();
	return 0;
}
