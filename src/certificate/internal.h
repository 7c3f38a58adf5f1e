/* internal.h - one file of tls/; only for src/certificate. */
#ifndef CERTIFICATE_INTERNAL_H
#define CERTIFICATE_INTERNAL_H

#include <sys/stat.h>

#include "certificate/certificate.h"

/* How the file was when we looked. */
struct file_mark {
	uint64_t inode, size;
	int64_t changed_ns;
};

struct certificate {
	struct slice name; /* in space */
	bool is_old, is_seen;
	bool must_retry;         /* the file is as it was, but may be good now */
	struct file_mark mark;   /* of the last look */
	struct tls_chain *chain; /* in use; NULL: none */
	struct buf pem;          /* of the chain in use */
	char error[160];         /* of the last look; empty: none */
	unsigned warned_days;    /* the last warning, UINT_MAX: none */
	char space[];
};

/* describe.c: one chain for people; roots_fd is the system's list, -1 for none. */
json_t *certificate_describe(struct slice pem, int roots_fd);

#endif
