/* group.c - families and businesses; see group.h for the contract. */
#include "directory/group.h"

#include "base/clock.h"
#include "base/random.h"
#include "directory/internal.h"

enum { SHARES_CONTACTS = 1, SHARES_CALENDARS = 2 };

#define GROUP_SELECT                                                                               \
	"SELECT party.id, party.name, party.level, party.created, party.members_max, "             \
	"party.shares,"                                                                            \
	" (SELECT count(*) FROM account WHERE party <> 0 AND party = party.id),"                   \
	" (SELECT count(*) FROM domain WHERE owner <> 0 AND owner = party.id) FROM party"

static int read_group(struct db_stmt *row, struct arena *arena, void *item, struct err *err)
{
	struct directory_group *group = item;
	const int64_t shares = db_int(row, 5);

	*group = (struct directory_group){.id = (uint64_t)db_int(row, 0),
		.created_s = db_int(row, 3),
		.members_max = (uint64_t)db_int(row, 4),
		.shares_contacts = shares & SHARES_CONTACTS,
		.shares_calendars = shares & SHARES_CALENDARS,
		.members = (uint64_t)db_int(row, 6),
		.domains = (uint64_t)db_int(row, 7)};
	return row_texts(row, arena, err,
		(struct row_text[]){{1, &group->name}, {2, &group->level}, {0, NULL}});
}

static int read_one(struct directory *dir, const struct list_query *query, struct arena *arena,
	struct directory_group *out, struct err *err)
{
	void *list;
	size_t n;
	const int rc = list_rows(dir, query, arena, &list, &n, err);

	if (rc == 0 && n == 0)
		return err_set(err, ERR_NOTFOUND, "there is no such group");
	if (rc == 0)
		*out = *(struct directory_group *)list;
	return rc;
}

int directory_group(struct directory *dir, uint64_t id, struct arena *arena,
	struct directory_group *out, struct err *err)
{
	const struct db_arg args[] = {db_i((int64_t)id), {.kind = DB_END}};
	const struct list_query query = {
		GROUP_SELECT " WHERE party.id = ?", args, read_group, sizeof(*out), 1};

	return read_one(dir, &query, arena, out, err);
}

int directory_group_find(struct directory *dir, struct slice name, struct arena *arena,
	struct directory_group *out, struct err *err)
{
	const struct db_arg args[] = {db_t(name), {.kind = DB_END}};
	const struct list_query query = {
		GROUP_SELECT " WHERE party.name = ?", args, read_group, sizeof(*out), 1};

	return read_one(dir, &query, arena, out, err);
}

int directory_groups(struct directory *dir, struct slice after, size_t max, struct arena *arena,
	struct directory_group **list_out, size_t *n_out, struct err *err)
{
	const struct db_arg args[] = {db_t(after), db_i((int64_t)max), {.kind = DB_END}};
	const struct list_query query = {GROUP_SELECT
		" WHERE party.name > ? ORDER BY party.name LIMIT ?",
		args, read_group, sizeof(**list_out), max};
	void *list;
	const int rc = list_rows(dir, &query, arena, &list, n_out, err);

	if (rc == 0)
		*list_out = list;
	return rc;
}

int directory_group_members(struct directory *dir, uint64_t group, struct slice after, size_t max,
	struct arena *arena, struct directory_account **list_out, size_t *n_out, struct err *err)
{
	const struct db_arg args[] = {
		db_i((int64_t)group), db_t(after), db_i((int64_t)max), {.kind = DB_END}};
	const struct list_query query = {"SELECT " ACCOUNT_COLUMNS
					 " FROM account WHERE party <> 0 AND party = ?"
					 " AND address > ? ORDER BY address LIMIT ?",
		args, list_read_account, sizeof(**list_out), max};
	void *list;
	const int rc = list_rows(dir, &query, arena, &list, n_out, err);

	if (rc == 0)
		*list_out = list;
	return rc;
}

int directory_group_domains(struct directory *dir, uint64_t group, struct arena *arena,
	struct slice **list_out, size_t *n_out, struct err *err)
{
	const struct db_arg args[] = {db_i((int64_t)group), {.kind = DB_END}};
	const struct list_query query = {
		"SELECT name FROM domain WHERE owner <> 0 AND owner = ? ORDER BY name", args,
		list_read_text, sizeof(**list_out), 0};
	void *list;
	const int rc = list_rows(dir, &query, arena, &list, n_out, err);

	if (rc == 0)
		*list_out = list;
	return rc;
}

/* ---- changes of the group itself ---- */

static int check_group(struct directory *dir, const struct directory_group *group, struct err *err)
{
	struct level_name level;
	int rc = text_check(group->name, "a group's name", DIRECTORY_GROUP_NAME_MAX, false, err);

	if (rc == 0 && group->name.len == 0)
		rc = err_set(err, ERR_SYNTAX, "a group needs a name");
	return rc == 0 && group->level.len ? need_level(dir, group->level, &level, err) : rc;
}

static int shares_of(const struct directory_group *group)
{
	return (group->shares_contacts ? SHARES_CONTACTS : 0) |
	       (group->shares_calendars ? SHARES_CALENDARS : 0);
}

static int64_t members_max(const struct directory_group *group)
{
	return group->members_max < DIRECTORY_UNLIMITED ? (int64_t)group->members_max
							: (int64_t)DIRECTORY_UNLIMITED;
}

static int name_taken(const struct directory_group *group, int rc, struct err *err)
{
	if (rc == -ERR_EXISTS)
		return err_set(
			err, ERR_EXISTS, "there is a group %.*s already", SLICE_ARG(group->name));
	return rc;
}

static int add_group(
	struct directory *dir, const struct directory_group *group, uint64_t id, struct err *err)
{
	int rc = check_group(dir, group, err);

	if (rc == 0)
		rc = db_do(dir->writer, err,
			"INSERT INTO party (id, name, level, created, members_max, shares)"
			" VALUES (?, ?, ?, ?, ?, ?)",
			db_i((int64_t)id), db_t(group->name), db_t(group->level),
			db_i(clock_wall_s()), db_i(members_max(group)), db_i(shares_of(group)));
	return name_taken(group, rc, err);
}

int directory_group_add(struct directory *dir, const struct directory_group *group,
	uint64_t *id_out, struct err *err)
{
	const uint64_t id = (random_u64() >> 1) | 1;
	int rc = change_begin(dir, err);

	if (rc == 0)
		rc = change_end(dir, add_group(dir, group, id, err), err);
	if (rc == 0)
		*id_out = id;
	return rc;
}

static int set_group(struct directory *dir, const struct directory_group *group, struct err *err)
{
	int rc = check_group(dir, group, err);

	if (rc == 0)
		rc = db_do(dir->writer, err,
			"UPDATE party SET name = ?, level = ?, members_max = ?, shares = ?"
			" WHERE id = ?",
			db_t(group->name), db_t(group->level), db_i(members_max(group)),
			db_i(shares_of(group)), db_i((int64_t)group->id));
	if (rc == 0 && db_changes(dir->writer) == 0)
		rc = err_set(err, ERR_NOTFOUND, "there is no such group");
	return name_taken(group, rc, err);
}

int directory_group_set(struct directory *dir, const struct directory_group *group, struct err *err)
{
	const int rc = change_begin(dir, err);

	return rc < 0 ? rc : change_end(dir, set_group(dir, group, err), err);
}

static int delete_group(struct directory *dir, uint64_t id, struct err *err)
{
	int64_t used;
	int rc = db_get_int(dir->writer, &used, err,
		"SELECT EXISTS (SELECT 1 FROM account WHERE party <> 0 AND party = ?1) OR"
		" EXISTS (SELECT 1 FROM domain WHERE owner <> 0 AND owner = ?1)",
		db_i((int64_t)id));

	if (rc == 0 && used)
		rc = err_set(err, ERR_CONFLICT, "the group has members or domains");
	if (rc == 0)
		rc = db_do(dir->writer, err, "DELETE FROM party WHERE id = ?", db_i((int64_t)id));
	if (rc == 0 && db_changes(dir->writer) == 0)
		rc = err_set(err, ERR_NOTFOUND, "there is no such group");
	return rc;
}

int directory_group_delete(struct directory *dir, uint64_t id, struct err *err)
{
	const int rc = change_begin(dir, err);

	return rc < 0 ? rc : change_end(dir, delete_group(dir, id, err), err);
}

/* ---- members ---- */

int need_group_room(struct directory *dir, uint64_t group, struct err *err)
{
	int64_t is_full;
	int rc = db_get_int(dir->writer, &is_full, err,
		"SELECT (SELECT count(*) FROM account WHERE party <> 0 AND party = ?1)"
		" >= members_max FROM party WHERE id = ?1",
		db_i((int64_t)group));

	if (rc == -ERR_NOTFOUND)
		return err_set(err, ERR_NOTFOUND, "there is no such group");
	if (rc == 0 && is_full)
		rc = err_set(err, ERR_TOOBIG, "the group has all the members it may have");
	return rc;
}

struct membership {
	uint64_t group;     /* of the account */
	uint64_t of_domain; /* of the domain of its address */
};

static int read_membership(
	struct directory *dir, uint64_t account, struct membership *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(dir->writer, &row, err,
		"SELECT account.party, domain.owner FROM account JOIN domain ON"
		" substr(address, -length(domain.name) - 1) = '@' || domain.name"
		" WHERE account.id = ?",
		db_i((int64_t)account));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "no such account");
	if (rc < 0)
		return rc;
	*out = (struct membership){(uint64_t)db_int(row, 0), (uint64_t)db_int(row, 1)};
	return 0;
}

static int set_member(struct directory *dir, uint64_t account, uint64_t group, struct err *err)
{
	return db_do(dir->writer, err,
		"UPDATE account SET party = ?, is_party_admin = 0 WHERE id = ?",
		db_i((int64_t)group), db_i((int64_t)account));
}

static int join(struct directory *dir, uint64_t group, uint64_t account, struct err *err)
{
	struct membership now;
	int rc = read_membership(dir, account, &now, err);

	if (rc < 0)
		return rc;
	if (now.group == group)
		return err_set(err, ERR_EXISTS, "the account is in this group already");
	if (now.group || (now.of_domain && now.of_domain != group))
		return err_set(err, ERR_CONFLICT, "the account is in another group");
	rc = need_group_room(dir, group, err);
	return rc == 0 ? set_member(dir, account, group, err) : rc;
}

int directory_group_join(struct directory *dir, uint64_t group, uint64_t account, struct err *err)
{
	const int rc = change_begin(dir, err);

	return rc < 0 ? rc : change_end(dir, join(dir, group, account, err), err);
}

static int leave(struct directory *dir, uint64_t account, struct err *err)
{
	struct membership now;
	int rc = read_membership(dir, account, &now, err);

	if (rc < 0)
		return rc;
	if (!now.group)
		return err_set(err, ERR_NOTFOUND, "the account is in no group");
	if (now.of_domain == now.group)
		return err_set(err, ERR_CONFLICT, "its address is at a domain of the group");
	return set_member(dir, account, 0, err);
}

int directory_group_leave(struct directory *dir, uint64_t account, struct err *err)
{
	const int rc = change_begin(dir, err);

	return rc < 0 ? rc : change_end(dir, leave(dir, account, err), err);
}

static int set_admin(struct directory *dir, uint64_t account, bool is_admin, struct err *err)
{
	struct membership now;
	int rc = read_membership(dir, account, &now, err);

	if (rc == 0 && !now.group)
		rc = err_set(err, ERR_CONFLICT, "the account is in no group");
	return rc < 0 ? rc
		      : db_do(dir->writer, err,
				"UPDATE account SET is_party_admin = ? WHERE id = ?",
				db_i(is_admin), db_i((int64_t)account));
}

int directory_group_admin(struct directory *dir, uint64_t account, bool is_admin, struct err *err)
{
	const int rc = change_begin(dir, err);

	return rc < 0 ? rc : change_end(dir, set_admin(dir, account, is_admin, err), err);
}

/* ---- domains ---- */

/* Who has an address at the domain: accounts (but members of this group), aliases. */
static int count_addresses(struct directory *dir, struct slice domain, uint64_t but_members_of,
	int64_t *n_out, struct err *err)
{
	return db_get_int(dir->writer, n_out, err,
		"SELECT (SELECT count(*) FROM account WHERE party <> ?2"
		" AND substr(address, -length(?1) - 1) = '@' || ?1) +"
		" (SELECT count(*) FROM alias WHERE substr(address, -length(?1) - 1) = '@' || ?1)",
		db_t(domain), db_i((int64_t)but_members_of));
}

/* A domain of the operator's that nobody else uses becomes the group's. */
static int take_domain(struct directory *dir, uint64_t group, struct slice domain, struct err *err)
{
	int64_t n;
	int rc = count_addresses(dir, domain, group, &n, err);

	if (rc == 0 && n)
		rc = err_set(err, ERR_CONFLICT, "%.*s has addresses of others", SLICE_ARG(domain));
	if (rc == 0)
		rc = db_do(dir->writer, err, "DELETE FROM level_domain WHERE domain = ?",
			db_t(domain));
	return rc < 0 ? rc
		      : db_do(dir->writer, err, "UPDATE domain SET owner = ? WHERE name = ?",
				db_i((int64_t)group), db_t(domain));
}

static int add_domain(struct directory *dir, uint64_t group, struct slice domain, struct err *err)
{
	int64_t n;
	uint64_t owner;
	int rc = db_get_int(dir->writer, &n, err,
		"SELECT (SELECT count(*) FROM domain WHERE owner <> 0 AND owner = party.id)"
		" FROM party WHERE id = ?",
		db_i((int64_t)group));

	if (rc == -ERR_NOTFOUND)
		return err_set(err, ERR_NOTFOUND, "there is no such group");
	if (rc == 0 && n >= DIRECTORY_GROUP_DOMAINS_MAX)
		rc = err_set(err, ERR_TOOBIG, "a group has at most %d domains",
			DIRECTORY_GROUP_DOMAINS_MAX);
	if (rc < 0)
		return rc;
	rc = need_domain(dir, domain, &owner, err);
	if (rc == -ERR_NOTFOUND)
		return db_do(dir->writer, err, "INSERT INTO domain (name, owner) VALUES (?, ?)",
			db_t(domain), db_i((int64_t)group));
	if (rc == 0 && owner == group)
		return err_set(err, ERR_EXISTS, "%.*s is the group's already", SLICE_ARG(domain));
	if (rc == 0 && owner)
		return err_set(err, ERR_CONFLICT, "%.*s is another group's", SLICE_ARG(domain));
	return rc < 0 ? rc : take_domain(dir, group, domain, err);
}

int directory_group_domain_add(
	struct directory *dir, uint64_t group, struct slice domain, struct err *err)
{
	struct name name;
	int rc = name_parse_domain(domain, &name, err);

	if (rc == 0)
		rc = change_begin(dir, err);
	return rc < 0 ? rc : change_end(dir, add_domain(dir, group, name.domain, err), err);
}

static int remove_domain(
	struct directory *dir, uint64_t group, struct slice domain, struct err *err)
{
	uint64_t owner = 0;
	int64_t n;
	int rc = need_domain(dir, domain, &owner, err);

	if (rc == 0 && (!group || owner != group))
		return err_set(
			err, ERR_NOTFOUND, "%.*s is no domain of this group", SLICE_ARG(domain));
	if (rc == 0)
		rc = count_addresses(dir, domain, 0, &n, err);
	if (rc == 0 && n)
		rc = err_set(err, ERR_CONFLICT, "%.*s still has addresses", SLICE_ARG(domain));
	if (rc == 0)
		rc = db_do(dir->writer, err, "DELETE FROM screen WHERE domain = ?", db_t(domain));
	return rc < 0 ? rc
		      : db_do(dir->writer, err, "UPDATE domain SET owner = 0 WHERE name = ?",
				db_t(domain));
}

int directory_group_domain_remove(
	struct directory *dir, uint64_t group, struct slice domain, struct err *err)
{
	struct name name;
	int rc = name_parse_domain(domain, &name, err);

	if (rc == 0)
		rc = change_begin(dir, err);
	return rc < 0 ? rc : change_end(dir, remove_domain(dir, group, name.domain, err), err);
}
