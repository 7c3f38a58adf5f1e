/* directory.c - opening and look-ups; see directory.h for the contract. */
#include "directory/directory.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "directory/internal.h"

enum {
	CACHE_BYTES = 32 << 20,
	FIND_BYTES = 4 << 20, /* of an alias' targets, when only one of them is looked for */
};

static const struct db_migration schema[] = {
	{"CREATE TABLE domain (name TEXT PRIMARY KEY) WITHOUT ROWID;"
	 "CREATE TABLE account (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE,"
	 " quota INTEGER NOT NULL, created INTEGER NOT NULL, is_disabled INTEGER NOT NULL);"
	 "CREATE TABLE alias (address TEXT NOT NULL, target TEXT NOT NULL,"
	 " PRIMARY KEY (address, target)) WITHOUT ROWID;"
	 "CREATE INDEX alias_target ON alias (target);"},
	/* Levels, groups, own aliases, screens. A row that a server of before has written has the
	 * defaults: no level of its own (so the default one), and the quota that it says. */
	{"ALTER TABLE domain ADD COLUMN owner INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE account ADD COLUMN level TEXT NOT NULL DEFAULT '';"
	 "ALTER TABLE account ADD COLUMN has_own_quota INTEGER NOT NULL DEFAULT 1;"
	 "ALTER TABLE account ADD COLUMN party INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE account ADD COLUMN is_party_admin INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE account ADD COLUMN language TEXT NOT NULL DEFAULT '';"
	 "ALTER TABLE account ADD COLUMN name TEXT NOT NULL DEFAULT '';"
	 "CREATE INDEX account_party ON account (party, address) WHERE party <> 0;"
	 "CREATE INDEX domain_owner ON domain (owner) WHERE owner <> 0;"
	 "CREATE TABLE alias_owner (address TEXT PRIMARY KEY, account INTEGER NOT NULL)"
	 " WITHOUT ROWID;"
	 "CREATE INDEX alias_owner_account ON alias_owner (account);"
	 "CREATE TRIGGER alias_gone AFTER DELETE ON alias"
	 " WHEN NOT EXISTS (SELECT 1 FROM alias WHERE address = OLD.address) BEGIN"
	 " DELETE FROM alias_owner WHERE address = OLD.address; END;"
	 "CREATE TABLE level (name TEXT PRIMARY KEY, storage INTEGER NOT NULL,"
	 " message INTEGER NOT NULL, sends_hour INTEGER NOT NULL, sends_day INTEGER NOT NULL,"
	 " aliases INTEGER NOT NULL, pop_links INTEGER NOT NULL, files INTEGER NOT NULL,"
	 " services INTEGER NOT NULL, spam INTEGER NOT NULL, has_all_domains INTEGER NOT NULL,"
	 " is_default INTEGER NOT NULL) WITHOUT ROWID;"
	 "CREATE TABLE level_domain (level TEXT NOT NULL, domain TEXT NOT NULL,"
	 " PRIMARY KEY (level, domain)) WITHOUT ROWID;"
	 "CREATE TABLE party (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	 " level TEXT NOT NULL, created INTEGER NOT NULL, members_max INTEGER NOT NULL,"
	 " shares INTEGER NOT NULL);"
	 "CREATE TABLE screen (domain TEXT PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL,"
	 " background TEXT NOT NULL, foreground TEXT NOT NULL, accent TEXT NOT NULL,"
	 " logo BLOB NOT NULL, logo_type TEXT NOT NULL, version INTEGER NOT NULL);"
	 /* name, storage, message, sends an hour, a day, aliases, POP links, files, services
	  * (guest: IMAP, web; member: also POP, submission; ad-free: also filters, JMAP), spam
	  * protection (basic only; up to aggressive; all), all domains, default */
	 "INSERT INTO level VALUES"
	 " ('guest', 268435456, 10485760, 0, 0, 0, 0, 0, 129, 2, 1, 0),"
	 " ('member', 1073741824, 26214400, 50, 200, 2, 1, 104857600, 141, 2, 1, 0),"
	 " ('ad-free', 5368709120, 52428800, 200, 1000, 10, 2, 1073741824, 909, 15, 1, 0),"
	 " ('full', 26843545600, 104857600, 2000, 8000, 100, 10, 5368709120, 1023, 31, 1, 1),"
	 " ('enhanced', 107374182400, 157286400, 2000, 8000, 600, 50, 26843545600, 1023, 31,"
	 " 1, 0),"
	 " ('family', 53687091200, 104857600, 1000, 4000, 100, 10, 10737418240, 1023, 31, 1, 0),"
	 " ('business', 107374182400, 157286400, 4000, 20000, 600, 50, 53687091200, 1023, 31,"
	 " 1, 0);"},
	{"ALTER TABLE domain ADD COLUMN mta_sts INTEGER NOT NULL DEFAULT 0;"},
	{"ALTER TABLE account ADD COLUMN undo_web INTEGER NOT NULL DEFAULT -1;"
	 "ALTER TABLE account ADD COLUMN undo_program INTEGER NOT NULL DEFAULT -1;"},
	{"ALTER TABLE level ADD COLUMN stop_points INTEGER NOT NULL DEFAULT 0;"},
	/* Personalities, and those whose password the courier has still to forget. */
	{"CREATE TABLE personality (id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL,"
	 " name TEXT NOT NULL, address TEXT NOT NULL, reply_to TEXT NOT NULL, bcc TEXT NOT NULL,"
	 " signature TEXT NOT NULL, host TEXT NOT NULL, login TEXT NOT NULL, port INTEGER NOT NULL,"
	 " is_starttls INTEGER NOT NULL, is_proven INTEGER NOT NULL);"
	 "CREATE INDEX personality_account ON personality (account, address);"
	 "CREATE TABLE personality_gone (id INTEGER PRIMARY KEY);"
	 "CREATE TRIGGER personality_deleted AFTER DELETE ON personality BEGIN"
	 " INSERT INTO personality_gone VALUES (OLD.id); END;"
	 "CREATE TRIGGER account_deleted AFTER DELETE ON account BEGIN"
	 " DELETE FROM personality WHERE account = OLD.id; END;"},
	{"ALTER TABLE account ADD COLUMN keeps_sent INTEGER NOT NULL DEFAULT 0;"},
	/* Wildcard aliases by their domain. */
	{"CREATE INDEX alias_wildcard ON alias (" WILDCARD_DOMAIN ") WHERE " WILDCARD_IS ";"},
	{"ALTER TABLE personality ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;"},
};

int directory_open(const char *path, struct directory **dir_out, struct err *err)
{
	struct directory *dir AUTO(directory_close) = mem_new(struct directory);
	struct db_config file = {.path = path, .may_create = true, .cache_kib = DB_CACHE_SMALL_KIB};
	int rc;

	pthread_mutex_init(&dir->writing, NULL);
	pthread_mutex_init(&dir->reading, NULL);
	dir->cache = cache_new(CACHE_BYTES);
	rc = db_open(&file, &dir->writer, err);
	file.may_create = false;
	if (rc == 0)
		rc = db_migrate(dir->writer, schema, sizeof(schema) / sizeof(schema[0]), err);
	if (rc == 0)
		rc = db_open(&file, &dir->reader, err);
	if (rc == 0)
		rc = db_watch(dir->reader, &dir->watch, err);
	if (rc < 0)
		return rc;
	*dir_out = dir;
	dir = NULL;
	return 0;
}

void directory_set_operator(struct directory *dir, struct slice address)
{
	dir->operator= address;
}

void directory_close(struct directory **dir)
{
	if (!*dir)
		return;
	db_close(&(*dir)->writer);
	db_close(&(*dir)->reader);
	cache_free(&(*dir)->cache);
	pthread_mutex_destroy(&(*dir)->writing);
	pthread_mutex_destroy(&(*dir)->reading);
	free(*dir);
	*dir = NULL;
}

int row_texts(
	struct db_stmt *row, struct arena *arena, struct err *err, const struct row_text *texts)
{
	for (; texts->out; texts++) {
		*texts->out = arena_dup(arena, db_text(row, texts->column));
		if (!texts->out->ptr)
			return err_set(err, ERR_TOOBIG, "the answer needs too much memory");
	}
	return 0;
}

int account_read(
	struct db_stmt *row, struct arena *arena, struct directory_account *out, struct err *err)
{
	struct directory_account account = {.id = (uint64_t)db_int(row, 0),
		.quota_bytes = (uint64_t)db_int(row, 2),
		.created_s = db_int(row, 3),
		.is_disabled = db_int(row, 4) != 0,
		.has_own_quota = db_int(row, 5) != 0,
		.group = (uint64_t)db_int(row, 6),
		.is_group_admin = db_int(row, 7) != 0,
		.undo_web_s = (int)db_int(row, 11),
		.undo_program_s = (int)db_int(row, 12),
		.keeps_sent = db_int(row, 13) != 0};
	const int rc = row_texts(row, arena, err,
		(struct row_text[]){{1, &account.address}, {8, &account.level},
			{9, &account.language}, {10, &account.name}, {0, NULL}});

	if (rc == 0)
		*out = account;
	return rc;
}

/* Each reader of a row: 1 found, 0 not, or an error. The caller holds `reading`. */
static int read_account(struct directory *dir, struct slice address, struct arena *arena,
	struct directory_entry *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(dir->reader, &row, err,
		"SELECT " ACCOUNT_COLUMNS " FROM account WHERE address = ?", db_t(address));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc <= 0)
		return rc;
	rc = account_read(row, arena, &out->account, err);
	out->kind = DIRECTORY_ACCOUNT;
	return rc < 0 ? rc : 1;
}

static int read_id(struct directory *dir, uint64_t id, struct arena *arena,
	struct directory_entry *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(dir->reader, &row, err,
		"SELECT " ACCOUNT_COLUMNS " FROM account WHERE id = ?", db_i((int64_t)id));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc <= 0)
		return rc;
	rc = account_read(row, arena, &out->account, err);
	out->kind = DIRECTORY_ACCOUNT;
	return rc < 0 ? rc : 1;
}

static int read_targets(struct db_stmt *rows, size_t max, struct arena *arena,
	struct directory_entry *out, struct err *err)
{
	int rc;

	out->targets = arena_array(arena, struct slice, max);
	out->targets_n = 0;
	if (!out->targets)
		return err_set(err, ERR_TOOBIG, "the alias has too many targets");
	while ((rc = db_step(rows, err)) > 0 && out->targets_n < max) {
		struct slice target = arena_dup(arena, db_text(rows, 0));

		if (!target.ptr)
			return err_set(err, ERR_TOOBIG, "the alias has too many targets");
		out->targets[out->targets_n++] = target;
	}
	return rc;
}

static int read_alias(struct directory *dir, struct slice address, struct arena *arena,
	struct directory_entry *out, struct err *err)
{
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	int64_t n;
	int rc = db_get_int(dir->reader, &n, err, "SELECT count(*) FROM alias WHERE address = ?",
		db_t(address));

	if (rc < 0 || n == 0)
		return rc;
	rc = db_query(dir->reader, &rows, err,
		"SELECT target FROM alias WHERE address = ? ORDER BY target", db_t(address));
	if (rc == 0)
		rc = read_targets(rows, (size_t)n, arena, out, err);
	out->kind = DIRECTORY_ALIAS;
	return rc < 0 ? rc : out->targets_n > 0;
}

static int read_domain(
	struct directory *dir, struct slice domain, struct directory_entry *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(dir->reader, &row, err,
		"SELECT owner, EXISTS (SELECT 1 FROM screen WHERE domain = domain.name), mta_sts"
		" FROM domain WHERE name = ?",
		db_t(domain));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc <= 0)
		return rc;
	out->domain.group = (uint64_t)db_int(row, 0);
	out->domain.has_screen = db_int(row, 1) != 0;
	out->domain.mta_sts = (enum directory_mta_sts)db_int(row, 2);
	out->domain.is_ours = true;
	return 1;
}

/* The domain's wildcard alias that fits with the most letters of its own; of two with as many, the
 * one with more of them in front. */
static int read_wildcard(struct directory *dir, const struct name *name, struct arena *arena,
	struct directory_entry *out, struct err *err)
{
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	struct slice found;
	int rc = db_query(dir->reader, &rows, err,
		"SELECT DISTINCT address FROM alias WHERE " WILDCARD_IS " AND " WILDCARD_DOMAIN
		" = ? ORDER BY length(address) DESC, instr(address, '*') DESC, address",
		db_t(name->domain));

	while (rc == 0 && (rc = db_step(rows, err)) > 0) {
		found = db_text(rows, 0);
		if (name_fits(name, found))
			return read_alias(dir, found, arena, out, err);
		rc = 0;
	}
	return rc;
}

/* Account, alias, wildcard alias, catch-all, nobody, in this order. */
static int read_address(struct directory *dir, const struct name *name, struct arena *arena,
	struct directory_entry *out, struct err *err)
{
	/* The "@" stands before the domain in any name. */
	const struct slice catch_all = {name->domain.ptr - 1, name->domain.len + 1};
	int rc = read_domain(dir, name->domain, out, err);

	out->kind = DIRECTORY_FOREIGN;
	if (rc <= 0)
		return rc;
	rc = read_account(dir, name->text, arena, out, err);
	if (rc == 0)
		rc = read_alias(dir, name->text, arena, out, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	out->kind = DIRECTORY_NOBODY;
	rc = read_wildcard(dir, name, arena, out, err);
	if (rc == 0)
		rc = read_alias(dir, catch_all, arena, out, err);
	out->is_catch_all = rc > 0;
	if (rc == 0)
		rc = read_duty(dir, name, arena, out, err);
	return rc < 0 ? rc : 0;
}

static int read_bounds(
	struct directory *dir, uint64_t id, struct directory_entry *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	const int rc = db_row(dir->reader, &row, err,
		"SELECT message, sends_hour, sends_day, stop_points FROM account"
		" JOIN level ON level.name = " ACCOUNT_LEVEL " WHERE account.id = ?",
		db_i((int64_t)id));

	if (rc > 0)
		out->bounds = (struct directory_bounds){.message_bytes = (uint64_t)db_int(row, 0),
			.sends_hour = (uint64_t)db_int(row, 1),
			.sends_day = (uint64_t)db_int(row, 2),
			.stop_points = (uint64_t)db_int(row, 3)};
	return rc;
}

/* What is looked for: an address or a domain (name), or what an account's id leads to. */
struct question {
	enum cache_kind kind;
	struct slice name;
	const struct name *address; /* whose name it is */
	uint64_t id;
};

/* All rows of one answer come from one state of the file. */
static int read_entry(struct directory *dir, const struct question *q, struct arena *arena,
	struct directory_entry *out, struct err *err)
{
	int rc = db_begin_read(dir->reader, err);

	if (rc < 0)
		return rc;
	if (q->kind == CACHE_ADDRESS) {
		rc = read_address(dir, q->address, arena, out, err);
	} else if (q->kind == CACHE_ID) {
		out->kind = DIRECTORY_NOBODY;
		rc = read_id(dir, q->id, arena, out, err);
	} else if (q->kind == CACHE_BOUNDS) {
		rc = read_bounds(dir, q->id, out, err);
		out->kind = rc > 0 ? DIRECTORY_ACCOUNT : DIRECTORY_NOBODY;
	} else {
		rc = read_domain(dir, q->name, out, err);
		out->kind = rc > 0 ? DIRECTORY_NOBODY : DIRECTORY_FOREIGN;
	}
	db_end_read(dir->reader);
	return rc < 0 ? rc : 0;
}

static int look_up(struct directory *dir, const struct question *q, struct arena *arena,
	struct directory_entry *out, struct err *err)
{
	const struct slice key = q->name.len ? q->name : map_key_u64(&q->id);
	const uint64_t stamp = db_watch_stamp(&dir->watch);
	struct directory_entry entry = {0};
	int rc = cache_get(dir->cache, stamp, q->kind, key, arena, out, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	pthread_mutex_lock(&dir->reading);
	rc = read_entry(dir, q, arena, &entry, err);
	pthread_mutex_unlock(&dir->reading);
	if (rc < 0)
		return rc;
	cache_put(dir->cache, stamp, q->kind, key, &entry);
	*out = entry;
	return 0;
}

int directory_find(struct directory *dir, struct slice address, struct arena *arena,
	struct directory_entry *out, struct err *err)
{
	struct name name;
	int rc;

	if (name_parse(address, &name, err) < 0) {
		*out = (struct directory_entry){.kind = DIRECTORY_FOREIGN};
		return 0;
	}
	/* The domain first: addresses elsewhere are without number, their domains are not. */
	rc = look_up(dir, &(struct question){.kind = CACHE_DOMAIN, .name = name.domain}, arena, out,
		err);
	if (rc < 0 || out->kind == DIRECTORY_FOREIGN)
		return rc;
	return look_up(dir,
		&(struct question){.kind = CACHE_ADDRESS, .name = name.text, .address = &name},
		arena, out, err);
}

int directory_account(struct directory *dir, uint64_t id, struct arena *arena,
	struct directory_account *out, struct err *err)
{
	struct directory_entry entry;
	int rc = look_up(dir, &(struct question){.kind = CACHE_ID, .id = id}, arena, &entry, err);

	if (rc < 0)
		return rc;
	if (entry.kind != DIRECTORY_ACCOUNT)
		return err_set(err, ERR_NOTFOUND, "no such account");
	*out = entry.account;
	return 0;
}

int directory_bounds(
	struct directory *dir, uint64_t account, struct directory_bounds *out, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct directory_entry entry;
	int rc;

	arena_init(&arena, 0);
	rc = look_up(
		dir, &(struct question){.kind = CACHE_BOUNDS, .id = account}, &arena, &entry, err);
	if (rc < 0)
		return rc;
	if (entry.kind != DIRECTORY_ACCOUNT)
		return err_set(err, ERR_NOTFOUND, "no such account");
	*out = entry.bounds;
	return 0;
}

int directory_domain(
	struct directory *dir, struct slice domain, struct directory_domain *out, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct directory_entry entry;
	struct name name;
	int rc;

	arena_init(&arena, 0);
	if (name_parse_domain(domain, &name, err) < 0) {
		*out = (struct directory_domain){0};
		return 0;
	}
	rc = look_up(dir, &(struct question){.kind = CACHE_DOMAIN, .name = name.domain}, &arena,
		&entry, err);
	if (rc == 0)
		*out = entry.domain;
	return rc;
}

int directory_has_domain(struct directory *dir, struct slice domain, bool *out, struct err *err)
{
	struct directory_domain found;
	const int rc = directory_domain(dir, domain, &found, err);

	if (rc == 0)
		*out = found.is_ours;
	return rc;
}

int directory_may_send_as(
	struct directory *dir, uint64_t account, struct slice address, bool *out, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct directory_account self;
	struct directory_entry entry;
	bool may;
	int rc;

	arena_init(&arena, FIND_BYTES);
	rc = directory_account(dir, account, &arena, &self, err);
	if (rc == 0)
		rc = directory_find(dir, address, &arena, &entry, err);
	if (rc < 0)
		return rc;
	may = entry.kind == DIRECTORY_ACCOUNT && entry.account.id == account;
	for (size_t i = 0; entry.kind == DIRECTORY_ALIAS && i < entry.targets_n && !may; i++)
		may = slice_eq(entry.targets[i], self.address);
	*out = may;
	return 0;
}
