/* spf_test.c - the examples of RFC 7208 and the limits of an evaluation. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "mailauth/mailauth_kit.h"
#include "mailauth/spf_check.h"

/* RFC 7208 A.1, with a record each for what is said in A.2 to A.4; then cases of our own. */
static const struct kit_record zone[] = {
	{"example.com", "MX 10 mail-a.example.com"},
	{"example.com", "MX 20 mail-b.example.com"},
	{"example.com", "A 192.0.2.10"},
	{"example.com", "A 192.0.2.11"},
	{"amy.example.com", "A 192.0.2.65"},
	{"bob.example.com", "A 192.0.2.66"},
	{"mail-a.example.com", "A 192.0.2.129"},
	{"mail-b.example.com", "A 192.0.2.130"},
	{"mail-c.example.org", "A 192.0.2.140"},
	{"example.org", "MX 10 mail-c.example.org"},
	{"10.2.0.192.in-addr.arpa", "PTR example.com"},
	{"65.2.0.192.in-addr.arpa", "PTR amy.example.com"},
	{"140.2.0.192.in-addr.arpa", "PTR mail-c.example.org"},
	{"4.0.0.10.in-addr.arpa", "PTR bob.example.com"},
	{"all.test.example", "TXT v=spf1 +all"},
	{"a.test.example", "TXT v=spf1 a:example.com -all"},
	{"aorg.test.example", "TXT v=spf1 a:example.org -all"},
	{"mx.test.example", "TXT v=spf1 mx:example.com -all"},
	{"mxorg.test.example", "TXT v=spf1 mx:example.org -all"},
	{"mxboth.test.example", "TXT v=spf1 mx:example.com mx:example.org -all"},
	{"mx30.test.example", "TXT v=spf1 mx:example.com/30 mx:example.org/30 -all"},
	{"ptr.test.example", "TXT v=spf1 ptr:example.com -all"},
	{"ip4.test.example", "TXT v=spf1 ip4:192.0.2.128/28 -all"},
	{"rbl.test.example", "TXT v=spf1 -ip4:192.0.2.0/24 exists:%{ir}._spf.test.example ?all"},
	{"5.100.51.198._spf.test.example", "A 127.0.0.2"},
	/* others */
	{"none.test.example", "TXT nothing of ours"},
	{"none.test.example", "TXT v=spf10 +all"},
	{"two.test.example", "TXT v=spf1 -all"},
	{"two.test.example", "TXT v=spf1 +all"},
	{"fail.test.example", "FAIL"},
	{"empty.test.example", "TXT v=spf1"},
	{"upper.test.example", "TXT V=SPF1   IP4:192.0.2.1   -ALL  "},
	{"soft.test.example", "TXT v=spf1 ~all"},
	{"late.test.example", "TXT v=spf1 all nonsense:"},
	{"afail.test.example", "TXT v=spf1 a:fail.test.example -all"},
	{"first.test.example", "TXT v=spf1 ip4:192.0.2.1 a:fail.test.example -all"},
	{"six.test.example", "TXT v=spf1 ip6:2001:db8::/32 a:six.test.example//64 -all"},
	{"six.test.example", "AAAA 2001:dba:0:1::1"},
	{"inc.test.example", "TXT v=spf1 include:soft.test.example include:ip4.test.example ?all"},
	{"incnone.test.example", "TXT v=spf1 include:none.test.example -all"},
	{"inctemp.test.example", "TXT v=spf1 include:fail.test.example -all"},
	{"incerr.test.example", "TXT v=spf1 include:late.test.example -all"},
	{"notinc.test.example", "TXT v=spf1 -include:all.test.example +all"},
	{"redir.test.example", "TXT v=spf1 ip4:192.0.2.1 redirect=ip4.test.example"},
	{"redirall.test.example", "TXT v=spf1 redirect=ip4.test.example ?all"},
	{"redirnone.test.example", "TXT v=spf1 redirect=none.test.example"},
	{"redirtwice.test.example", "TXT v=spf1 redirect=a.example redirect=b.example"},
	{"loop.test.example", "TXT v=spf1 include:loop.test.example -all"},
	{"redirloop.test.example", "TXT v=spf1 redirect=redirloop.test.example"},
	{"ten.test.example",
		"TXT v=spf1 a:example.com a:example.com a:example.com a:example.com a:example.com "
		"a:example.com a:example.com a:example.com a:example.com a:example.com "
		"ip4:192.0.2.1 -all"},
	{"eleven.test.example",
		"TXT v=spf1 a:example.com a:example.com a:example.com a:example.com a:example.com "
		"a:example.com a:example.com a:example.com a:example.com a:example.com "
		"a:example.com +all"},
	{"void2.test.example",
		"TXT v=spf1 a:no1.test.example mx:no2.test.example ip4:192.0.2.1 -all"},
	{"void3.test.example",
		"TXT v=spf1 a:no1.test.example exists:no2.test.example mx:no3.test.example +all"},
	{"manymx.test.example", "TXT v=spf1 mx -all"},
	{"manymx.test.example", "MX 1 a.x.example"},
	{"manymx.test.example", "MX 1 b.x.example"},
	{"manymx.test.example", "MX 1 c.x.example"},
	{"manymx.test.example", "MX 1 d.x.example"},
	{"manymx.test.example", "MX 1 e.x.example"},
	{"manymx.test.example", "MX 1 f.x.example"},
	{"manymx.test.example", "MX 1 g.x.example"},
	{"manymx.test.example", "MX 1 h.x.example"},
	{"manymx.test.example", "MX 1 i.x.example"},
	{"manymx.test.example", "MX 1 j.x.example"},
	{"manymx.test.example", "MX 1 k.x.example"},
	{"other.test.example", "TXT v=spf1 unknown=%{d} moo.1-2_3=x -all"},
	{"othererr.test.example", "TXT v=spf1 unknown=%{q} -all"},
	{"exp.test.example", "TXT v=spf1 -all exp=why.test.example"},
	{"why.test.example", "TXT %{i} is not one of %{d}'s (%{c}, %{r}, %{t})%%%_%-"},
	{"incexp.test.example", "TXT v=spf1 include:exp.test.example -all"},
	{"redirexp.test.example", "TXT v=spf1 redirect=exp.test.example exp=nowhere.test.example"},
	{"expbad.test.example", "TXT v=spf1 -all exp=bad.test.example"},
	{"bad.test.example", "TXT %{z}"},
	{"expvoid.test.example", "TXT v=spf1 -all exp=no1.test.example"},
	{"helo.test.example", "TXT v=spf1 a:%{h} -all"},
	{"pmacro.test.example", "TXT v=spf1 exists:%{p}.known.example -all"},
	{"amy.example.com.known.example", "A 127.0.0.1"},
	{"unknown.known.example", "A 127.0.0.1"},
	{"long.test.example",
		"TXT v=spf1 a:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.amy.example.com "
		"-all"},
	{NULL, NULL},
};

static const struct {
	const char *ip, *sender, *want, *explanation;
} cases[] = {
	{"192.0.2.1", "x@all.test.example", "pass", ""},
	{"192.0.2.10", "x@a.test.example", "pass", ""},
	{"192.0.2.12", "x@a.test.example", "fail", ""},
	{"192.0.2.10", "x@aorg.test.example", "fail", ""},
	{"192.0.2.129", "x@mx.test.example", "pass", ""},
	{"192.0.2.140", "x@mx.test.example", "fail", ""},
	{"192.0.2.140", "x@mxorg.test.example", "pass", ""},
	{"192.0.2.130", "x@mxboth.test.example", "pass", ""},
	{"192.0.2.131", "x@mx30.test.example", "pass", ""},
	{"192.0.2.141", "x@mx30.test.example", "pass", ""},
	{"192.0.2.132", "x@mx30.test.example", "fail", ""},
	{"192.0.2.65", "x@ptr.test.example", "pass", ""},
	{"192.0.2.140", "x@ptr.test.example", "fail", ""},
	{"10.0.0.4", "x@ptr.test.example", "fail", ""}, /* bob's name does not lead back */
	{"192.0.2.65", "x@ip4.test.example", "fail", ""},
	{"192.0.2.129", "x@ip4.test.example", "pass", ""},
	{"198.51.100.5", "x@rbl.test.example", "pass", ""},
	{"198.51.100.6", "x@rbl.test.example", "neutral", ""},
	{"192.0.2.1", "x@rbl.test.example", "fail", ""},
	{"192.0.2.1", "x@none.test.example", "none", ""},
	{"192.0.2.1", "x@nowhere.test.example", "none", ""},
	{"192.0.2.1", "x@localhost", "none", ""}, {"192.0.2.1", "x@a..b", "none", ""},
	{"192.0.2.1", "x@two.test.example", "permerror", ""},
	{"192.0.2.1", "x@fail.test.example", "temperror", ""},
	{"192.0.2.1", "x@empty.test.example", "neutral", ""},
	{"192.0.2.1", "x@upper.test.example", "pass", ""},
	{"192.0.2.2", "x@upper.test.example", "fail", ""},
	{"192.0.2.1", "x@soft.test.example", "softfail", ""},
	{"192.0.2.1", "x@late.test.example", "permerror", ""},
	{"192.0.2.1", "x@afail.test.example", "temperror", ""},
	{"192.0.2.1", "x@first.test.example", "pass", ""},
	{"2001:db8::9", "x@six.test.example", "pass", ""},
	{"2001:dba:0:1:9::", "x@six.test.example", "pass", ""},
	{"2001:dba:0:2::1", "x@six.test.example", "fail", ""},
	{"192.0.2.1", "x@six.test.example", "fail", ""},
	{"192.0.2.129", "x@inc.test.example", "pass", ""},
	{"192.0.2.1", "x@inc.test.example", "neutral", ""},
	{"192.0.2.1", "x@incnone.test.example", "permerror", ""},
	{"192.0.2.1", "x@inctemp.test.example", "temperror", ""},
	{"192.0.2.1", "x@incerr.test.example", "permerror", ""},
	{"192.0.2.1", "x@notinc.test.example", "fail", ""},
	{"192.0.2.1", "x@redir.test.example", "pass", ""},
	{"192.0.2.129", "x@redir.test.example", "pass", ""},
	{"192.0.2.2", "x@redir.test.example", "fail", ""},
	{"192.0.2.2", "x@redirall.test.example", "neutral", ""},
	{"192.0.2.2", "x@redirnone.test.example", "permerror", ""},
	{"192.0.2.2", "x@redirtwice.test.example", "permerror", ""},
	{"192.0.2.2", "x@loop.test.example", "permerror", ""},
	{"192.0.2.2", "x@redirloop.test.example", "permerror", ""},
	{"192.0.2.1", "x@ten.test.example", "pass", ""},
	{"192.0.2.1", "x@eleven.test.example", "permerror", ""},
	{"192.0.2.1", "x@void2.test.example", "pass", ""},
	{"192.0.2.1", "x@void3.test.example", "permerror", ""},
	{"192.0.2.1", "x@manymx.test.example", "permerror", ""},
	{"192.0.2.1", "x@other.test.example", "fail", ""},
	{"192.0.2.1", "x@othererr.test.example", "permerror", ""},
	{"192.0.2.1", "x@exp.test.example", "fail",
		"192.0.2.1 is not one of exp.test.example's (192.0.2.1, mx.our.example, 1000)% "
		"%20"},
	{"2001:db8::1", "x@exp.test.example", "fail",
		"2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1 is not one of "
		"exp.test.example's (2001:db8::1, mx.our.example, 1000)% %20"},
	{"192.0.2.1", "x@incexp.test.example", "fail", ""},
	{"192.0.2.1", "x@redirexp.test.example", "fail",
		"192.0.2.1 is not one of exp.test.example's (192.0.2.1, mx.our.example, 1000)% "
		"%20"},
	{"192.0.2.1", "x@expbad.test.example", "fail", ""},
	{"192.0.2.1", "x@expvoid.test.example", "fail", ""},
	{"192.0.2.65", "x@helo.test.example", "pass", ""},
	{"192.0.2.65", "x@pmacro.test.example", "pass", ""},
	{"192.0.2.1", "x@pmacro.test.example", "pass", ""},
	{"192.0.2.140", "x@pmacro.test.example", "fail", ""},
	{"192.0.2.65", "x@long.test.example", "fail", ""}, /* a label of 64 bytes is no name */
	{"192.0.2.65", "", "none", ""},                    /* amy.example.com has no record */
};

static void split(const char *sender, struct spf_request *request)
{
	const struct slice text = slice_str(sender);
	const size_t at = slice_rchr(text, '@');

	if (at == SIZE_MAX)
		return;
	request->sender_local = slice_head(text, at);
	request->sender_domain = slice_from(text, at + 1);
}

static void evaluate(
	const char *ip, const char *sender, struct arena *arena, struct spf_outcome *out)
{
	struct spf_request request = {.helo = slice_lit("amy.example.com"),
		.receiver = slice_lit("mx.our.example"),
		.now = 1000};
	struct dns_view view;
	unsigned turns = 0;

	dns_view_init(&view, arena);
	assert_true(ip_parse(slice_str(ip), &request.ip));
	split(sender, &request);
	while (!spf_check(&request, &view, out)) {
		assert_true(view.pending > 0);
		kit_answer(&view, zone);
		assert_true(++turns < 40);
	}
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena arena AUTO(arena_done);
		struct spf_outcome got;

		arena_init(&arena, 4 << 20);
		evaluate(cases[i].ip, cases[i].sender, &arena, &got);
		if (strcmp(auth_result_name(got.result), cases[i].want) != 0 ||
			!slice_eq(got.explanation, slice_str(cases[i].explanation)))
			fail_msg("%s from %s: %s (%s) <%.*s>", cases[i].sender, cases[i].ip,
				auth_result_name(got.result), got.problem ? got.problem : "",
				SLICE_ARG(got.explanation));
	}
}

static void test_null_path(void **state)
{
	struct arena arena AUTO(arena_done);
	struct spf_outcome got;

	(void)state;
	arena_init(&arena, 4 << 20);
	evaluate("192.0.2.65", "", &arena, &got);
	assert_true(got.is_helo);
	assert_true(slice_eq(got.domain, slice_lit("amy.example.com")));
}

static const struct {
	const char *text;
	bool is_good;
} terms[] = {
	{"all", true},
	{"+all", true},
	{"-ALL", true},
	{"all:x.example", false},
	{"all/8", false},
	{"++all", false},
	{"a", true},
	{"a/24", true},
	{"a//64", true},
	{"a/24//64", true},
	{"a/0", true},
	{"a/00", false},
	{"a/33", false},
	{"a//129", false},
	{"a//064", false},
	{"a/", false},
	{"a:", false},
	{"a:/24", false},
	{"a:example", false},
	{"a:example.com", true},
	{"a:example.com.", true},
	{"a:example.com/24//64", true},
	{"a:example.c_m", false},
	{"a:example.123", false},
	{"a:example.1a", true},
	{"a:example.-a", false},
	{"a:%{d}", true},
	{"a:%{d}.com", true},
	{"a:%{d}com", false},
	{"a:%{d}/24", true},
	{"a:%%", false},
	{"a:%_.example.com", true},
	{"a:%{c}", false},
	{"a:%{x}", false},
	{"a:%{d0}", false},
	{"a:%{d1r-}", true},
	{"a:%{d", false},
	{"a:%", false},
	{"a:%(d)", false},
	{"a:x y", false},
	{"mx/24", true},
	{"include", false},
	{"include:", false},
	{"include:x.example", true},
	{"include/24", false},
	{"exists:%{ir}.x.example", true},
	{"exists", false},
	{"ptr", true},
	{"ptr:x.example", true},
	{"ptr/24", false},
	{"ip4:192.0.2.1", true},
	{"ip4:192.0.2.1/32", true},
	{"ip4:192.0.2.1/33", false},
	{"ip4:192.0.2.256", false},
	{"ip4:192.0.2", false},
	{"ip4:::1", false},
	{"ip4", false},
	{"ip6:::1", true},
	{"ip6:2001:db8::/32", true},
	{"ip6:2001:db8::/129", false},
	{"ip6:192.0.2.1", false},
	{"redirect=x.example", true},
	{"redirect=", false},
	{"redirect:x.example", false},
	{"exp=x.example", true},
	{"exp=", false},
	{"foo=", true},
	{"foo=%{d}bar", true},
	{"foo=%", false},
	{"1foo=x", false},
	{"foo", false},
	{"foo:bar", false},
	{"-redirect=x.example", false},
};

static void test_terms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(terms) / sizeof(*terms); i++) {
		struct slice rest = slice_str(terms[i].text);
		struct spf_term term;
		bool is_good, all_good = true;

		while (spf_term_next(&rest, &term, &is_good))
			all_good = all_good && is_good;
		if (all_good != terms[i].is_good)
			fail_msg("%s", terms[i].text);
	}
}

/* RFC 7208 7.4. */
static const struct {
	const char *ip, *macro, *want;
} macros[] = {
	{"192.0.2.3", "%{s}", "strong-bad@email.example.com"},
	{"192.0.2.3", "%{o}", "email.example.com"},
	{"192.0.2.3", "%{d}", "email.example.com"},
	{"192.0.2.3", "%{d4}", "email.example.com"},
	{"192.0.2.3", "%{d3}", "email.example.com"},
	{"192.0.2.3", "%{d2}", "example.com"},
	{"192.0.2.3", "%{d1}", "com"},
	{"192.0.2.3", "%{dr}", "com.example.email"},
	{"192.0.2.3", "%{d2r}", "example.email"},
	{"192.0.2.3", "%{l}", "strong-bad"},
	{"192.0.2.3", "%{l-}", "strong.bad"},
	{"192.0.2.3", "%{lr}", "strong-bad"},
	{"192.0.2.3", "%{lr-}", "bad.strong"},
	{"192.0.2.3", "%{l1r-}", "strong"},
	{"192.0.2.3", "%{S}", "strong-bad%40email.example.com"},
	{"192.0.2.3", "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
	{"192.0.2.3", "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
	{"192.0.2.3", "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
		"bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
	{"192.0.2.3", "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
		"3.2.0.192.in-addr.strong.lp._spf.example.com"},
	{"192.0.2.3", "%{d2}.trusted-domains.example.net",
		"example.com.trusted-domains.example.net"},
	{"2001:db8::cb01", "%{ir}.%{v}._spf.%{d2}",
		"1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example."
		"com"},
};

static void test_macros(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(macros) / sizeof(*macros); i++) {
		struct spf_request request = {.helo = slice_lit("h.example")};
		struct spf_check check = {.request = &request,
			.local = slice_lit("strong-bad"),
			.domain = slice_lit("email.example.com")};
		struct buf out AUTO(buf_done);

		buf_init(&out, 1000);
		assert_true(ip_parse(slice_str(macros[i].ip), &request.ip));
		assert_true(spf_macro_is_good(slice_str(macros[i].macro), false));
		assert_true(spf_expand(&check, slice_str(macros[i].macro), check.domain, &out));
		if (!slice_eq(buf_slice(&out), slice_str(macros[i].want)))
			fail_msg("%s: %.*s", macros[i].macro, SLICE_ARG(buf_slice(&out)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_null_path),
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_macros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
