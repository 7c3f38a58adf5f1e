/*
 * keep.c - reports about our domains, into the table: the sums, and a row for each kind of source.
 *
 * Who claims to have made a report is not proven by it; what came is bounded by domain and day.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mailauth/domain.h"
#include "report/internal.h"

enum { NAME_ARENA = 4096 };

/* What is the same of both kinds. */
struct kept {
	enum report_kind kind;
	struct slice domain, about, org, id, via; /* domain: ours, that it is filed under */
	int64_t begin_s, end_s;
	uint64_t good, failed;
	int64_t row; /* the next one's number */
	int64_t of;
};

int reports_find_home(struct reports *r, struct slice about, struct arena *arena, struct slice *out,
	struct err *err)
{
	struct slice name;
	bool is_ours = false;
	int rc = 0;

	if (!domain_normal(about, arena, &name))
		name = (struct slice){0};
	for (; rc == 0 && name.len; name = domain_parent(name)) {
		rc = directory_has_domain(r->service->directory, name, &is_ours, err);
		if (rc == 0 && is_ours) {
			*out = name;
			return 0;
		}
	}
	return rc < 0 ? rc : err_set(err, ERR_NOTFOUND, "the report is about no domain of ours");
}

/* So that no sum overflows, whatever is claimed. */
static uint64_t sane_count(uint64_t n)
{
	return n < UINT32_MAX ? n : UINT32_MAX;
}

/* A clock that is wrong elsewhere must not keep a report for ever, nor hide it. */
static int64_t sane_end(int64_t end_s)
{
	const int64_t now = clock_wall_s();

	return end_s > now + DAY_S || end_s <= 0 ? now : end_s;
}

static int check_room(struct db *db, const struct kept *k, struct err *err)
{
	const int64_t since_s = clock_wall_s() - DAY_S;
	bool has_room = false;
	int64_t all, same;
	int rc = reports_have_room(db, &has_room, err);

	if (rc == 0)
		rc = db_get_int(db, &all, err,
			"SELECT count(*) FROM got WHERE at > ? AND domain = ?", db_i(since_s),
			db_t(k->domain));
	if (rc == 0)
		rc = db_get_int(db, &same, err,
			"SELECT count(*) FROM got WHERE at > ? AND domain = ? AND via = ?",
			db_i(since_s), db_t(k->domain), db_t(k->via));
	if (rc < 0 || (has_room && all < REPORT_RECEIVED_DAY_MAX && same < REPORT_SENDER_DAY_MAX))
		return rc;
	return err_set(err, ERR_QUOTA, "too many reports about that domain today");
}

/* k->of is 0 where it is there already. */
static int add_report(struct db *db, struct kept *k, struct err *err)
{
	int rc = check_room(db, k, err);

	if (rc == 0)
		rc = db_do(db, err,
			"INSERT OR IGNORE INTO got (kind, domain, about, org, report, via, begin,"
			" until, at, good, failed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			db_i(k->kind), db_t(k->domain), db_t(k->about), db_t(k->org), db_t(k->id),
			db_t(k->via), db_i(k->begin_s), db_i(sane_end(k->end_s)),
			db_i(clock_wall_s()), db_i((int64_t)k->good), db_i((int64_t)k->failed));
	k->of = rc == 0 && db_changes(db) ? db_last_id(db) : 0;
	return rc;
}

/* Of many small sources beyond the bound only the sums above remain. */
static int add_source(struct db *db, struct kept *k, struct slice name, uint64_t n,
	struct slice result, bool is_good, const struct slice texts[4], struct err *err)
{
	if (!k->of || k->row >= REPORT_SOURCES_MAX)
		return 0;
	return db_do(db, err, "INSERT INTO source VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		db_i(k->of), db_i(k->row++), db_t(name), db_i((int64_t)sane_count(n)), db_t(result),
		db_i(is_good), db_t(texts[0]), db_t(texts[1]), db_t(texts[2]), db_t(texts[3]));
}

/* ---- DMARC ---- */

static bool is_good_row(const struct feedback_row *row)
{
	return row->is_dkim_aligned || row->is_spf_aligned;
}

static int compare_rows(const void *a, const void *b)
{
	const struct feedback_row *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

/* Who signed, for people: the signature that counts, or the first. */
static struct slice signer_of(const struct feedback_row *row)
{
	for (size_t i = 0; i < row->dkim_n; i++) {
		if (slice_eq_nocase(row->dkim[i].result, slice_lit("pass")))
			return row->dkim[i].domain;
	}
	return row->dkim_n ? row->dkim[0].domain : (struct slice){0};
}

static int add_row(struct db *db, struct kept *k, const struct feedback_row *row, struct err *err)
{
	const struct slice texts[] = {
		row->header_from, signer_of(row), row->spf_domain, row->reason};

	return add_source(
		db, k, row->ip, row->count, row->disposition, is_good_row(row), texts, err);
}

static int keep_rows(struct db *db, struct kept *k, const struct feedback *report, struct err *err)
{
	int rc = add_report(db, k, err);

	for (size_t i = 0; rc == 0 && i < report->rows_n; i++)
		rc = add_row(db, k, &report->rows[i], err);
	return rc;
}

/* ---- TLS ---- */

static int add_failure(
	struct db *db, struct kept *k, const struct tls_report_failure *f, struct err *err)
{
	const struct slice texts[] = {f->source, {0}, {0}, f->reason};

	return add_source(db, k, f->host, f->count, f->result, false, texts, err);
}

static int keep_failures(
	struct db *db, struct kept *k, const struct tls_report_policy *p, struct err *err)
{
	const struct slice none[4] = {0};
	int rc = add_report(db, k, err);

	if (rc == 0 && p->good)
		rc = add_source(db, k, (struct slice){0}, p->good, p->type, true, none, err);
	for (size_t i = 0; rc == 0 && i < p->failures_n; i++)
		rc = add_failure(db, k, &p->failures[i], err);
	return rc;
}

/* ---- both ---- */

int reports_finish(struct reports *r, int rc, struct err *err)
{
	if (rc == 0)
		rc = db_commit(r->later.db, err);
	else
		db_rollback(r->later.db);
	later_unlock(&r->later);
	return rc;
}

int keep_feedback(struct reports *r, const struct feedback *report, const struct received *how,
	struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct kept k = {.kind = REPORT_DMARC,
		.about = report->domain,
		.org = report->org,
		.id = report->id,
		.via = how->via,
		.begin_s = report->begin_s,
		.end_s = report->end_s,
		.failed = report->beyond};
	int rc;

	arena_init(&arena, NAME_ARENA);
	rc = reports_find_home(r, report->domain, &arena, &k.domain, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < report->rows_n; i++) {
		const struct feedback_row *row = &report->rows[i];

		*(is_good_row(row) ? &k.good : &k.failed) += sane_count(row->count);
	}
	if (report->rows_n) /* qsort() takes no NULL, not even of nothing */
		qsort(report->rows, report->rows_n, sizeof(*report->rows), compare_rows);
	rc = db_begin(later_lock(&r->later), err);
	if (rc == 0)
		rc = keep_rows(r->later.db, &k, report, err);
	return reports_finish(r, rc, err);
}

/* Where a policy of DANE stands is one of our hosts, whatever its name. */
static bool is_host_of_ours(const struct reports *r, struct slice name)
{
	struct slice rest = r->service->mx_hosts;

	while (rest.len) {
		if (slice_eq_nocase(slice_next_word(&rest), name))
			return true;
	}
	return false;
}

/* A report may have several policies of one name: the number tells them apart. */
static int keep_policy(struct reports *r, const struct tls_report *report, size_t number,
	const struct received *how, struct err *err)
{
	const struct tls_report_policy *p = &report->policies[number];
	struct arena arena AUTO(arena_done);
	struct buf id AUTO(buf_done);
	struct kept k = {.kind = REPORT_TLS,
		.about = p->domain,
		.org = report->org,
		.via = how->via,
		.begin_s = report->begin_s,
		.end_s = report->end_s,
		.good = sane_count(p->good),
		.failed = sane_count(p->failed)};
	int rc;

	arena_init(&arena, NAME_ARENA);
	buf_init(&id, NAME_ARENA);
	buf_printf(&id, number ? "%.*s (%zu)" : "%.*s", SLICE_ARG(report->id), number + 1);
	k.id = buf_slice(&id);
	rc = reports_find_home(
		r, is_host_of_ours(r, p->domain) ? how->to : p->domain, &arena, &k.domain, err);
	return rc < 0 ? rc : keep_failures(r->later.db, &k, p, err);
}

int keep_tls(struct reports *r, const struct tls_report *report, const struct received *how,
	struct err *err)
{
	struct err one;
	size_t found = 0;
	int rc = db_begin(later_lock(&r->later), err);

	for (size_t i = 0; rc == 0 && i < report->policies_n; i++) {
		rc = keep_policy(r, report, i, how, &one);
		found += rc == 0;
		if (rc < 0)
			*err = one;
		rc = rc == -ERR_NOTFOUND ? 0 : rc;
	}
	if (rc == 0 && !found)
		rc = -ERR_NOTFOUND;
	return reports_finish(r, rc, err);
}
