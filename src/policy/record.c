/* record.c - logins as they come, the mail that each is worth, and the last warnings. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "policy/internal.h"

enum { TEXT_MAX = 200, WARN_BATCH = 200 };

/* One login on its way into the record. */
struct event {
	struct group_item item;
	struct policy *policy;
	struct policy_user user;
	char *program, *peer; /* peer NULL: it came with TLS */
	bool is_still_affected;
};

static void event_free(struct event *e)
{
	free(e->program);
	free(e->peer);
	free(e);
}

static struct db_arg name_of(int row)
{
	return db_t(slice_str(policy_rows[row].name));
}

static int add_login(const struct event *e, struct db *db, int64_t now, struct err *err)
{
	const struct db_arg service = name_of(e->user.row), who = db_i((int64_t)e->user.account);
	int rc = db_do(db, err,
		"INSERT INTO login (at, service, account, program, peer) VALUES (?, ?, ?, ?, ?)",
		db_i(now), service, who, db_t(e->user.program), db_t(e->user.peer));

	if (rc == 0)
		rc = db_do(db, err,
			"INSERT INTO seen (service, account, program, peer, logins, clear_s, tls_s)"
			" VALUES (?1, ?2, ?3, ?4, 1, ?5, 0) ON CONFLICT DO UPDATE SET"
			" peer = ?4, logins = logins + 1, clear_s = ?5, tls_s = 0",
			service, who, db_t(e->user.program), db_t(e->user.peer), db_i(now));
	if (rc == 0)
		rc = db_do(db, err,
			"INSERT OR IGNORE INTO told (service, account, notices, last_s, warned,"
			" tls_s) VALUES (?, ?, 0, 0, 0, 0)",
			service, who);
	return rc;
}

static int mark_told(
	const struct policy_user *user, struct db *db, int64_t now, int64_t warned, struct err *err)
{
	return db_do(db, err,
		"UPDATE told SET notices = notices + 1, last_s = ?, warned = ?"
		" WHERE service = ? AND account = ?",
		db_i(now), db_i(warned), name_of(user->row), db_i((int64_t)user->account));
}

/* The mail is recorded under its number before it is counted: a crash in between finds the same
 * number, and its mail recorded already. */
static int tell_if_due(struct event *e, struct db *db, int64_t now, struct err *err)
{
	const struct policy_state state = policy_state(e->policy, e->user.row);
	const int64_t date = (int64_t)state.settings.date_s;
	const bool is_last = policy_is_last(&state, now);
	int64_t last_s, warned;
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc;

	if (state.settings.mode != CLEARTEXT_NOTIFY)
		return 0;
	rc = db_query(db, &row, err,
		"SELECT notices, last_s, warned FROM told WHERE service = ? AND account = ?",
		name_of(e->user.row), db_i((int64_t)e->user.account));
	if (rc == 0)
		rc = db_step(row, err);
	if (rc <= 0)
		return rc;
	e->user.notices = db_int(row, 0);
	last_s = db_int(row, 1);
	warned = db_int(row, 2);
	if (is_last ? warned == date : last_s && now - last_s < (int64_t)state.settings.interval_s)
		return 0;
	policy_tell(e->policy, &e->user, is_last);
	return mark_told(&e->user, db, now, is_last ? date : warned, err);
}

static int clear_run(struct group_item *item, struct db *db, struct err *err)
{
	struct event *e = (struct event *)(void *)item;
	const int64_t now = clock_wall_s();
	const int rc = add_login(e, db, now, err);

	e->is_still_affected = true;
	return rc == 0 ? tell_if_due(e, db, now, err) : rc;
}

static int tls_run(struct group_item *item, struct db *db, struct err *err)
{
	struct event *e = (struct event *)(void *)item;
	const struct db_arg service = name_of(e->user.row), who = db_i((int64_t)e->user.account);
	const int64_t now = clock_wall_s();
	int64_t left = 1;
	int rc = db_do(db, err,
		"UPDATE seen SET tls_s = ? WHERE service = ? AND account = ? AND program = ?",
		db_i(now), service, who, db_t(e->user.program));

	if (rc == 0)
		rc = db_do(db, err, "UPDATE told SET tls_s = ? WHERE service = ? AND account = ?",
			db_i(now), service, who);
	if (rc == 0)
		rc = db_get_int(db, &left, err,
			"SELECT count(*) FROM seen WHERE tls_s = 0 AND account = ?", who);
	e->is_still_affected = left > 0;
	return rc;
}

static void event_done(struct group_item *item, int rc, const struct err *err)
{
	struct event *e = (struct event *)(void *)item;

	if (rc < 0)
		log_error(&policy_log, "record", log_e(err));
	else
		policy_affect(e->policy, e->user.account, e->is_still_affected);
	event_free(e);
}

static void submit(
	struct policy *p, int row, uint64_t account, struct slice program, const struct slice *peer)
{
	struct event *e = mem_new(struct event);

	*e = (struct event){.item = {.run = peer ? clear_run : tls_run, .done = event_done},
		.policy = p,
		.program = mem_str(slice_head(program, TEXT_MAX)),
		.peer = peer ? mem_str(slice_head(*peer, TEXT_MAX)) : NULL};
	e->user = (struct policy_user){.row = row,
		.account = account,
		.program = slice_str(e->program),
		.peer = e->peer ? slice_str(e->peer) : (struct slice){0}};
	group_submit(&p->group, &e->item);
}

void policy_cleartext_login(struct service *service, const char *name, uint64_t account,
	struct slice program, struct slice peer)
{
	const int row = policy_find(name);

	if (row >= 0 && service->policy)
		submit(service->policy, row, account, program, &peer);
}

void policy_tls_login(
	struct service *service, const char *name, uint64_t account, struct slice program)
{
	const int row = policy_find(name);

	if (row >= 0 && service->policy && policy_is_affected(service->policy, account))
		submit(service->policy, row, account, program, NULL);
}

/* ---- what the clock brings: last warnings, and the end of old records ---- */

struct warning {
	struct group_item item;
	struct policy *policy;
	int row;
};

static int warn_one(struct warning *w, struct db_stmt *row, struct arena *arena, struct db *db,
	int64_t date, struct err *err)
{
	const int64_t now = clock_wall_s();
	const struct policy_user user = {.row = w->row,
		.account = (uint64_t)db_int(row, 0),
		.program = arena_dup(arena, db_text(row, 1)),
		.peer = arena_dup(arena, db_text(row, 2)),
		.notices = db_int(row, 3)};

	policy_tell(w->policy, &user, true);
	return mark_told(&user, db, now, date, err);
}

static int warn_run(struct group_item *item, struct db *db, struct err *err)
{
	struct warning *w = (struct warning *)(void *)item;
	const struct policy_state state = policy_state(w->policy, w->row);
	const int64_t date = (int64_t)state.settings.date_s;
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	struct arena arena AUTO(arena_done);
	int rc;

	arena_init(&arena, WARN_BATCH * 4 * TEXT_MAX);
	rc = db_query(db, &rows, err,
		"SELECT t.account, s.program, s.peer, t.notices FROM told t JOIN seen s"
		" ON s.service = t.service AND s.account = t.account"
		" WHERE t.service = ?2 AND t.warned <> ?3 AND " POLICY_AFFECTED
		" GROUP BY t.account LIMIT ?4",
		db_i(clock_wall_s()), name_of(w->row), db_i(date), db_i(WARN_BATCH));
	while (rc == 0 && (rc = db_step(rows, err)) > 0)
		rc = warn_one(w, rows, &arena, db, date, err);
	return rc;
}

static void warn_done(struct group_item *item, int rc, const struct err *err)
{
	if (rc < 0)
		log_error(&policy_log, "warn", log_e(err));
	free(item);
}

static bool has_to_warn(struct policy *p, int row, int64_t date)
{
	struct err err;
	int64_t n = 0;

	pthread_mutex_lock(&p->reader_lock);
	if (db_get_int(p->reader, &n, &err,
		    "SELECT EXISTS (SELECT 1 FROM told t JOIN seen s ON s.service = t.service"
		    " AND s.account = t.account WHERE t.service = ?2 AND t.warned <> ?3"
		    " AND " POLICY_AFFECTED ")",
		    db_i(clock_wall_s()), name_of(row), db_i(date)) < 0)
		log_error(&policy_log, "warn", log_e(&err));
	pthread_mutex_unlock(&p->reader_lock);
	return n > 0;
}

void policy_warn(struct policy *p)
{
	for (int i = 0; i < POLICY_SERVICES; i++) {
		const struct policy_state state = policy_state(p, i);
		struct warning *w;

		if (state.settings.mode != CLEARTEXT_NOTIFY ||
			!policy_is_last(&state, clock_wall_s()) ||
			!has_to_warn(p, i, (int64_t)state.settings.date_s))
			continue;
		w = mem_new(struct warning);
		*w = (struct warning){
			.item = {.run = warn_run, .done = warn_done}, .policy = p, .row = i};
		group_submit(&p->group, &w->item);
	}
}
