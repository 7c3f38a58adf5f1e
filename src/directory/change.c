/* change.c - how the directory is altered, its domains and aliases; see directory.h. */
#include "directory/internal.h"

enum { CHECKPOINT_BYTES = 4 << 20 };

int change_begin(struct directory *dir, struct err *err)
{
	int rc;

	pthread_mutex_lock(&dir->writing);
	rc = db_begin(dir->writer, err);
	if (rc < 0)
		pthread_mutex_unlock(&dir->writing);
	return rc;
}

int change_end(struct directory *dir, int rc, struct err *err)
{
	struct err ignored;

	if (rc == 0)
		rc = db_commit(dir->writer, err);
	else
		db_rollback(dir->writer);
	if (rc == 0 && db_wal_bytes(dir->writer) > CHECKPOINT_BYTES &&
		db_checkpoint(dir->writer, &ignored) < 0)
		rc = 0; /* the change is safe in the log; the next one tries again */
	pthread_mutex_unlock(&dir->writing);
	return rc;
}

int need_domain(struct directory *dir, struct slice domain, uint64_t *owner_out, struct err *err)
{
	int64_t owner;
	int rc = db_get_int(
		dir->writer, &owner, err, "SELECT owner FROM domain WHERE name = ?", db_t(domain));

	if (rc == -ERR_NOTFOUND)
		return err_set(
			err, ERR_NOTFOUND, "the domain %.*s is not known here", SLICE_ARG(domain));
	if (rc == 0)
		*owner_out = (uint64_t)owner;
	return rc;
}

int need_no_alias(struct directory *dir, struct slice address, struct err *err)
{
	int64_t n;
	int rc = db_get_int(dir->writer, &n, err, "SELECT count(*) FROM alias WHERE address = ?",
		db_t(address));

	if (rc == 0 && n > 0)
		rc = err_set(err, ERR_CONFLICT, "%.*s is an alias", SLICE_ARG(address));
	return rc;
}

/* -ERR_EXISTS with the account's id. */
int need_no_account(struct directory *dir, struct slice address, uint64_t *id_out, struct err *err)
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

int name_check(const struct name *name, struct err *err)
{
	if (name->text.len > DIRECTORY_ADDRESS_MAX)
		return err_set(
			err, ERR_SYNTAX, "an address has at most %d bytes", DIRECTORY_ADDRESS_MAX);
	return 0;
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

int directory_domain_mta_sts(
	struct directory *dir, struct slice domain, enum directory_mta_sts mode, struct err *err)
{
	struct name name;
	uint64_t owner;
	int rc = name_parse_domain(domain, &name, err);

	if (rc == 0)
		rc = change_begin(dir, err);
	if (rc < 0)
		return rc;
	rc = need_domain(dir, name.domain, &owner, err);
	if (rc == 0)
		rc = db_do(dir->writer, err, "UPDATE domain SET mta_sts = ? WHERE name = ?",
			db_i(mode), db_t(name.domain));
	return change_end(dir, rc, err);
}

static int add_target(struct directory *dir, const struct name *alias, struct slice target,
	int64_t *added, struct err *err)
{
	struct name name;
	int rc = name_parse(target, &name, err);

	if (rc == 0)
		rc = name_check(&name, err);
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

int add_targets(struct directory *dir, const struct name *alias, const struct slice *targets,
	size_t n, struct err *err)
{
	uint64_t id;
	int64_t added = 0, total;
	int rc = 0;

	if (need_no_account(dir, alias->text, &id, err) < 0)
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

/* Every address that nobody has is compared with all of a domain's. */
static int check_wildcards(struct directory *dir, const struct name *alias, struct err *err)
{
	bool is_wildcard;
	int64_t n = 0;
	int rc = name_wildcard(alias, &is_wildcard, err);

	if (rc == 0 && is_wildcard)
		rc = db_get_int(dir->writer, &n, err,
			"SELECT count(DISTINCT address) FROM alias WHERE " WILDCARD_IS
			" AND " WILDCARD_DOMAIN " = ?",
			db_t(alias->domain));
	if (rc == 0 && n > DIRECTORY_WILDCARDS_MAX)
		rc = err_set(err, ERR_TOOBIG, "a domain has at most %d aliases with a *",
			DIRECTORY_WILDCARDS_MAX);
	return rc;
}

int directory_alias_add(struct directory *dir, struct slice address, const struct slice *targets,
	size_t n, struct err *err)
{
	struct name alias;
	uint64_t owner;
	int rc = name_parse(address, &alias, err);

	if (rc == 0)
		rc = name_check(&alias, err);
	if (rc == 0)
		rc = change_begin(dir, err);
	if (rc < 0)
		return rc;
	rc = need_domain(dir, alias.domain, &owner, err);
	if (rc == 0)
		rc = add_targets(dir, &alias, targets, n, err);
	if (rc == 0)
		rc = check_wildcards(dir, &alias, err);
	return change_end(dir, rc, err);
}

int delete_targets(
	struct directory *dir, const struct name *alias, struct slice target, struct err *err)
{
	struct name name;
	int rc = target.len ? name_parse(target, &name, err) : 0;

	if (rc < 0)
		return rc;
	if (target.len)
		rc = db_do(dir->writer, err, "DELETE FROM alias WHERE address = ? AND target = ?",
			db_t(alias->text), db_t(name.text));
	else
		rc = db_do(
			dir->writer, err, "DELETE FROM alias WHERE address = ?", db_t(alias->text));
	if (rc == 0 && db_changes(dir->writer) == 0)
		rc = err_set(err, ERR_NOTFOUND, "no such alias");
	return rc;
}

int directory_alias_delete(
	struct directory *dir, struct slice address, struct slice target, struct err *err)
{
	struct name alias;
	int rc = name_parse(address, &alias, err);

	if (rc == 0)
		rc = change_begin(dir, err);
	return rc < 0 ? rc : change_end(dir, delete_targets(dir, &alias, target, err), err);
}
