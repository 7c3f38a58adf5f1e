/* mbox_fuzz.c - libFuzzer target: an mbox of any bytes ends, its messages lie in it one behind the
 * other, and what is written of each is read as that one message again. */
#include <stdlib.h>

#include "transfer/mbox.h"
#include "transfer/text.h"

enum { PIECE = 64, COPY_MAX = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(struct slice raw)
{
	const struct transfer_flags flags = {.system = IMAP_SEEN};
	struct mbox_quote quote = {0};
	struct mbox_message m;
	struct text text;
	struct mbox mbox = {0};
	struct buf file AUTO(buf_done), piece AUTO(buf_done);

	buf_init(&file, COPY_MAX);
	buf_init(&piece, COPY_MAX);
	mbox_write_begin(&file, 1, &flags);
	/* A length that happens to fit is another matter. */
	text_open(&text, raw, TEXT_CRLF | TEXT_OWN_FIELDS);
	while (text_pull(&text, &piece, PIECE)) {
		mbox_write(&file, &quote, buf_slice(&piece));
		buf_clear(&piece);
	}
	mbox_write_end(&file, &quote);
	mbox.all = buf_slice(&file);
	if (slice_find(raw, slice_lit("ontent-")) == SIZE_MAX &&
		(!mbox_next(&mbox, &m) || (m.is_quoted && mbox_next(&mbox, &m))))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbox mbox = {.all = {(const char *)data, size}};
	struct transfer_flags flags;
	struct mbox_message m;

	mbox_is(mbox.all);
	for (size_t before = 0; mbox_next(&mbox, &m); before = mbox.at) {
		if (mbox.at <= before || m.at < before ||
			(m.raw.len && (m.raw.ptr < mbox.all.ptr + before ||
					      m.raw.ptr + m.raw.len > mbox.all.ptr + mbox.at)))
			abort();
		flags_read(m.raw, &flags);
		write_again(m.raw);
	}
	return 0;
}
