/*
 * files.h - the files of an archive (tar, tar.gz, zip, or one file packed by gzip), of a folder, or
 * one file by itself: one after the other, each as a slice.
 *
 * Does:   nothing is ever written under a name that an archive has. Links, devices and names that
 *         lead outside are passed over and told. The files of a folder come
 *         in the order of their names, then the folders in it.
 * Bounds: struct files_limits; a file that is too large is told, one archive too large is
 * -ERR_TOOBIG. What is in memory is one file's first 64 KiB; larger ones go to a file without a
 * name. Errors: -ERR_SYNTAX (a broken archive), -ERR_TOOBIG, -ERR_IO.
 */
#ifndef TRANSFER_FILES_H
#define TRANSFER_FILES_H

#include "base/buf.h"

enum {
	FILES_PATH_MAX = 4096,
	FILES_DEPTH_MAX = 40,
	FILES_RATIO_MAX = 200,
	FILES_RATIO_FREE = 64 << 20
};

struct files_limits {
	uint64_t bytes_max; /* of all that is in it */
	size_t files_max;
	int spool_dirfd; /* for files of archives */
};

enum files_kind { FILES_END, FILES_FILE, FILES_FOLDER, FILES_PASSED, FILES_AGAIN };

struct files_item {
	struct slice path;  /* without "./" and "/" at its ends; may be any bytes */
	struct slice bytes; /* of a file; until the next call */
	int64_t changed_s;  /* 0: not known */
	const char *why;    /* it was passed over */
	bool is_alone;      /* there is no other, and path only its name */
};

struct files;

/* files_open_bytes - bytes live as long as files. files_open_tree - takes dirfd. files_open_file -
 * the same of a file, which is mapped. */
MUST_CHECK int files_open_bytes(struct slice bytes, struct slice name,
	const struct files_limits *limits, struct files **out, struct err *err);
MUST_CHECK int files_open_file(int fd, struct slice name, const struct files_limits *limits,
	struct files **out, struct err *err);
MUST_CHECK int files_open_tree(
	int dirfd, const struct files_limits *limits, struct files **out, struct err *err);
void files_free(struct files **files);

/* files_next - an enum files_kind; FILES_AGAIN: call again, this one is long. */
MUST_CHECK int files_next(struct files *files, struct files_item *out, struct err *err);

/* files_is_archive - bytes begin as one. */
bool files_is_archive(struct slice bytes);

#endif
