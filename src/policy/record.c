/* record.c - logins as they come. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "policy/internal.h"

enum {
	TEXT_MAX = 200,
	NAMED_S = 600, /* so long after a login its program may say its name */
};

/* One login on its way into the record. */
struct event {
	struct group_item item;
	struct policy *policy;
	struct policy_user user;
	char *program, *peer;
	bool is_still_affected;
};

static void event_free(struct event *e)
{
	free(e->program);
	free(e->peer);
	free(e);
}

static int add_login(const struct event *e, struct db *db, int64_t now, struct err *err)
{
	const struct db_arg service = policy_name(e->user.row),
			    who = db_i((int64_t)e->user.account);
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
			"INSERT INTO told (service, account, notices, last_s, warned, tls_s,"
			" is_due) VALUES (?, ?, 0, 0, 0, 0, 1) ON CONFLICT DO UPDATE SET is_due = "
			"1",
			service, who);
	return rc;
}

static int clear_run(struct group_item *item, struct db *db, struct err *err)
{
	struct event *e = (struct event *)(void *)item;

	e->is_still_affected = true;
	return add_login(e, db, clock_wall_s(), err);
}

/* The program of a login that was recorded without its name. */
static int name_run(struct group_item *item, struct db *db, struct err *err)
{
	struct event *e = (struct event *)(void *)item;
	const struct db_arg service = policy_name(e->user.row),
			    who = db_i((int64_t)e->user.account);
	int rc = db_do(db, err,
		"INSERT INTO seen (service, account, program, peer, logins, clear_s, tls_s)"
		" SELECT service, account, ?3, peer, 1, clear_s, 0 FROM seen"
		" WHERE service = ?1 AND account = ?2 AND program = ''"
		" ON CONFLICT DO UPDATE SET peer = excluded.peer, logins = logins + 1,"
		" clear_s = excluded.clear_s, tls_s = 0",
		service, who, db_t(e->user.program));

	if (rc == 0)
		rc = db_do(db, err,
			"DELETE FROM seen WHERE service = ? AND account = ? AND program = ''",
			service, who);
	if (rc == 0)
		rc = db_do(db, err,
			"UPDATE login SET program = ?3 WHERE service = ?1 AND account = ?2"
			" AND program = '' AND at >= ?4",
			service, who, db_t(e->user.program), db_i(clock_wall_s() - NAMED_S));
	e->is_still_affected = true;
	return rc;
}

static int tls_run(struct group_item *item, struct db *db, struct err *err)
{
	struct event *e = (struct event *)(void *)item;
	const struct db_arg service = policy_name(e->user.row),
			    who = db_i((int64_t)e->user.account);
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

static void submit(struct policy *p, int row, uint64_t account,
	int (*run)(struct group_item *, struct db *, struct err *), struct slice program,
	struct slice peer)
{
	struct event *e = mem_new(struct event);

	*e = (struct event){.item = {.run = run, .done = event_done},
		.policy = p,
		.program = mem_str(slice_head(program, TEXT_MAX)),
		.peer = mem_str(slice_head(peer, TEXT_MAX))};
	e->user = (struct policy_user){.row = row,
		.account = account,
		.program = slice_str(e->program),
		.peer = slice_str(e->peer)};
	group_submit(&p->group, &e->item);
}

void policy_cleartext_login(struct service *service, const char *name, uint64_t account,
	struct slice program, struct slice peer)
{
	const int row = policy_find(name);

	if (row >= 0 && service->policy)
		submit(service->policy, row, account, clear_run, program, peer);
}

void policy_cleartext_program(
	struct service *service, const char *name, uint64_t account, struct slice program)
{
	const int row = policy_find(name);

	if (row >= 0 && service->policy && program.len)
		submit(service->policy, row, account, name_run, program, (struct slice){0});
}

void policy_tls_login(
	struct service *service, const char *name, uint64_t account, struct slice program)
{
	const int row = policy_find(name);

	if (row >= 0 && service->policy && policy_is_affected(service->policy, account))
		submit(service->policy, row, account, tls_run, program, (struct slice){0});
}
