/* data_fuzz.c - message text cut anywhere decodes as when it comes in one piece. */
#include <stdlib.h>

#include "base/buf.h"
#include "wire/smtp/data.h"

enum { SIZE_LIMIT = 4096, LINE_LIMIT = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decodes text in chunks of the given length; returns how much is left after the end. */
static size_t decode(struct smtp_data *d, struct slice text, size_t chunk, struct buf *out)
{
	while (text.len && !smtp_data_is_done(d)) {
		struct slice piece, in = slice_head(text, chunk);
		const size_t len = in.len;

		while ((piece = smtp_data_next(d, &in)).len) {
			if (piece.ptr < text.ptr || piece.ptr + piece.len > text.ptr + len)
				abort();
			buf_append(out, piece);
		}
		text = slice_from(text, len - in.len);
	}
	return text.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole AUTO(buf_done), parts AUTO(buf_done);
	struct smtp_data one, many;
	struct slice text;
	size_t left;

	buf_init(&whole, SIZE_LIMIT);
	buf_init(&parts, SIZE_LIMIT);
	if (size == 0)
		return 0;
	text = (struct slice){(const char *)data + 1, size - 1};
	smtp_data_init(&one, data[0] & 1, SIZE_LIMIT, LINE_LIMIT);
	smtp_data_init(&many, data[0] & 1, SIZE_LIMIT, LINE_LIMIT);
	one.is_binary = many.is_binary = (data[0] & 3) == 3;
	left = decode(&one, text, text.len, &whole);
	if (left != decode(&many, text, 1 + (size_t)(data[0] >> 1), &parts))
		abort();
	if (one.size != many.size || smtp_data_is_done(&one) != smtp_data_is_done(&many) ||
		!one.fault != !many.fault)
		abort();
	if (!one.fault && (whole.failed || !slice_eq(buf_slice(&whole), buf_slice(&parts))))
		abort();
	return 0;
}
