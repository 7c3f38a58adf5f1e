/* status.c - what the operator sees of a policy under way. */
#include <stdlib.h>

#include "base/clock.h"
#include "notice/notice.h"
#include "policy/internal.h"

enum { USERS_MAX = 100000, ARENA_BYTES = 4096 };

static const char *const modes[] = {
	[CLEARTEXT_CLOSED] = "closed", [CLEARTEXT_ALLOW] = "allow", [CLEARTEXT_NOTIFY] = "notify"};

static int count(struct policy *p, int row, json_t **out, struct err *err)
{
	const struct policy_state state = policy_state(p, row);
	const int64_t now = clock_wall_s(), date = (int64_t)state.settings.date_s;
	const struct db_arg name = db_t(slice_str(config_services[row].name));
	const bool is_open = config_is_cleartext_open(&state.settings, now);
	int64_t affected = 0, logins = 0, told = 0, warned = 0;
	char day[16];
	int rc = db_get_int(p->reader, &affected, err,
		"SELECT count(DISTINCT s.account) FROM seen s JOIN told t ON t.service = s.service"
		" AND t.account = s.account WHERE s.service = ?2 AND " POLICY_AFFECTED,
		db_i(now), name);

	if (rc == 0)
		rc = db_get_int(p->reader, &logins, err,
			"SELECT count(*) FROM login WHERE service = ? AND at > ?", name,
			db_i(now - DAY_S));
	if (rc == 0)
		rc = db_get_int(p->reader, &told, err,
			"SELECT count(*) FROM told WHERE service = ? AND notices > 0", name);
	if (rc == 0)
		rc = db_get_int(p->reader, &warned, err,
			"SELECT count(*) FROM told WHERE service = ?1 AND ?2 <> 0 AND warned = ?2",
			name, db_i(date));
	if (rc == 0)
		*out = json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:I}", "service",
			config_services[row].name, "mode",
			is_open ? modes[state.settings.mode] : "closed", "date",
			notice_text(policy_day(date, day)), "affected", (json_int_t)affected,
			"logins_day", (json_int_t)logins, "told", (json_int_t)told, "warned",
			(json_int_t)warned);
	return rc;
}

int policy_status(struct service *service, json_t **list_out, struct err *err)
{
	struct policy *p = service->policy;
	json_t *list = json_array(), *item;
	int rc = 0;

	pthread_mutex_lock(&p->reader_lock);
	for (int i = 0; i < CONFIG_SERVICES && rc == 0; i++) {
		rc = count(p, i, &item, err);
		if (rc == 0)
			json_array_append_new(list, item);
	}
	pthread_mutex_unlock(&p->reader_lock);
	if (rc < 0)
		json_decref(list);
	else
		*list_out = list;
	return rc;
}

/* An account that has gone is not affected any more. */
static void add_user(struct policy *p, struct db_stmt *row, json_t *list)
{
	struct directory_account account;
	struct arena arena AUTO(arena_done);
	char last[16], told[16];
	struct err err;

	arena_init(&arena, ARENA_BYTES);
	if (directory_account(
		    p->service->directory, (uint64_t)db_int(row, 0), &arena, &account, &err) < 0)
		return;
	json_array_append_new(
		list, json_pack("{s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "address",
			      notice_text(account.address), "service", notice_text(db_text(row, 1)),
			      "program", notice_text(db_text(row, 2)), "peer",
			      notice_text(db_text(row, 3)), "logins", (json_int_t)db_int(row, 4),
			      "last", notice_text(policy_day(db_int(row, 5), last)), "told",
			      notice_text(policy_day(db_int(row, 6), told))));
}

static int read_users(struct policy *p, struct slice name, json_t *list, struct err *err)
{
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	int rc = db_query(p->reader, &rows, err,
		"SELECT s.account, s.service, s.program, s.peer, s.logins, s.clear_s, t.last_s"
		" FROM seen s JOIN told t ON t.service = s.service AND t.account = s.account"
		" WHERE (?2 = '' OR s.service = ?2) AND " POLICY_AFFECTED
		" ORDER BY s.service, s.clear_s DESC LIMIT ?3",
		db_i(clock_wall_s()), db_t(name), db_i(USERS_MAX));

	while (rc == 0 && (rc = db_step(rows, err)) > 0) {
		add_user(p, rows, list);
		rc = 0;
	}
	return rc;
}

int policy_users(struct service *service, struct slice name, json_t **list_out, struct err *err)
{
	struct policy *p = service->policy;
	json_t *list = json_array();
	int rc;

	pthread_mutex_lock(&p->reader_lock);
	rc = read_users(p, name, list, err);
	pthread_mutex_unlock(&p->reader_lock);
	if (rc < 0)
		json_decref(list);
	else
		*list_out = list;
	return rc;
}
