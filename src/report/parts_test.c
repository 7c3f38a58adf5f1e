/* parts_test.c - reports as bytes: XML, JSON, containers, the mail around them, and whom they go
 * to. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailauth/mailauth_kit.h"
#include "report/feedback.h"
#include "report/letter.h"
#include "report/pack.h"
#include "report/target.h"
#include "report/tls.h"

enum { ROOM = 1 << 20 };

static void assert_text(struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want)))
		fail_msg("<%.*s>, not <%s>", SLICE_ARG(got), want);
}

/* ---- XML ---- */

#define HEAD                                                                                       \
	"<feedback><report_metadata><org_name>o</org_name><report_id>i</report_id>"                \
	"<date_range><begin>100</begin><end>200.5</end></date_range></report_metadata>"            \
	"<policy_published><domain>a.example</domain><p>none</p><adkim>s</adkim>"                  \
	"</policy_published>"
#define RECORD(ip, count)                                                                          \
	"<record><row><source_ip>" ip "</source_ip><count>" count "</count><policy_evaluated>"     \
	"<disposition>none</disposition><dkim>fail</dkim><spf> pass\n</spf></policy_evaluated>"    \
	"</row><auth_results><dkim><domain>x</domain><result>fail</result></dkim><dkim>"           \
	"<domain>y</domain><selector>s</selector><result>pass</result></dkim></auth_results></"    \
	"record>"

static void test_written_is_read(void **state)
{
	struct feedback_row row = {.ip = slice_lit("2001:db8::1"),
		.count = 7,
		.disposition = slice_lit("quarantine"),
		.is_dkim_aligned = true,
		.reason = slice_lit("local_policy"),
		.comment = slice_lit("<&\"'>"),
		.header_from = slice_lit("a.example"),
		.envelope_from = slice_lit("b.example"),
		.envelope_to = slice_lit("c.example"),
		.dkim = {{slice_lit("d.example"), slice_lit("s]]>"), slice_lit("pass")}},
		.dkim_n = 1,
		.spf_domain = slice_lit("b.example"),
		.spf_result = slice_lit("fail")};
	const struct feedback out = {.org = slice_lit("A & B"),
		.email = slice_lit("a@b.example"),
		.contact = slice_lit("c"),
		.id = slice_lit("1"),
		.problem = slice_lit("too much"),
		.begin_s = 86400,
		.end_s = 172799,
		.domain = slice_lit("a.example"),
		.policy = slice_lit("reject"),
		.below = slice_lit("none"),
		.missing = slice_lit("quarantine"),
		.is_spf_strict = true,
		.is_testing = true,
		.rows = &row,
		.rows_n = 1};
	struct arena arena AUTO(arena_done);
	struct buf text AUTO(buf_done);
	struct feedback in;
	struct err err;

	(void)state;
	arena_init(&arena, ROOM);
	buf_init(&text, ROOM);
	assert_int_equal(feedback_write(&out, &text, &err), 0);
	assert_int_equal(feedback_read(buf_slice(&text), &arena, &in, &err), 0);
	assert_text(in.org, "A & B");
	assert_text(in.problem, "too much");
	assert_text(in.missing, "quarantine");
	assert_true(in.is_spf_strict && in.is_testing && !in.is_dkim_strict);
	assert_int_equal(in.end_s, 172799);
	assert_int_equal(in.rows_n, 1);
	assert_text(in.rows[0].ip, "2001:db8::1");
	assert_text(in.rows[0].comment, "<&\"'>");
	assert_text(in.rows[0].dkim[0].selector, "s]]>");
	assert_text(in.rows[0].spf_result, "fail");
	assert_text(in.rows[0].envelope_to, "c.example");
	assert_true(in.rows[0].is_dkim_aligned && !in.rows[0].is_spf_aligned);
	assert_int_equal(in.rows[0].count, 7);
	/* Every prefix ends before the root does. */
	for (size_t n = 0; n + 1 < text.len; n++) {
		arena_reset(&arena);
		assert_int_equal(feedback_read(slice_head(buf_slice(&text), n), &arena, &in, &err),
			-ERR_SYNTAX);
	}
}

static const struct {
	const char *xml;
	int rc;
	size_t rows;
	uint64_t count; /* of the first */
} feedbacks[] = {
	{HEAD "</feedback>", 0, 0, 0},
	{HEAD RECORD("192.0.2.1", "12") "</feedback>", 0, 1, 12},
	{HEAD RECORD("192.0.2.1", "-1") RECORD("x", "y") "</feedback>", 0, 2, 0},
	{"<?xml version='1.0' encoding='windows-1252'?><f:feedback xmlns:f='urn:x'>"
	 "<f:report_metadata><f:org_name>o</f:org_name><f:report_id>i</f:report_id>"
	 "</f:report_metadata><f:policy_published><f:domain>d</f:domain></f:policy_published>"
	 "<f:record/></f:feedback>",
		0, 1, 0},
	{"<feedback/>", -ERR_SYNTAX, 0, 0},
	{"<html>" HEAD "</html>", -ERR_SYNTAX, 0, 0},
	{HEAD "</feedback><feedback/>", -ERR_SYNTAX, 0, 0},
	{"<!DOCTYPE feedback>" HEAD "</feedback>", -ERR_SYNTAX, 0, 0},
	{"<!DOCTYPE f [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" HEAD "&e;</feedback>",
		-ERR_SYNTAX, 0, 0},
	{HEAD "&unknown;</feedback>", -ERR_SYNTAX, 0, 0},
	{"", -ERR_SYNTAX, 0, 0},
	{"not XML", -ERR_SYNTAX, 0, 0},
};

static void test_feedbacks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(feedbacks) / sizeof(feedbacks[0]); i++) {
		struct arena arena AUTO(arena_done);
		struct feedback got = {.rows_n = 99};
		struct err err;
		int rc;

		arena_init(&arena, ROOM);
		rc = feedback_read(slice_str(feedbacks[i].xml), &arena, &got, &err);
		if (rc != feedbacks[i].rc || (rc < 0 && got.rows_n != 99) ||
			(rc == 0 && got.rows_n != feedbacks[i].rows))
			fail_msg("%zu: %d, %zu rows", i, rc, got.rows_n);
		if (rc == 0 && got.rows_n)
			assert_int_equal(got.rows[0].count, feedbacks[i].count);
	}
}

static void test_what_a_record_says(void **state)
{
	struct arena arena AUTO(arena_done);
	struct feedback got;
	struct err err;

	(void)state;
	arena_init(&arena, ROOM);
	assert_int_equal(feedback_read(slice_str(HEAD RECORD("192.0.2.1", "3") "</feedback>"),
				 &arena, &got, &err),
		0);
	assert_int_equal(got.begin_s, 100);
	assert_int_equal(got.end_s, 200);
	assert_true(got.is_dkim_strict);
	assert_true(got.rows[0].is_spf_aligned && !got.rows[0].is_dkim_aligned);
	assert_int_equal(got.rows[0].dkim_n, 2);
	assert_text(got.rows[0].dkim[0].selector, "");
	assert_text(got.rows[0].dkim[1].domain, "y");
}

static void test_too_many_rows_are_summed(void **state)
{
	struct arena arena AUTO(arena_done);
	struct buf text AUTO(buf_done);
	struct feedback got;
	struct err err;

	(void)state;
	arena_init(&arena, FEEDBACK_ARENA_MAX);
	buf_init(&text, FEEDBACK_BYTES_MAX);
	buf_lit(&text, HEAD);
	for (int i = 0; i < FEEDBACK_ROWS_MAX + 3; i++)
		buf_lit(&text, RECORD("192.0.2.1", "5"));
	buf_lit(&text, "</feedback>");
	assert_int_equal(feedback_read(buf_slice(&text), &arena, &got, &err), 0);
	assert_int_equal(got.rows_n, FEEDBACK_ROWS_MAX);
	assert_int_equal(got.beyond, 15);
	arena_reset(&arena);
	arena_done(&arena);
	arena_init(&arena, 1000);
	assert_int_equal(feedback_read(buf_slice(&text), &arena, &got, &err), -ERR_TOOBIG);
}

/* ---- JSON ---- */

#define POLICY(domain)                                                                             \
	"{\"policy\": {\"policy-type\": \"sts\", \"policy-domain\": \"" domain "\"},"              \
	" \"summary\": {\"total-successful-session-count\": 5,"                                    \
	" \"total-failure-session-count\": 2},"                                                    \
	" \"failure-details\": [{\"result-type\": \"certificate-expired\","                        \
	" \"receiving-mx-hostname\": \"mx\", \"failed-session-count\": 2}, 7]}"
#define TLS(policies)                                                                              \
	"{\"organization-name\": \"o\", \"report-id\": \"i\", \"date-range\":"                     \
	" {\"start-datetime\": \"2026-11-22T00:00:00Z\", \"end-datetime\": \"x\"},"                \
	" \"policies\": [" policies "]}"

static void test_tls(void **state)
{
	static const struct {
		const char *json;
		int rc;
		size_t policies;
	} cases[] = {
		{TLS(POLICY("a.example")), 0, 1},
		{TLS(POLICY("a.example") "," POLICY("b.example")), 0, 2},
		{TLS(""), -ERR_SYNTAX, 0},
		{TLS("{}"), -ERR_SYNTAX, 0},
		{TLS("7"), -ERR_SYNTAX, 0},
		{"[]", -ERR_SYNTAX, 0},
		{"{\"policies\": 7}", -ERR_SYNTAX, 0},
		{"", -ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena AUTO(arena_done);
		struct tls_report got = {.policies_n = 99};
		const struct slice json = slice_str(cases[i].json);
		struct err err;

		arena_init(&arena, ROOM);
		for (size_t n = 0; n < json.len; n++)
			assert_int_equal(tls_report_read(slice_head(json, n), &arena, &got, &err),
				-ERR_SYNTAX);
		assert_int_equal(tls_report_read(json, &arena, &got, &err), cases[i].rc);
		if (cases[i].rc < 0) {
			assert_int_equal(got.policies_n, 99);
			continue;
		}
		assert_int_equal(got.policies_n, cases[i].policies);
		assert_int_equal(got.begin_s, 1795305600);
		assert_int_equal(got.end_s, 0);
		assert_int_equal(got.policies[0].good, 5);
		assert_int_equal(got.policies[0].failures_n, 2);
		assert_text(got.policies[0].failures[0].result, "certificate-expired");
		assert_int_equal(got.policies[0].failures[0].count, 2);
	}
}

/* ---- containers ---- */

static void zip(struct slice file, size_t empty, struct buf *out)
{
	struct archive *a = archive_write_new();
	char *room = buf_reserve(out, file.len + ROOM);
	size_t used;

	archive_write_set_format_zip(a);
	archive_write_open_memory(a, room, file.len + ROOM, &used);
	for (size_t i = 0; i <= empty; i++) {
		struct archive_entry *entry = archive_entry_new();
		const struct slice bytes = i < empty ? (struct slice){0} : file;

		archive_entry_set_pathname(entry, "../x.xml");
		archive_entry_set_size(entry, (la_int64_t)bytes.len);
		archive_entry_set_filetype(entry, AE_IFREG);
		archive_write_header(a, entry);
		archive_write_data(a, bytes.ptr, bytes.len);
		archive_entry_free(entry);
	}
	archive_write_free(a);
	out->len = used;
}

static void expect_open(struct slice packed, size_t max, int rc, struct slice want)
{
	struct buf out AUTO(buf_done);
	struct err err;

	buf_init(&out, max);
	assert_int_equal(pack_open(packed, &out, &err), rc);
	if (rc == 0)
		assert_true(slice_eq(buf_slice(&out), want));
}

/* What is too short to be known as packed is what it is; else it is the whole, or nothing. */
static void expect_torn(struct slice packed, struct slice text)
{
	for (size_t n = 0; n < packed.len; n++) {
		struct buf out AUTO(buf_done);
		struct err err;

		buf_init(&out, ROOM);
		if (pack_open(slice_head(packed, n), &out, &err) == 0)
			assert_true(slice_eq(buf_slice(&out), slice_head(packed, n)) ||
				    slice_eq(buf_slice(&out), text));
	}
}

static void test_containers(void **state)
{
	const struct slice text = slice_lit("<feedback>some text, some text, some text</feedback>");
	struct buf gz AUTO(buf_done), pk AUTO(buf_done), holes AUTO(buf_done), many AUTO(buf_done);
	struct err err;

	(void)state;
	buf_init(&gz, ROOM);
	buf_init(&pk, 2 * ROOM);
	buf_init(&holes, 2 * ROOM);
	buf_init(&many, 2 * ROOM);
	assert_int_equal(pack_gzip(text, &gz, &err), 0);
	zip(text, 0, &pk);
	zip(text, 3, &holes);
	zip(text, PACK_ENTRIES_MAX, &many);
	expect_open(text, ROOM, 0, text);
	expect_open(buf_slice(&gz), ROOM, 0, text);
	expect_open(buf_slice(&pk), ROOM, 0, text);
	expect_open(buf_slice(&holes), ROOM, 0, text);
	expect_open(buf_slice(&many), ROOM, -ERR_SYNTAX, text);
	expect_open(text, 10, -ERR_TOOBIG, text);
	expect_open(buf_slice(&gz), 10, -ERR_TOOBIG, text);
	expect_open(buf_slice(&pk), 10, -ERR_TOOBIG, text);
	expect_torn(buf_slice(&gz), text);
	expect_torn(buf_slice(&pk), text);
}

static void test_a_bomb_stops_at_the_bound(void **state)
{
	const size_t len = 64 << 20;
	struct buf gz AUTO(buf_done);
	char *zeros = calloc(1, len);
	struct err err;

	(void)state;
	buf_init(&gz, ROOM);
	assert_int_equal(pack_gzip((struct slice){zeros, len}, &gz, &err), 0);
	assert_true(gz.len < len / 500);
	expect_open(buf_slice(&gz), ROOM, -ERR_TOOBIG, (struct slice){0});
	free(zeros);
}

/* ---- whom to ---- */

static const struct kit_record zone[] = {
	{"a.example._report._dmarc.yes.other", "TXT v=DMARC1; rua=mailto:x@y.z"},
	{"a.example._report._dmarc.junk.other", "TXT v=DMARC2"},
	{"a.example._report._dmarc.late.other", "FAIL"},
	{"_smtp._tls.a.example", "TXT v=TLSRPTv1; rua=mailto:t@far.other,https://far.other/r"},
	{"_smtp._tls.two.example", "TXT v=TLSRPTv1; rua=mailto:t@a"},
	{"_smtp._tls.two.example", "TXT v=TLSRPTv1; rua=mailto:t@b"},
	{"_smtp._tls.late.example", "FAIL"},
	/* RFC 8460 3: fields that are not known, and records of others */
	{"_smtp._tls.more.example",
		"TXT v=TLSRPTv1 ; x-new=1;  rua = mailto:t@a!9m , HTTPS://b/r ;"},
	{"_smtp._tls.beside.example", "TXT v=spf1 -all"},
	{"_smtp._tls.beside.example", "TXT v=TLSRPTv1;rua=mailto:t%2Cu@a,mailto:t%21u@a"},
	{"_smtp._tls.beside.example", "TXT v=TLSRPTv2;rua=mailto:t@b"},
	{"_smtp._tls.behind.example", "TXT rua=mailto:t@a; v=TLSRPTv1"},
	{"_smtp._tls.nobody.example", "TXT v=TLSRPTv1;"},
	{"_smtp._tls.clear.example", "TXT v=TLSRPTv1; rua=http://a/r,ftp://a/r,t@a,mailto:"},
	{NULL, NULL},
};

static const struct {
	const char *rua, *want; /* addresses, with "!SIZE" where there is one */
	bool is_failed;
} ruas[] = {
	{"mailto:d@a.example", "d@a.example", false},
	{"MAILTO:d@sub.a.example!10m", "d@sub.a.example!10485760", false},
	{"mailto:d@a.example!3k, mailto:e@A.example!7", "d@a.example!3072 e@A.example!7", false},
	{"mailto:d%2bx@a.example?subject=x", "d+x@a.example", false},
	{"mailto:d@yes.other,mailto:d@no.other,mailto:d@junk.other", "d@yes.other", false},
	{"mailto:d@late.other", "", true},
	{"mailto:bang!x@a.example", "bang!x@a.example", false},
	{"https://a.example/x", "", false},
	{"mailto:d%0d%0aRCPT@a.example,mailto:%,mailto:,mailto:@a.example,mailto:x@", "", false},
	{"mailto:<d@a.example>,mailto:d e@a.example", "", false},
	{"", "", false},
	{",,;,", "", false},
};

static void show_targets(const struct targets *targets, struct buf *out)
{
	for (size_t i = 0; i < targets->n; i++) {
		const struct target *t = &targets->list[i];

		buf_printf(
			out, "%s%.*s%.*s", i ? " " : "", SLICE_ARG(t->address), SLICE_ARG(t->url));
		if (t->bytes_max)
			buf_printf(out, "!%llu", (unsigned long long)t->bytes_max);
	}
}

static void test_targets_of_dmarc(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ruas) / sizeof(ruas[0]); i++) {
		struct arena arena AUTO(arena_done);
		struct buf got AUTO(buf_done);
		struct targets targets;
		struct dns_view view;

		arena_init(&arena, ROOM);
		buf_init(&got, ROOM);
		dns_view_init(&view, &arena);
		while (!targets_of_dmarc(
			slice_lit("a.example"), slice_str(ruas[i].rua), &view, &targets))
			kit_answer(&view, zone);
		show_targets(&targets, &got);
		assert_text(buf_slice(&got), ruas[i].want);
		assert_int_equal(targets.is_failed, ruas[i].is_failed);
	}
}

static void test_targets_of_tls(void **state)
{
	static const struct {
		const char *domain, *want;
		bool is_failed;
	} cases[] = {
		{"a.example", "t@far.other https://far.other/r", false},
		{"two.example", "", false},
		{"late.example", "", true},
		{"none.example", "", false},
		{"more.example", "t@a!9437184 HTTPS://b/r", false},
		{"beside.example", "t!u@a", false},
		{"behind.example", "", false},
		{"nobody.example", "", false},
		{"clear.example", "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena AUTO(arena_done);
		struct buf got AUTO(buf_done);
		struct targets targets;
		struct dns_view view;

		arena_init(&arena, ROOM);
		buf_init(&got, ROOM);
		dns_view_init(&view, &arena);
		while (!targets_of_tls(slice_str(cases[i].domain), &view, &targets))
			kit_answer(&view, zone);
		show_targets(&targets, &got);
		assert_text(buf_slice(&got), cases[i].want);
		assert_int_equal(targets.is_failed, cases[i].is_failed);
	}
}

/* ---- the mail ---- */

static void test_letters(void **state)
{
	struct letter_of letter = {.domain = slice_lit("a.example"),
		.submitter = slice_lit("mx.our.example"),
		.from = slice_lit("r@our.example"),
		.from_name = slice_lit("Our \"Mail\""),
		.to = slice_lit("d@a.example"),
		.id = 255,
		.begin_s = 86400,
		.end_s = 172799,
		.now_s = 180000,
		.packed = slice_lit("\x1f\x8bzzz")};

	(void)state;
	for (int is_tls = 0; is_tls < 2; is_tls++) {
		struct buf a AUTO(buf_done), b AUTO(buf_done);
		uint64_t own = 0;
		struct err err;

		buf_init(&a, ROOM);
		buf_init(&b, ROOM);
		letter.kind = is_tls ? LETTER_TLS : LETTER_DMARC;
		assert_int_equal(letter_put(&letter, &a, &own, &err), 0);
		assert_int_equal(letter_put(&letter, &b, &own, &err), 0);
		assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
		assert_true(slice_starts(
			slice_from(buf_slice(&a), own), slice_lit("From: \"Our \\\"Mail\\\"\"")));
		assert_int_equal(is_tls,
			slice_find(buf_slice(&a),
				slice_lit("\r\nTLS-Report-Domain: a.example\r\n")) != SIZE_MAX);
		assert_true(letter_travels(&letter) >= 4 * letter.packed.len / 3);
	}
}

static int set_up(void **state)
{
	(void)state;
	feedback_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_is_read),
		cmocka_unit_test(test_feedbacks),
		cmocka_unit_test(test_what_a_record_says),
		cmocka_unit_test(test_too_many_rows_are_summed),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_a_bomb_stops_at_the_bound),
		cmocka_unit_test(test_targets_of_dmarc),
		cmocka_unit_test(test_targets_of_tls),
		cmocka_unit_test(test_letters),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
