/* tls.c - see tls.h. */
#include "report/tls.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "report/feedback.h"

static struct slice text_of(const json_t *object, const char *key, struct arena *arena)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value))
		return (struct slice){0};
	return feedback_text(
		(struct slice){json_string_value(value), json_string_length(value)}, arena);
}

static uint64_t count_of(const json_t *object, const char *key)
{
	const json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

/* RFC 3339, in UTC as everybody writes it: "2026-11-22T00:00:00Z". */
static int64_t time_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	struct tm tm = {0};

	if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
			     &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)timegm(&tm);
}

static int read_failures(
	const json_t *list, struct arena *arena, struct tls_report_policy *out, struct err *err)
{
	const size_t all = json_array_size(list);
	const size_t n = all < TLS_REPORT_FAILURES_MAX ? all : TLS_REPORT_FAILURES_MAX;

	out->failures = arena_array(arena, struct tls_report_failure, n ? n : 1);
	if (!out->failures)
		return err_set(err, ERR_TOOBIG, "the report is too large");
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(list, i);

		out->failures[out->failures_n++] =
			(struct tls_report_failure){.result = text_of(item, "result-type", arena),
				.host = text_of(item, "receiving-mx-hostname", arena),
				.source = text_of(item, "sending-mta-ip", arena),
				.reason = text_of(item, "failure-reason-code", arena),
				.count = count_of(item, "failed-session-count")};
	}
	return 0;
}

static int read_policy(
	const json_t *item, struct arena *arena, struct tls_report_policy *out, struct err *err)
{
	const json_t *policy = json_object_get(item, "policy"),
		     *summary = json_object_get(item, "summary");

	*out = (struct tls_report_policy){.type = text_of(policy, "policy-type", arena),
		.domain = text_of(policy, "policy-domain", arena),
		.good = count_of(summary, "total-successful-session-count"),
		.failed = count_of(summary, "total-failure-session-count")};
	if (!out->domain.len)
		return err_set(err, ERR_SYNTAX, "a policy of the report names no domain");
	return read_failures(json_object_get(item, "failure-details"), arena, out, err);
}

static int read_report(
	const json_t *root, struct arena *arena, struct tls_report *out, struct err *err)
{
	const json_t *policies = json_object_get(root, "policies"),
		     *range = json_object_get(root, "date-range");
	const size_t n = json_array_size(policies);
	int rc = 0;

	*out = (struct tls_report){.org = text_of(root, "organization-name", arena),
		.contact = text_of(root, "contact-info", arena),
		.id = text_of(root, "report-id", arena),
		.begin_s = time_of(range, "start-datetime"),
		.end_s = time_of(range, "end-datetime")};
	if (!out->org.len || !out->id.len || n == 0)
		return err_set(err, ERR_SYNTAX, "not a report about TLS");
	if (n > TLS_REPORT_POLICIES_MAX)
		return err_set(err, ERR_TOOBIG, "the report has too many policies");
	out->policies = arena_array(arena, struct tls_report_policy, n);
	if (!out->policies)
		return err_set(err, ERR_TOOBIG, "the report is too large");
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = read_policy(
			json_array_get(policies, i), arena, &out->policies[out->policies_n++], err);
	return rc;
}

int tls_report_read(struct slice json, struct arena *arena, struct tls_report *out, struct err *err)
{
	struct tls_report found;
	json_t *root;
	int rc;

	if (json.len > TLS_REPORT_BYTES_MAX)
		return err_set(err, ERR_TOOBIG, "the report is too large");
	root = json_loadb(json.len ? json.ptr : "", json.len, 0, NULL);
	if (!root)
		return err_set(err, ERR_SYNTAX, "the report is broken JSON");
	rc = read_report(root, arena, &found, err);
	json_decref(root);
	if (rc == 0)
		*out = found;
	return rc;
}
