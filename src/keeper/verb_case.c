/* verb_case.c - see verb_case.h; the fields of each verb stand in verbs.c. */
#include "keeper/verb_case.h"

#include "base/log.h"
#include "base/mem.h"
#include "keeper/account.h"
#include "keeper/case.h"
#include "keeper/factor.h"
#include "keeper/recover.h"

/* Fields 0 and 1: an operator's account, and a code of its TOTP or a recovery code. */
static int check_staff(struct task *t, struct db *change, struct err *err)
{
	const struct factor_who who = {.account = t->f[0].n};
	const bool is_paper = slice_starts_nocase(t->f[1].s, slice_lit("phr"));
	struct account account;
	int rc = account_get(change, who.account, &account, err);

	if (rc == -ERR_NOTFOUND || (rc == 0 && account.role != ROLE_OPERATOR))
		return err_set(err, ERR_DENIED, "this is not an operator's account");
	return rc < 0 ? rc
		      : factor_check(t->desk->factors, change, &who,
				is_paper ? FACTOR_RECOVERY : FACTOR_TOTP, t->f[1].s, err);
}

static void put_row(struct task *t, const struct case_row *row)
{
	task_put_u64(t, row->id);
	task_put_u64(t, row->account);
	task_put_u64(t, row->opener);
	task_put_u64(t, row->approver);
	task_put_u64(t, row->state);
	task_put_u64(t, row->removes_factors);
	task_put_u64(t, row->points);
	task_put_u64(t, (uint64_t)row->opened_s);
	task_put_u64(t, (uint64_t)row->wait_until_s);
	task_put_u64(t, (uint64_t)row->closed_s);
}

/* What every step is answered with: the case, a link's secret, and the addresses to be told. */
static int put_answer(struct task *t, struct db *db, uint64_t id, const char *link, struct err *err)
{
	struct recovery recovery;
	struct case_row row;
	int rc = case_get(db, id, &row, err);

	if (rc == 0)
		rc = recover_get(db, row.account, &recovery, err);
	if (rc < 0)
		return rc;
	put_row(t, &row);
	task_put(t, slice_str(link));
	task_put(t, slice_str(recovery.address));
	task_put(t, slice_str(recovery.former));
	return 0;
}

/* One step: `act` between the check of who asks and the answer. */
typedef int case_fn(
	struct task *t, struct db *change, uint64_t *id, char link[MINT_TEXT], struct err *err);

static int take_step(struct task *t, struct db *change, case_fn *act, struct err *err)
{
	char link[MINT_TEXT] = "";
	uint64_t id = 0;
	int rc = check_staff(t, change, err);

	if (rc == 0)
		rc = act(t, change, &id, link, err);
	if (rc == 0)
		rc = put_answer(t, change, id, link, err);
	if (rc == 0)
		log_info(NULL, "case_step", log_n("case", (int64_t)id),
			log_n("staff", (int64_t)t->f[0].n));
	mem_wipe(link, sizeof(link));
	return rc;
}

static void run_step(struct task *t, case_fn *act)
{
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0)
		rc = secrets_change_end(t->desk->secrets, take_step(t, change, act, &err), &err);
	task_end(t, rc, &err);
}

/* staff, code, account, removes factors, note */
static int act_open(
	struct task *t, struct db *change, uint64_t *id, char link[MINT_TEXT], struct err *err)
{
	struct case_new new = {.staff = t->f[0].n,
		.account = t->f[2].n,
		.removes_factors = t->f[3].n != 0,
		.note = t->f[4].s};
	struct account account;
	int rc = account_get(change, new.account, &account, err);

	if (rc == 0)
		rc = secrets_take_seq(change, &new.id, err);
	*id = new.id;
	return rc < 0 ? rc : case_open(t->desk->factors, change, &new, link, err);
}

void verb_case_open(struct task *t)
{
	run_step(t, act_open);
}

/* staff, code, case, kind, note */
static int act_evidence(
	struct task *t, struct db *change, uint64_t *id, char link[MINT_TEXT], struct err *err)
{
	*id = t->f[2].n;
	return case_evidence(
		t->desk->factors, change, *id, t->f[0].n, t->f[3].s, t->f[4].s, link, err);
}

void verb_case_evidence(struct task *t)
{
	run_step(t, act_evidence);
}

/* staff, code, case */
static int act_approve(
	struct task *t, struct db *change, uint64_t *id, char link[MINT_TEXT], struct err *err)
{
	(void)link;
	*id = t->f[2].n;
	return case_approve(change, *id, t->f[0].n, err);
}

void verb_case_approve(struct task *t)
{
	run_step(t, act_approve);
}

/* staff, code, case, is granted, note */
static int act_close(
	struct task *t, struct db *change, uint64_t *id, char link[MINT_TEXT], struct err *err)
{
	struct case_row row;
	int rc;

	*id = t->f[2].n;
	if (!t->f[3].n)
		return case_refuse(change, *id, t->f[0].n, t->f[4].s, err);
	rc = case_grant(change, *id, t->f[0].n, t->f[4].s, &row, err);
	if (rc == 0 && row.removes_factors)
		rc = factor_remove_all(change, row.account, err);
	return rc < 0 ? rc : recover_issue(t->desk->factors, change, row.account, link, err);
}

/* With the factors go all sessions: whoever had them is out. */
void verb_case_close(struct task *t)
{
	struct frame_session what = {.scopes = SCOPE_ALL};
	struct case_row row = {0};
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	rc = take_step(t, change, act_close, &err);
	if (rc == 0)
		rc = case_get(change, t->f[2].n, &row, &err);
	what.account = row.account;
	if (rc == 0 && row.state == CASE_GRANTED && row.removes_factors) {
		rc = secrets_take_seq(change, &what.seq, &err);
		if (rc == 0)
			rc = session_end_all(change, &what, 0, &err);
		change_revoke(t, rc, &what, &err);
		return;
	}
	rc = secrets_change_end(t->desk->secrets, rc, &err);
	task_end(t, rc, &err);
}

/* is it all, or the open ones */
static int put_list(struct task *t, struct db *db, struct err *err)
{
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	struct case_row row;
	int rc = db_query(db, &rows, err,
		"SELECT id FROM recovery_case WHERE ?1 OR state IN (?2, ?3) ORDER BY id LIMIT 1000",
		db_i((int64_t)t->f[0].n), db_i(CASE_OPEN), db_i(CASE_WAITING));

	while (rc == 0 && (rc = db_step(rows, err)) == 1) {
		rc = case_get(db, (uint64_t)db_int(rows, 0), &row, err);
		if (rc == 0)
			put_row(t, &row);
	}
	return rc;
}

void verb_case_list(struct task *t)
{
	struct err err;
	int rc = put_list(t, secrets_read(t->desk->secrets), &err);

	secrets_read_end(t->desk->secrets);
	task_end(t, rc, &err);
}

static int put_steps(struct task *t, struct db *db, struct err *err)
{
	struct db_stmt *row;
	int rc = db_query(db, &row, err,
		"SELECT at_s, staff, kind, points, note FROM case_step WHERE case_id = ?"
		" ORDER BY id",
		db_i((int64_t)t->f[0].n));

	while (rc == 0 && (rc = db_step(row, err)) == 1) {
		task_put_u64(t, (uint64_t)db_int(row, 0));
		task_put_u64(t, (uint64_t)db_int(row, 1));
		task_put(t, db_text(row, 2));
		task_put_u64(t, (uint64_t)db_int(row, 3));
		task_put(t, db_text(row, 4));
		rc = 0;
	}
	return rc;
}

void verb_case_show(struct task *t)
{
	struct db *db = secrets_read(t->desk->secrets);
	struct case_row row;
	struct err err;
	int rc = case_get(db, t->f[0].n, &row, &err);

	if (rc == 0) {
		put_row(t, &row);
		rc = put_steps(t, db, &err);
	}
	secrets_read_end(t->desk->secrets);
	task_end(t, rc, &err);
}

static int put_flags(struct task *t, struct db *db, struct err *err)
{
	struct db_stmt *row;
	int rc = db_query(
		db, &row, err, "SELECT account, at_s, peer FROM flag ORDER BY id DESC LIMIT 1000");

	while (rc == 0 && (rc = db_step(row, err)) == 1) {
		task_put_u64(t, (uint64_t)db_int(row, 0));
		task_put_u64(t, (uint64_t)db_int(row, 1));
		task_put(t, db_text(row, 2));
		rc = 0;
	}
	return rc;
}

void verb_case_flags(struct task *t)
{
	struct err err;
	int rc = put_flags(t, secrets_read(t->desk->secrets), &err);

	secrets_read_end(t->desk->secrets);
	task_end(t, rc, &err);
}
