/* bring_book.c - see bring_book.h for the contract: the mailboxes that are brought. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "courier/bring_internal.h"

static const struct db_migration schema[] = {
	{"CREATE TABLE job (id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL,"
	 " host TEXT NOT NULL, port INTEGER NOT NULL, is_starttls INTEGER NOT NULL,"
	 " login TEXT NOT NULL, password TEXT NOT NULL, state INTEGER NOT NULL,"
	 " why TEXT NOT NULL DEFAULT '', started INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT "
	 "0,"
	 " due INTEGER NOT NULL DEFAULT 0, turn INTEGER NOT NULL DEFAULT 0,"
	 " tries INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,"
	 " UNIQUE (account, host, login));"
	 "CREATE TABLE folder (id INTEGER PRIMARY KEY, job INTEGER NOT NULL, name BLOB NOT NULL,"
	 " path TEXT NOT NULL, uidvalidity INTEGER NOT NULL DEFAULT 0,"
	 " last_uid INTEGER NOT NULL DEFAULT 0, once INTEGER NOT NULL DEFAULT 0,"
	 " by_content INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,"
	 " messages INTEGER NOT NULL DEFAULT 0, taken INTEGER NOT NULL DEFAULT 0,"
	 " missed INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '', UNIQUE (job, name));"
	 "CREATE TABLE missed (folder INTEGER NOT NULL, uid INTEGER NOT NULL,"
	 " size INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (folder, uid)) WITHOUT ROWID;"
	 "CREATE TABLE object (job INTEGER NOT NULL, object BLOB NOT NULL,"
	 " PRIMARY KEY (job, object)) WITHOUT ROWID;"},
};

int bring_book_open(const char *path, struct bring_book **out, struct err *err)
{
	struct bring_book *b AUTO(bring_book_close) = mem_new(struct bring_book);
	int rc;

	pthread_mutex_init(&b->lock, NULL);
	rc = db_open(&(struct db_config){.path = path, .may_create = true}, &b->db, err);
	if (rc == 0)
		rc = db_migrate(b->db, schema, sizeof(schema) / sizeof(schema[0]), err);
	if (rc == 0) /* what is gone is overwritten */
		rc = db_do(b->db, err, "PRAGMA secure_delete = ON");
	if (rc == 0) /* a courier that was killed had them under way */
		rc = db_do(b->db, err, "UPDATE job SET state = ? WHERE state = ?",
			db_i(BRING_WAITING), db_i(BRING_RUNNING));
	if (rc < 0)
		return rc;
	*out = b;
	b = NULL;
	return 0;
}

void bring_book_close(struct bring_book **book)
{
	struct bring_book *b = *book;

	if (!b)
		return;
	db_close(&b->db);
	pthread_mutex_destroy(&b->lock);
	free(b);
	*book = NULL;
}

/* A password that was deleted is in the log still. */
static int empty_log(struct bring_book *b, int rc)
{
	struct err ignored;

	if (rc == 0 && db_empty_log(b->db, &ignored) < 0)
		log_info(NULL, "bring-log", log_e(&ignored));
	return rc;
}

/* ---- begin ---- */

static int check_new(
	struct bring_book *b, uint64_t account, const struct external_server *s, struct err *err)
{
	int64_t n = 0;
	int rc = db_get_int(b->db, &n, err,
		"SELECT count(*) FROM job WHERE account = ? AND host = ? AND login = ?"
		" AND state IN (0, 1)",
		db_i((int64_t)account), db_t(slice_str(s->host)), db_t(slice_str(s->login)));

	if (rc == 0 && n)
		return err_set(err, ERR_EXISTS, "this mailbox is being brought already");
	if (rc == 0)
		rc = db_get_int(b->db, &n, err,
			"SELECT count(*) FROM job WHERE account = ? AND NOT (host = ? AND login = "
			"?)",
			db_i((int64_t)account), db_t(slice_str(s->host)),
			db_t(slice_str(s->login)));
	if (rc == 0 && n >= BRING_JOBS_MAX)
		return err_set(err, ERR_TOOBIG,
			"there are %d mailboxes already: forget one of them first", BRING_JOBS_MAX);
	return rc;
}

static int start_locked(struct bring_book *b, uint64_t account, const struct external_server *s,
	uint64_t *id_out, struct err *err)
{
	int64_t id = 0;
	int rc = check_new(b, account, s, err);

	if (rc == 0)
		rc = db_do(b->db, err,
			"INSERT INTO job (account, host, port, is_starttls, login, password, state,"
			" started) VALUES (?, ?, ?, ?, ?, ?, 0, ?)"
			" ON CONFLICT (account, host, login) DO UPDATE SET port = excluded.port,"
			" is_starttls = excluded.is_starttls, password = excluded.password,"
			" state = 0, why = '', started = excluded.started, ended = 0, due = 0,"
			" tries = 0",
			db_i((int64_t)account), db_t(slice_str(s->host)), db_i(s->port),
			db_i(s->is_starttls), db_t(slice_str(s->login)),
			db_t(slice_str(s->password)), db_i(clock_wall_s()));
	if (rc == 0)
		rc = db_get_int(b->db, &id, err,
			"SELECT id FROM job WHERE account = ? AND host = ? AND login = ?",
			db_i((int64_t)account), db_t(slice_str(s->host)),
			db_t(slice_str(s->login)));
	/* What was given up may be better now. */
	if (rc == 0)
		rc = db_do(b->db, err, "UPDATE folder SET failures = 0, why = '' WHERE job = ?",
			db_i(id));
	*id_out = (uint64_t)id;
	return rc;
}

int bring_book_start(struct bring_book *b, uint64_t account, const struct external_server *server,
	uint64_t *id_out, struct err *err)
{
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = start_locked(b, account, server, id_out, err);
	pthread_mutex_unlock(&b->lock);
	return rc;
}

/* ---- turns ---- */

static void copy(char *out, size_t size, struct slice text)
{
	snprintf(out, size, "%.*s", SLICE_ARG(text));
}

#define DUE                                                                                        \
	" FROM job AS j WHERE state = 0 AND due <= ? AND NOT EXISTS (SELECT 1 FROM job AS k"       \
	" WHERE k.account = j.account AND k.state = 1)"

static int take_locked(struct bring_book *b, struct bring_job *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_row(b->db, &row, err,
		"SELECT id, account, host, port, is_starttls, login, password, tries" DUE
		" ORDER BY turn, id LIMIT 1",
		db_i(clock_wall_s()));

	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "nothing is due");
	*out = (struct bring_job){.id = (uint64_t)db_int(row, 0),
		.account = (uint64_t)db_int(row, 1),
		.tries = (unsigned)db_int(row, 7)};
	out->server.port = (unsigned)db_int(row, 3);
	out->server.is_starttls = db_int(row, 4) != 0;
	copy(out->server.host, sizeof(out->server.host), db_text(row, 2));
	copy(out->server.login, sizeof(out->server.login), db_text(row, 5));
	copy(out->server.password, sizeof(out->server.password), db_text(row, 6));
	db_reset(row);
	row = NULL;
	return db_do(b->db, err,
		"UPDATE job SET state = 1, turn = (SELECT max(turn) + 1 FROM job) WHERE id = ?",
		db_i((int64_t)out->id));
}

int bring_book_take(
	struct bring_book *b, struct bring_job *out, int64_t *due_s_out, struct err *err)
{
	int64_t due = INT64_MAX;
	struct err ignored;
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = take_locked(b, out, err);
	if (rc == -ERR_NOTFOUND &&
		db_get_int(b->db, &due, &ignored,
			"SELECT ifnull(min(due), 9223372036854775807) FROM job WHERE state = 0") ==
			0)
		*due_s_out = due;
	pthread_mutex_unlock(&b->lock);
	return rc;
}

int bring_book_put_off(struct bring_book *b, uint64_t job, int64_t wait_s, bool is_failure,
	const char *why, struct err *err)
{
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = db_do(b->db, err,
		"UPDATE job SET state = 0, due = ?, tries = tries + ?, why = ?"
		" WHERE id = ? AND state = 1",
		db_i(clock_wall_s() + wait_s), db_i(is_failure), db_t(slice_str(why)),
		db_i((int64_t)job));
	pthread_mutex_unlock(&b->lock);
	return rc;
}

int bring_book_end(struct bring_book *b, uint64_t job, enum bring_state state, const char *why,
	struct err *err)
{
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = db_do(b->db, err,
		"UPDATE job SET state = ?, why = ?, ended = ?, password = '' WHERE id = ?"
		" AND state IN (0, 1)",
		db_i(state), db_t(slice_str(why)), db_i(clock_wall_s()), db_i((int64_t)job));
	rc = empty_log(b, rc);
	pthread_mutex_unlock(&b->lock);
	return rc;
}

/* ---- from outside ---- */

static int check_there(struct bring_book *b, int64_t account, int64_t job, struct err *err)
{
	int64_t n = 0;
	const int rc = db_get_int(b->db, &n, err,
		"SELECT count(*) FROM job WHERE (account = ?1 OR ?1 = 0) AND (id = ?2 OR ?2 = 0)",
		db_i(account), db_i(job));

	return rc < 0 || n ? rc : err_set(err, ERR_NOTFOUND, "there is no such mailbox");
}

int bring_book_stop(struct bring_book *b, uint64_t account, uint64_t job, struct err *err)
{
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = check_there(b, (int64_t)account, (int64_t)job, err);
	if (rc == 0)
		rc = db_do(b->db, err,
			"UPDATE job SET state = 4, ended = ?3, password = '', why = ''"
			" WHERE (account = ?1 OR ?1 = 0) AND (id = ?2 OR ?2 = 0) AND state IN (0, "
			"1)",
			db_i((int64_t)account), db_i((int64_t)job), db_i(clock_wall_s()));
	rc = empty_log(b, rc);
	pthread_mutex_unlock(&b->lock);
	return rc;
}

static int forget_locked(struct bring_book *b, int64_t account, int64_t job, struct err *err)
{
	int rc = check_there(b, account, job, err);

	if (rc == 0)
		rc = db_begin(b->db, err);
	if (rc < 0)
		return rc;
	rc = db_do(b->db, err,
		"DELETE FROM job WHERE (account = ?1 OR ?1 = 0) AND (id = ?2 OR ?2 = 0)",
		db_i(account), db_i(job));
	if (rc == 0)
		rc = db_do(b->db, err, "DELETE FROM folder WHERE job NOT IN (SELECT id FROM job)");
	if (rc == 0)
		rc = db_do(b->db, err, "DELETE FROM object WHERE job NOT IN (SELECT id FROM job)");
	if (rc == 0)
		rc = db_do(b->db, err,
			"DELETE FROM missed WHERE folder NOT IN (SELECT id FROM folder)");
	if (rc == 0)
		rc = db_commit(b->db, err);
	if (rc < 0)
		db_rollback(b->db);
	return empty_log(b, rc);
}

int bring_book_forget(struct bring_book *b, uint64_t account, uint64_t job, struct err *err)
{
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = forget_locked(b, (int64_t)account, (int64_t)job, err);
	pthread_mutex_unlock(&b->lock);
	return rc;
}

bool bring_book_has_due(struct bring_book *b)
{
	int64_t n = 0;
	struct err ignored;
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = db_get_int(b->db, &n, &ignored, "SELECT count(*)" DUE, db_i(clock_wall_s()));
	pthread_mutex_unlock(&b->lock);
	return rc == 0 && n;
}

bool bring_book_is_running(struct bring_book *b, uint64_t job)
{
	int64_t n = 0;
	struct err ignored;
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = db_get_int(b->db, &n, &ignored, "SELECT count(*) FROM job WHERE id = ? AND state = 1",
		db_i((int64_t)job));
	pthread_mutex_unlock(&b->lock);
	return rc == 0 && n;
}
