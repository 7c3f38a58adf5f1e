/*
 * duty.c - addresses that each domain must have (RFC 5321 4.5.1, RFC 2142): postmaster, and abuse.
 *
 * Where nobody has them by name they are the operator's; without an operator they belong to who was
 * there first, because that is who set the system up. A domain of a group is its administrator's.
 */
#include "directory/internal.h"

static bool is_duty(const struct name *name)
{
	const struct slice local = slice_head(name->text, name->text.len - name->domain.len - 1);

	return slice_eq(local, slice_lit("postmaster")) || slice_eq(local, slice_lit("abuse"));
}

/* Accounts of the domain before others, then the oldest. */
static int find_first(struct directory *dir, const struct name *name, uint64_t group,
	struct arena *arena, struct slice *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	const struct slice at_domain = {name->domain.ptr - 1, name->domain.len + 1};
	int rc = db_query(dir->reader, &row, err,
		"SELECT address FROM account WHERE is_disabled = 0 AND"
		" (?1 = 0 OR (party = ?1 AND is_party_admin)) ORDER BY"
		" substr(address, -length(?2)) <> ?2, created, address LIMIT 1",
		db_i((int64_t)group), db_t(at_domain));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc <= 0)
		return rc;
	rc = row_texts(row, arena, err, (struct row_text[]){{0, out}, {0, NULL}});
	return rc < 0 ? rc : 1;
}

int read_duty(struct directory *dir, const struct name *name, struct arena *arena,
	struct directory_entry *out, struct err *err)
{
	const uint64_t group = out->domain.group;
	struct slice target = dir->operator;
	int rc;

	if (!is_duty(name))
		return 0;
	rc = group ? find_first(dir, name, group, arena, &target, err) : 0;
	/* The operator's own address may be one of these. */
	if (rc == 0 && target.len && !slice_eq_nocase(target, name->text))
		rc = 1;
	if (rc == 0)
		rc = find_first(dir, name, 0, arena, &target, err);
	if (rc <= 0)
		return rc;
	out->targets = arena_array(arena, struct slice, 1);
	if (!out->targets)
		return err_set(err, ERR_TOOBIG, "the answer needs too much memory");
	out->targets[0] = target;
	out->targets_n = 1;
	out->kind = DIRECTORY_ALIAS;
	return 1;
}
