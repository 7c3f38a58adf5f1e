/* reports.c - what other mail hosts reported of the administrator's domains (report/report.h), by
 * mail or here, and for operators what was reported to others. */
#include "report/report.h"

#include <stdio.h>

#include "web/admin.h"
#include "web/pages.h"

enum { DAYS_MAX = 366 };

static const char text_type[] = "text/plain; charset=utf-8";

static unsigned days_of(struct http *x)
{
	uint64_t days;

	if (!slice_to_u64(http_param(x, "days"), DAYS_MAX, &days) || days == 0)
		return REPORT_DAYS;
	return (unsigned)days;
}

static json_t *values_of(const char *title, unsigned days)
{
	json_t *values = admin_values(title);

	json_object_set_new(values, "days", json_integer(days));
	return values;
}

/* ---- the domains ---- */

static bool is_listed(const json_t *row, const struct slice *domains, size_t n)
{
	const char *name = json_string_value(json_object_get(row, "domain"));

	for (size_t i = 0; i < n; i++) {
		if (slice_eq(domains[i], slice_str(name)))
			return true;
	}
	return false;
}

void page_admin_reports(struct http *x)
{
	json_t *values, *rows, *own, *row;
	struct slice *domains;
	struct err err;
	size_t n = 0, i;
	int rc = admin_domains(x, &domains, &n, &err);

	if (rc == 0)
		rc = report_list(
			visit_of(x)->service->reports, (struct slice){0}, days_of(x), &rows, &err);
	if (rc < 0) {
		visit_fail(x, rc, &err);
		return;
	}
	values = values_of("Reports", days_of(x));
	own = json_array();
	json_array_foreach(rows, i, row)
	{
		if (is_listed(row, domains, n))
			json_array_append(own, row);
	}
	json_decref(rows);
	json_object_set_new(values, "domains", own);
	if (visit_of(x)->session.role == ROLE_OPERATOR)
		json_set_true(values, "operator");
	visit_page(x, 200, "admin-reports", values);
}

/* ---- one of them ---- */

/* So that the page can mark them. */
static void mark_rows(json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const json_int_t begin = json_integer_value(json_object_get(row, "begin"));
		const json_int_t at = json_integer_value(json_object_get(row, "at"));

		if (json_integer_value(json_object_get(row, "failed")) > 0)
			json_set_true(row, "has_failed");
		if (begin)
			json_set_when(row, "begin", begin);
		if (at)
			json_set_when(row, "at", at);
	}
}

static int put(
	struct http *x, json_t *values, const char *name, report_show_fn *show, struct err *err)
{
	json_t *rows;
	const struct slice domain = http_segment(x, "domain");
	const int rc = show(visit_of(x)->service->reports, domain.ptr ? domain : slice_lit(""),
		days_of(x), &rows, err);

	if (rc < 0)
		return rc;
	mark_rows(rows);
	json_object_set_new(values, name, rows);
	return 0;
}

void page_admin_report(struct http *x)
{
	const struct slice domain = http_segment(x, "domain");
	json_t *values;
	struct err err;
	int rc;

	if (!admin_find_domain(x, domain))
		return;
	values = values_of("Reports", days_of(x));
	json_set_slice(values, "of", domain);
	rc = put(x, values, "sources", report_sources, &err);
	if (rc == 0)
		rc = put(x, values, "tls", report_tls, &err);
	if (rc == 0)
		rc = put(x, values, "complaints", report_complaints, &err);
	if (rc == 0)
		rc = put(x, values, "failures", report_failures, &err);
	if (rc == 0)
		rc = put(x, values, "reports", report_reports, &err);
	if (rc == 0) {
		visit_page(x, 200, "admin-report", values);
		return;
	}
	json_decref(values);
	visit_fail(x, rc, &err);
}

/* ---- what went out ---- */

void page_admin_reports_sent(struct http *x)
{
	json_t *values = values_of("Reports that we sent", days_of(x));
	struct buf from AUTO(buf_done);
	struct err err;
	int rc;

	buf_init(&from, DIRECTORY_ADDRESS_MAX + 1);
	if (report_from(visit_of(x)->service->reports, &from))
		json_set_true(values, "signed");
	json_set_slice(values, "from", buf_slice(&from));
	rc = put(x, values, "sent", report_sent, &err);
	if (rc == 0) {
		visit_page(x, 200, "admin-reports-sent", values);
		return;
	}
	json_decref(values);
	visit_fail(x, rc, &err);
}

/* ---- what comes here ---- */

static unsigned status_of(int rc)
{
	switch (-rc) {
	case 0:
		return 201;
	case ERR_SYNTAX:
		return 400;
	case ERR_NOTFOUND:
		return 404;
	case ERR_TOOBIG:
		return 413;
	case ERR_QUOTA:
		return 429;
	default:
		return 503;
	}
}

/* RFC 8460 5.4. */
void page_tls_report(struct http *x)
{
	static const struct slice types[] = {
		{"application/tlsrpt+gzip", 23}, {"application/tlsrpt+json", 23}};
	struct slice rest, type = slice_trim(slice_cut(http_header(x, "content-type"), ';', &rest));
	struct err err;
	unsigned status;
	int rc;

	if (!http_is_tls(x)) {
		http_fail(x, 404);
		return;
	}
	if (!slice_eq_nocase(type, types[0]) && !slice_eq_nocase(type, types[1])) {
		http_reply(x, 415, text_type, slice_lit("That is no report about TLS.\n"));
		return;
	}
	rc = report_post(visit_of(x)->service, http_body(x), http_segment(x, "domain"), &err);
	status = status_of(rc);
	if (rc < 0)
		log_warn(http_log(x), "report", log_e(&err));
	http_reply(x, status, text_type,
		rc == 0         ? slice_lit("The report is taken.\n")
		: status == 503 ? slice_lit("Please try again later.\n")
				: slice_str(err.msg));
}
