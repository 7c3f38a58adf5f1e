/* transfer_fuzz.c - libFuzzer target: whatever a file holds, reading it ends within its bounds. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "transfer/maildir.h"
#include "transfer/transfer.h"

enum { BYTES_MAX = 1 << 20, FILES_MAX = 100, PIECE = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_text(struct text *text)
{
	struct buf piece AUTO(buf_done);

	buf_init(&piece, 4 * PIECE);
	while (text_pull(text, &piece, PIECE)) {
		if (piece.failed)
			abort();
		buf_clear(&piece);
	}
}

static void read_names(struct slice bytes)
{
	struct slice keywords[MAILDIR_LETTERS] = {0};
	struct maildir_name name;
	struct buf path AUTO(buf_done);

	buf_init(&path, BYTES_MAX);
	bytes = slice_head(bytes, FILES_PATH_MAX);
	maildir_read_name(bytes, &name);
	maildir_read_folder(bytes, &path);
	maildir_read_keywords(bytes, keywords);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"x", "mail.gz", "a/cur/1:2,Sa"};
	const struct slice bytes = {(const char *)data, size};
	const int dirfd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct files_limits limits = {BYTES_MAX, FILES_MAX, dirfd};
	struct transfer_item item;
	struct transfer *transfer;
	struct files *files;
	struct err err;

	read_names(bytes);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int kind = TRANSFER_AGAIN;

		if (files_open_bytes(bytes, slice_str(names[i]), &limits, &files, &err) < 0)
			continue;
		transfer = transfer_new(files);
		while (kind > 0) {
			kind = transfer_next(transfer, &item, &err);
			if (kind == TRANSFER_MESSAGE)
				read_text(&item.text);
		}
		transfer_free(&transfer);
	}
	close(dirfd);
	return 0;
}
