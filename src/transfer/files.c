/* files.c - see files.h for the contract; what is one file, and which source fits. */
#include "transfer/files_internal.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/mem.h"

enum { TAR_MAGIC_AT = 257 };

bool files_is_archive(struct slice bytes)
{
	return slice_starts(bytes, slice_lit("\x1f\x8b")) ||
	       slice_starts(bytes, slice_lit("PK\x03\x04")) ||
	       slice_starts(bytes, slice_lit("PK\x05\x06")) ||
	       slice_starts(slice_from(bytes, TAR_MAGIC_AT), slice_lit("ustar"));
}

int files_next(struct files *files, struct files_item *out, struct err *err)
{
	*out = (struct files_item){0};
	return files->next(files, out, err);
}

void files_free(struct files **files)
{
	if (*files)
		(*files)->free(*files);
	*files = NULL;
}

/* ---- mapping ---- */

int mapped_open(int fd, struct mapped *out, struct err *err)
{
	struct stat st;
	void *at;

	*out = (struct mapped){0};
	if (fstat(fd, &st) < 0)
		return err_errno(err, "cannot look at a file");
	if (st.st_size == 0)
		return 0;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return err_errno(err, "cannot read a file");
	*out = (struct mapped){at, (size_t)st.st_size};
	return 0;
}

void mapped_close(struct mapped *mapped)
{
	if (mapped->at)
		munmap(mapped->at, mapped->len);
	*mapped = (struct mapped){0};
}

/* ---- one file ---- */

struct single {
	struct files face;
	struct slice bytes;
	struct buf name;
	bool is_over;
};

static int single_next(struct files *files, struct files_item *out, struct err *err)
{
	struct single *single = (struct single *)files;

	(void)err;
	if (single->is_over)
		return FILES_END;
	single->is_over = true;
	*out = (struct files_item){
		.path = buf_slice(&single->name), .bytes = single->bytes, .is_alone = true};
	return FILES_FILE;
}

static void single_free(struct files *files)
{
	struct single *single = (struct single *)files;

	buf_done(&single->name);
	free(single);
}

int files_open_bytes(struct slice bytes, struct slice name, const struct files_limits *limits,
	struct files **out, struct err *err)
{
	struct single *single;

	if (files_is_archive(bytes))
		return files_open_archive(bytes, name, limits, out, err);
	if (bytes.len > limits->bytes_max)
		return err_set(err, ERR_TOOBIG, "the file is too large");
	single = mem_new(struct single);
	single->face = (struct files){single_next, single_free};
	single->bytes = bytes;
	buf_init(&single->name, FILES_PATH_MAX);
	buf_append(&single->name, slice_head(name, FILES_PATH_MAX));
	*out = &single->face;
	return 0;
}

/* ---- the same, of the disk ---- */

struct disk_file {
	struct files face, *inner;
	struct mapped mapped;
	int64_t changed_s;
};

static int disk_next(struct files *files, struct files_item *out, struct err *err)
{
	struct disk_file *disk = (struct disk_file *)files;
	const int kind = files_next(disk->inner, out, err);

	if (kind == FILES_FILE && out->changed_s == 0)
		out->changed_s = disk->changed_s;
	return kind;
}

static void disk_free(struct files *files)
{
	struct disk_file *disk = (struct disk_file *)files;

	files_free(&disk->inner);
	mapped_close(&disk->mapped);
	free(disk);
}

int files_open_file(int fd, struct slice name, const struct files_limits *limits,
	struct files **out, struct err *err)
{
	struct disk_file *disk = mem_new(struct disk_file);
	struct stat st;
	int rc = mapped_open(fd, &disk->mapped, err);

	disk->face = (struct files){disk_next, disk_free};
	disk->changed_s = fstat(fd, &st) == 0 ? st.st_mtime : 0;
	if (rc == 0)
		rc = files_open_bytes((struct slice){disk->mapped.at, disk->mapped.len}, name,
			limits, &disk->inner, err);
	if (rc < 0)
		disk_free(&disk->face);
	else
		*out = &disk->face;
	return rc;
}
