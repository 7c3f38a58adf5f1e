/* mime_text_fuzz.c - libFuzzer target: a body in any encoding and charset, cut anywhere. */
#include <stdlib.h>

#include "wire/mime/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slice charsets[] = {slice_lit(""), slice_lit("iso-8859-1"), slice_lit("utf-16"),
	slice_lit("iso-2022-jp"), slice_lit("shift_jis"), slice_lit("gb18030"), slice_lit("utf-7"),
	slice_lit("hz-gb-2312")};

static void decode(struct slice in, unsigned kind, size_t piece, struct buf *out)
{
	const enum mime_encoding encoding = kind & 1 ? MIME_QP : kind & 2 ? MIME_BASE64 : MIME_8BIT;
	struct mime_text t;

	mime_text_init(&t, encoding, charsets[kind >> 2 & 7]);
	t.decoder.is_lines = kind & 0x20;
	while (in.len) {
		mime_text_feed(&t, slice_head(in, piece), out);
		in = slice_from(in, piece);
	}
	mime_text_finish(&t, out);
	mime_text_done(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole AUTO(buf_done), cut AUTO(buf_done), again AUTO(buf_done);
	struct slice in;

	buf_init(&whole, 1 << 20);
	buf_init(&cut, 1 << 20);
	buf_init(&again, 1 << 20);
	if (size < 2 || size > 20000)
		return 0;
	in = (struct slice){(const char *)data + 2, size - 2};
	decode(in, data[0], SIZE_MAX, &whole);
	decode(in, data[0], 1u + data[1] % 50, &cut);
	if (!slice_eq(buf_slice(&whole), buf_slice(&cut)))
		abort();
	/* What comes out is UTF-8: it stays as it is. */
	decode(buf_slice(&whole), 0, SIZE_MAX, &again);
	if (!slice_eq(buf_slice(&whole), buf_slice(&again)))
		abort();
	return 0;
}
