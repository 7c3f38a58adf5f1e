/* pack.c - see pack.h for the contract. */
#include "transfer/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "transfer/files.h"

enum { OUT_MAX = 1 << 30, FILE_MODE = 0600, FOLDER_MODE = 0700 };

struct pack {
	struct archive *archive;
	struct archive_entry *entry;
	struct buf out;
};

static la_ssize_t on_write(struct archive *archive, void *context, const void *bytes, size_t len)
{
	struct pack *pack = context;

	(void)archive;
	buf_append(&pack->out, (struct slice){bytes, len});
	return pack->out.failed ? -1 : (la_ssize_t)len;
}

static int failed(struct pack *pack, struct err *err)
{
	const char *why = archive_error_string(pack->archive);

	return err_set(err, ERR_IO, "the archive cannot be made: %.100s", why ? why : "no reason");
}

static bool set_up(struct pack *pack, enum pack_kind kind)
{
	struct archive *a = pack->archive;

	if (!a || !pack->entry)
		return false;
	if (kind == PACK_ZIP)
		return archive_write_set_format_zip(a) == ARCHIVE_OK;
	return archive_write_add_filter_gzip(a) == ARCHIVE_OK &&
	       archive_write_set_format_pax_restricted(a) == ARCHIVE_OK;
}

int pack_new(enum pack_kind kind, struct pack **out, struct err *err)
{
	struct pack *pack = mem_new(struct pack);
	int rc = 0;

	buf_init(&pack->out, OUT_MAX);
	pack->archive = archive_write_new();
	pack->entry = archive_entry_new();
	if (!set_up(pack, kind) ||
		archive_write_set_bytes_per_block(pack->archive, 0) != ARCHIVE_OK ||
		archive_write_open(pack->archive, pack, NULL, on_write, NULL) != ARCHIVE_OK)
		rc = failed(pack, err);
	if (rc < 0)
		pack_free(&pack);
	else
		*out = pack;
	return rc;
}

void pack_free(struct pack **pack)
{
	struct pack *p = *pack;

	*pack = NULL;
	if (!p)
		return;
	archive_write_free(p->archive);
	archive_entry_free(p->entry);
	buf_done(&p->out);
	free(p);
}

static int begin(struct pack *pack, struct slice path, mode_t mode, int64_t size, int64_t changed_s,
	struct err *err)
{
	char *name = mem_str(path);
	int rc;

	archive_entry_clear(pack->entry);
	archive_entry_set_pathname(pack->entry, name);
	archive_entry_set_filetype(pack->entry, mode & S_IFMT);
	archive_entry_set_perm(pack->entry, mode & ~(mode_t)S_IFMT);
	archive_entry_set_mtime(pack->entry, changed_s, 0);
	if (size >= 0)
		archive_entry_set_size(pack->entry, size);
	rc = archive_write_header(pack->archive, pack->entry);
	free(name);
	return rc == ARCHIVE_OK || rc == ARCHIVE_WARN ? 0 : failed(pack, err);
}

int pack_folder(struct pack *pack, struct slice path, int64_t changed_s, struct err *err)
{
	return begin(pack, path, S_IFDIR | FOLDER_MODE, 0, changed_s, err);
}

int pack_file(
	struct pack *pack, struct slice path, int64_t size, int64_t changed_s, struct err *err)
{
	return begin(pack, path, S_IFREG | FILE_MODE, size, changed_s, err);
}

int pack_bytes(struct pack *pack, struct slice bytes, struct err *err)
{
	if (bytes.len == 0)
		return 0;
	return archive_write_data(pack->archive, bytes.ptr, bytes.len) == (la_ssize_t)bytes.len
		       ? 0
		       : failed(pack, err);
}

int pack_end(struct pack *pack, struct err *err)
{
	return archive_write_close(pack->archive) == ARCHIVE_OK ? 0 : failed(pack, err);
}

struct buf *pack_out(struct pack *pack)
{
	return &pack->out;
}
