/* list.c - everything, in pages; see directory.h for the contract. */
#include "directory/internal.h"

#define ALIAS_SELECT                                                                               \
	"SELECT alias.address, alias.target, alias_owner.account FROM alias"                       \
	" LEFT JOIN alias_owner ON alias_owner.address = alias.address"

static int full(struct err *err)
{
	return err_set(err, ERR_TOOBIG, "the list needs too much memory");
}

int list_read_text(struct db_stmt *row, struct arena *arena, void *item, struct err *err)
{
	return row_texts(row, arena, err, (struct row_text[]){{0, item}, {0, NULL}});
}

int list_read_account(struct db_stmt *row, struct arena *arena, void *item, struct err *err)
{
	return account_read(row, arena, item, err);
}

int list_read_alias(struct db_stmt *row, struct arena *arena, void *item, struct err *err)
{
	struct directory_alias *alias = item;

	alias->owner = (uint64_t)db_int(row, 2);
	return row_texts(row, arena, err,
		(struct row_text[]){{0, &alias->address}, {1, &alias->target}, {0, NULL}});
}

static int read_rows(struct directory *dir, const struct list_query *query, size_t max,
	struct arena *arena, char *list, size_t *n, struct err *err)
{
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	int rc = db_query_args(dir->reader, query->sql, query->args, &rows, err);

	if (rc < 0)
		return rc;
	while (*n < max && (rc = db_step(rows, err)) != 0) {
		if (rc > 0 && list)
			rc = query->read(rows, arena, list + *n * query->item_size, err);
		if (rc < 0)
			return rc;
		++*n;
	}
	return 0;
}

/* Counted first where nobody says how many there may be. */
static int read_list(struct directory *dir, const struct list_query *query, struct arena *arena,
	char **list_out, size_t *n_out, struct err *err)
{
	size_t max = query->max;
	int rc = 0;

	if (!max)
		rc = read_rows(dir, query, LIST_MAX, arena, NULL, &max, err);
	if (rc < 0)
		return rc;
	*list_out = arena_alloc_array(arena, query->item_size, max ? max : 1);
	*n_out = 0;
	return *list_out ? read_rows(dir, query, max, arena, *list_out, n_out, err) : full(err);
}

int list_rows(struct directory *dir, const struct list_query *query, struct arena *arena,
	void **list_out, size_t *n_out, struct err *err)
{
	char *list = NULL;
	size_t n = 0;
	int rc;

	pthread_mutex_lock(&dir->reading);
	rc = db_begin_read(dir->reader, err);
	if (rc == 0) {
		rc = read_list(dir, query, arena, &list, &n, err);
		db_end_read(dir->reader);
	}
	pthread_mutex_unlock(&dir->reading);
	if (rc < 0)
		return rc;
	*list_out = list;
	*n_out = n;
	return 0;
}

int directory_accounts(struct directory *dir, struct slice after, size_t max, struct arena *arena,
	struct directory_account **list_out, size_t *n_out, struct err *err)
{
	const struct db_arg args[] = {db_t(after), db_i((int64_t)max), {.kind = DB_END}};
	const struct list_query query = {"SELECT " ACCOUNT_COLUMNS
					 " FROM account WHERE address > ? ORDER BY address LIMIT ?",
		args, list_read_account, sizeof(**list_out), max};
	void *list;
	int rc = list_rows(dir, &query, arena, &list, n_out, err);

	if (rc == 0)
		*list_out = list;
	return rc;
}

int directory_domains(struct directory *dir, struct slice after, size_t max, struct arena *arena,
	struct slice **list_out, size_t *n_out, struct err *err)
{
	const struct db_arg args[] = {db_t(after), db_i((int64_t)max), {.kind = DB_END}};
	const struct list_query query = {
		"SELECT name FROM domain WHERE name > ? ORDER BY name LIMIT ?", args,
		list_read_text, sizeof(**list_out), max};
	void *list;
	int rc = list_rows(dir, &query, arena, &list, n_out, err);

	if (rc == 0)
		*list_out = list;
	return rc;
}

int directory_aliases(struct directory *dir, struct directory_alias after, size_t max,
	struct arena *arena, struct directory_alias **list_out, size_t *n_out, struct err *err)
{
	const struct db_arg args[] = {
		db_t(after.address), db_t(after.target), db_i((int64_t)max), {.kind = DB_END}};
	const struct list_query query = {ALIAS_SELECT
		" WHERE (alias.address, alias.target) > (?, ?)"
		" ORDER BY alias.address, alias.target LIMIT ?",
		args, list_read_alias, sizeof(**list_out), max};
	void *list;
	int rc = list_rows(dir, &query, arena, &list, n_out, err);

	if (rc == 0)
		*list_out = list;
	return rc;
}

int directory_account_aliases(struct directory *dir, uint64_t account, struct arena *arena,
	struct directory_alias **list_out, size_t *n_out, struct err *err)
{
	const struct db_arg id = db_i((int64_t)account);
	const struct db_arg args[] = {id, id, {.kind = DB_END}};
	const struct list_query query = {ALIAS_SELECT
		" WHERE alias.address IN"
		" (SELECT address FROM alias_owner WHERE account = ?"
		" UNION SELECT address FROM alias WHERE target ="
		" (SELECT address FROM account WHERE id = ?))"
		" ORDER BY alias.address, alias.target",
		args, list_read_alias, sizeof(**list_out), 0};
	void *list;
	const int rc = list_rows(dir, &query, arena, &list, n_out, err);

	if (rc == 0)
		*list_out = list;
	return rc;
}

int directory_open_domains(struct directory *dir, uint64_t account, struct arena *arena,
	struct slice **list_out, size_t *n_out, struct err *err)
{
	const struct db_arg args[] = {db_i((int64_t)account), {.kind = DB_END}};
	const struct list_query query = {
		"SELECT domain.name FROM account JOIN level ON level.name = " ACCOUNT_LEVEL
		" JOIN domain ON CASE domain.owner WHEN 0 THEN level.has_all_domains OR EXISTS"
		" (SELECT 1 FROM level_domain WHERE level = level.name AND domain = domain.name)"
		" ELSE domain.owner = account.party END"
		" WHERE account.id = ? ORDER BY domain.owner = 0, domain.name",
		args, list_read_text, sizeof(**list_out), 0};
	void *list;
	const int rc = list_rows(dir, &query, arena, &list, n_out, err);

	if (rc == 0)
		*list_out = list;
	return rc;
}

int directory_group_aliases(struct directory *dir, uint64_t group, struct arena *arena,
	struct directory_alias **list_out, size_t *n_out, struct err *err)
{
	const struct db_arg args[] = {db_i((int64_t)group), {.kind = DB_END}};
	const struct list_query query = {ALIAS_SELECT
		" JOIN domain ON"
		" substr(alias.address, -length(domain.name) - 1) = '@' || domain.name"
		" WHERE domain.owner <> 0 AND domain.owner = ?"
		" ORDER BY alias.address, alias.target",
		args, list_read_alias, sizeof(**list_out), 0};
	void *list;
	const int rc = list_rows(dir, &query, arena, &list, n_out, err);

	if (rc == 0)
		*list_out = list;
	return rc;
}
