/* internal.h - what the files of this room share; nobody else includes it. */
#ifndef DIRECTORY_INTERNAL_H
#define DIRECTORY_INTERNAL_H

#include <pthread.h>

#include "db/db.h"
#include "directory/cache.h"
#include "directory/directory.h"

struct directory {
	pthread_mutex_t writing, reading; /* each guards its connection; never both at once */
	struct db *writer, *reader;
	struct cache *cache;
	_Atomic int64_t look_at_ms; /* when to ask again whether the file was changed */
	int64_t seen_version;       /* guarded by `reading` */
};

enum { NAME_MAX_BYTES = 800 };

/* An address in normal form, in memory of its own. */
struct name {
	struct slice text, domain; /* text is "@domain" for a catch-all */
	char space[NAME_MAX_BYTES];
};

/* name_parse - "local@domain" or "@domain". -ERR_SYNTAX, -ERR_TOOBIG. */
MUST_CHECK int name_parse(struct slice text, struct name *out, struct err *err);
/* name_parse_domain - only a domain, not an address literal; out->domain is set. */
MUST_CHECK int name_parse_domain(struct slice text, struct name *out, struct err *err);

/* The columns of an account, in the order in which account_read() wants them. */
#define ACCOUNT_COLUMNS "id, address, quota, created, is_disabled"
/* account_read - the row's account, its address copied to the arena. */
MUST_CHECK int account_read(
	struct db_stmt *row, struct arena *arena, struct directory_account *out, struct err *err);

#endif
