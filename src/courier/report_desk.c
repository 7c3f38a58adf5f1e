/* report_desk.c - see report_desk.h for the contract. */
#include "courier/report_desk.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "courier/fetch.h"
#include "courier/tls_results.h"

enum {
	ANSWER_BYTES = 400 << 10, /* so long domains are added: one more is never as large */
	POLICIES_MAX = 20,        /* of one domain in one report */
	DAY_ARENA = 8 << 20,
	LATE_S = 600, /* after midnight: all of the day is counted */
	POST_MS = 30000,
	BODY_MAX = 8 << 20,
	REPLY_MAX = 64 << 10,
};

static json_t *json_text(struct slice s)
{
	json_t *text = json_stringn(s.len ? s.ptr : "", s.len);

	return text ? text : json_string("?");
}

/* The lines of a text. */
static json_t *json_lines(struct slice text)
{
	json_t *lines = json_array();

	while (text.len)
		json_array_append_new(lines, json_text(slice_cut(text, '\n', &text)));
	return lines;
}

static void set_if(json_t *object, const char *key, struct slice text)
{
	if (text.len)
		json_object_set_new(object, key, json_text(text));
}

/* ---- results, as RFC 8460 4 has them ---- */

static json_t *policy_json(const struct tls_policy *p)
{
	json_t *policy = json_pack("{s:s, s:o}", "policy-type", tls_policy_type_name(p->type),
		"policy-domain", json_text(p->domain));

	if (p->strings.len)
		json_object_set_new(policy, "policy-string", json_lines(p->strings));
	if (p->mx.len)
		json_object_set_new(policy, "mx-host", json_lines(p->mx));
	return policy;
}

static json_t *failure_json(const struct tls_failure *f)
{
	json_t *failure = json_pack("{s:s, s:I}", "result-type", tls_result_name(f->result),
		"failed-session-count", (json_int_t)f->sessions);

	set_if(failure, "sending-mta-ip", f->our_ip);
	set_if(failure, "receiving-mx-hostname", f->mx_host);
	set_if(failure, "receiving-ip", f->mx_ip);
	set_if(failure, "failure-reason-code", f->reason);
	return failure;
}

static json_t *summary_json(const struct tls_summary *s)
{
	json_t *failures = json_array();
	json_t *summary = json_pack("{s:o, s:{s:I, s:I}}", "policy", policy_json(&s->policy),
		"summary", "total-successful-session-count", (json_int_t)s->good,
		"total-failure-session-count", (json_int_t)s->failed);

	for (size_t i = 0; i < s->failures_n; i++)
		json_array_append_new(failures, failure_json(&s->failures[i]));
	json_object_set_new(summary, "failure-details", failures);
	return summary;
}

static int domain_json(struct tls_results *results, int64_t day, struct slice domain, json_t **out,
	struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct tls_summary *list;
	json_t *policies;
	size_t n = 0;
	int rc;

	arena_init(&arena, DAY_ARENA);
	rc = tls_results_read(results, day, domain, &arena, &list, &n, err);
	if (rc < 0)
		return rc;
	policies = json_array();
	for (size_t i = 0; i < n && i < POLICIES_MAX; i++)
		json_array_append_new(policies, summary_json(&list[i]));
	*out = json_pack("{s:o, s:o}", "domain", json_text(domain), "policies", policies);
	return 0;
}

static size_t bytes_of(const json_t *row)
{
	return json_dumpb(row, NULL, 0, JSON_COMPACT);
}

static int put_domains(
	struct tls_results *results, int64_t day, struct slice after, json_t *out, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct slice *list;
	json_t *rows = json_array(), *row;
	size_t n = 0, bytes = 0, i = 0;
	int rc;

	arena_init(&arena, DAY_ARENA);
	json_object_set_new(out, "rows", rows);
	rc = tls_results_domains(results, day, &arena, &list, &n, err);
	for (; rc == 0 && i < n && bytes < ANSWER_BYTES; i++) {
		if (slice_cmp(list[i], after) <= 0)
			continue;
		rc = domain_json(results, day, list[i], &row, err);
		if (rc < 0)
			break;
		bytes += bytes_of(row);
		json_array_append_new(rows, row);
	}
	json_object_set_new(out, "more", json_boolean(rc == 0 && i < n));
	return rc;
}

int report_desk_results(struct courier *courier, const json_t *args, json_t *out, struct err *err)
{
	const json_t *after = json_object_get(args, "after");
	const int64_t today = (clock_wall_s() - LATE_S) / TLS_RESULTS_DAY_S;
	int64_t day = 0;
	int rc = tls_results_oldest(courier->tls_results, &day, err);

	if (rc == -ERR_NOTFOUND || (rc == 0 && day >= today))
		return 0;
	if (rc < 0)
		return rc;
	json_object_set_new(out, "day", json_integer((json_int_t)day));
	return put_domains(courier->tls_results, day,
		(struct slice){json_string_value(after), json_string_length(after)}, out, err);
}

int report_desk_forget(struct courier *courier, const json_t *args, json_t *out, struct err *err)
{
	const json_int_t day = json_integer_value(json_object_get(args, "day"));

	(void)out;
	if (day <= 0)
		return err_set(err, ERR_SYNTAX, "which day?");
	return tls_results_forget(courier->tls_results, day, err);
}

/* ---- posting (RFC 8460 3, 5.4) ---- */

static int post(struct courier *courier, struct slice url, struct slice body, struct err *err)
{
	static const char *const fields[] = {"Content-Type: application/tlsrpt+gzip", NULL};
	const struct fetch_request request = {.method = "POST",
		.url = url,
		.fields = fields,
		.body = body,
		.body_max = REPLY_MAX,
		.timeout_ms = POST_MS};
	struct fetch_reply reply AUTO(fetch_reply_done);
	int rc;

	fetch_reply_init(&reply);
	rc = courier_fetch(courier, &request, &reply, err);
	if (rc < 0 || reply.status / 100 == 2)
		return rc;
	return err_set(err, reply.status / 100 == 5 ? ERR_BUSY : ERR_DENIED,
		"the server for reports answers %u", reply.status);
}

int report_desk_post(struct courier *courier, const json_t *args, json_t *out, struct err *err)
{
	const json_t *url = json_object_get(args, "url"), *text = json_object_get(args, "body");
	const struct slice to = {json_string_value(url), json_string_length(url)};
	struct buf body AUTO(buf_done);
	int rc;

	(void)out;
	buf_init(&body, BODY_MAX);
	if (!slice_starts_nocase(to, slice_lit("https://")))
		return err_set(err, ERR_SYNTAX, "reports are posted by HTTPS");
	rc = base64_decode(
		&body, (struct slice){json_string_value(text), json_string_length(text)}, err);
	return rc < 0 ? rc : post(courier, to, buf_slice(&body), err);
}
