/* tls_results.c - see tls_results.h for the contract. */
#include "courier/tls_results.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "group/later.h"

enum { TEXTS = 8 };

/* A session that is not counted yet: what tls_session points to stands behind it. */
struct noted {
	struct later_item item;
	int64_t day;
	struct tls_session session;
	char text[];
};

struct tls_results {
	struct later later;
	/* guarded by later.writing */
	int64_t day; /* of the last session that was counted */
	int64_t policies;
};

/* `about` is whose policy it is. */
static const struct db_migration schema[] = {
	{"CREATE TABLE policy (id INTEGER PRIMARY KEY, day INTEGER NOT NULL, domain TEXT NOT NULL,"
	 " type INTEGER NOT NULL, about TEXT NOT NULL, strings TEXT NOT NULL, mx TEXT NOT NULL,"
	 " good INTEGER NOT NULL, failed INTEGER NOT NULL);"
	 "CREATE UNIQUE INDEX policy_key ON policy (day, domain, type, about, strings, mx);"
	 "CREATE TABLE failure (policy INTEGER NOT NULL, result INTEGER NOT NULL,"
	 " our_ip TEXT NOT NULL, mx_host TEXT NOT NULL, mx_ip TEXT NOT NULL, reason TEXT NOT NULL,"
	 " sessions INTEGER NOT NULL,"
	 " PRIMARY KEY (policy, result, our_ip, mx_host, mx_ip, reason)) WITHOUT ROWID"},
};

const char *tls_policy_type_name(enum tls_policy_type type)
{
	static const char *const names[] = {
		[TLS_POLICY_NONE] = "no-policy-found",
		[TLS_POLICY_STS] = "sts",
		[TLS_POLICY_TLSA] = "tlsa",
	};

	return names[type];
}

const char *tls_result_name(enum tls_result result)
{
	static const char *const names[TLS_RESULTS_N] = {
		[TLS_RESULT_GOOD] = "",
		[TLS_RESULT_NO_STARTTLS] = "starttls-not-supported",
		[TLS_RESULT_HOST_MISMATCH] = "certificate-host-mismatch",
		[TLS_RESULT_EXPIRED] = "certificate-expired",
		[TLS_RESULT_NOT_TRUSTED] = "certificate-not-trusted",
		[TLS_RESULT_FAILED] = "validation-failure",
		[TLS_RESULT_TLSA_INVALID] = "tlsa-invalid",
		[TLS_RESULT_DNSSEC_INVALID] = "dnssec-invalid",
		[TLS_RESULT_STS_FETCH] = "sts-policy-fetch-error",
		[TLS_RESULT_STS_INVALID] = "sts-policy-invalid",
		[TLS_RESULT_STS_WEBPKI] = "sts-webpki-invalid",
	};

	return names[result];
}

/* ---- noting ---- */

static void list_texts(struct tls_session *s, struct slice *texts[TEXTS])
{
	struct slice *const all[TEXTS] = {&s->domain, &s->policy.domain, &s->policy.strings,
		&s->policy.mx, &s->our_ip, &s->mx_host, &s->mx_ip, &s->reason};

	memcpy(texts, all, sizeof(all));
}

void tls_results_note(struct tls_results *results, const struct tls_session *session)
{
	struct tls_session s = *session;
	struct slice *texts[TEXTS];
	struct noted *noted;
	size_t left = TLS_RESULTS_TEXT_MAX, at = 0;

	list_texts(&s, texts);
	for (size_t i = 0; i < TEXTS; i++) {
		*texts[i] = slice_head(*texts[i], left);
		left -= texts[i]->len;
	}
	noted = mem_alloc(sizeof(*noted) + TLS_RESULTS_TEXT_MAX - left);
	for (size_t i = 0; i < TEXTS; i++) {
		const struct slice text = *texts[i];

		if (text.len)
			memcpy(noted->text + at, text.ptr, text.len);
		*texts[i] = (struct slice){noted->text + at, text.len};
		at += text.len;
	}
	noted->day = clock_wall_s() / TLS_RESULTS_DAY_S;
	noted->session = s;
	later_add(&results->later, &noted->item);
}

/* ---- counting ---- */

static int drop_until(struct db *db, int64_t day, struct err *err)
{
	const int rc = db_do(db, err,
		"DELETE FROM failure WHERE policy IN (SELECT id FROM policy WHERE day <= ?)",
		db_i(day));

	return rc < 0 ? rc : db_do(db, err, "DELETE FROM policy WHERE day <= ?", db_i(day));
}

/* What was not taken by anybody is too old by now. */
static int begin_day(struct tls_results *results, struct db *db, int64_t day, struct err *err)
{
	int rc = drop_until(db, day - TLS_RESULTS_DAYS_MAX - 1, err);

	if (rc == 0)
		rc = db_get_int(db, &results->policies, err,
			"SELECT count(*) FROM policy WHERE day = ?", db_i(day));
	if (rc == 0)
		results->day = day;
	return rc;
}

static int find_policy(struct db *db, const struct noted *n, int64_t *id_out, struct err *err)
{
	const struct tls_policy *p = &n->session.policy;

	return db_get_int(db, id_out, err,
		"SELECT id FROM policy WHERE day = ? AND domain = ? AND type = ? AND about = ?"
		" AND strings = ? AND mx = ?",
		db_i(n->day), db_t(n->session.domain), db_i(p->type), db_t(p->domain),
		db_t(p->strings), db_t(p->mx));
}

static int add_policy(struct tls_results *results, struct db *db, const struct noted *n,
	int64_t *id_out, struct err *err)
{
	const struct tls_policy *p = &n->session.policy;
	const int rc = db_do(db, err,
		"INSERT INTO policy (day, domain, type, about, strings, mx, good, failed)"
		" VALUES (?, ?, ?, ?, ?, ?, 0, 0)",
		db_i(n->day), db_t(n->session.domain), db_i(p->type), db_t(p->domain),
		db_t(p->strings), db_t(p->mx));

	results->policies += rc == 0;
	*id_out = db_last_id(db);
	return rc;
}

static int count_failure(
	struct db *db, int64_t policy, const struct tls_session *s, struct err *err)
{
	int64_t kinds;
	int rc = db_do(db, err,
		"UPDATE failure SET sessions = sessions + 1 WHERE policy = ? AND result = ?"
		" AND our_ip = ? AND mx_host = ? AND mx_ip = ? AND reason = ?",
		db_i(policy), db_i(s->result), db_t(s->our_ip), db_t(s->mx_host), db_t(s->mx_ip),
		db_t(s->reason));

	if (rc < 0 || db_changes(db))
		return rc;
	rc = db_get_int(
		db, &kinds, err, "SELECT count(*) FROM failure WHERE policy = ?", db_i(policy));
	if (rc < 0 || kinds >= TLS_RESULTS_FAILURES_MAX)
		return rc;
	return db_do(db, err, "INSERT INTO failure VALUES (?, ?, ?, ?, ?, ?, 1)", db_i(policy),
		db_i(s->result), db_t(s->our_ip), db_t(s->mx_host), db_t(s->mx_ip),
		db_t(s->reason));
}

static int count(struct tls_results *results, struct db *db, const struct noted *n, struct err *err)
{
	const bool is_good = n->session.result == TLS_RESULT_GOOD;
	int64_t policy = 0;
	int rc = n->day == results->day ? 0 : begin_day(results, db, n->day, err);

	if (rc == 0)
		rc = find_policy(db, n, &policy, err);
	if (rc == -ERR_NOTFOUND && results->policies >= TLS_RESULTS_POLICIES_MAX)
		return 0;
	if (rc == -ERR_NOTFOUND)
		rc = add_policy(results, db, n, &policy, err);
	if (rc == 0)
		rc = db_do(db, err,
			"UPDATE policy SET good = good + ?, failed = failed + ? WHERE id = ?",
			db_i(is_good), db_i(!is_good), db_i(policy));
	return rc < 0 || is_good ? rc : count_failure(db, policy, &n->session, err);
}

static int write_all(struct later *later, struct later_item *first, struct err *err)
{
	struct tls_results *results = (struct tls_results *)later;
	int rc = 0;

	for (struct later_item *item = first; item && rc == 0; item = item->next)
		rc = count(results, later->db, (const struct noted *)item, err);
	if (rc < 0)
		results->day = 0; /* what was counted of it is taken back */
	return rc;
}

/* ---- life ---- */

int tls_results_open(const char *path, struct pool *pool, struct tls_results **out, struct err *err)
{
	const struct later_config config = {
		.file = {.path = path, .may_create = true, .cache_kib = DB_CACHE_SMALL_KIB},
		.schema = schema,
		.schema_n = sizeof(schema) / sizeof(schema[0]),
		.name = "tls-results",
		.pool = pool,
		.max = TLS_RESULTS_WAITING_MAX,
		.write = write_all,
	};
	struct tls_results *results = mem_new(struct tls_results);
	const int rc = later_open(&results->later, &config, err);

	if (rc < 0)
		free(results);
	else
		*out = results;
	return rc;
}

void tls_results_close(struct tls_results **results)
{
	struct tls_results *r = *results;

	*results = NULL;
	if (!r)
		return;
	later_close(&r->later);
	free(r);
}

/* ---- reading ---- */

int tls_results_oldest(struct tls_results *results, int64_t *day_out, struct err *err)
{
	struct db *db = later_lock(&results->later);
	const int rc = db_get_int(db, day_out, err, "SELECT day FROM policy ORDER BY day LIMIT 1");

	later_unlock(&results->later);
	return rc;
}

/* A copy of a column; is_full is set where there is no room for it. */
static struct slice keep(struct arena *arena, struct slice text, bool *is_full)
{
	const struct slice copy = arena_dup(arena, text);

	*is_full = *is_full || !copy.ptr;
	return copy;
}

static int too_long(struct err *err)
{
	return err_set(err, ERR_TOOBIG, "the results of TLS take too much room");
}

static int read_domains(struct db *db, int64_t day, struct arena *arena, struct slice **list_out,
	size_t *n_out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	struct slice *list;
	bool is_full = false;
	int64_t most = 0;
	size_t n = 0;
	int rc = db_get_int(db, &most, err,
		"SELECT count(DISTINCT domain) FROM policy WHERE day = ?", db_i(day));

	list = arena_array(arena, struct slice, (size_t)most + 1);
	if (rc == 0)
		rc = db_query(db, &row, err,
			"SELECT DISTINCT domain FROM policy WHERE day = ? ORDER BY domain",
			db_i(day));
	while (rc >= 0 && list && n < (size_t)most && (rc = db_step(row, err)) > 0)
		list[n++] = keep(arena, db_text(row, 0), &is_full);
	if (rc < 0 || !list || is_full)
		return rc < 0 ? rc : too_long(err);
	*list_out = list;
	*n_out = n;
	return 0;
}

int tls_results_domains(struct tls_results *results, int64_t day, struct arena *arena,
	struct slice **list_out, size_t *n_out, struct err *err)
{
	struct db *db = later_lock(&results->later);
	const int rc = read_domains(db, day, arena, list_out, n_out, err);

	later_unlock(&results->later);
	return rc;
}

static struct tls_failure read_failure(struct db_stmt *row, struct arena *arena, bool *is_full)
{
	return (struct tls_failure){.result = (enum tls_result)db_int(row, 0),
		.our_ip = keep(arena, db_text(row, 1), is_full),
		.mx_host = keep(arena, db_text(row, 2), is_full),
		.mx_ip = keep(arena, db_text(row, 3), is_full),
		.reason = keep(arena, db_text(row, 4), is_full),
		.sessions = (uint64_t)db_int(row, 5)};
}

static int read_failures(
	struct db *db, int64_t policy, struct arena *arena, struct tls_summary *s, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	bool is_full = false;
	int rc = db_query(db, &row, err,
		"SELECT result, our_ip, mx_host, mx_ip, reason, sessions FROM failure"
		" WHERE policy = ? AND result > 0 AND result < ?",
		db_i(policy), db_i(TLS_RESULTS_N));

	s->failures = arena_array(arena, struct tls_failure, TLS_RESULTS_FAILURES_MAX);
	while (rc >= 0 && s->failures && s->failures_n < TLS_RESULTS_FAILURES_MAX &&
		(rc = db_step(row, err)) > 0)
		s->failures[s->failures_n++] = read_failure(row, arena, &is_full);
	if (rc < 0)
		return rc;
	return s->failures && !is_full ? 0 : too_long(err);
}

static int read_summary(struct db *db, struct db_stmt *row, struct arena *arena,
	struct tls_summary *out, struct err *err)
{
	bool is_full = false;
	const int64_t type = db_int(row, 1);

	*out = (struct tls_summary){
		.policy = {.type = type > TLS_POLICY_NONE && type <= TLS_POLICY_TLSA
					   ? (enum tls_policy_type)type
					   : TLS_POLICY_NONE,
			.domain = keep(arena, db_text(row, 2), &is_full),
			.strings = keep(arena, db_text(row, 3), &is_full),
			.mx = keep(arena, db_text(row, 4), &is_full)},
		.good = (uint64_t)db_int(row, 5),
		.failed = (uint64_t)db_int(row, 6),
	};
	return is_full ? too_long(err) : read_failures(db, db_int(row, 0), arena, out, err);
}

static int read_summaries(struct db *db, int64_t day, struct slice domain, struct arena *arena,
	struct tls_summary **list_out, size_t *n_out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	struct tls_summary *list;
	int64_t most = 0;
	size_t n = 0;
	int rc = db_get_int(db, &most, err,
		"SELECT count(*) FROM policy WHERE day = ? AND domain = ?", db_i(day),
		db_t(domain));

	list = arena_array(arena, struct tls_summary, (size_t)most + 1);
	if (rc == 0)
		rc = db_query(db, &row, err,
			"SELECT id, type, about, strings, mx, good, failed FROM policy"
			" WHERE day = ? AND domain = ?",
			db_i(day), db_t(domain));
	while (rc >= 0 && list && n < (size_t)most && (rc = db_step(row, err)) > 0)
		rc = read_summary(db, row, arena, &list[n++], err);
	if (rc < 0 || !list)
		return rc < 0 ? rc : too_long(err);
	*list_out = list;
	*n_out = n;
	return 0;
}

int tls_results_read(struct tls_results *results, int64_t day, struct slice domain,
	struct arena *arena, struct tls_summary **list_out, size_t *n_out, struct err *err)
{
	struct db *db = later_lock(&results->later);
	const int rc = read_summaries(db, day, domain, arena, list_out, n_out, err);

	later_unlock(&results->later);
	return rc;
}

static int forget(struct db *db, int64_t day, struct err *err)
{
	int rc = db_begin(db, err);

	if (rc < 0)
		return rc;
	rc = drop_until(db, day, err);
	if (rc < 0) {
		db_rollback(db);
		return rc;
	}
	return db_commit(db, err);
}

int tls_results_forget(struct tls_results *results, int64_t day, struct err *err)
{
	struct db *db = later_lock(&results->later);
	const int rc = forget(db, day, err);

	results->day = 0; /* it is counted again */
	later_unlock(&results->later);
	return rc;
}
