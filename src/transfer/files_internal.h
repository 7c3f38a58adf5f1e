/* files_internal.h - what the kinds of sources share. */
#ifndef TRANSFER_FILES_INTERNAL_H
#define TRANSFER_FILES_INTERNAL_H

#include "transfer/files.h"

/* Put first in a struct of the kind's own. */
struct files {
	int (*next)(struct files *files, struct files_item *out, struct err *err);
	void (*free)(struct files *files);
};

/* A file of the disk in memory; empty: nothing. */
struct mapped {
	void *at;
	size_t len;
};
MUST_CHECK int mapped_open(int fd, struct mapped *out, struct err *err);
void mapped_close(struct mapped *mapped);

MUST_CHECK int files_open_archive(struct slice bytes, struct slice name,
	const struct files_limits *limits, struct files **out, struct err *err);

#endif
