/* account.c - accounts come, change and go, and their own aliases; see directory.h. */
#include "base/clock.h"
#include "base/random.h"
#include "directory/internal.h"

enum { ACCOUNT_NAME_MAX = 200, LANGUAGE_MAX = 35 };

static int check_language(struct slice text, struct err *err)
{
	bool is_good = text.len <= LANGUAGE_MAX;

	for (size_t i = 0; i < text.len && is_good; i++) {
		const unsigned char c = ascii_lower((unsigned char)text.ptr[i]);

		is_good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
	}
	return is_good ? 0 : err_set(err, ERR_SYNTAX, "a language is such as \"de\" or \"pt-BR\"");
}

/* ---- a new one ---- */

/* What is decided about a new account before it is written. */
struct place {
	struct name name;
	struct level_name level;
	uint64_t group;
};

static int group_level(
	struct directory *dir, uint64_t group, struct level_name *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(dir->writer, &row, err, "SELECT level FROM party WHERE id = ?",
		db_i((int64_t)group));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "there is no such group");
	return rc < 0 ? rc : need_level(dir, db_text(row, 0), out, err);
}

static int find_place(
	struct directory *dir, const struct directory_new *new, struct place *out, struct err *err)
{
	uint64_t owner = 0;
	int rc = need_domain(dir, out->name.domain, &owner, err);

	if (rc < 0)
		return rc;
	if (owner && new->group &&new->group != owner)
		return err_set(err, ERR_CONFLICT, "%.*s is another group's domain",
			SLICE_ARG(out->name.domain));
	out->group = owner ? owner : new->group;
	if (out->group)
		rc = need_group_room(dir, out->group, err);
	if (rc == 0 && out->group && new->level.len == 0)
		rc = group_level(dir, out->group, &out->level, err);
	else if (rc == 0)
		rc = need_level(dir, new->level, &out->level, err);
	if (rc == 0 && !owner)
		rc = need_level_domain(dir, out->level.text, out->name.domain, err);
	return rc;
}

static int check_new(struct directory *dir, const struct directory_new *new, struct place *out,
	uint64_t *id_out, struct err *err)
{
	int rc = name_parse(new->address, &out->name, err);

	if (rc == 0)
		rc = name_check(&out->name, err);
	if (rc == 0 && out->name.text.ptr[0] == '@')
		rc = err_set(err, ERR_SYNTAX, "an account needs a name before the \"@\"");
	if (rc == 0)
		rc = text_check(new->name, "a name", ACCOUNT_NAME_MAX, false, err);
	if (rc == 0)
		rc = check_language(new->language, err);
	if (rc == 0)
		rc = find_place(dir, new, out, err);
	if (rc == 0)
		rc = need_no_account(dir, out->name.text, id_out, err);
	return rc == 0 ? need_no_alias(dir, out->name.text, err) : rc;
}

/* Inside a change. With -ERR_EXISTS *id_out is the account that has the name. */
static int add_account(struct directory *dir, const struct directory_new *new, uint64_t *id_out,
	uint64_t *group_out, struct err *err)
{
	struct place place = {.group = 0};
	uint64_t id;
	int rc = check_new(dir, new, &place, id_out, err);

	if (rc < 0)
		return rc;
	/* 63 bits: SQLite's integers have a sign; 0 is nobody. */
	id = (random_u64() >> 1) | 1;
	rc = db_do(dir->writer, err,
		"INSERT INTO account (id, address, quota, created, is_disabled, level, language,"
		" name, has_own_quota, party) VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?)",
		db_i((int64_t)id), db_t(place.name.text), db_i((int64_t) new->quota_bytes),
		db_i(clock_wall_s()), db_t(place.level.text), db_t(new->language), db_t(new->name),
		db_i(new->quota_bytes != 0), db_i((int64_t)place.group));
	if (rc == 0) {
		*id_out = id;
		*group_out = place.group;
	}
	return rc;
}

int directory_account_new(struct directory *dir, const struct directory_new *account,
	uint64_t *id_out, struct err *err)
{
	uint64_t id = 0, group;
	int rc = change_begin(dir, err);

	if (rc < 0)
		return rc;
	rc = change_end(dir, add_account(dir, account, &id, &group, err), err);
	if (rc == 0)
		*id_out = id;
	return rc;
}

int directory_account_add(struct directory *dir, struct slice address, uint64_t quota_bytes,
	uint64_t *id_out, struct err *err)
{
	const struct directory_new account = {.address = address, .quota_bytes = quota_bytes};

	return directory_account_new(dir, &account, id_out, err);
}

int directory_account_import(
	struct directory *dir, struct directory_import *items, size_t n, struct err *err)
{
	int rc = change_begin(dir, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct directory_import *it = &items[i];
		const struct directory_new new = {
			.address = it->address, .quota_bytes = it->quota_bytes};

		it->rc = add_account(dir, &new, &it->id, &it->group, &it->err);
		if (it->rc == -ERR_IO || it->rc == -ERR_QUOTA || it->rc == -ERR_CORRUPT) {
			*err = it->err; /* not the item's fault: none of the batch is kept */
			rc = it->rc;
		}
	}
	return change_end(dir, rc, err);
}

/* ---- changes ---- */

static int set_quota(struct directory *dir, uint64_t id, uint64_t quota, struct err *err)
{
	const bool is_own = quota != DIRECTORY_LEVEL_QUOTA;

	return db_do(dir->writer, err,
		"UPDATE account SET quota = ?, has_own_quota = ? WHERE id = ?",
		db_i(is_own ? (int64_t)(quota & INT64_MAX) : 0), db_i(is_own), db_i((int64_t)id));
}

static int set_level(struct directory *dir, uint64_t id, struct slice name, struct err *err)
{
	struct level_name level;
	const int rc = need_level(dir, name, &level, err);

	return rc < 0 ? rc
		      : db_do(dir->writer, err, "UPDATE account SET level = ? WHERE id = ?",
				db_t(level.text), db_i((int64_t)id));
}

static int check_undo(int seconds, struct err *err)
{
	if (seconds < -1 || seconds > DIRECTORY_UNDO_MAX_S)
		return err_set(err, ERR_SYNTAX, "mail is kept back for at most %d seconds",
			DIRECTORY_UNDO_MAX_S);
	return 0;
}

static int set_account(
	struct directory *dir, uint64_t id, const struct directory_change *change, struct err *err)
{
	const struct db_arg who = db_i((int64_t)id);
	int rc = db_do(dir->writer, err, "UPDATE account SET id = id WHERE id = ?", who);

	if (rc == 0 && db_changes(dir->writer) == 0)
		rc = err_set(err, ERR_NOTFOUND, "no such account");
	if (rc == 0 && change->level)
		rc = set_level(dir, id, *change->level, err);
	if (rc == 0 && change->quota_bytes)
		rc = set_quota(dir, id, *change->quota_bytes, err);
	if (rc == 0 && change->language)
		rc = check_language(*change->language, err);
	if (rc == 0 && change->language)
		rc = db_do(dir->writer, err, "UPDATE account SET language = ? WHERE id = ?",
			db_t(*change->language), who);
	if (rc == 0 && change->name)
		rc = text_check(*change->name, "a name", ACCOUNT_NAME_MAX, false, err);
	if (rc == 0 && change->name)
		rc = db_do(dir->writer, err, "UPDATE account SET name = ? WHERE id = ?",
			db_t(*change->name), who);
	if (rc == 0 && change->is_disabled)
		rc = db_do(dir->writer, err, "UPDATE account SET is_disabled = ? WHERE id = ?",
			db_i(*change->is_disabled), who);
	if (rc == 0 && change->undo_web_s)
		rc = check_undo(*change->undo_web_s, err);
	if (rc == 0 && change->undo_web_s)
		rc = db_do(dir->writer, err, "UPDATE account SET undo_web = ? WHERE id = ?",
			db_i(*change->undo_web_s), who);
	if (rc == 0 && change->undo_program_s)
		rc = check_undo(*change->undo_program_s, err);
	if (rc == 0 && change->undo_program_s)
		rc = db_do(dir->writer, err, "UPDATE account SET undo_program = ? WHERE id = ?",
			db_i(*change->undo_program_s), who);
	if (rc == 0 && change->keeps_sent)
		rc = db_do(dir->writer, err, "UPDATE account SET keeps_sent = ? WHERE id = ?",
			db_i(*change->keeps_sent), who);
	return rc;
}

int directory_account_set(
	struct directory *dir, uint64_t id, const struct directory_change *change, struct err *err)
{
	const int rc = change_begin(dir, err);

	return rc < 0 ? rc : change_end(dir, set_account(dir, id, change, err), err);
}

/* Aliases that lead to the account lose it, and its own go: whoever gets the address next is
 * somebody else. */
static int delete_account(struct directory *dir, uint64_t id, struct err *err)
{
	int rc = db_do(dir->writer, err,
		"DELETE FROM alias WHERE target = (SELECT address FROM account WHERE id = ?)",
		db_i((int64_t)id));

	if (rc == 0)
		rc = db_do(dir->writer, err,
			"DELETE FROM alias WHERE address IN"
			" (SELECT address FROM alias_owner WHERE account = ?)",
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

/* ---- own aliases ---- */

struct owner {
	uint64_t id, group;
	struct slice address;
	struct level_name level;
	uint64_t aliases_max, aliases;
};

static int read_owner(struct directory *dir, uint64_t id, struct name *address, struct owner *out,
	struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(dir->writer, &row, err,
		"SELECT account.address, account.party, level.name, level.aliases,"
		" (SELECT count(*) FROM alias_owner WHERE account = account.id)"
		" FROM account JOIN level ON level.name = " ACCOUNT_LEVEL " WHERE account.id = ?",
		db_i((int64_t)id));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "no such account");
	if (rc > 0)
		rc = name_parse(db_text(row, 0), address, err);
	if (rc < 0)
		return rc;
	*out = (struct owner){.id = id,
		.group = (uint64_t)db_int(row, 1),
		.address = address->text,
		.aliases_max = (uint64_t)db_int(row, 3),
		.aliases = (uint64_t)db_int(row, 4)};
	return need_level(dir, db_text(row, 2), &out->level, err);
}

/* Its own already (true in *is_own), or a name that nobody has at a domain that is open to it. */
static int need_own(struct directory *dir, const struct owner *owner, const struct name *alias,
	bool *is_own, struct err *err)
{
	uint64_t of_domain = 0;
	int64_t has;
	int rc = db_get_int(dir->writer, &has, err,
		"SELECT account FROM alias_owner WHERE address = ?", db_t(alias->text));

	*is_own = rc == 0 && (uint64_t)has == owner->id;
	if (*is_own || (rc < 0 && rc != -ERR_NOTFOUND))
		return *is_own ? 0 : rc;
	if (rc == 0 || need_no_alias(dir, alias->text, err) < 0)
		return err_set(err, ERR_EXISTS, "%.*s is taken", SLICE_ARG(alias->text));
	if (alias->text.ptr[0] == '@')
		return err_set(err, ERR_SYNTAX, "an alias needs a name before the \"@\"");
	if (slice_chr(alias->text, '*') != SIZE_MAX)
		return err_set(err, ERR_DENIED, "an alias with a * would take others' mail");
	rc = need_domain(dir, alias->domain, &of_domain, err);
	if (rc == 0 && of_domain && of_domain != owner->group)
		return err_set(err, ERR_DENIED, "the domain %.*s is not open to you",
			SLICE_ARG(alias->domain));
	if (rc == 0 && !of_domain)
		rc = need_level_domain(dir, owner->level.text, alias->domain, err);
	if (rc == 0 && owner->aliases >= owner->aliases_max)
		return err_set(err, ERR_TOOBIG, "the service level %.*s has %llu aliases",
			SLICE_ARG(owner->level.text), (unsigned long long)owner->aliases_max);
	return rc;
}

static int add_own(struct directory *dir, uint64_t account, const struct name *alias,
	const struct slice *targets, size_t n, struct err *err)
{
	struct name address;
	struct owner owner;
	bool is_own;
	int rc = read_owner(dir, account, &address, &owner, err);

	if (rc == 0)
		rc = need_own(dir, &owner, alias, &is_own, err);
	if (rc == 0)
		rc = add_targets(dir, alias, n ? targets : &owner.address, n ? n : 1, err);
	if (rc == 0 && !is_own)
		rc = db_do(dir->writer, err,
			"INSERT INTO alias_owner (address, account) VALUES (?, ?)",
			db_t(alias->text), db_i((int64_t)account));
	return rc;
}

int directory_own_alias_add(struct directory *dir, uint64_t account, struct slice address,
	const struct slice *targets, size_t n, struct err *err)
{
	struct name alias;
	int rc = name_parse(address, &alias, err);

	if (rc == 0)
		rc = name_check(&alias, err);
	if (rc == 0)
		rc = change_begin(dir, err);
	return rc < 0 ? rc : change_end(dir, add_own(dir, account, &alias, targets, n, err), err);
}

static int delete_own(struct directory *dir, uint64_t account, const struct name *alias,
	struct slice target, struct err *err)
{
	int64_t owner = 0;
	int rc = db_get_int(dir->writer, &owner, err,
		"SELECT account FROM alias_owner WHERE address = ?", db_t(alias->text));

	if (rc == -ERR_NOTFOUND || (rc == 0 && (uint64_t)owner != account))
		return err_set(
			err, ERR_NOTFOUND, "%.*s is no alias of yours", SLICE_ARG(alias->text));
	return rc < 0 ? rc : delete_targets(dir, alias, target, err);
}

int directory_own_alias_delete(struct directory *dir, uint64_t account, struct slice address,
	struct slice target, struct err *err)
{
	struct name alias;
	int rc = name_parse(address, &alias, err);

	if (rc == 0)
		rc = change_begin(dir, err);
	return rc < 0 ? rc : change_end(dir, delete_own(dir, account, &alias, target, err), err);
}
