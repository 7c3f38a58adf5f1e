/* internal.h - what the files of this room share; nobody else includes it. */
#ifndef DIRECTORY_INTERNAL_H
#define DIRECTORY_INTERNAL_H

#include <pthread.h>

#include "db/db.h"
#include "directory/cache.h"
#include "directory/group.h"

struct directory {
	pthread_mutex_t writing, reading; /* each guards its connection; never both at once */
	struct db *writer, *reader;
	struct cache *cache;
	struct db_watch watch; /* of changes, also of another server's (an upgrade runs two) */
	struct slice operator; /* of directory_set_operator() */
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

/* Wildcard aliases: "front*back@domain", one star in a local part without quotes. name_wildcard -
 * whether it is one; -ERR_SYNTAX: it has more stars, or nothing else. name_fits - the address is
 * one that the wildcard alias stands for. */
MUST_CHECK int name_wildcard(const struct name *name, bool *is_out, struct err *err);
bool name_fits(const struct name *name, struct slice wildcard);
/* The same for rows of the table alias: what may be one, and its domain if it is. */
#define WILDCARD_IS "instr(address, '*') > 0"
#define WILDCARD_DOMAIN "substr(address, instr(address, '@') + 1)"

/* The columns of an account, in the order in which account_read() wants them. */
#define ACCOUNT_LEVEL                                                                              \
	"CASE account.level WHEN '' THEN (SELECT name FROM level WHERE is_default)"                \
	" ELSE account.level END"
#define ACCOUNT_COLUMNS                                                                            \
	"account.id, account.address, CASE WHEN account.has_own_quota THEN account.quota"          \
	" ELSE (SELECT nullif(storage, 9223372036854775807) FROM level WHERE level.name ="         \
	" " ACCOUNT_LEVEL ") END, account.created, account.is_disabled, account.has_own_quota,"    \
	" account.party, account.is_party_admin, " ACCOUNT_LEVEL                                   \
	", account.language, account.name, account.undo_web, account.undo_program, "               \
	"account.keeps_sent"
/* account_read - the row's account, its texts copied to the arena. */
MUST_CHECK int account_read(
	struct db_stmt *row, struct arena *arena, struct directory_account *out, struct err *err);
/* row_texts - copies of the row's texts; a list that ends with out NULL. */
struct row_text {
	int column;
	struct slice *out;
};
MUST_CHECK int row_texts(
	struct db_stmt *row, struct arena *arena, struct err *err, const struct row_text *texts);

/* duty.c: 1 if it is one of the addresses that every domain has; the caller holds `reading`, and
 * nobody has it by name. */
MUST_CHECK int read_duty(struct directory *dir, const struct name *name, struct arena *arena,
	struct directory_entry *out, struct err *err);

/* list.c: all rows of a query, in the arena. */
typedef int list_read_fn(struct db_stmt *row, struct arena *arena, void *item, struct err *err);
struct list_query {
	const char *sql; /* a literal */
	const struct db_arg *args;
	list_read_fn *read;    /* fills one item from a row */
	size_t item_size, max; /* max 0: as many as there are, up to LIST_MAX */
};
enum { LIST_MAX = 100000 };
MUST_CHECK int list_rows(struct directory *dir, const struct list_query *query, struct arena *arena,
	void **list_out, size_t *n_out, struct err *err);
list_read_fn list_read_text, list_read_account, list_read_alias;

/* change.c: a change is one at a time, in a transaction of the writer. change_end - on disk and
 * seen by everybody if rc is 0, else undone; returns what became of it. */
MUST_CHECK int change_begin(struct directory *dir, struct err *err);
MUST_CHECK int change_end(struct directory *dir, int rc, struct err *err);
/* Inside a change. need_domain - -ERR_NOTFOUND if it is not ours; *owner_out is its group. */
MUST_CHECK int need_domain(
	struct directory *dir, struct slice domain, uint64_t *owner_out, struct err *err);
MUST_CHECK int need_no_account(
	struct directory *dir, struct slice address, uint64_t *id_out, struct err *err);
MUST_CHECK int need_no_alias(struct directory *dir, struct slice address, struct err *err);
/* name_check - not longer than an address may be. */
MUST_CHECK int name_check(const struct name *name, struct err *err);
/* add_targets - to an alias whose domain and address are known to be right. */
MUST_CHECK int add_targets(struct directory *dir, const struct name *alias,
	const struct slice *targets, size_t n, struct err *err);
/* delete_targets - one target of the alias, or all (target.len 0). */
MUST_CHECK int delete_targets(
	struct directory *dir, const struct name *alias, struct slice target, struct err *err);
/* need_group_room - -ERR_NOTFOUND, -ERR_TOOBIG: it has all the members it may have. */
MUST_CHECK int need_group_room(struct directory *dir, uint64_t group, struct err *err);

/* level.c, inside a change: the level of this name (empty: the default one), and whether it may
 * use a domain of the operator's. */
struct level_name {
	struct slice text;
	char space[DIRECTORY_LEVEL_NAME_MAX];
};
MUST_CHECK int need_level(
	struct directory *dir, struct slice name, struct level_name *out, struct err *err);
MUST_CHECK int need_level_domain(
	struct directory *dir, struct slice level, struct slice domain, struct err *err);

/* text_check - UTF-8 of at most max bytes, without control characters (but line ends, if many
 * lines are allowed). */
MUST_CHECK int text_check(
	struct slice text, const char *what, size_t max, bool may_have_lines, struct err *err);

#endif
