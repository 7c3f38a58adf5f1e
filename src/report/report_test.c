/* report_test.c - what is counted and kept: sums, bounds, restarts, two servers at once. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "mail/mail_kit.h"
#include "report/internal.h"
#include "report/pack.h"

enum { TEXT_MAX = 1 << 20, WAIT_STEPS = 1000 };

static struct mail_kit kit;
static const struct report_config config = {.is_sent = true, .keep_days = 90};

static void open_reports(struct service *service)
{
	struct err err;

	if (report_open(service, &config, &err) < 0)
		fail_msg("%s", err.msg);
}

static int setup(void **state)
{
	(void)state;
	kit_open(&kit);
	open_reports(&kit.service);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_stop(&kit.service.pool);
	report_close(&kit.service);
	kit_close(&kit);
	return 0;
}

/* ---- counting ---- */

/* sql must be a literal: statements are kept by its address. */
static int64_t number(struct service *service, const char *sql)
{
	const struct db_arg none = {.kind = DB_END};
	struct db *db = later_lock(&service->reports->later);
	struct err err;
	int64_t n = -1;
	const int rc = db_get_int_args(db, sql, &none, &n, &err);

	later_unlock(&service->reports->later);
	assert_int_equal(rc, 0);
	return n;
}

#define DOMAINS "SELECT count(*) FROM sending"
#define ROWS "SELECT count(*) FROM seen"
#define MESSAGES "SELECT coalesce(sum(n), 0) FROM seen"
#define BEYOND "SELECT sum(beyond) FROM sending"
#define SENT "SELECT count(*) FROM sending WHERE state = 1"
#define FAILED "SELECT count(*) FROM sending WHERE state = 2"
#define UNWANTED "SELECT count(*) FROM sending WHERE state = 3"

/* One message with an author there, from an address of that number. */
static void see(struct service *service, const char *domain, unsigned ip, const char *rua)
{
	struct mailauth_verdict verdict = {
		.spf = {.result = AUTH_FAIL, .domain = slice_str(domain)},
		.dmarc = {.result = AUTH_FAIL,
			.policy = DMARC_REJECT,
			.wanted = DMARC_REJECT,
			.author = slice_str(domain),
			.found_at = slice_str(domain),
			.record = {.policy = DMARC_REJECT, .rua = slice_str(rua)}}};
	const struct report_seen seen = {.verdict = &verdict,
		.ip = {.len = IP_V4,
			.bytes = {10, (unsigned char)(ip >> 16), (unsigned char)(ip >> 8),
				(unsigned char)ip}},
		.sender = slice_lit("x@elsewhere.example"),
		.done = DMARC_REJECT};

	report_seen(service, &seen);
}

static void test_equal_ones_are_one_row(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		see(&kit.service, "a.example", 1, "mailto:x@a.example");
	see(&kit.service, "a.example", 2, "mailto:x@a.example");
	see(&kit.service, "b.example", 2, "mailto:x@b.example");
	see(&kit.service, "none.example", 2, "");
	assert_int_equal(number(&kit.service, DOMAINS), 2);
	assert_int_equal(number(&kit.service, ROWS), 3);
	assert_int_equal(number(&kit.service, MESSAGES), 7);
}

static void test_rows_and_domains_are_bounded(void **state)
{
	char name[64];

	(void)state;
	for (unsigned i = 0; i < REPORT_ROWS_MAX + 10; i++)
		see(&kit.service, "a.example", i, "mailto:x@a.example");
	assert_int_equal(number(&kit.service, ROWS), REPORT_ROWS_MAX);
	assert_int_equal(number(&kit.service, BEYOND), 10);
	see(&kit.service, "a.example", 3, "mailto:x@a.example");
	assert_int_equal(number(&kit.service, MESSAGES), REPORT_ROWS_MAX + 1);
	/* A wildcard in somebody's zone makes as many domains as they like. */
	for (unsigned i = 0; i < REPORT_HOME_MAX + 10; i++) {
		snprintf(name, sizeof(name), "x%u.wild.example", i);
		see(&kit.service, name, 1, "mailto:x@wild.example");
	}
	assert_int_equal(number(&kit.service, DOMAINS), REPORT_HOME_MAX + 1);
}

/* An upgrade: both write to the same file. */
static void test_two_servers_count_together(void **state)
{
	struct service second = kit.service;

	(void)state;
	open_reports(&second);
	for (int i = 0; i < 3; i++) {
		see(&kit.service, "a.example", 1, "mailto:x@a.example");
		later_flush(&kit.service.reports->later);
		see(&second, "a.example", 1, "mailto:x@a.example");
		later_flush(&second.reports->later);
	}
	report_close(&second);
	assert_int_equal(number(&kit.service, ROWS), 1);
	assert_int_equal(number(&kit.service, MESSAGES), 6);
}

static void test_what_was_counted_outlives_a_restart(void **state)
{
	(void)state;
	see(&kit.service, "a.example", 1, "mailto:x@a.example");
	report_close(&kit.service);
	open_reports(&kit.service);
	see(&kit.service, "a.example", 1, "mailto:x@a.example");
	assert_int_equal(number(&kit.service, MESSAGES), 2);
}

static void test_rows_are_packed_and_unpacked(void **state)
{
	struct feedback_row row = {.ip = slice_lit("192.0.2.1"),
		.is_spf_aligned = true,
		.reason = slice_lit("other"),
		.spf_result = slice_lit("pass"),
		.dkim_n = FEEDBACK_DKIM_MAX};
	struct feedback_row got;
	struct buf bytes AUTO(buf_done);

	(void)state;
	buf_init(&bytes, TEXT_MAX);
	for (size_t i = 0; i < row.dkim_n; i++)
		row.dkim[i].selector = slice_lit("s");
	row_pack(&row, &bytes);
	assert_true(row_unpack(buf_slice(&bytes), &got));
	assert_true(slice_eq(got.reason, row.reason) && got.is_spf_aligned && !got.is_dkim_aligned);
	assert_int_equal(got.dkim_n, FEEDBACK_DKIM_MAX);
	buf_lit(&bytes, "x");
	assert_false(row_unpack(buf_slice(&bytes), &got));
	assert_false(row_unpack((struct slice){0}, &got));
}

/* ---- sending ---- */

static bool was_any;

static void on_sent(struct reports *reports, bool was)
{
	(void)reports;
	was_any = was;
}

/* Days pass, and what is due then is sent. */
static bool send_after(int days)
{
	clock_shift((int64_t)days * DAY_S * 1000000);
	send_next(kit.service.reports, on_sent);
	clock_shift(-(int64_t)days * DAY_S * 1000000);
	return was_any;
}

static void test_a_period_is_told_once(void **state)
{
	(void)state;
	see(&kit.service, "a.example", 1, "mailto:x@a.example, mailto:y@sub.a.example!1");
	assert_false(send_after(0));
	assert_true(send_after(2));
	assert_int_equal(kit_queued(&kit).messages, 1);
	assert_int_equal(number(&kit.service, SENT), 1);
	assert_int_equal(number(&kit.service, ROWS), 0);
	assert_false(send_after(2));
	/* What comes late for a period that was told is not told any more. */
	see(&kit.service, "a.example", 1, "mailto:x@a.example");
	assert_int_equal(number(&kit.service, ROWS), 0);
}

static void test_who_names_no_address_is_told_nothing(void **state)
{
	(void)state;
	see(&kit.service, "a.example", 1, "https://a.example/");
	assert_true(send_after(2));
	assert_int_equal(kit_queued(&kit).messages, 0);
	assert_int_equal(number(&kit.service, UNWANTED), 1);
}

static void refuse_letter(struct mail_queue *queue, struct letter *letter, struct incoming *in,
	bool is_repeated, mail_done_fn *done, void *context)
{
	struct err err;

	(void)queue;
	(void)in;
	(void)is_repeated;
	err_set(&err, ERR_BUSY, "the courier is away");
	done(context, -ERR_BUSY, NULL, &err);
	letter_free(&letter);
}

static void test_without_the_courier_it_is_tried_again(void **state)
{
	const struct mail_queue face = kit.queue.face;
	int tries = 0;

	(void)state;
	see(&kit.service, "a.example", 1, "mailto:x@a.example");
	kit.queue.face.put = refuse_letter;
	assert_true(send_after(2));
	assert_false(send_after(2)); /* not at once */
	assert_int_equal(number(&kit.service, ROWS), 1);
	kit.queue.face = face;
	assert_true(send_after(3));
	assert_int_equal(number(&kit.service, SENT), 1);
	see(&kit.service, "b.example", 1, "mailto:x@b.example");
	kit.queue.face.put = refuse_letter;
	while (number(&kit.service, FAILED) == 0 && tries < 100)
		send_after(2 + tries++);
	assert_true(tries > 3 && tries < 100);
	kit.queue.face = face;
}

/* A message that failed, from that network, of a domain that wants to know. */
static void fail_dmarc(unsigned network, const char *ruf, bool is_psd, const char *sender)
{
	struct mailauth_verdict verdict = {
		.spf = {.result = AUTH_FAIL, .domain = slice_lit("b.example")},
		.dmarc = {.result = AUTH_FAIL,
			.author = slice_lit("a.example"),
			.found_at = slice_lit("a.example"),
			.record = {.ruf = slice_str(ruf),
				.tells_whole = true,
				.psd = is_psd ? 'y' : 'u'}}};
	const struct report_seen seen = {.verdict = &verdict,
		.ip = {.len = IP_V4, .bytes = {10, 1, (unsigned char)network, 7}},
		.sender = slice_str(sender),
		.header = slice_lit("From: x@a.example\r\nTo: secret@posthouse.example\r\n\r\n")};

	report_seen(&kit.service, &seen);
}

#define FAILURES "SELECT count(*) FROM sending WHERE kind = 2"
#define INCIDENTS "SELECT coalesce(sum(rows), 0) FROM sending WHERE kind = 2"

static void test_failures_are_told_sparingly(void **state)
{
	static const char ruf[] = "mailto:x@a.example";

	(void)state;
	fail_dmarc(1, ruf, false, "s@b.example");
	assert_int_equal(number(&kit.service, FAILURES), 0); /* not without the setting */
	kit.service.reports->config.tells_failures = true;
	fail_dmarc(1, "", false, "s@b.example");
	fail_dmarc(1, ruf, true, "s@b.example");
	fail_dmarc(1, ruf, false, "");
	assert_int_equal(number(&kit.service, FAILURES), 0);
	for (int i = 0; i < 3; i++)
		fail_dmarc(1, ruf, false, "s@b.example");
	assert_int_equal(number(&kit.service, FAILURES), 1);
	assert_int_equal(number(&kit.service, INCIDENTS), 3);
	for (unsigned i = 0; i < 2 * REPORT_FAILURES_DAY_MAX; i++)
		fail_dmarc(i, ruf, false, "s@b.example");
	assert_int_equal(number(&kit.service, FAILURES), REPORT_FAILURES_DAY_MAX);
	assert_true(send_after(1));
	assert_int_equal(kit_queued(&kit).messages, 1);
}

static int64_t listed(const char *what);

static void test_a_report_to_ourselves_goes_the_short_way(void **state)
{
	(void)state;
	see(&kit.service, "posthouse.example", 7, "mailto:dmarc-reports@posthouse.example");
	see(&kit.service, "posthouse.example", 7, "mailto:dmarc-reports@posthouse.example");
	assert_true(send_after(2));
	assert_int_equal(kit_queued(&kit).messages, 0);
	clock_shift((int64_t)2 * DAY_S * 1000000);
	assert_int_equal(listed("failed"), 2);
	clock_shift(-(int64_t)2 * DAY_S * 1000000);
}

/* ---- what comes ---- */

#define REPORT(id, domain)                                                                         \
	"<feedback><report_metadata><org_name>o</org_name><report_id>" id "</report_id>"           \
	"</report_metadata><policy_published><domain>" domain "</domain></policy_published>"       \
	"<record><row><source_ip>192.0.2.1</source_ip><count>5</count><policy_evaluated>"          \
	"<spf>pass</spf></policy_evaluated></row></record></feedback>"

struct result {
	_Atomic bool is_done;
	int rc;
};

static void on_done(void *context, int rc, const struct err *err)
{
	struct result *result = context;

	(void)err;
	result->rc = rc;
	result->is_done = true;
}

static int receive(const char *head, const char *body)
{
	struct incoming *in;
	struct result result = {.rc = 0};
	struct buf text AUTO(buf_done);

	buf_init(&text, TEXT_MAX);
	buf_printf(&text, "%s\r\n%s\r\n", head, body);
	buf_byte(&text, '\0');
	in = kit_incoming(&kit, text.ptr);
	report_receive(&kit.service, in, (struct slice){0},
		slice_lit("dmarc-reports@posthouse.example"), on_done, &result);
	for (int i = 0; i < WAIT_STEPS && !result.is_done; i++)
		poll(NULL, 0, 10);
	assert_true(result.is_done);
	incoming_free(&in);
	return result.rc;
}

static int64_t listed(const char *what)
{
	json_t *rows;
	struct err err;
	int64_t n;

	assert_int_equal(
		report_list(kit.service.reports, slice_lit("posthouse.example"), 0, &rows, &err),
		0);
	n = json_integer_value(json_object_get(json_array_get(rows, 0), what));
	json_decref(rows);
	return n;
}

static void test_reports_in_mail(void **state)
{
	static const struct {
		const char *head, *body;
		int rc;
		int64_t messages; /* afterwards */
	} cases[] = {
		{"Content-Type: text/xml\r\n", REPORT("1", "posthouse.example"), 0, 5},
		{"Content-Type: text/xml\r\n", REPORT("1", "posthouse.example"), 0, 5},
		{"Subject: x\r\n", REPORT("2", "Sub.Posthouse.Example."), 0, 10},
		{"Content-Type: multipart/mixed; boundary=b\r\n",
			"--b\r\n\r\nHello\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n"
			"\r\n" REPORT("3", "posthouse=2Eexample") "\r\n--b--",
			0, 15},
		{"Subject: x\r\n", REPORT("4", "elsewhere.example"), -ERR_NOTFOUND, 15},
		{"Subject: x\r\n", "hello", -ERR_SYNTAX, 15},
		{"Subject: x\r\n", "<feedback>", -ERR_SYNTAX, 15},
		{"Subject: x\r\n", "", -ERR_SYNTAX, 15},
	};

	(void)state;
	kit_start(&kit);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const int rc = receive(cases[i].head, cases[i].body);

		if (rc != cases[i].rc || listed("messages") != cases[i].messages)
			fail_msg("%zu: %d, %lld messages", i, rc, (long long)listed("messages"));
	}
	assert_int_equal(listed("passed"), 15);
}

static void test_reports_of_a_day_are_bounded(void **state)
{
	struct feedback report = {.org = slice_lit("o"), .domain = slice_lit("posthouse.example")};
	const struct received how = {{0}, {0}}, known = {slice_lit("big.example"), {0}};
	char id[20];
	struct err err;
	int rc = 0;

	(void)state;
	for (int i = 0; i <= REPORT_SENDER_DAY_MAX; i++) {
		assert_int_equal(rc, 0);
		snprintf(id, sizeof(id), "id-%d", i);
		report.id = slice_str(id);
		rc = keep_feedback(kit.service.reports, &report, &how, &err);
	}
	assert_int_equal(keep_feedback(kit.service.reports, &report, &known, &err), 0);
	assert_int_equal(rc, -ERR_QUOTA);
	clock_shift((int64_t)2 * DAY_S * 1000000);
	assert_int_equal(keep_feedback(kit.service.reports, &report, &how, &err), 0);
	clock_shift(-(int64_t)2 * DAY_S * 1000000);
}

/* The policies of one report have numbers; that of DANE bears the name of our host. */
static void test_policies_of_one_report(void **state)
{
	struct tls_report_policy policies[] = {
		{.type = slice_lit("sts"), .domain = slice_lit("posthouse.example"), .good = 3},
		{.type = slice_lit("sts"), .domain = slice_lit("posthouse.example"), .failed = 4},
		{.type = slice_lit("tlsa"), .domain = slice_lit("mx.far.example"), .good = 5},
		{.type = slice_lit("tlsa"), .domain = slice_lit("other.example"), .good = 100},
	};
	const struct tls_report report = {
		.org = slice_lit("o"), .id = slice_lit("i"), .policies = policies, .policies_n = 4};
	const struct received how = {.to = slice_lit("posthouse.example")};
	struct err err;

	(void)state;
	kit.service.mx_hosts = slice_lit("a.example mx.far.example");
	for (int i = 0; i < 2; i++)
		assert_int_equal(keep_tls(kit.service.reports, &report, &how, &err), 0);
	assert_int_equal(listed("sessions"), 12);
	assert_int_equal(listed("tls_failed"), 4);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *address;
		bool takes;
	} cases[] = {
		{"dmarc-reports@posthouse.example", true},
		{"TLS-Reports@POSTHOUSE.example", true},
		{"complaints@posthouse.example", true},
		{"abuse@posthouse.example", false},
		{"dmarc-reports@elsewhere.example", false},
		{"dmarc-reports+x@posthouse.example", false},
		{"alice@posthouse.example", false},
		{"dmarc-reports", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (report_takes(&kit.service, slice_str(cases[i].address)) != cases[i].takes)
			fail_msg("%s", cases[i].address);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_equal_ones_are_one_row),
		TEST(test_rows_and_domains_are_bounded),
		TEST(test_two_servers_count_together),
		TEST(test_what_was_counted_outlives_a_restart),
		TEST(test_rows_are_packed_and_unpacked),
		TEST(test_a_period_is_told_once),
		TEST(test_who_names_no_address_is_told_nothing),
		TEST(test_without_the_courier_it_is_tried_again),
		TEST(test_failures_are_told_sparingly),
		TEST(test_a_report_to_ourselves_goes_the_short_way),
		TEST(test_reports_in_mail),
		TEST(test_reports_of_a_day_are_bounded),
		TEST(test_policies_of_one_report),
		TEST(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
