/* files_archive.c - the files of an archive, by libarchive. */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/spool.h"
#include "transfer/files_internal.h"

enum { TURN = 1 << 20 };

struct packed {
	struct files face;
	struct files_limits limits;
	struct archive *archive;
	size_t len, files; /* of the archive; how many have been seen */
	uint64_t total;    /* bytes that were unpacked */
	struct spool *spool;
	bool is_copying;
	struct buf path, name; /* name: of what is in it, where that has none */
	int64_t changed_s;
};

static int broken(struct packed *p, struct err *err)
{
	const char *why = archive_error_string(p->archive);

	return err_set(err, ERR_SYNTAX, "the archive is broken: %.100s", why ? why : "no reason");
}

/* What unpacks to much more than mail does is made to fill disks. */
static int count(struct packed *p, uint64_t bytes, struct err *err)
{
	p->total += bytes;
	if (bytes > INT64_MAX || p->total > p->limits.bytes_max)
		return err_set(
			err, ERR_TOOBIG, "there is more in the archive than the account may hold");
	if (p->total > FILES_RATIO_FREE && p->total / FILES_RATIO_MAX > p->len)
		return err_set(err, ERR_TOOBIG,
			"the archive unpacks to more than %d times its size", FILES_RATIO_MAX);
	return 0;
}

/* Without "./" and "/" at its ends; NULL: it is good, else why it is not. */
static const char *take_path(struct packed *p, struct slice name)
{
	struct slice rest = name;

	buf_clear(&p->path);
	if (slice_starts(name, slice_lit("/")))
		return "its name leads outside of the archive";
	while (rest.len) {
		const struct slice level = slice_cut(rest, '/', &rest);

		if (slice_eq(level, slice_lit("..")))
			return "its name leads outside of the archive";
		if (level.len == 0 || slice_eq(level, slice_lit(".")))
			continue;
		if (p->path.len)
			buf_byte(&p->path, '/');
		buf_append(&p->path, level);
	}
	return p->path.failed ? "its name is too long" : NULL;
}

static struct slice name_of(struct packed *p, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	if (!name)
		name = archive_entry_pathname_utf8(entry);
	if (archive_format(p->archive) == ARCHIVE_FORMAT_RAW)
		return buf_slice(&p->name);
	return slice_str(name ? name : "");
}

static const char *why_passed(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry) || archive_entry_filetype(entry) == AE_IFLNK)
		return "it is a link";
	if (archive_entry_filetype(entry) != AE_IFREG)
		return "it is no file";
	return archive_entry_is_encrypted(entry) ? "it is encrypted" : NULL;
}

static int meet(
	struct packed *p, struct archive_entry *entry, struct files_item *out, struct err *err)
{
	const struct slice name = name_of(p, entry);
	const bool is_folder = archive_entry_filetype(entry) == AE_IFDIR;
	const char *why = take_path(p, name);

	if (++p->files > p->limits.files_max)
		return err_set(err, ERR_TOOBIG, "there are more than %zu files in the archive",
			p->limits.files_max);
	if (!why && !is_folder)
		why = why_passed(entry);
	out->path = why ? slice_head(name, FILES_PATH_MAX) : buf_slice(&p->path);
	out->why = why;
	if (why && archive_entry_size(entry) > 0 &&
		count(p, (uint64_t)archive_entry_size(entry), err) < 0)
		return -ERR_TOOBIG;
	if (why || is_folder)
		return why ? FILES_PASSED : FILES_FOLDER;
	p->changed_s = archive_entry_mtime(entry);
	p->spool = spool_new(p->limits.spool_dirfd, p->limits.bytes_max);
	p->is_copying = true;
	return FILES_AGAIN;
}

/* Some of the present file; when it is whole it is the item. */
static int copy(struct packed *p, struct files_item *out, struct err *err)
{
	const uint64_t until = p->total + TURN;

	while (p->total < until) {
		const void *piece;
		size_t len;
		la_int64_t at;
		int rc = archive_read_data_block(p->archive, &piece, &len, &at);

		if (rc == ARCHIVE_EOF) {
			p->is_copying = false;
			rc = spool_map(p->spool, &out->bytes, err);
			out->path = buf_slice(&p->path);
			out->changed_s = p->changed_s;
			out->is_alone = archive_format(p->archive) == ARCHIVE_FORMAT_RAW;
			return rc < 0 ? rc : FILES_FILE;
		}
		if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
			return broken(p, err);
		if ((uint64_t)at != spool_size(p->spool)) /* a sparse file, which mail never is */
			return err_set(err, ERR_SYNTAX, "the archive has a file with holes");
		rc = count(p, len, err);
		if (rc == 0)
			rc = spool_append(p->spool, (struct slice){piece, len}, err);
		if (rc < 0)
			return rc;
	}
	return FILES_AGAIN;
}

static int packed_next(struct files *files, struct files_item *out, struct err *err)
{
	struct packed *p = (struct packed *)files;
	struct archive_entry *entry;
	int rc;

	if (p->is_copying)
		return copy(p, out, err);
	spool_free(&p->spool);
	rc = archive_read_next_header(p->archive, &entry);
	if (rc == ARCHIVE_EOF)
		return FILES_END;
	if (rc == ARCHIVE_RETRY)
		return FILES_AGAIN;
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return broken(p, err);
	return meet(p, entry, out, err);
}

static void packed_free(struct files *files)
{
	struct packed *p = (struct packed *)files;

	archive_read_free(p->archive);
	spool_free(&p->spool);
	buf_done(&p->path);
	buf_done(&p->name);
	free(p);
}

static bool set_up(struct archive *a)
{
	return a && archive_read_support_filter_gzip(a) == ARCHIVE_OK &&
	       archive_read_support_format_tar(a) == ARCHIVE_OK &&
	       archive_read_support_format_zip(a) == ARCHIVE_OK &&
	       archive_read_support_format_raw(a) == ARCHIVE_OK;
}

int files_open_archive(struct slice bytes, struct slice name, const struct files_limits *limits,
	struct files **out, struct err *err)
{
	struct packed *p = mem_new(struct packed);
	int rc = 0;

	p->face = (struct files){packed_next, packed_free};
	p->limits = *limits;
	p->len = bytes.len;
	buf_init(&p->path, FILES_PATH_MAX);
	buf_init(&p->name, FILES_PATH_MAX);
	if (slice_ends(name, slice_lit(".gz")))
		name.len -= 3;
	buf_append(&p->name, slice_head(name, FILES_PATH_MAX));
	p->archive = archive_read_new();
	if (!set_up(p->archive))
		rc = err_set(err, ERR_IO, "no memory to read an archive");
	else if (archive_read_open_memory(p->archive, bytes.ptr, bytes.len) != ARCHIVE_OK)
		rc = broken(p, err);
	if (rc < 0)
		packed_free(&p->face);
	else
		*out = &p->face;
	return rc;
}
