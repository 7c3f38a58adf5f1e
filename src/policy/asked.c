/* asked.c - accounts that are asked for a new password, and reminded of it. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "notice/notice.h"
#include "policy/internal.h"

enum { REASON_MAX = 1000, REMIND_BATCH = 200 };

struct ask {
	struct group_item item;
	struct policy *policy;
	uint64_t account;
	int64_t by_s;
	char *reason;
};

/* How many reminders are due: one POLICY_LAST_DAYS before, one a day before. */
#define REMINDERS_DUE "((?1 >= by_s - 432000) + (?1 >= by_s - 86400))"
_Static_assert(POLICY_LAST_DAYS *DAY_S == 432000, "REMINDERS_DUE says it in seconds");

static void tell(struct policy *p, const struct ask *ask, int64_t number)
{
	const struct slice reason = slice_str(ask->reason);
	struct buf key AUTO(buf_done);
	char day[16];
	const struct slice by = policy_day(ask->by_s, day);

	buf_init(&key, 200);
	buf_printf(&key, "must-change:%llu:%lld:%lld", (unsigned long long)ask->account,
		(long long)ask->by_s, (long long)number);
	notice_send_once(p->service, ask->account, number ? "must-change-last" : "must-change",
		json_pack("{s:o, s:o}", "by", notice_text(by), "reason", notice_text(reason)),
		(struct slice){0}, buf_slice(&key));
}

/* ---- asking, and the answer ---- */

static int ask_run(struct group_item *item, struct db *db, struct err *err)
{
	const struct ask *ask = (const struct ask *)(const void *)item;

	tell(ask->policy, ask, 0);
	return db_do(db, err,
		"INSERT OR REPLACE INTO asked (account, by_s, reason, reminded)"
		" VALUES (?2, ?3, ?4, CASE WHEN ?3 THEN (?1 >= ?3 - 432000) + (?1 >= ?3 - 86400)"
		" ELSE 2 END)",
		db_i(clock_wall_s()), db_i((int64_t)ask->account), db_i(ask->by_s),
		db_t(slice_str(ask->reason)));
}

static int answer_run(struct group_item *item, struct db *db, struct err *err)
{
	const struct ask *ask = (const struct ask *)(const void *)item;

	return db_do(db, err, "DELETE FROM asked WHERE account = ?", db_i((int64_t)ask->account));
}

static void ask_done(struct group_item *item, int rc, const struct err *err)
{
	struct ask *ask = (struct ask *)(void *)item;

	if (rc < 0)
		log_error(&policy_log, "ask", log_e(err));
	free(ask->reason);
	free(ask);
}

void policy_ask_password(
	struct service *service, uint64_t account, int64_t by_s, struct slice reason)
{
	struct ask *ask = mem_new(struct ask);

	*ask = (struct ask){.item = {.run = ask_run, .done = ask_done},
		.policy = service->policy,
		.account = account,
		.by_s = by_s,
		.reason = mem_str(slice_head(reason, REASON_MAX))};
	group_submit(&service->policy->group, &ask->item);
}

void policy_password_changed(struct service *service, uint64_t account)
{
	struct ask *ask;

	if (!service->policy)
		return;
	ask = mem_new(struct ask);
	*ask = (struct ask){.item = {.run = answer_run, .done = ask_done},
		.policy = service->policy,
		.account = account};
	group_submit(&service->policy->group, &ask->item);
}

/* ---- reminders ---- */

static int remind_one(struct policy *p, struct db_stmt *row, struct db *db, struct err *err)
{
	struct ask ask = {.account = (uint64_t)db_int(row, 0),
		.by_s = db_int(row, 1),
		.reason = mem_str(db_text(row, 2))};
	const int64_t due = db_int(row, 3);

	tell(p, &ask, due);
	free(ask.reason);
	return db_do(db, err, "UPDATE asked SET reminded = ? WHERE account = ?", db_i(due),
		db_i((int64_t)ask.account));
}

static int remind_run(struct group_item *item, struct db *db, struct err *err)
{
	const struct ask *ask = (const struct ask *)(const void *)item;
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &rows, err,
		"SELECT account, by_s, reason, " REMINDERS_DUE " FROM asked WHERE reminded < 2"
		" AND reminded < " REMINDERS_DUE " AND ?1 < by_s LIMIT ?2",
		db_i(clock_wall_s()), db_i(REMIND_BATCH));

	while (rc == 0 && (rc = db_step(rows, err)) > 0)
		rc = remind_one(ask->policy, rows, db, err);
	return rc;
}

static bool has_to_remind(struct policy *p)
{
	struct err err;
	int64_t n = 0;

	pthread_mutex_lock(&p->reader_lock);
	if (db_get_int(p->reader, &n, &err,
		    "SELECT EXISTS (SELECT 1 FROM asked WHERE reminded < 2 AND reminded <"
		    " " REMINDERS_DUE " AND ?1 < by_s)",
		    db_i(clock_wall_s())) < 0)
		log_error(&policy_log, "remind", log_e(&err));
	pthread_mutex_unlock(&p->reader_lock);
	return n > 0;
}

void policy_remind(struct policy *p)
{
	struct ask *ask;

	if (!has_to_remind(p))
		return;
	ask = mem_new(struct ask);
	*ask = (struct ask){.item = {.run = remind_run, .done = ask_done}, .policy = p};
	group_submit(&p->group, &ask->item);
}
