/* dmarc_test.c - records, organisations, alignment and policies; and Authentication-Results. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "mailauth/authres.h"
#include "mailauth/check.h"
#include "mailauth/mailauth_kit.h"

static const struct kit_record zone[] = {
	{"_dmarc.reject.example",
		"TXT v=DMARC1; p=reject; sp=quarantine; rua=mailto:r@reject.example"},
	{"_dmarc.own.reject.example", "TXT v=DMARC1; p=none"},
	{"sub.reject.example", "A 192.0.2.1"},
	{"_dmarc.strict.example", "TXT v=DMARC1;p=reject;adkim=s;aspf=s"},
	{"_dmarc.np.example", "TXT v=DMARC1; p=none; np=reject"},
	{"there.np.example", "A 192.0.2.1"},
	{"_dmarc.test.example", "TXT v=DMARC1; p=reject; t=y"},
	{"_dmarc.pct.example", "TXT v=DMARC1; p=quarantine; pct=20"},
	{"_dmarc.two.example", "TXT v=DMARC1; p=reject"},
	{"_dmarc.two.example", "TXT v=DMARC1; p=none"},
	{"_dmarc.beside.example", "TXT something"},
	{"_dmarc.beside.example", "TXT v=DMARC1; p=reject"},
	{"_dmarc.bad.example", "TXT v=DMARC1; p=whatever; rua=mailto:x@bad.example; =;;x"},
	{"_dmarc.void.example", "TXT v=DMARC1; p=whatever"},
	{"_dmarc.badsp.example", "TXT v=DMARC1; p=reject; sp=no; rua=mailto:x@badsp.example"},
	{"_dmarc.badnp.example", "TXT v=DMARC1; p=reject; np=no; rua=nothing, "},
	{"_dmarc.mail.first.example", "TXT v=DMARC1; p=reject"},
	{"_dmarc.first.example", "TXT v=DMARC1; p=quarantine"},
	{"_dmarc.mail.second.example", "TXT v=DMARC1; p=reject; psd=n"},
	{"_dmarc.second.example", "TXT v=DMARC1; p=none"},
	{"_dmarc.third", "TXT v=DMARC1; p=reject; psd=y"},
	{"_dmarc.mail.lone.example", "TXT v=DMARC1; p=reject"},
	{"_dmarc.7.6.5.4.3.2.long", "TXT v=DMARC1; p=reject; psd=y"},
	{"_dmarc.fail.example", "FAIL"},
	{"_dmarc.unit.psdn.example", "TXT v=DMARC1; p=quarantine; psd=n"},
	{"_dmarc.psdn.example", "TXT v=DMARC1; p=reject"},
	{"_dmarc.suffix.example", "TXT v=DMARC1; p=reject; psd=y"},
	{"_dmarc.co.uk", "TXT v=DMARC1; p=reject"},
	{"_dmarc.deep.example", "TXT v=DMARC1; p=reject"},
	{NULL, NULL},
};

/* The signature's domain and SPF's with their results; what comes out. */
static const struct {
	const char *author, *dkim, *spf;
	const char *result, *policy, *wanted;
} cases[] = {
	{"no.example", "-", "-", "none", "none", "none"},
	{"reject.example", "-", "-", "fail", "reject", "reject"},
	{"reject.example", "reject.example", "-", "pass", "reject", "none"},
	{"reject.example", "sub.reject.example", "-", "pass", "reject", "none"},
	{"reject.example", "-", "sub.reject.example", "pass", "reject", "none"},
	{"reject.example", "other.example", "other.example", "fail", "reject", "reject"},
	{"reject.example", "notreject.example", "-", "fail", "reject", "reject"},
	{"reject.example", "!reject.example", "-", "temperror", "reject", "none"},
	{"reject.example", "!other.example", "-", "fail", "reject", "reject"},
	{"reject.example", "!reject.example", "reject.example", "pass", "reject", "none"},
	{"sub.reject.example", "-", "-", "fail", "quarantine", "quarantine"},
	{"sub.reject.example", "reject.example", "-", "pass", "quarantine", "none"},
	{"sub.reject.example", "x.reject.example", "-", "pass", "quarantine", "none"},
	{"own.reject.example", "-", "-", "fail", "none", "none"},
	{"strict.example", "strict.example", "-", "pass", "reject", "none"},
	{"strict.example", "a.strict.example", "a.strict.example", "fail", "reject", "reject"},
	{"np.example", "-", "-", "fail", "none", "none"},
	{"there.np.example", "-", "-", "fail", "none", "none"},
	{"gone.np.example", "-", "-", "fail", "reject", "reject"},
	{"test.example", "-", "-", "fail", "reject", "quarantine"},
	{"pct.example", "-", "-", "fail", "quarantine", "none"},
	{"two.example", "-", "-", "none", "none", "none"},
	{"beside.example", "-", "-", "fail", "reject", "reject"},
	{"bad.example", "-", "-", "fail", "none", "none"},
	{"fail.example", "-", "-", "temperror", "none", "none"},
	{"void.example", "-", "-", "none", "none", "none"},
	{"badsp.example", "-", "-", "fail", "none", "none"},
	{"badnp.example", "-", "-", "none", "none", "none"},
	/* the examples of RFC 9989 4.10.2: the record with the fewest labels */
	{"a.mail.first.example", "b.first.example", "-", "pass", "quarantine", "none"},
	{"mail.first.example", "first.example", "-", "pass", "reject", "none"},
	{"a.mail.second.example", "b.mail.second.example", "-", "pass", "reject", "none"},
	{"a.mail.second.example", "second.example", "-", "fail", "reject", "reject"},
	{"a.mail.org.third", "b.org.third", "-", "pass", "reject", "none"},
	{"a.mail.org.third", "other.third", "-", "fail", "reject", "reject"},
	/* nothing above says that there is an organisation */
	{"mail.lone.example", "lone.example", "-", "fail", "reject", "reject"},
	{"mail.lone.example", "a.mail.lone.example", "-", "pass", "reject", "none"},
	{"a.mail.lone.example", "b.mail.lone.example", "-", "pass", "reject", "none"},
	/* one label below the suffix, though the walk went there in one step */
	{"c.b.a.9.8.7.6.5.4.3.2.long", "x.8.7.6.5.4.3.2.long", "-", "pass", "reject", "none"},
	{"c.b.a.9.8.7.6.5.4.3.2.long", "a.9.x.7.6.5.4.3.2.long", "-", "fail", "reject", "reject"},
	/* a part of an organisation that stands alone */
	{"a.unit.psdn.example", "b.unit.psdn.example", "-", "pass", "quarantine", "none"},
	{"a.unit.psdn.example", "psdn.example", "-", "fail", "quarantine", "quarantine"},
	{"psdn.example", "unit.psdn.example", "-", "fail", "reject", "reject"},
	/* a suffix with a record of its own */
	{"a.suffix.example", "b.suffix.example", "-", "fail", "reject", "reject"},
	{"x.a.suffix.example", "a.suffix.example", "-", "pass", "reject", "none"},
	/* a public suffix whose record does not say that it is one */
	{"a.co.uk", "b.co.uk", "-", "none", "none", "none"},
	{"a.b.c.d.e.f.g.h.i.deep.example", "deep.example", "-", "pass", "reject", "none"},
	{"a.b.c.d.e.f.g.h.i.deep.example", "-", "-", "fail", "reject", "reject"},
};

static struct slice read_case(const char *text, enum auth_result *out)
{
	*out = text[0] == '-' ? AUTH_NONE : text[0] == '!' ? AUTH_TEMPERROR : AUTH_PASS;
	return slice_from(slice_str(text), text[0] == '!');
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena arena AUTO(arena_done);
		struct spf_outcome spf = {0};
		struct dkim dkim = {.n = 1};
		struct dmarc_request request = {.author = slice_str(cases[i].author),
			.spf = &spf,
			.dkim = &dkim,
			.sample = 20};
		struct dmarc_outcome got;
		struct dns_view view;

		arena_init(&arena, 1 << 20);
		dns_view_init(&view, &arena);
		dkim.list[0].sig.domain = read_case(cases[i].dkim, &dkim.list[0].sig.result);
		spf.domain = read_case(cases[i].spf, &spf.result);
		while (!dmarc_check(&request, &view, &got)) {
			assert_true(view.pending > 0);
			kit_answer(&view, zone);
		}
		assert_true(view.n < 24);
		if (strcmp(auth_result_name(got.result), cases[i].result) != 0 ||
			strcmp(dmarc_policy_name(got.policy), cases[i].policy) != 0 ||
			strcmp(dmarc_policy_name(got.wanted), cases[i].wanted) != 0)
			fail_msg("%zu %s, %s, %s: %s %s %s", i, cases[i].author, cases[i].dkim,
				cases[i].spf, auth_result_name(got.result),
				dmarc_policy_name(got.policy), dmarc_policy_name(got.wanted));
	}
}

/* Who is the author, and what if that is not clear? */
static const struct {
	const char *header, *result, *wanted;
} headers[] = {
	{"From: a@reject.example\r\n", "fail", "reject"},
	{"From: \"b@no.example\" <a@reject.example>\r\n", "fail", "reject"},
	{"From: a@no.example, b@reject.example\r\n", "fail", "reject"},
	{"From: a@reject.example, b@no.example\r\n", "fail", "reject"},
	{"From: A@REJECT.EXAMPLE.\r\n", "fail", "reject"},
	{"From: team: a@reject.example;\r\n", "fail", "reject"},
	{"From: nobody\r\n", "permerror", "none"},
	{"From:\r\n", "permerror", "none"},
	{"To: a@reject.example\r\n", "permerror", "none"},
	{"From: a@no.example\r\nFrom: b@no.example\r\n", "permerror", "none"},
	{"From: a@no.example\r\n", "none", "none"},
	{"From: a@1.example, a@2.example, a@3.example, a@4.example, a@reject.example\r\n",
		"permerror", "none"},
};

static void test_authors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		const struct mailauth_request request = {.ip = {.len = IP_V4},
			.helo = slice_lit("h.example"),
			.host = slice_lit("mx.example")};
		struct mailauth_check *check = mailauth_check_new(&request);
		const struct dmarc_outcome *got = &mailauth_check_verdict(check)->dmarc;

		mailauth_check_feed(check, slice_str(headers[i].header));
		mailauth_check_feed(check, slice_lit("\r\nbody"));
		mailauth_check_end(check);
		while (!mailauth_check_run(check))
			kit_answer(mailauth_check_view(check), zone);
		if (strcmp(auth_result_name(got->result), headers[i].result) != 0 ||
			strcmp(dmarc_policy_name(got->wanted), headers[i].wanted) != 0)
			fail_msg("%s: %s %s", headers[i].header, auth_result_name(got->result),
				dmarc_policy_name(got->wanted));
		mailauth_check_free(&check);
	}
}

static void test_results_are_written(void **state)
{
	struct buf text AUTO(buf_done);

	(void)state;
	buf_init(&text, 1000);
	authres_begin(&text, slice_lit("mx.example"));
	authres_method(&text, "spf", "fail");
	authres_reason(&text, "said \"no\"");
	authres_property(&text, "smtp.mailfrom", slice_lit("a b@c\r\nd"));
	authres_property(&text, "smtp.helo", slice_lit(""));
	authres_property(&text, "header.i", slice_lit("@example.com"));
	authres_end(&text);
	buf_byte(&text, '\0');
	assert_string_equal(text.ptr,
		"Authentication-Results: mx.example;\r\n\tspf=fail reason=\"said \\\"no\\\"\" "
		"smtp.mailfrom=\"a b@cd\" header.i=@example.com\r\n");
}

static void test_names(void **state)
{
	static const struct {
		const char *value;
		bool is_ours;
	} rows[] = {
		{"mx.example; spf=pass", true},
		{"MX.Example; none", true},
		{"mx.example 1; spf=pass", true},
		{"mx.example", true},
		{"(c (d) \\) e) mx.example (f); spf=pass", true},
		{"\"mx.example\"; spf=pass", true},
		{"\"mx.ex\\ample\"; spf=pass", true},
		{"\r\n mx.example;\r\n spf=pass", true},
		{"mx.example.; spf=pass", true},
		{"other.example; spf=pass", false},
		{"amx.example; spf=pass", false},
		{"mx.example.com; spf=pass", false},
		{"(mx.example) other.example; spf=pass", false},
		/* nobody's: taken away too */
		{"", true},
		{"; spf=pass", true},
		{"(mx.example", true},
		{"\"mx.example", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (authres_names(slice_str(rows[i].value), slice_lit("mx.example")) !=
			rows[i].is_ours)
			fail_msg("%s", rows[i].value);
	assert_true(authres_names(slice_lit("b\xc3\xbc"
					    "cher.example; none"),
		slice_lit("xn--bcher-kva.example")));
}

static void test_which_failures_are_told(void **state)
{
	static const struct {
		const char *record;
		bool whole, any;
	} options[] = {{"v=DMARC1; p=none; ruf=mailto:x@y", true, false},
		{"v=DMARC1; p=none; fo=0; ruf=mailto:x@y", true, false},
		{"v=DMARC1; p=none; fo=1; ruf=mailto:x@y", false, true},
		{"v=DMARC1; p=none; fo= 0 : 1 ; ruf=mailto:x@y", true, true},
		{"v=DMARC1; p=none; fo=d:s; ruf=mailto:x@y", false, false}};
	struct dmarc_record record;

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		assert_true(dmarc_record_read(slice_str(options[i].record), &record));
		assert_true(slice_eq(record.ruf, slice_lit("mailto:x@y")));
		if (record.tells_whole != options[i].whole || record.tells_any != options[i].any)
			fail_msg("%s", options[i].record);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which_failures_are_told),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_authors),
		cmocka_unit_test(test_results_are_written),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
