/* change.c - what alters the directory; see directory.h for the contract. */
#include "base/clock.h"
#include "base/random.h"
#include "directory/internal.h"

enum { CHECKPOINT_BYTES = 4 << 20 };

/* Begins a change: one at a time, in a transaction. */
static int change_begin(struct directory *dir, struct err *err)
{
	int rc;

	pthread_mutex_lock(&dir->writing);
	rc = db_begin(dir->writer, err);
	if (rc < 0)
		pthread_mutex_unlock(&dir->writing);
	return rc;
}

/* Ends it: on disk and seen by everybody if rc is 0, else undone. Returns what became of it. */
static int change_end(struct directory *dir, int rc, struct err *err)
{
	struct err ignored;

	if (rc == 0)
		rc = db_commit(dir->writer, err);
	else
		db_rollback(dir->writer);
	/* Even a commit that failed may have been seen by a reader. */
	cache_drop(dir->cache);
	if (rc == 0 && db_wal_bytes(dir->writer) > CHECKPOINT_BYTES &&
		db_checkpoint(dir->writer, &ignored) < 0)
		rc = 0; /* the change is safe in the log; the next one tries again */
	pthread_mutex_unlock(&dir->writing);
	return rc;
}

/* 0, or -ERR_NOTFOUND if the domain is not ours. */
static int need_domain(struct directory *dir, struct slice domain, struct err *err)
{
	int64_t n;
	int rc = db_get_int(
		dir->writer, &n, err, "SELECT count(*) FROM domain WHERE name = ?", db_t(domain));

	if (rc == 0 && n == 0)
		rc = err_set(
			err, ERR_NOTFOUND, "the domain %.*s is not known here", SLICE_ARG(domain));
	return rc;
}

static int need_no_alias(struct directory *dir, struct slice address, struct err *err)
{
	int64_t n;
	int rc = db_get_int(dir->writer, &n, err, "SELECT count(*) FROM alias WHERE address = ?",
		db_t(address));

	if (rc == 0 && n > 0)
		rc = err_set(err, ERR_CONFLICT, "%.*s is an alias", SLICE_ARG(address));
	return rc;
}

/* 0, or -ERR_EXISTS with the account's id. */
static int need_no_account(
	struct directory *dir, struct slice address, uint64_t *id_out, struct err *err)
{
	int64_t id;
	int rc = db_get_int(
		dir->writer, &id, err, "SELECT id FROM account WHERE address = ?", db_t(address));

	if (rc == -ERR_NOTFOUND)
		return 0;
	if (rc < 0)
		return rc;
	*id_out = (uint64_t)id;
	return err_set(err, ERR_EXISTS, "the account %.*s exists already", SLICE_ARG(address));
}

static int check_length(const struct name *name, struct err *err)
{
	if (name->text.len > DIRECTORY_ADDRESS_MAX)
		return err_set(
			err, ERR_SYNTAX, "an address has at most %d bytes", DIRECTORY_ADDRESS_MAX);
	return 0;
}

/* Inside a transaction. With -ERR_EXISTS *id_out is the account that has the name. */
static int add_account(struct directory *dir, struct slice address, uint64_t quota_bytes,
	uint64_t *id_out, struct err *err)
{
	struct name name;
	uint64_t id;
	int rc = name_parse(address, &name, err);

	if (rc == 0)
		rc = check_length(&name, err);
	if (rc == 0 && name.text.ptr[0] == '@')
		rc = err_set(err, ERR_SYNTAX, "an account needs a name before the \"@\"");
	if (rc == 0)
		rc = need_domain(dir, name.domain, err);
	if (rc == 0)
		rc = need_no_account(dir, name.text, id_out, err);
	if (rc == 0)
		rc = need_no_alias(dir, name.text, err);
	if (rc < 0)
		return rc;
	/* 63 bits: SQLite's integers have a sign; 0 is nobody. */
	id = (random_u64() >> 1) | 1;
	rc = db_do(dir->writer, err,
		"INSERT INTO account (id, address, quota, created, is_disabled)"
		" VALUES (?, ?, ?, ?, 0)",
		db_i((int64_t)id), db_t(name.text), db_i((int64_t)quota_bytes),
		db_i(clock_wall_s()));
	if (rc == 0)
		*id_out = id;
	return rc;
}

int directory_domain_add(struct directory *dir, struct slice domain, struct err *err)
{
	struct name name;
	int rc = name_parse_domain(domain, &name, err);

	if (rc == 0)
		rc = change_begin(dir, err);
	if (rc < 0)
		return rc;
	rc = db_do(dir->writer, err, "INSERT INTO domain (name) VALUES (?)", db_t(name.domain));
	if (rc == -ERR_EXISTS)
		rc = err_set(
			err, ERR_EXISTS, "the domain %.*s exists already", SLICE_ARG(name.domain));
	return change_end(dir, rc, err);
}

int directory_account_add(struct directory *dir, struct slice address, uint64_t quota_bytes,
	uint64_t *id_out, struct err *err)
{
	uint64_t id = 0;
	int rc = change_begin(dir, err);

	if (rc < 0)
		return rc;
	rc = change_end(dir, add_account(dir, address, quota_bytes, &id, err), err);
	if (rc == 0)
		*id_out = id;
	return rc;
}

int directory_account_import(
	struct directory *dir, struct directory_import *items, size_t n, struct err *err)
{
	int rc = change_begin(dir, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct directory_import *it = &items[i];

		it->rc = add_account(dir, it->address, it->quota_bytes, &it->id, &it->err);
		if (it->rc == -ERR_IO || it->rc == -ERR_QUOTA || it->rc == -ERR_CORRUPT) {
			*err = it->err; /* not the item's fault: none of the batch is kept */
			rc = it->rc;
		}
	}
	return change_end(dir, rc, err);
}

/* Aliases that lead to the account lose it: whoever gets the address next is somebody else. */
static int delete_account(struct directory *dir, uint64_t id, struct err *err)
{
	int rc = db_do(dir->writer, err,
		"DELETE FROM alias WHERE target = (SELECT address FROM account WHERE id = ?)",
		db_i((int64_t)id));

	if (rc == 0)
		rc = db_do(dir->writer, err, "DELETE FROM account WHERE id = ?", db_i((int64_t)id));
	if (rc == 0 && db_changes(dir->writer) == 0)
		rc = err_set(err, ERR_NOTFOUND, "no such account");
	return rc;
}

int directory_account_delete(struct directory *dir, uint64_t id, struct err *err)
{
	int rc = change_begin(dir, err);

	return rc < 0 ? rc : change_end(dir, delete_account(dir, id, err), err);
}

static int add_target(struct directory *dir, const struct name *alias, struct slice target,
	int64_t *added, struct err *err)
{
	struct name name;
	int rc = name_parse(target, &name, err);

	if (rc == 0)
		rc = check_length(&name, err);
	if (rc < 0)
		return rc;
	if (name.text.ptr[0] == '@')
		return err_set(err, ERR_SYNTAX, "an alias leads to addresses, not to a domain");
	if (slice_eq(name.text, alias->text))
		return err_set(err, ERR_CONFLICT, "an alias cannot lead to itself");
	rc = db_do(dir->writer, err, "INSERT OR IGNORE INTO alias (address, target) VALUES (?, ?)",
		db_t(alias->text), db_t(name.text));
	*added += db_changes(dir->writer);
	return rc;
}

static int add_targets(struct directory *dir, const struct name *alias, const struct slice *targets,
	size_t n, struct err *err)
{
	uint64_t id;
	int64_t added = 0, total;
	int rc = need_domain(dir, alias->domain, err);

	if (rc == 0 && need_no_account(dir, alias->text, &id, err) < 0)
		rc = err_set(err, err->code == ERR_EXISTS ? ERR_CONFLICT : err->code,
			"%.*s is an account", SLICE_ARG(alias->text));
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = add_target(dir, alias, targets[i], &added, err);
	if (rc == 0)
		rc = db_get_int(dir->writer, &total, err,
			"SELECT count(*) FROM alias WHERE address = ?", db_t(alias->text));
	if (rc < 0)
		return rc;
	if (total > DIRECTORY_TARGETS_MAX)
		return err_set(
			err, ERR_TOOBIG, "an alias has at most %d targets", DIRECTORY_TARGETS_MAX);
	if (added == 0)
		return err_set(err, ERR_EXISTS, "the alias has these targets already");
	return 0;
}

int directory_alias_add(struct directory *dir, struct slice address, const struct slice *targets,
	size_t n, struct err *err)
{
	struct name alias;
	int rc = name_parse(address, &alias, err);

	if (rc == 0)
		rc = check_length(&alias, err);
	if (rc == 0)
		rc = change_begin(dir, err);
	return rc < 0 ? rc : change_end(dir, add_targets(dir, &alias, targets, n, err), err);
}

static int delete_alias(
	struct directory *dir, struct slice address, struct slice target, struct err *err)
{
	struct name alias, name;
	int rc = name_parse(address, &alias, err);

	if (rc == 0 && target.len)
		rc = name_parse(target, &name, err);
	if (rc < 0)
		return rc;
	if (target.len)
		rc = db_do(dir->writer, err, "DELETE FROM alias WHERE address = ? AND target = ?",
			db_t(alias.text), db_t(name.text));
	else
		rc = db_do(
			dir->writer, err, "DELETE FROM alias WHERE address = ?", db_t(alias.text));
	if (rc == 0 && db_changes(dir->writer) == 0)
		rc = err_set(err, ERR_NOTFOUND, "no such alias");
	return rc;
}

int directory_alias_delete(
	struct directory *dir, struct slice address, struct slice target, struct err *err)
{
	int rc = change_begin(dir, err);

	return rc < 0 ? rc : change_end(dir, delete_alias(dir, address, target, err), err);
}
