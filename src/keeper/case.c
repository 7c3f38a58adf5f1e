/* case.c - see case.h for the contract. */
#include "keeper/case.h"

#include <string.h>

#include "base/clock.h"

const struct case_kind case_kinds[] = {
	{"recovery-mail", 40, "answered from the recovery address"},
	{"person", 50, "known in person, or vouched for by the group's administrator"},
	{"identity", 40, "a document was seen that fits the account's name"},
	{"phone", 30, "called back on the number on file"},
	{"payment", 30, "knows the details of a payment"},
	{"old-password", 20, "knows a former password"},
	{"contents", 20, "knows folders, correspondents, dates"},
	{"network", 20, "comes from a network the account came from before"},
	{NULL, 0, NULL},
};

int case_get(struct db *db, uint64_t id, struct case_row *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_row(db, &row, err,
		"SELECT account, opener, approver, state, removes, opened_s, wait_until_s, "
		"closed_s,"
		" (SELECT coalesce(sum(points), 0) FROM case_step WHERE case_id = recovery_case.id)"
		" FROM recovery_case WHERE id = ?",
		db_i((int64_t)id));

	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "there is no such case");
	*out = (struct case_row){.id = id,
		.account = (uint64_t)db_int(row, 0),
		.opener = (uint64_t)db_int(row, 1),
		.approver = (uint64_t)db_int(row, 2),
		.state = (enum case_state)db_int(row, 3),
		.removes_factors = db_int(row, 4) != 0,
		.opened_s = db_int(row, 5),
		.wait_until_s = db_int(row, 6),
		.closed_s = db_int(row, 7),
		.points = (unsigned)db_int(row, 8)};
	return 0;
}

static int get_living(struct db *db, uint64_t id, struct case_row *out, struct err *err)
{
	int rc = case_get(db, id, out, err);

	if (rc == 0 && out->state != CASE_OPEN && out->state != CASE_WAITING)
		rc = err_set(err, ERR_CONFLICT, "the case is closed");
	return rc;
}

static int add_step(struct db *change, uint64_t id, uint64_t staff, struct slice kind,
	unsigned points, struct slice note, struct err *err)
{
	if (note.len > CASE_NOTE_MAX)
		return err_set(err, ERR_TOOBIG, "a note has at most %d bytes", CASE_NOTE_MAX);
	return db_do(change, err,
		"INSERT INTO case_step (case_id, at_s, staff, kind, points, note)"
		" VALUES (?, ?, ?, ?, ?, ?)",
		db_i((int64_t)id), db_i(clock_wall_s()), db_i((int64_t)staff), db_t(kind),
		db_i(points), db_t(note));
}

int case_open(struct factors *f, struct db *change, const struct case_new *what,
	char stop[MINT_TEXT], struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	int64_t n = 0;
	int rc = db_get_int(change, &n, err,
		"SELECT count(*) FROM recovery_case WHERE account = ? AND state IN (?, ?)",
		db_i((int64_t)what->account), db_i(CASE_OPEN), db_i(CASE_WAITING));

	if (rc == 0 && n)
		return err_set(err, ERR_EXISTS, "there is an open case of this account");
	mint_make(MINT_LINK, stop);
	if (rc == 0)
		rc = factors_mac(f, MINT_LINK, slice_str(stop), mac, err);
	if (rc == 0)
		rc = db_do(change, err,
			"INSERT INTO recovery_case (id, account, opener, removes, opened_s, stop)"
			" VALUES (?, ?, ?, ?, ?, ?)",
			db_i((int64_t)what->id), db_i((int64_t)what->account),
			db_i((int64_t)what->staff), db_i(what->removes_factors),
			db_i(clock_wall_s()), db_b((struct slice){(const char *)mac, sizeof(mac)}));
	return rc < 0 ? rc
		      : add_step(change, what->id, what->staff, slice_lit("opened"), 0, what->note,
				err);
}

static int begin_waiting(
	struct factors *f, struct db *change, uint64_t id, char stop[MINT_TEXT], struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	int rc;

	mint_make(MINT_LINK, stop);
	rc = factors_mac(f, MINT_LINK, slice_str(stop), mac, err);
	return rc < 0 ? rc
		      : db_do(change, err,
				"UPDATE recovery_case SET state = ?, wait_until_s = ?, stop = ?"
				" WHERE id = ?",
				db_i(CASE_WAITING), db_i(clock_wall_s() + CASE_WAIT_S),
				db_b((struct slice){(const char *)mac, sizeof(mac)}),
				db_i((int64_t)id));
}

int case_evidence(struct factors *f, struct db *change, uint64_t id, uint64_t staff,
	struct slice kind, struct slice note, char stop[MINT_TEXT], struct err *err)
{
	const struct case_kind *k = case_kinds;
	struct case_row row;
	int64_t n = 0;
	int rc = get_living(change, id, &row, err);

	stop[0] = '\0';
	while (k->name && !slice_eq(kind, slice_str(k->name)))
		k++;
	if (rc == 0 && !k->name)
		rc = err_set(err, ERR_SYNTAX, "there is no evidence of that kind");
	if (rc == 0)
		rc = db_get_int(change, &n, err,
			"SELECT count(*) FROM case_step WHERE case_id = ? AND kind = ?",
			db_i((int64_t)id), db_t(kind));
	if (rc == 0 && n)
		rc = err_set(err, ERR_EXISTS, "evidence of this kind counts once");
	if (rc == 0)
		rc = add_step(change, id, staff, kind, k->points, note, err);
	if (rc < 0 || row.state == CASE_WAITING || row.points + k->points < CASE_POINTS)
		return rc;
	return begin_waiting(f, change, id, stop, err);
}

int case_approve(struct db *change, uint64_t id, uint64_t staff, struct err *err)
{
	struct case_row row;
	int64_t steps = 0;
	int rc = get_living(change, id, &row, err);

	if (rc == 0)
		rc = db_get_int(change, &steps, err,
			"SELECT count(*) FROM case_step WHERE case_id = ? AND staff = ?",
			db_i((int64_t)id), db_i((int64_t)staff));
	if (rc < 0)
		return rc;
	if (row.state != CASE_WAITING)
		return err_set(err, ERR_CONFLICT, "the evidence is not enough yet");
	if (steps || staff == row.account)
		return err_set(
			err, ERR_DENIED, "somebody approves who has had no part in the case");
	rc = db_do(change, err, "UPDATE recovery_case SET approver = ? WHERE id = ?",
		db_i((int64_t)staff), db_i((int64_t)id));
	return rc < 0 ? rc
		      : add_step(change, id, staff, slice_lit("approved"), 0, (struct slice){0},
				err);
}

static int close_case(struct db *change, uint64_t id, enum case_state state, struct err *err)
{
	return db_do(change, err, "UPDATE recovery_case SET state = ?, closed_s = ? WHERE id = ?",
		db_i(state), db_i(clock_wall_s()), db_i((int64_t)id));
}

int case_refuse(struct db *change, uint64_t id, uint64_t staff, struct slice note, struct err *err)
{
	struct case_row row;
	int rc = get_living(change, id, &row, err);

	if (rc == 0)
		rc = add_step(change, id, staff, slice_lit("refused"), 0, note, err);
	return rc < 0 ? rc : close_case(change, id, CASE_REFUSED, err);
}

int case_grant(struct db *change, uint64_t id, uint64_t staff, struct slice note,
	struct case_row *out, struct err *err)
{
	struct case_row row;
	int rc = get_living(change, id, &row, err);

	if (rc < 0)
		return rc;
	if (row.state != CASE_WAITING)
		return err_set(
			err, ERR_CONFLICT, "%u points, and %d are needed", row.points, CASE_POINTS);
	if (clock_wall_s() < row.wait_until_s)
		return err_set(err, ERR_CONFLICT, "the waiting time is not over");
	if (row.removes_factors && !row.approver)
		return err_set(err, ERR_CONFLICT, "somebody else must approve it first");
	rc = add_step(change, id, staff, slice_lit("granted"), 0, note, err);
	if (rc == 0)
		rc = close_case(change, id, CASE_GRANTED, err);
	if (rc == 0)
		*out = row;
	return rc;
}

int case_stop(struct factors *f, struct db *change, struct slice code, struct case_row *out,
	struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	int64_t id = 0;
	int rc = factors_mac(f, MINT_LINK, code, mac, err);

	if (rc == 0)
		rc = db_get_int(change, &id, err, "SELECT id FROM recovery_case WHERE stop = ?",
			db_b((struct slice){(const char *)mac, sizeof(mac)}));
	if (rc == -ERR_NOTFOUND)
		rc = err_set(err, ERR_DENIED, "this link is not good");
	if (rc == 0)
		rc = get_living(change, (uint64_t)id, out, err);
	if (rc == 0)
		rc = add_step(change, (uint64_t)id, 0, slice_lit("stopped"), 0,
			slice_lit("by the link of a notice"), err);
	return rc < 0 ? rc : close_case(change, (uint64_t)id, CASE_STOPPED, err);
}
