/*
 * tell.c - the mail that a login without TLS is worth, and the last warnings.
 *
 * A mail is recorded under its number before it is counted here: a crash in between finds the same
 * number, and its mail recorded already. It is sent a second after the login at the earliest,
 * because many programs say their name only then.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "policy/internal.h"

enum { BATCH = 200, PURGE_S = 3600 };

struct round {
	struct group_item item;
	struct policy *policy;
	int row;
	int64_t now;
	struct policy_state state;
};

static int mark_told(
	const struct policy_user *user, struct db *db, int64_t now, int64_t warned, struct err *err)
{
	return db_do(db, err,
		"UPDATE told SET notices = notices + 1, last_s = ?, warned = ?"
		" WHERE service = ? AND account = ?",
		db_i(now), db_i(warned), policy_name(user->row), db_i((int64_t)user->account));
}

/* The row: account, program, peer, notices, last_s, warned. */
static int tell_row(struct round *r, struct db_stmt *row, struct db *db, struct err *err)
{
	const int64_t date = (int64_t)r->state.settings.date_s, last_s = db_int(row, 4);
	const bool is_last = policy_is_last(&r->state, r->now);
	const int64_t warned = db_int(row, 5);
	const struct policy_user user = {.row = r->row,
		.account = (uint64_t)db_int(row, 0),
		.program = db_text(row, 1),
		.peer = db_text(row, 2),
		.notices = db_int(row, 3)};

	if (is_last ? warned == date
		    : last_s && r->now - last_s < (int64_t)r->state.settings.interval_s)
		return 0;
	policy_tell(r->policy, &user, is_last);
	return mark_told(&user, db, r->now, is_last ? date : warned, err);
}

#define ROWS                                                                                       \
	"SELECT t.account, s.program, s.peer, t.notices, t.last_s, t.warned, max(s.clear_s)"       \
	" FROM told t JOIN seen s ON s.service = t.service AND s.account = t.account"              \
	" WHERE t.service = ?2 AND " POLICY_AFFECTED

/* Of users who came without TLS since the last look. */
static int tell_due(struct round *r, struct db *db, struct err *err)
{
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	int rc =
		db_query(db, &rows, err, ROWS " AND t.is_due AND s.clear_s < ?1 GROUP BY t.account",
			db_i(r->now), policy_name(r->row));

	while (rc == 0 && (rc = db_step(rows, err)) > 0)
		rc = tell_row(r, rows, db, err);
	return rc < 0 ? rc
		      : db_do(db, err,
				"UPDATE told SET is_due = 0 WHERE service = ?2 AND is_due AND NOT "
				"EXISTS"
				" (SELECT 1 FROM seen s WHERE s.service = told.service"
				" AND s.account = told.account AND s.clear_s >= ?1)",
				db_i(r->now), policy_name(r->row));
}

static int warn(struct round *r, struct db *db, struct err *err)
{
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &rows, err, ROWS " AND t.warned <> ?3 GROUP BY t.account LIMIT ?4",
		db_i(r->now), policy_name(r->row), db_i((int64_t)r->state.settings.date_s),
		db_i(BATCH));

	while (rc == 0 && (rc = db_step(rows, err)) > 0)
		rc = tell_row(r, rows, db, err);
	return rc;
}

static int round_run(struct group_item *item, struct db *db, struct err *err)
{
	struct round *r = (struct round *)(void *)item;
	int rc = tell_due(r, db, err);

	if (rc == 0 && policy_is_last(&r->state, r->now))
		rc = warn(r, db, err);
	return rc;
}

static void round_done(struct group_item *item, int rc, const struct err *err)
{
	if (rc < 0)
		log_error(&policy_log, "tell", log_e(err));
	free(item);
}

/* A look costs no flush. */
static bool has_to_tell(const struct round *r)
{
	struct policy *p = r->policy;
	struct err err;
	int64_t n = 0;

	pthread_mutex_lock(&p->reader_lock);
	if (db_get_int(p->reader, &n, &err,
		    "SELECT EXISTS (SELECT 1 FROM told t WHERE t.service = ?2 AND t.is_due) OR"
		    " (?4 AND EXISTS (SELECT 1 FROM told t JOIN seen s ON s.service = t.service"
		    " AND s.account = t.account WHERE t.service = ?2 AND t.warned <> ?3"
		    " AND " POLICY_AFFECTED "))",
		    db_i(r->now), policy_name(r->row), db_i((int64_t)r->state.settings.date_s),
		    db_i(policy_is_last(&r->state, r->now))) < 0)
		log_error(&policy_log, "tell", log_e(&err));
	pthread_mutex_unlock(&p->reader_lock);
	return n > 0;
}

/* ---- the end of old records ---- */

static int purge_run(struct group_item *item, struct db *db, struct err *err)
{
	const struct db_arg before = db_i(clock_wall_s() - (int64_t)POLICY_KEEP_DAYS * DAY_S);
	int rc = db_do(db, err, "DELETE FROM login WHERE at < ?", before);

	(void)item;
	if (rc == 0)
		rc = db_do(db, err, "DELETE FROM seen WHERE clear_s < ?", before);
	return rc == 0 ? db_do(db, err,
				 "DELETE FROM told WHERE last_s < ? AND NOT EXISTS (SELECT 1 FROM"
				 " seen s WHERE s.service = told.service"
				 " AND s.account = told.account)",
				 before)
		       : rc;
}

void policy_purge(struct policy *p)
{
	struct round *r;

	if (clock_wall_s() < p->purge_s)
		return;
	p->purge_s = clock_wall_s() + PURGE_S;
	r = mem_new(struct round);
	*r = (struct round){.item = {.run = purge_run, .done = round_done}, .policy = p};
	group_submit(&p->group, &r->item);
}

void policy_tell_due(struct policy *p)
{
	for (int i = 0; i < CONFIG_SERVICES; i++) {
		const struct round r = {.item = {.run = round_run, .done = round_done},
			.policy = p,
			.row = i,
			.now = clock_wall_s(),
			.state = policy_state(p, i)};
		struct round *copy;

		if (r.state.settings.mode != CLEARTEXT_NOTIFY ||
			!config_is_cleartext_open(&r.state.settings, r.now) || !has_to_tell(&r))
			continue;
		copy = mem_new(struct round);
		*copy = r;
		group_submit(&p->group, &copy->item);
	}
}
