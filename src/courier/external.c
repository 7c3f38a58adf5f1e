/* external.c - see external.h for the contract. */
#include "courier/external.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask/verbs.h"
#include "base/log.h"
#include "base/mem.h"
#include "courier/runner.h"
#include "db/db.h"

struct external {
	pthread_mutex_t lock; /* guards db */
	struct db *db;
};

static const struct db_migration schema[] = {
	{"CREATE TABLE server (id INTEGER PRIMARY KEY, host TEXT NOT NULL, port INTEGER NOT NULL,"
	 " is_starttls INTEGER NOT NULL, login TEXT NOT NULL, password TEXT NOT NULL)"},
};

int external_open(const char *path, struct external **out, struct err *err)
{
	struct external *e AUTO(external_close) = mem_new(struct external);
	int rc;

	pthread_mutex_init(&e->lock, NULL);
	rc = db_open(&(struct db_config){.path = path, .may_create = true}, &e->db, err);
	if (rc == 0)
		rc = db_migrate(e->db, schema, sizeof(schema) / sizeof(schema[0]), err);
	if (rc == 0) /* what is gone is overwritten */
		rc = db_do(e->db, err, "PRAGMA secure_delete = ON");
	if (rc < 0)
		return rc;
	*out = e;
	e = NULL;
	return 0;
}

void external_close(struct external **external)
{
	struct external *e = *external;

	if (!e)
		return;
	db_close(&e->db);
	pthread_mutex_destroy(&e->lock);
	free(e);
	*external = NULL;
}

/* ---- rows ---- */

static void copy(char *out, size_t size, struct slice text)
{
	snprintf(out, size, "%.*s", SLICE_ARG(text));
}

static int get_locked(struct external *e, uint64_t id, struct external_server *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_row(e->db, &row, err,
		"SELECT host, port, is_starttls, login, password FROM server WHERE id = ?",
		db_i((int64_t)id));

	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "this server is not set up any more");
	*out = (struct external_server){
		.port = (unsigned)db_int(row, 1), .is_starttls = db_int(row, 2) != 0};
	copy(out->host, sizeof(out->host), db_text(row, 0));
	copy(out->login, sizeof(out->login), db_text(row, 3));
	copy(out->password, sizeof(out->password), db_text(row, 4));
	return 0;
}

int external_get(struct external *e, uint64_t id, struct external_server *out, struct err *err)
{
	int rc;

	pthread_mutex_lock(&e->lock);
	rc = get_locked(e, id, out, err);
	pthread_mutex_unlock(&e->lock);
	return rc;
}

bool external_may_reach(const struct config *settings, const struct ip *addresses, size_t n)
{
	bool is_good = n > 0;

	for (size_t i = 0; i < n; i++)
		is_good =
			is_good && !ip_is_private(&addresses[i]) && !ip_is_loopback(&addresses[i]);
	return is_good || (n && settings->courier_private);
}

static bool is_same(const struct external_server *a, const struct external_server *b)
{
	return strcmp(a->host, b->host) == 0 && a->port == b->port &&
	       a->is_starttls == b->is_starttls && strcmp(a->login, b->login) == 0;
}

/* Without a password: it is as it was, or an error. */
static int put_locked(
	struct external *e, uint64_t id, const struct external_server *s, struct err *err)
{
	struct external_server before;
	int rc = 0;

	if (!s->password[0]) {
		rc = get_locked(e, id, &before, err);
		if (rc == -ERR_NOTFOUND || (rc == 0 && !is_same(s, &before)))
			rc = err_set(err, ERR_SYNTAX, "The password is needed, too");
		mem_wipe(&before, sizeof(before));
		return rc;
	}
	return db_do(e->db, err,
		"INSERT OR REPLACE INTO server (id, host, port, is_starttls, login, password)"
		" VALUES (?, ?, ?, ?, ?, ?)",
		db_i((int64_t)id), db_t(slice_str(s->host)), db_i(s->port), db_i(s->is_starttls),
		db_t(slice_str(s->login)), db_t(slice_str(s->password)));
}

/* Also out of the log of the database, which keeps what was written before. */
static int drop_locked(struct external *e, uint64_t id, struct err *err)
{
	struct err ignored;
	int rc = db_do(e->db, err, "DELETE FROM server WHERE id = ?", db_i((int64_t)id));

	if (rc == 0 && db_empty_log(e->db, &ignored) < 0)
		log_info(NULL, "external-log", log_e(&ignored));
	return rc;
}

/* ---- verbs ---- */

struct wish {
	struct pool_job job;
	struct courier *courier;
	struct asked *asked;
	int (*run)(struct wish *wish, struct err *err);
	uint64_t id;
	struct external_server server;
};

static void run_wish(struct pool_job *job)
{
	struct wish *w = (struct wish *)(void *)job;
	struct buf none AUTO(buf_done);
	struct err err;

	buf_init(&none, 1);
	if (w->run(w, &err) < 0)
		asked_fail(w->asked, &err);
	else
		asked_answer(w->asked, &none);
	mem_wipe(&w->server, sizeof(w->server));
	free(w);
}

static void begin(struct courier *courier, struct asked *asked, struct frame *f, bool has_server,
	int (*run)(struct wish *wish, struct err *err))
{
	struct wish *w = mem_new(struct wish);
	struct slice host = {0}, login = {0}, password = {0};
	struct err err;

	*w = (struct wish){
		.job = {.run = run_wish}, .courier = courier, .asked = asked, .run = run};
	w->id = frame_u64(f);
	if (has_server) {
		host = frame_bytes(f);
		w->server.port = (unsigned)(frame_u64(f) & 0xffff);
		w->server.is_starttls = frame_u64(f) != 0;
		login = frame_bytes(f);
		password = frame_bytes(f);
	}
	if (!frame_end(f) || host.len > DNS_NAME_MAX || login.len > EXTERNAL_TEXT_MAX ||
		password.len > EXTERNAL_PASSWORD_MAX) {
		err_set(&err, ERR_SYNTAX, "this is no server");
		asked_fail(asked, &err);
		free(w);
		return;
	}
	copy(w->server.host, sizeof(w->server.host), host);
	copy(w->server.login, sizeof(w->server.login), login);
	copy(w->server.password, sizeof(w->server.password), password);
	pool_run(courier->pool, POOL_BULK, &w->job);
}

static int run_set(struct wish *w, struct err *err)
{
	struct external *e = w->courier->external;
	int rc;

	pthread_mutex_lock(&e->lock);
	rc = put_locked(e, w->id, &w->server, err);
	pthread_mutex_unlock(&e->lock);
	return rc;
}

void desk_external_set(struct courier *courier, struct asked *asked, struct frame *f, int fd)
{
	(void)fd;
	begin(courier, asked, f, true, run_set);
}

static int run_drop(struct wish *w, struct err *err)
{
	struct external *e = w->courier->external;
	int rc;

	pthread_mutex_lock(&e->lock);
	rc = drop_locked(e, w->id, err);
	pthread_mutex_unlock(&e->lock);
	return rc;
}

void desk_external_drop(struct courier *courier, struct asked *asked, struct frame *f, int fd)
{
	(void)fd;
	begin(courier, asked, f, false, run_drop);
}

static int run_test(struct wish *w, struct err *err)
{
	struct external *e = w->courier->external;
	struct external_server stored;
	int rc = external_get(e, w->id, &stored, err);

	if (rc == 0 && !is_same(&stored, &w->server))
		rc = err_set(err, ERR_CONFLICT, "The password is for another server");
	mem_wipe(&stored, sizeof(stored));
	return rc < 0 ? rc : runner_test_external(w->courier->runner, w->id, err);
}

void desk_external_test(struct courier *courier, struct asked *asked, struct frame *f, int fd)
{
	(void)fd;
	begin(courier, asked, f, true, run_test);
}
