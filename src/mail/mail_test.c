/* mail_test.c - resolving, trace lines, submission's header, reports. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "mail/mail_kit.h"
#include "mail/report.h"
#include "mail/submit.h"
#include "mail/trace.h"
#include "wire/mime/write.h"

#define P "@posthouse.example"

static struct mail_kit kit;

static int setup(void **state)
{
	(void)state;
	kit_open(&kit);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kit_close(&kit);
	return 0;
}

static const struct {
	const char *address, *want; /* targets, "+detail" behind one that has it */
	int rc;
} resolve_cases[] = {
	{"alice" P, "alice" P, 0},
	{"ALICE" P, "alice" P, 0},
	{"alice+lists" P, "alice" P "+lists", 0},
	{"alice+a+b" P, "alice" P "+a+b", 0},
	{"lists@alice.posthouse.example", "alice" P "+lists", 0},
	{"team" P, "alice" P " bob" P, 0},
	{"team+x" P, "alice" P "+x bob" P "+x", 0},
	{"all" P, "alice" P " bob" P " carol" P, 0},
	{"away" P, "friend@elsewhere.example bob" P, 0},
	{"whoever@catch.example", "carol" P, 0},
	{"nobody" P, NULL, -ERR_NOTFOUND},
	{"nobody+alice" P, NULL, -ERR_NOTFOUND},
	{"\"alice+x\"" P, NULL, -ERR_NOTFOUND},
	{"alice@elsewhere.example", NULL, -ERR_DENIED},
	{"x@nobody.posthouse.example", NULL, -ERR_DENIED},
	{"gone" P, NULL, -ERR_CONFLICT},
	{"one" P, NULL, -ERR_CONFLICT},
	{"alice", NULL, -ERR_NOTFOUND},
};

static bool has_target(const struct mail_resolved *r, struct slice want)
{
	for (size_t i = 0; i < r->n; i++) {
		struct buf b AUTO(buf_done);

		buf_init(&b, 512);
		buf_append(&b, r->targets[i].address);
		if (r->targets[i].detail.len)
			buf_byte(&b, '+');
		buf_append(&b, r->targets[i].detail);
		if (slice_eq_nocase(buf_slice(&b), want))
			return true;
	}
	return false;
}

static void test_resolve(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(resolve_cases) / sizeof(resolve_cases[0]); i++) {
		struct arena arena AUTO(arena_done);
		struct mail_resolved r = {.n = 77};
		struct slice rest = slice_str(resolve_cases[i].want ? resolve_cases[i].want : "");
		size_t n = 0;
		struct err err;
		int rc;

		arena_init(&arena, 1 << 20);
		rc = mail_resolve(kit.service.directory, slice_str(resolve_cases[i].address),
			&arena, &r, &err);
		if (rc != resolve_cases[i].rc)
			fail_msg("%s: rc %d", resolve_cases[i].address, rc);
		for (; rc == 0 && rest.ptr; n++) {
			const struct slice want = slice_cut(rest, ' ', &rest);

			if (!has_target(&r, want))
				fail_msg("%s: lacks %.*s", resolve_cases[i].address,
					SLICE_ARG(want));
		}
		assert_int_equal(r.n, rc == 0 ? n : 77);
	}
}

/* An alias ten deep is followed, one that is deeper is not. */
static void test_nesting(void **state)
{
	struct arena arena AUTO(arena_done);
	struct mail_resolved r;
	struct err err;

	(void)state;
	for (int i = 0; i < 12; i++) {
		char from[40], to[40];
		struct slice target;

		snprintf(from, sizeof(from), "deep%d" P, i);
		snprintf(to, sizeof(to), i == 11 ? "alice" P : "deep%d" P, i + 1);
		target = slice_str(to);
		assert_int_equal(directory_alias_add(
					 kit.service.directory, slice_str(from), &target, 1, &err),
			0);
	}
	arena_init(&arena, 1 << 20);
	assert_int_equal(
		mail_resolve(kit.service.directory, slice_lit("deep2" P), &arena, &r, &err), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(
		mail_resolve(kit.service.directory, slice_lit("deep1" P), &arena, &r, &err),
		-ERR_CONFLICT);
}

static void test_may_send_as(void **state)
{
	static const struct {
		const char *address;
		bool may;
	} cases[] = {{"alice" P, true}, {"Alice+x" P, true}, {"x@alice.posthouse.example", true},
		{"team" P, true}, {"bob" P, false}, {"bob+x" P, false}, {"nobody" P, false},
		{"alice@elsewhere.example", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool may = !cases[i].may;
		struct err err;

		assert_int_equal(mail_may_send_as(kit.service.directory, kit.ids[KIT_ALICE],
					 slice_str(cases[i].address), &may, &err),
			0);
		if (may != cases[i].may)
			fail_msg("%s: %d", cases[i].address, may);
	}
}

static void test_trace(void **state)
{
	struct mail_trace t = {.sender = slice_lit("a@b"),
		.helo = slice_lit("mx.example"),
		.peer = slice_lit("2001:db8::1"),
		.host_name = slice_lit("here.example"),
		.id = slice_lit("abc"),
		.recipient = slice_lit("c@d"),
		.tls = "TLSv1.3",
		.cipher = "X",
		.is_extended = true};
	struct buf b AUTO(buf_done);

	(void)state;
	buf_init(&b, 1024);
	assert_int_equal(mail_trace_put(&b, &t), strlen("Return-Path: <a@b>\r\n"));
	assert_true(slice_starts(
		buf_slice(&b), slice_lit("Return-Path: <a@b>\r\n"
					 "Received: from mx.example ([IPv6:2001:db8::1])\r\n"
					 "\tby here.example with ESMTPS (TLSv1.3 X)\r\n"
					 "\tid abc for <c@d>;\r\n\t")));
	assert_true(slice_ends(buf_slice(&b), slice_lit(" +0000\r\n")));
	buf_clear(&b);
	mail_trace_put(&b, &(struct mail_trace){.is_lmtp = true, .is_utf8 = true});
	assert_true(slice_find(buf_slice(&b), slice_lit("from unknown\r\n")) != SIZE_MAX);
	assert_true(slice_find(buf_slice(&b), slice_lit("with UTF8LMTP\r\n")) != SIZE_MAX);
	buf_clear(&b);
	mime_write_date(&b, 1700000000);
	assert_true(slice_eq(buf_slice(&b), slice_lit("Tue, 14 Nov 2023 22:13:20 +0000")));
}

static void test_hops(void **state)
{
	const struct slice text = slice_lit("Received: a\r\n\treceived: folded\r\nRECEIVED: b\r\n"
					    "X-Received: c\r\n\r\nReceived: body\r\n");

	(void)state;
	for (size_t cut = 0; cut <= text.len; cut++) {
		struct mail_hops hops = {0};

		mail_hops_feed(&hops, slice_head(text, cut));
		mail_hops_feed(&hops, slice_from(text, cut));
		assert_int_equal(hops.count, 2);
	}
}

static void test_tls_required(void **state)
{
	static const struct {
		const char *text;
		bool is_optional;
	} fields[] = {
		{"TLS-Required: No\r\n\r\n", true},
		{"a: b\r\ntls-required:no\r\n\r\n", true},
		{"TLS-Required:\r\n\tNO \r\n\r\n", true},
		{"TLS-Required: Yes\r\n\r\n", false},
		{"TLS-Required: No way\r\n\r\n", false},
		{"TLS-Required: No                                    way\r\n\r\n", false},
		{"X-TLS-Required: No\r\n\r\n", false},
		{"Subject: x\r\n TLS-Required: No\r\n\r\n", false},
		{"TLS-Required: x\r\nSubject: y\r\n No\r\n\r\n", false},
		{"a: b\r\n\r\nTLS-Required: No\r\n", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct slice text = slice_str(fields[i].text);

		for (size_t cut = 0; cut <= text.len; cut++) {
			struct mail_hops hops = {0};

			mail_hops_feed(&hops, slice_head(text, cut));
			mail_hops_feed(&hops, slice_from(text, cut));
			assert_int_equal(hops.is_tls_optional, fields[i].is_optional);
		}
	}
}

/* "*" stands for a Date and a Message-ID that were added. */
static const struct {
	const char *text, *want;
	int rc;
} submit_cases[] = {
	{"From: alice" P "\r\n\r\nhi\r\n", "From: alice" P "\r\n*\r\nhi\r\n", 0},
	{"From: A <alice+x" P ">, team" P "\r\nDate: x\r\nMessage-ID: <y@z>\r\n\r\nhi\r\n",
		"From: A <alice+x" P ">, team" P "\r\nDate: x\r\nMessage-ID: <y@z>\r\n\r\nhi\r\n",
		0},
	{"Bcc: x@y,\r\n z@y\r\nFrom: alice" P "\r\nReturn-Path: <q>\r\n\r\nBcc: text\r\n",
		"From: alice" P "\r\n*\r\nBcc: text\r\n", 0},
	{"Subject: s\r\n\r\n", "Subject: s\r\nFrom: <alice" P ">\r\n*\r\n", 0},
	{"no header at all\r\n", "From: <alice" P ">\r\n*\r\nno header at all\r\n", 0},
	{"From: alice" P "\r\nbroken\r\n", "From: alice" P "\r\n*\r\nbroken\r\n", 0},
	{"From: alice" P "\r\n", "From: alice" P "\r\n*\r\n", 0},
	{"From: bob" P "\r\n\r\n", NULL, -ERR_DENIED},
	{"From: alice" P "\r\nFrom: bob" P "\r\n\r\n", NULL, -ERR_DENIED},
	{"From: alice" P ", bob" P "\r\n\r\n", NULL, -ERR_DENIED},
	{"From: alice" P "\r\nSender: bob" P "\r\n\r\n", NULL, -ERR_DENIED},
	{"From: \"alice" P "\" <bob" P ">\r\n\r\n", NULL, -ERR_DENIED},
	{"From:\r\n\r\n", NULL, -ERR_DENIED},
	{"From: alice\r\n\r\n", NULL, -ERR_DENIED},
};

/* Replaces what was added by "*". */
static void mask_added(struct slice text, struct buf *out)
{
	const size_t at = slice_find(text, slice_lit("Message-ID: <"));
	const size_t date = slice_find(text, slice_lit("Date: "));
	struct slice rest;

	if (at == SIZE_MAX || slice_find(text, slice_lit("<y@z>")) != SIZE_MAX) {
		buf_append(out, text);
		return;
	}
	assert_true(date < at);
	buf_append(out, slice_head(text, date));
	buf_byte(out, '*');
	(void)slice_cut(slice_from(text, at), '\n', &rest);
	buf_append(out, rest);
}

static void check_submit(size_t i, size_t cut)
{
	const struct slice text = slice_str(submit_cases[i].text);
	struct incoming *in = incoming_new(store_spool_dir(kit.service.store), 1 << 20);
	struct buf got AUTO(buf_done), masked AUTO(buf_done);
	struct mail_submit s;
	struct err err;
	int rc;

	buf_init(&got, 65536);
	buf_init(&masked, 65536);
	mail_submit_init(&s, &kit.service, kit.ids[KIT_ALICE], slice_lit("alice" P));
	rc = mail_submit_append(&s, slice_head(text, cut), in, &err);
	if (rc == 0)
		rc = mail_submit_append(&s, slice_from(text, cut), in, &err);
	if (rc == 0)
		rc = mail_submit_finish(&s, in, &err);
	if (rc != submit_cases[i].rc)
		fail_msg("<%s>: rc %d", submit_cases[i].text, rc);
	if (rc == 0) {
		assert_int_equal(spool_read(in->spool, 0, 65536, &got, &err), 0);
		mask_added(buf_slice(&got), &masked);
		if (!slice_eq(buf_slice(&masked), slice_str(submit_cases[i].want)))
			fail_msg("<%s> cut at %zu: got <%.*s>", submit_cases[i].text, cut,
				SLICE_ARG(buf_slice(&masked)));
	}
	mail_submit_done(&s);
	incoming_free(&in);
}

static void test_submit(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(submit_cases) / sizeof(submit_cases[0]); i++) {
		for (size_t cut = 0; cut <= strlen(submit_cases[i].text); cut++)
			check_submit(i, cut);
	}
}

/* A letter from alice to three, two of whom could not be reached, one of them an alias. */
static void test_report(void **state)
{
	struct letter_target targets[] = {
		{.account = 1, .recipient = slice_lit("a" P), .state = LETTER_STORED},
		{.account = 2,
			.recipient = slice_lit("list" P),
			.state = LETTER_FAILED,
			.code = ERR_NOTFOUND},
		{.account = 3,
			.recipient = slice_lit("list" P),
			.state = LETTER_FAILED,
			.code = ERR_NOTFOUND},
		{.account = 4,
			.recipient = slice_lit("full" P),
			.state = LETTER_FAILED,
			.code = ERR_QUOTA,
			.orcpt = slice_lit("rfc822;f" P)},
		{.account = 5,
			.recipient = slice_lit("quiet" P),
			.state = LETTER_FAILED,
			.notify = NOTIFY_NEVER},
	};
	struct letter letter = {.sender = slice_lit("alice" P),
		.targets = targets,
		.targets_n = 5,
		.envid = slice_lit("E1")};
	struct incoming *about = kit_incoming(&kit, "Subject: lost\r\n\r\nsecret text\r\n"), *in;
	struct buf text AUTO(buf_done);
	struct letter *report;
	struct slice got;
	struct err err;

	(void)state;
	buf_init(&text, 65536);
	assert_int_equal(mail_report(&kit.service, &letter, about, &report, &in, &err), 0);
	assert_non_null(report);
	assert_true(report->is_report && report->sender.len == 0);
	assert_int_equal(report->targets[0].account, kit.ids[KIT_ALICE]);
	assert_int_equal(spool_read(in->spool, 0, 65536, &text, &err), 0);
	got = buf_slice(&text);
	assert_true(slice_starts(got, slice_lit("Return-Path: <>\r\n")));
	assert_true(slice_find(got, slice_lit("Final-Recipient: rfc822; list" P "\r\nAction: failed"
					      "\r\nStatus: 5.1.1\r\n\r\nOriginal-Recipient: "
					      "rfc822;f" P "\r\nFinal-Recipient: rfc822; full" P
					      "\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n--")) !=
		    SIZE_MAX);
	assert_true(slice_find(got, slice_lit("Original-Envelope-Id: E1\r\n")) != SIZE_MAX);
	assert_true(slice_find(got, slice_lit("Subject: lost\r\n")) != SIZE_MAX);
	assert_true(slice_find(got, slice_lit("secret")) == SIZE_MAX);
	assert_true(slice_find(got, slice_lit("quiet")) == SIZE_MAX);
	letter_free(&report);
	incoming_free(&in);
	letter.is_report = true;
	assert_int_equal(mail_report(&kit.service, &letter, about, &report, &in, &err), 0);
	assert_null(report);
	incoming_free(&about);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_may_send_as),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_hops),
		cmocka_unit_test(test_tls_required),
		cmocka_unit_test(test_submit),
		cmocka_unit_test(test_report),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
