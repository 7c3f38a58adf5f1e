/* show.c - what was reported about our domains, in sums. */
#include "base/clock.h"
#include "report/internal.h"

enum {
	DAYS_MAX = 3650,
	REPORTS_MAX = 1000, /* the latest of a domain are summed: a page must not take long */
};

static int64_t since_s(unsigned days)
{
	return clock_wall_s() - (int64_t)(days == 0         ? REPORT_DAYS
					  : days > DAYS_MAX ? DAYS_MAX
							    : days) *
					DAY_S;
}

/* What is stored is ASCII. */
static json_t *text_of(struct db_stmt *row, int column)
{
	const struct slice text = db_text(row, column);
	json_t *json = json_stringn(text.len ? text.ptr : "", text.len);

	return json ? json : json_string("?");
}

/* A column of a row: its member's name; numbers begin with '#', claims with '?'. Empty: left out.
 */
static json_t *object_of(struct db_stmt *row, const char *const *names)
{
	json_t *object = json_object();

	for (int i = 0; names[i]; i++) {
		if (names[i][0] == '#')
			json_object_set_new(object, names[i] + 1, json_integer(db_int(row, i)));
		else if (names[i][0] == '?')
			json_object_set_new(object, names[i] + 1, json_boolean(db_int(row, i)));
		else if (names[i][0])
			json_object_set_new(object, names[i], text_of(row, i));
	}
	return object;
}

static int collect(
	struct db_stmt *row, const char *const *names, json_t **rows_out, struct err *err)
{
	json_t *rows = json_array();
	int rc;

	while ((rc = db_step(row, err)) > 0)
		json_array_append_new(rows, object_of(row, names));
	db_reset(row);
	if (rc < 0)
		json_decref(rows);
	else
		*rows_out = rows;
	return rc;
}

/* The end of a query that was begun by later_lock(). */
static int show(struct reports *r, int rc, struct db_stmt *row, const char *const *names,
	json_t **rows_out, struct err *err)
{
	if (rc == 0)
		rc = collect(row, names, rows_out, err);
	later_unlock(&r->later);
	return rc;
}

int report_list(
	struct reports *r, struct slice domain, unsigned days, json_t **rows_out, struct err *err)
{
	static const char *const names[] = {"domain", "#reports", "#messages", "#passed", "#failed",
		"#tls_reports", "#sessions", "#tls_failed", NULL};
	struct db_stmt *row = NULL;
	const int rc = db_query(later_lock(&r->later), &row, err,
		"SELECT domain, sum(kind = 0), sum(iif(kind = 0, good + failed, 0)),"
		" sum(iif(kind = 0, good, 0)), sum(iif(kind = 0, failed, 0)), sum(kind = 1),"
		" sum(iif(kind = 1, good + failed, 0)), sum(iif(kind = 1, failed, 0))"
		" FROM got WHERE until >= ? AND (? = '' OR domain = ?) GROUP BY domain ORDER BY "
		"domain",
		db_i(since_s(days)), db_t(domain), db_t(domain));

	return show(r, rc, row, names, rows_out, err);
}

int report_sources(
	struct reports *r, struct slice domain, unsigned days, json_t **rows_out, struct err *err)
{
	static const char *const names[] = {"source", "#messages", "#passed", "#failed",
		"disposition", "author", "signed", "envelope", "note", "#reporters", NULL};
	struct db_stmt *row = NULL;
	const int rc = db_query(later_lock(&r->later), &row, err,
		"SELECT s.name, sum(s.n), sum(s.n * s.is_good), sum(s.n * (1 - s.is_good)),"
		" s.result, s.about, s.signed, s.envelope, max(s.note), count(DISTINCT g.org)"
		" FROM (SELECT id, org FROM got WHERE domain = ? AND until >= ? AND kind = 0"
		" ORDER BY until DESC LIMIT ?) g JOIN source s ON s.of = g.id"
		" GROUP BY s.name, s.result, s.about, s.signed, s.envelope"
		" ORDER BY sum(s.n) DESC, s.name LIMIT ?",
		db_t(domain), db_i(since_s(days)), db_i(REPORTS_MAX), db_i(REPORT_SHOWN_MAX));

	return show(r, rc, row, names, rows_out, err);
}

int report_tls(
	struct reports *r, struct slice domain, unsigned days, json_t **rows_out, struct err *err)
{
	static const char *const names[] = {
		"host", "result", "#sessions", "#good", "source", "reason", "#reporters", NULL};
	struct db_stmt *row = NULL;
	const int rc = db_query(later_lock(&r->later), &row, err,
		"SELECT s.name, s.result, sum(s.n), s.is_good, s.about, s.note,"
		" count(DISTINCT g.org)"
		" FROM (SELECT id, org FROM got WHERE domain = ? AND until >= ? AND kind = 1"
		" ORDER BY until DESC LIMIT ?) g JOIN source s ON s.of = g.id"
		" GROUP BY s.name, s.result, s.is_good, s.about, s.note"
		" ORDER BY s.is_good, sum(s.n) DESC, s.name LIMIT ?",
		db_t(domain), db_i(since_s(days)), db_i(REPORTS_MAX), db_i(REPORT_SHOWN_MAX));

	return show(r, rc, row, names, rows_out, err);
}

int report_reports(
	struct reports *r, struct slice domain, unsigned days, json_t **rows_out, struct err *err)
{
	static const char *const names[] = {
		"kind", "reporter", "via", "id", "#begin", "#end", "#good", "#failed", NULL};
	struct db_stmt *row = NULL;
	const int rc = db_query(later_lock(&r->later), &row, err,
		"SELECT iif(kind = 0, 'dmarc', 'tls'), org, via, report, begin, until, good, failed"
		" FROM got WHERE domain = ? AND until >= ? ORDER BY until DESC, org LIMIT ?",
		db_t(domain), db_i(since_s(days)), db_i(REPORT_SHOWN_MAX));

	return show(r, rc, row, names, rows_out, err);
}

/* ---- single messages ---- */

static int show_told(struct reports *r, const char *const *names, bool is_failure,
	struct slice domain, unsigned days, json_t **rows_out, struct err *err)
{
	struct db_stmt *row = NULL;
	const int rc = db_query(later_lock(&r->later), &row, err,
		"SELECT at, domain, via, type, source, author, sender, recipient, message, subject,"
		" incidents, failure, result, alignment, address, is_counted,"
		" CASE proof WHEN 1 THEN 'signed' WHEN 2 THEN 'marked' WHEN 3 THEN 'forwarded'"
		" ELSE '' END FROM told WHERE is_failure = ? AND at >= ? AND (? = '' OR domain = ?)"
		" ORDER BY at DESC, id DESC LIMIT ?",
		db_i(is_failure), db_i(since_s(days)), db_t(domain), db_t(domain),
		db_i(REPORT_SHOWN_MAX));

	return show(r, rc, row, names, rows_out, err);
}

int report_complaints(
	struct reports *r, struct slice domain, unsigned days, json_t **rows_out, struct err *err)
{
	static const char *const names[] = {"#at", "domain", "via", "type", "source", "author",
		"sender", "recipient", "message", "subject", "#incidents", "", "", "", "account",
		"?counts", "proof", NULL};

	return show_told(r, names, false, domain, days, rows_out, err);
}

int report_failures(
	struct reports *r, struct slice domain, unsigned days, json_t **rows_out, struct err *err)
{
	static const char *const names[] = {"#at", "domain", "via", "type", "source", "author",
		"sender", "recipient", "message", "subject", "#incidents", "failure", "result",
		"alignment", NULL};

	return show_told(r, names, true, domain, days, rows_out, err);
}

/* ---- what we sent ---- */

int report_sent(
	struct reports *r, struct slice domain, unsigned days, json_t **rows_out, struct err *err)
{
	static const char *const names[] = {
		"#at", "kind", "about", "#begin", "#rows", "to", "outcome", "reply", NULL};
	struct db_stmt *row = NULL;
	const int rc = db_query(later_lock(&r->later), &row, err,
		"SELECT coalesce(d.at, s.due),"
		" CASE s.kind WHEN 0 THEN 'dmarc' WHEN 1 THEN 'tls' ELSE 'failure' END,"
		" s.domain, s.begin, s.rows, coalesce(d.target, ''),"
		" CASE coalesce(d.outcome, 10 + s.state) WHEN 0 THEN 'waiting' WHEN 1 THEN "
		"'delivered'"
		" WHEN 2 THEN 'refused' WHEN 3 THEN 'not known' WHEN 13 THEN 'not wanted'"
		" WHEN 10 THEN 'waiting' ELSE 'given up' END, coalesce(d.reply, '')"
		" FROM sending s LEFT JOIN dispatch d ON d.of = s.id"
		" WHERE (s.state <> 0 OR s.attempts > 0) AND s.until >= ?"
		" AND (? = '' OR s.domain = ?) ORDER BY 1 DESC, s.id DESC, 6 LIMIT ?",
		db_i(since_s(days)), db_t(domain), db_t(domain), db_i(REPORT_SHOWN_MAX));

	return show(r, rc, row, names, rows_out, err);
}
