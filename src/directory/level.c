/* level.c - service levels; see level.h for the contract. */
#include "directory/level.h"

#include <string.h>

#include "directory/internal.h"

#define LEVEL_COLUMNS                                                                              \
	"level.name, storage, message, sends_hour, sends_day, aliases, pop_links, files,"          \
	" services, spam, has_all_domains, is_default, stop_points"

static int read_level(struct db_stmt *row, struct arena *arena, void *item, struct err *err)
{
	struct directory_level *level = item;

	*level = (struct directory_level){.storage_bytes = (uint64_t)db_int(row, 1),
		.message_bytes = (uint64_t)db_int(row, 2),
		.sends_hour = (uint64_t)db_int(row, 3),
		.sends_day = (uint64_t)db_int(row, 4),
		.aliases = (uint64_t)db_int(row, 5),
		.pop_links = (uint64_t)db_int(row, 6),
		.file_bytes = (uint64_t)db_int(row, 7),
		.services = (unsigned)db_int(row, 8),
		.spam = (unsigned)db_int(row, 9),
		.has_all_domains = db_int(row, 10) != 0,
		.is_default = db_int(row, 11) != 0,
		.stop_points = (uint64_t)db_int(row, 12)};
	return row_texts(row, arena, err, (struct row_text[]){{0, &level->name}, {0, NULL}});
}

static int read_domains(
	struct directory *dir, struct directory_level *level, struct arena *arena, struct err *err)
{
	const struct db_arg args[] = {db_t(level->name), {.kind = DB_END}};
	const struct list_query query = {
		"SELECT domain FROM level_domain WHERE level = ? ORDER BY domain", args,
		list_read_text, sizeof(*level->domains), 0};
	void *list;
	const int rc = list_rows(dir, &query, arena, &list, &level->domains_n, err);

	if (rc == 0)
		level->domains = list;
	return rc;
}

static int read_one(struct directory *dir, const struct list_query *query, struct arena *arena,
	struct directory_level *out, struct err *err)
{
	struct directory_level *level;
	void *list;
	size_t n;
	int rc = list_rows(dir, query, arena, &list, &n, err);

	if (rc < 0)
		return rc;
	if (n == 0)
		return err_set(err, ERR_NOTFOUND, "there is no such service level");
	level = list;
	rc = read_domains(dir, level, arena, err);
	if (rc == 0)
		*out = *level;
	return rc;
}

int directory_level(struct directory *dir, struct slice name, struct arena *arena,
	struct directory_level *out, struct err *err)
{
	const struct db_arg args[] = {db_t(name), {.kind = DB_END}};
	const struct list_query query = {"SELECT " LEVEL_COLUMNS " FROM level WHERE name = ?", args,
		read_level, sizeof(*out), 1};

	return read_one(dir, &query, arena, out, err);
}

int directory_level_of(struct directory *dir, uint64_t account, struct arena *arena,
	struct directory_level *out, struct err *err)
{
	const struct db_arg args[] = {db_i((int64_t)account), {.kind = DB_END}};
	const struct list_query query = {"SELECT " LEVEL_COLUMNS
					 " FROM account JOIN level ON level.name = " ACCOUNT_LEVEL
					 " WHERE account.id = ?",
		args, read_level, sizeof(*out), 1};

	return read_one(dir, &query, arena, out, err);
}

int directory_may_use(
	struct directory *dir, uint64_t account, unsigned services, bool *out, struct err *err)
{
	int64_t open = 0;
	int rc;

	pthread_mutex_lock(&dir->reading);
	rc = db_get_int(dir->reader, &open, err,
		"SELECT services FROM account JOIN level ON level.name = " ACCOUNT_LEVEL
		" WHERE account.id = ?",
		db_i((int64_t)account));
	pthread_mutex_unlock(&dir->reading);
	if (rc == 0)
		*out = ((unsigned)open & services) == services;
	return rc;
}

int directory_levels(struct directory *dir, struct arena *arena, struct directory_level **list_out,
	size_t *n_out, struct err *err)
{
	const struct db_arg args[] = {{.kind = DB_END}};
	const struct list_query query = {"SELECT " LEVEL_COLUMNS " FROM level ORDER BY name", args,
		read_level, sizeof(**list_out), 0};
	void *list;
	size_t n;
	int rc = list_rows(dir, &query, arena, &list, &n, err);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = read_domains(dir, (struct directory_level *)list + i, arena, err);
	if (rc < 0)
		return rc;
	*list_out = list;
	*n_out = n;
	return 0;
}

/* ---- changes ---- */

int need_level(struct directory *dir, struct slice name, struct level_name *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	struct slice found;
	int rc = db_query(dir->writer, &row, err,
		"SELECT name FROM level WHERE name = ?1 OR (?1 = '' AND is_default)", db_t(name));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "there is no service level %.*s",
			SLICE_ARG(slice_head(name, DIRECTORY_LEVEL_NAME_MAX)));
	if (rc < 0)
		return rc;
	found = slice_head(db_text(row, 0), sizeof(out->space));
	memcpy(out->space, found.ptr, found.len);
	out->text = (struct slice){out->space, found.len};
	return 0;
}

int need_level_domain(
	struct directory *dir, struct slice level, struct slice domain, struct err *err)
{
	int64_t n;
	int rc = db_get_int(dir->writer, &n, err,
		"SELECT has_all_domains OR EXISTS (SELECT 1 FROM level_domain"
		" WHERE level = level.name AND domain = ?) FROM level WHERE name = ?",
		db_t(domain), db_t(level));

	if (rc == 0 && n == 0)
		rc = err_set(err, ERR_DENIED,
			"the domain %.*s is not open to the service level %.*s", SLICE_ARG(domain),
			SLICE_ARG(level));
	return rc;
}

static int check_level(const struct directory_level *level, struct err *err)
{
	bool is_good = level->name.len > 0 && level->name.len <= DIRECTORY_LEVEL_NAME_MAX;

	for (size_t i = 0; i < level->name.len && is_good; i++) {
		const char c = level->name.ptr[i];

		is_good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
	}
	if (!is_good)
		return err_set(err, ERR_SYNTAX,
			"a level's name has small letters, digits and \"-\", at most %d",
			DIRECTORY_LEVEL_NAME_MAX);
	if ((level->services & ~(unsigned)DIRECTORY_SERVICES_ALL) ||
		(level->spam & ~(unsigned)DIRECTORY_SPAM_ALL) || level->spam == 0)
		return err_set(err, ERR_SYNTAX, "unknown services, or no spam protection level");
	if (level->domains_n > DIRECTORY_LEVEL_DOMAINS_MAX)
		return err_set(err, ERR_TOOBIG, "at most %d domains", DIRECTORY_LEVEL_DOMAINS_MAX);
	return 0;
}

static struct db_arg bound(uint64_t n)
{
	return db_i((int64_t)(n < DIRECTORY_UNLIMITED ? n : DIRECTORY_UNLIMITED));
}

static int put_domain(
	struct directory *dir, struct slice level, struct slice domain, struct err *err)
{
	struct name name;
	uint64_t owner;
	int rc = name_parse_domain(domain, &name, err);

	if (rc == 0)
		rc = need_domain(dir, name.domain, &owner, err);
	if (rc == 0 && owner)
		return err_set(
			err, ERR_CONFLICT, "%.*s is a customer's domain", SLICE_ARG(name.domain));
	return rc < 0 ? rc
		      : db_do(dir->writer, err,
				"INSERT OR IGNORE INTO level_domain (level, domain) VALUES (?, ?)",
				db_t(level), db_t(name.domain));
}

/* The default is one level at any time: it is taken from one only by giving it to another. */
static int move_default(struct directory *dir, const struct directory_level *level, struct err *err)
{
	int64_t n;
	int rc = level->is_default ? db_do(dir->writer, err,
					     "UPDATE level SET is_default = 0 WHERE is_default")
				   : 0;

	if (rc == 0)
		rc = db_do(dir->writer, err, "UPDATE level SET is_default = ? WHERE name = ?",
			db_i(level->is_default), db_t(level->name));
	if (rc == 0)
		rc = db_get_int(
			dir->writer, &n, err, "SELECT count(*) FROM level WHERE is_default");
	if (rc == 0 && n == 0)
		rc = err_set(err, ERR_CONFLICT, "make another level the default one instead");
	return rc;
}

static int set_level(struct directory *dir, const struct directory_level *level, struct err *err)
{
	int rc = db_do(dir->writer, err,
		"INSERT INTO level (name, storage, message, sends_hour, sends_day, aliases,"
		" pop_links, files, services, spam, has_all_domains, is_default, stop_points)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12)"
		" ON CONFLICT (name) DO UPDATE SET storage = ?2, message = ?3, sends_hour = ?4,"
		" sends_day = ?5, aliases = ?6, pop_links = ?7, files = ?8, services = ?9,"
		" spam = ?10, has_all_domains = ?11, stop_points = ?12",
		db_t(level->name), bound(level->storage_bytes), bound(level->message_bytes),
		bound(level->sends_hour), bound(level->sends_day), bound(level->aliases),
		bound(level->pop_links), bound(level->file_bytes), db_i(level->services),
		db_i(level->spam), db_i(level->has_all_domains), bound(level->stop_points));

	if (rc == 0)
		rc = db_do(dir->writer, err, "DELETE FROM level_domain WHERE level = ?",
			db_t(level->name));
	for (size_t i = 0; rc == 0 && i < level->domains_n; i++)
		rc = put_domain(dir, level->name, level->domains[i], err);
	return rc == 0 ? move_default(dir, level, err) : rc;
}

int directory_level_set(struct directory *dir, const struct directory_level *level, struct err *err)
{
	int rc = check_level(level, err);

	if (rc == 0)
		rc = change_begin(dir, err);
	return rc < 0 ? rc : change_end(dir, set_level(dir, level, err), err);
}

static int delete_level(struct directory *dir, struct slice name, struct err *err)
{
	struct level_name level;
	int64_t n;
	int rc = name.len ? need_level(dir, name, &level, err)
			  : err_set(err, ERR_NOTFOUND, "which service level?");

	if (rc == 0)
		rc = db_get_int(dir->writer, &n, err,
			"SELECT (SELECT count(*) FROM account WHERE level = ?1) +"
			" (SELECT count(*) FROM party WHERE level = ?1) +"
			" (SELECT is_default FROM level WHERE name = ?1)",
			db_t(name));
	if (rc == 0 && n > 0)
		rc = err_set(err, ERR_CONFLICT, "the level is in use, or is the default one");
	if (rc == 0)
		rc = db_do(
			dir->writer, err, "DELETE FROM level_domain WHERE level = ?", db_t(name));
	return rc == 0 ? db_do(dir->writer, err, "DELETE FROM level WHERE name = ?", db_t(name))
		       : rc;
}

int directory_level_delete(struct directory *dir, struct slice name, struct err *err)
{
	const int rc = change_begin(dir, err);

	return rc < 0 ? rc : change_end(dir, delete_level(dir, name, err), err);
}
