/* list.c - everything, in pages; see directory.h for the contract. */
#include "directory/internal.h"

/* Fills one item from a row. */
typedef int read_fn(struct db_stmt *row, struct arena *arena, void *item, struct err *err);

static int full(struct err *err)
{
	return err_set(err, ERR_TOOBIG, "the list needs too much memory");
}

static int read_domain(struct db_stmt *row, struct arena *arena, void *item, struct err *err)
{
	struct slice *domain = item;

	*domain = arena_dup(arena, db_text(row, 0));
	return domain->ptr ? 0 : full(err);
}

static int read_account(struct db_stmt *row, struct arena *arena, void *item, struct err *err)
{
	return account_read(row, arena, item, err);
}

static int read_alias(struct db_stmt *row, struct arena *arena, void *item, struct err *err)
{
	struct directory_alias *alias = item;

	alias->address = arena_dup(arena, db_text(row, 0));
	alias->target = arena_dup(arena, db_text(row, 1));
	return alias->address.ptr && alias->target.ptr ? 0 : full(err);
}

struct page {
	const char *sql; /* a literal */
	const struct db_arg *args;
	read_fn *read;
	size_t item_size, max;
};

static int read_rows(struct directory *dir, const struct page *page, struct arena *arena,
	char *list, size_t *n, struct err *err)
{
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	int rc = db_query_args(dir->reader, page->sql, page->args, &rows, err);

	if (rc < 0)
		return rc;
	while (*n < page->max && (rc = db_step(rows, err)) != 0) {
		if (rc > 0)
			rc = page->read(rows, arena, list + *n * page->item_size, err);
		if (rc < 0)
			return rc;
		++*n;
	}
	return 0;
}

static int read_page(struct directory *dir, const struct page *page, struct arena *arena,
	void **list_out, size_t *n_out, struct err *err)
{
	char *list = arena_alloc_array(arena, page->item_size, page->max);
	size_t n = 0;
	int rc;

	if (!list)
		return full(err);
	pthread_mutex_lock(&dir->reading);
	rc = read_rows(dir, page, arena, list, &n, err);
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
	const struct page page = {"SELECT " ACCOUNT_COLUMNS
				  " FROM account WHERE address > ? ORDER BY address LIMIT ?",
		args, read_account, sizeof(**list_out), max};
	void *list;
	int rc = read_page(dir, &page, arena, &list, n_out, err);

	if (rc == 0)
		*list_out = list;
	return rc;
}

int directory_domains(struct directory *dir, struct slice after, size_t max, struct arena *arena,
	struct slice **list_out, size_t *n_out, struct err *err)
{
	const struct db_arg args[] = {db_t(after), db_i((int64_t)max), {.kind = DB_END}};
	const struct page page = {"SELECT name FROM domain WHERE name > ? ORDER BY name LIMIT ?",
		args, read_domain, sizeof(**list_out), max};
	void *list;
	int rc = read_page(dir, &page, arena, &list, n_out, err);

	if (rc == 0)
		*list_out = list;
	return rc;
}

int directory_aliases(struct directory *dir, struct directory_alias after, size_t max,
	struct arena *arena, struct directory_alias **list_out, size_t *n_out, struct err *err)
{
	const struct db_arg args[] = {
		db_t(after.address), db_t(after.target), db_i((int64_t)max), {.kind = DB_END}};
	const struct page page = {
		"SELECT address, target FROM alias"
		" WHERE (address, target) > (?, ?) ORDER BY address, target LIMIT ?",
		args, read_alias, sizeof(**list_out), max};
	void *list;
	int rc = read_page(dir, &page, arena, &list, n_out, err);

	if (rc == 0)
		*list_out = list;
	return rc;
}
