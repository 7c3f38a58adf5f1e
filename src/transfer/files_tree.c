/* files_tree.c - the files of a folder and of the folders in it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/mem.h"
#include "transfer/files_internal.h"

enum { SHOWN_MAX = 80 };

struct name {
	char *text;
	bool is_folder;
};

struct level {
	int fd;
	struct name *names;
	size_t n, at, path_len; /* of the path before this level */
};

struct tree {
	struct files face;
	struct files_limits limits;
	struct level levels[FILES_DEPTH_MAX];
	size_t depth, files;
	uint64_t total;
	struct buf path;
	struct mapped mapped;
};

/* Files first: some say what the folders beside them mean. */
static int compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return x->is_folder != y->is_folder ? x->is_folder - y->is_folder
					    : strcmp(x->text, y->text);
}

static void close_level(struct level *level)
{
	for (size_t i = 0; i < level->n; i++)
		free(level->names[i].text);
	free(level->names);
	io_close(&level->fd);
	*level = (struct level){.fd = -1};
}

static void read_names(DIR *dir, size_t max, struct level *out)
{
	const struct dirent *entry;
	size_t room = 0;

	while (out->n <= max && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (out->n == room) {
			room = room ? 2 * room : 64;
			out->names = mem_realloc(out->names, room * sizeof(*out->names));
		}
		out->names[out->n++] =
			(struct name){mem_str(slice_str(entry->d_name)), entry->d_type == DT_DIR};
	}
	if (out->n)
		qsort(out->names, out->n, sizeof(*out->names), compare);
}

/* Takes fd. */
static int enter(struct tree *t, int fd, struct err *err)
{
	struct level *level = &t->levels[t->depth];
	DIR *dir;
	int copy;

	*level = (struct level){.fd = fd, .path_len = t->path.len};
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir) {
		err_errno(err, "cannot read the folder %.*s",
			SLICE_ARG(slice_head(buf_slice(&t->path), SHOWN_MAX)));
		io_close(&copy);
		io_close(&level->fd);
		return -(int)err->code;
	}
	t->depth++;
	read_names(dir, t->limits.files_max, level);
	closedir(dir);
	return 0;
}

static void put_path(struct tree *t, const struct level *level, const char *name)
{
	t->path.len = level->path_len;
	t->path.failed = false;
	if (t->path.len)
		buf_byte(&t->path, '/');
	buf_str(&t->path, name);
}

static int pass(struct tree *t, struct files_item *out, const char *why)
{
	out->path = buf_slice(&t->path);
	out->why = why;
	return FILES_PASSED;
}

static int take_file(
	struct tree *t, int fd, const struct stat *st, struct files_item *out, struct err *err)
{
	t->total += (uint64_t)st->st_size;
	if (t->total > t->limits.bytes_max)
		return err_set(
			err, ERR_TOOBIG, "there is more in the folder than the account may hold");
	if (mapped_open(fd, &t->mapped, err) < 0)
		return pass(t, out, "it cannot be read");
	*out = (struct files_item){.path = buf_slice(&t->path),
		.bytes = {t->mapped.at, t->mapped.len},
		.changed_s = st->st_mtime};
	return FILES_FILE;
}

static int meet(struct tree *t, const struct level *level, const char *name, struct files_item *out,
	struct err *err)
{
	int fd AUTO(io_close) =
		openat(level->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int rc;

	put_path(t, level, name);
	if (++t->files > t->limits.files_max)
		return err_set(err, ERR_TOOBIG, "there are more than %zu files in the folder",
			t->limits.files_max);
	if (t->path.failed)
		return pass(t, out, "its name is too long");
	if (fd < 0 || fstat(fd, &st) < 0)
		return pass(t, out, errno == ELOOP ? "it is a link" : "it cannot be opened");
	if (S_ISREG(st.st_mode))
		return take_file(t, fd, &st, out, err);
	if (!S_ISDIR(st.st_mode))
		return pass(t, out, "it is no file");
	if (t->depth == FILES_DEPTH_MAX)
		return pass(t, out, "it is too deep");
	rc = enter(t, fd, err);
	fd = -1;
	if (rc < 0)
		return pass(t, out, "it cannot be read");
	out->path = buf_slice(&t->path);
	return FILES_FOLDER;
}

static int tree_next(struct files *files, struct files_item *out, struct err *err)
{
	struct tree *t = (struct tree *)files;

	mapped_close(&t->mapped);
	while (t->depth) {
		struct level *level = &t->levels[t->depth - 1];

		if (level->at < level->n)
			return meet(t, level, level->names[level->at++].text, out, err);
		close_level(level);
		t->depth--;
	}
	return FILES_END;
}

static void tree_free(struct files *files)
{
	struct tree *t = (struct tree *)files;

	mapped_close(&t->mapped);
	while (t->depth)
		close_level(&t->levels[--t->depth]);
	buf_done(&t->path);
	free(t);
}

int files_open_tree(
	int dirfd, const struct files_limits *limits, struct files **out, struct err *err)
{
	struct tree *t = mem_new(struct tree);
	int rc;

	t->face = (struct files){tree_next, tree_free};
	t->limits = *limits;
	buf_init(&t->path, FILES_PATH_MAX);
	rc = enter(t, dirfd, err);
	if (rc < 0)
		tree_free(&t->face);
	else
		*out = &t->face;
	return rc;
}
