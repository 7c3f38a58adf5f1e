/* pack.c - see pack.h. */
#include "report/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <zlib.h>

/* 15 + 16: the largest window, in gzip's format. */
enum { LEVEL = 9, WINDOW = 15 + 16, MEMORY = 8, PIECE = 64 << 10 };

int pack_gzip(struct slice in, struct buf *out, struct err *err)
{
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)in.ptr, .avail_in = (uInt)in.len};
	int rc = deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY);

	while (rc == Z_OK) {
		char *room = buf_reserve(out, PIECE);

		z.next_out = (unsigned char *)room;
		z.avail_out = PIECE;
		rc = room ? deflate(&z, Z_FINISH) : Z_BUF_ERROR;
		out->len += room ? PIECE - z.avail_out : 0;
	}
	deflateEnd(&z);
	if (out->failed)
		return buf_check(out, "the packed report", err);
	return rc == Z_STREAM_END ? 0 : err_set(err, ERR_IO, "a report cannot be compressed");
}

/* ---- reading ---- */

static void free_archive(struct archive **a)
{
	archive_read_free(*a);
}

static bool is_packed(struct slice in)
{
	return slice_starts(in, slice_lit("\x1f\x8b")) || slice_starts(in, slice_lit("PK"));
}

/* The present file, appended; more than the bound is seen piece by piece. */
static int read_file(struct archive *a, struct buf *out, struct err *err)
{
	const void *piece;
	size_t len;
	la_int64_t at;
	int rc;

	while ((rc = archive_read_data_block(a, &piece, &len, &at)) == ARCHIVE_OK) {
		buf_append(out, (struct slice){piece, len});
		if (buf_check(out, "the unpacked report", err) < 0)
			return -ERR_TOOBIG;
	}
	return rc == ARCHIVE_EOF ? 0 : err_set(err, ERR_SYNTAX, "the packed report is broken");
}

int pack_open(struct slice in, struct buf *out, struct err *err)
{
	struct archive *a AUTO(free_archive) = NULL;
	struct archive_entry *entry;
	const size_t before = out->len;
	int rc;

	if (!is_packed(in)) {
		buf_append(out, in);
		return buf_check(out, "the report", err);
	}
	a = archive_read_new();
	if (!a || archive_read_support_filter_gzip(a) != ARCHIVE_OK ||
		archive_read_support_format_zip(a) != ARCHIVE_OK ||
		archive_read_support_format_raw(a) != ARCHIVE_OK)
		return err_set(err, ERR_IO, "no memory to unpack a report");
	if (archive_read_open_memory(a, in.ptr, in.len) != ARCHIVE_OK)
		return err_set(err, ERR_SYNTAX, "the packed report is broken");
	for (size_t i = 0; i < PACK_ENTRIES_MAX; i++) {
		if (archive_read_next_header(a, &entry) != ARCHIVE_OK)
			break;
		rc = read_file(a, out, err);
		if (rc < 0 || out->len > before)
			return rc;
	}
	return err_set(err, ERR_SYNTAX, "there is nothing in the packed report");
}
