/* told_test.c - what is told of single messages: whose they are, what counts, and what does not. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "mail/conduct.h"
#include "mail/mail_kit.h"
#include "mail/return_paths.h"
#include "report/internal.h"

enum { TEXT_MAX = 1 << 20, WAIT_STEPS = 1000 };

static struct mail_kit kit;
static const struct report_config config = {
	.keep_days = 90, .trusted = {"loop.example fbl.example", 24}};

static int setup(void **state)
{
	const struct conduct_config conduct = {.judge = {.mark = 0}};
	struct err err;

	(void)state;
	kit_open(&kit);
	if (report_open(&kit.service, &config, &err) < 0 ||
		conduct_open(&kit.service, &conduct, &err) < 0 ||
		return_paths_open(&kit.service, true, &err) < 0)
		fail_msg("%s", err.msg);
	kit_start(&kit);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_stop(&kit.service.pool);
	conduct_close(&kit.service);
	return_paths_close(&kit.service);
	report_close(&kit.service);
	kit_close(&kit);
	return 0;
}

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

/* A report from that host with these fields, about a message with this header. */
static int tell(const char *via, const char *fields, const char *header)
{
	struct result result = {.rc = 0};
	struct buf text AUTO(buf_done);
	struct incoming *in;

	buf_init(&text, TEXT_MAX);
	buf_printf(&text,
		"Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
		"--b\r\n\r\nHello\r\n--b\r\nContent-Type: Message/Feedback-Report; x=y\r\n\r\n"
		"%s\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n%s\r\n--b--\r\n",
		fields, header);
	buf_byte(&text, '\0');
	in = kit_incoming(&kit, text.ptr);
	report_receive(&kit.service, in, slice_str(via), slice_lit("complaints@posthouse.example"),
		on_done, &result);
	for (int i = 0; i < WAIT_STEPS && !result.is_done; i++)
		poll(NULL, 0, 10);
	assert_true(result.is_done);
	incoming_free(&in);
	return result.rc;
}

static uint64_t complaints(enum kit_account who)
{
	struct conduct_state state;
	struct err err;

	assert_int_equal(conduct_show(&kit.service, kit.ids[who], &state, &err), 0);
	return state.facts.complaints;
}

static size_t listed(report_show_fn *show)
{
	json_t *rows;
	struct err err;
	size_t n;

	assert_int_equal(
		show(kit.service.reports, slice_lit("posthouse.example"), 0, &rows, &err), 0);
	n = json_array_size(rows);
	json_decref(rows);
	return n;
}

/* The envelope's sender of what alice sends now. */
static const char *marked(char *out, size_t size)
{
	struct return_keys keys;
	struct buf path AUTO(buf_done);

	buf_init(&path, RETURN_PATH_MAX);
	return_paths_keys(&kit.service, &keys);
	assert_true(prvs_put(&keys, slice_lit("alice@posthouse.example"), clock_wall_s(), &path));
	snprintf(out, size, "%.*s", SLICE_ARG(buf_slice(&path)));
	return out;
}

/* A different one each time. */
static int tell_marked(const char *via, const char *type)
{
	static unsigned number;
	char fields[1000], path[300];

	snprintf(fields, sizeof(fields),
		"Feedback-Type: %s\r\nVersion: 1\r\nOriginal-Mail-From: <%s>\r\n"
		"Source-IP: 192.0.2.%u\r\n",
		type, marked(path, sizeof(path)), number++);
	return tell(via, fields, "From: alice@posthouse.example\r\n");
}

static void test_strangers_count_once_a_day(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(tell_marked("stranger.example", "abuse"), 0);
	assert_int_equal(tell_marked("other.example", "abuse"), 0);
	assert_int_equal(tell_marked("", "abuse"), 0);
	assert_int_equal(complaints(KIT_ALICE), 1);
	assert_int_equal(listed(report_complaints), 5);
	clock_shift((int64_t)3 * DAY_S * 1000000);
	assert_int_equal(tell_marked("other.example", "abuse"), 0);
	assert_int_equal(complaints(KIT_ALICE), 1); /* of three days ago nothing is left */
	clock_shift(-(int64_t)3 * DAY_S * 1000000);
}

static void test_trusted_ones_count_each(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(tell_marked("fbl.example", "abuse"), 0);
	assert_int_equal(tell_marked("a.loop.example", "fraud"), 0);
	assert_int_equal(complaints(KIT_ALICE), 4);
	assert_int_equal(tell_marked("fbl.example", "not-spam"), 0);
	assert_int_equal(tell_marked("notloop.example", "virus"), 0);
	assert_int_equal(complaints(KIT_ALICE), 5);
	assert_int_equal(complaints(KIT_BOB), 0);
}

static void test_without_proof_nothing_counts(void **state)
{
	static const char *const headers[] = {"", "From: alice@posthouse.example\r\n",
		"Return-Path: <prvs=0123abcdef=alice@posthouse.example>\r\n",
		"From: alice@posthouse.example\r\nDKIM-Signature: v=1; a=rsa-sha256; "
		"d=posthouse.example; s=x; h=from; bh="
		"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=YQ==\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_int_equal(
			tell("fbl.example", "Feedback-Type: abuse\r\nVersion: 1\r\n", headers[i]),
			0);
	assert_int_equal(complaints(KIT_ALICE), 0);
	assert_int_equal(listed(report_complaints), 2); /* some are the same by what is known */
}

static void test_what_is_refused(void **state)
{
	(void)state;
	assert_int_equal(tell("fbl.example", "Version: 1\r\n", "From: a@b\r\n"), -ERR_SYNTAX);
	assert_int_equal(
		tell("fbl.example",
			"Feedback-Type: auth-failure\r\nReported-Domain: elsewhere.example\r\n",
			""),
		-ERR_NOTFOUND);
	assert_int_equal(
		tell("fbl.example",
			"Feedback-Type: auth-failure\r\nReported-Domain: x.posthouse.example\r\n",
			""),
		0);
	assert_int_equal(listed(report_failures), 1);
}

static void test_a_day_is_bounded(void **state)
{
	struct told t = {.via = slice_lit("a.example"), .about = slice_lit("posthouse.example")};
	char id[20];
	struct err err;
	int rc = 0;

	(void)state;
	for (int i = 0; i <= REPORT_SENDER_DAY_MAX; i++) {
		assert_int_equal(rc, 0);
		snprintf(id, sizeof(id), "id-%d", i);
		t.message = slice_str(id);
		rc = told_keep(kit.service.reports, &t, &err);
	}
	assert_int_equal(rc, -ERR_QUOTA);
	assert_int_equal(told_check_room(kit.service.reports, &t, &err), -ERR_QUOTA);
	t.via = slice_lit("fbl.example");
	t.is_trusted = true;
	assert_int_equal(told_keep(kit.service.reports, &t, &err), 0);
	assert_true(t.is_new && !t.is_counted);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_strangers_count_once_a_day),
		TEST(test_trusted_ones_count_each),
		TEST(test_without_proof_nothing_counts),
		TEST(test_what_is_refused),
		TEST(test_a_day_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
