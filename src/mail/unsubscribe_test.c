/* unsubscribe_test.c - what may be posted to, and what may only be shown. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mail/unsubscribe.h"

#define RESULTS                                                                                    \
	"Authentication-Results: mx.our.example;\r\n\tdkim=pass header.d=l.example header.s=s"     \
	" header.b=abcdefgh\r\n"
#define SIGNED(h) "DKIM-Signature: v=1; d=l.example; s=s; h=" h "; b=abcd\r\n efghijkl\r\n"
#define BOTH "From:List-Unsubscribe:list-unsubscribe-post"
#define URL "List-Unsubscribe: <mailto:leave@l.example?subject=x>,\r\n <https://l.example/u?1>\r\n"
#define POST "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"

static const struct {
	const char *header, *web, *mail;
	bool is_one_click;
} cases[] = {
	{RESULTS SIGNED(BOTH) URL POST, "https://l.example/u?1", "leave@l.example?subject=x", true},
	{RESULTS SIGNED("From") SIGNED(BOTH) POST URL, "https://l.example/u?1",
		"leave@l.example?subject=x", true},
	/* no results of ours, others' results, a signature that was not good, or another one */
	{SIGNED(BOTH) URL POST, "https://l.example/u?1", "leave@l.example?subject=x", false},
	{"Authentication-Results: x.example; dkim=pass header.d=l.example header.s=s"
	 " header.b=abcdefgh\r\n" SIGNED(BOTH) URL POST,
		"https://l.example/u?1", "leave@l.example?subject=x", false},
	{"Authentication-Results: mx.our.example; dkim=fail header.d=l.example header.s=s"
	 " header.b=abcdefgh\r\n" RESULTS SIGNED(BOTH) URL POST,
		"https://l.example/u?1", "leave@l.example?subject=x", false},
	{"Authentication-Results: mx.our.example; dkim=pass header.d=l.example header.s=s"
	 " header.b=abcdefgX\r\n" SIGNED(BOTH) URL POST,
		"https://l.example/u?1", "leave@l.example?subject=x", false},
	{"Authentication-Results: mx.our.example; dkim=pass header.d=l.example "
	 "header.s=s\r\n" SIGNED(BOTH) URL POST,
		"https://l.example/u?1", "leave@l.example?subject=x", false},
	/* a field that it does not cover, or that stands twice */
	{RESULTS SIGNED("From:List-Unsubscribe") URL POST, "https://l.example/u?1",
		"leave@l.example?subject=x", false},
	{RESULTS SIGNED("List-Unsubscribe-Post") URL POST, "https://l.example/u?1",
		"leave@l.example?subject=x", false},
	{RESULTS "List-Unsubscribe: <https://evil.example/>\r\n" SIGNED(BOTH) URL POST,
		"https://evil.example/", "", false},
	{RESULTS SIGNED(BOTH) URL POST POST, "https://l.example/u?1", "leave@l.example?subject=x",
		false},
	/* what is wished */
	{RESULTS SIGNED(BOTH) URL, "https://l.example/u?1", "leave@l.example?subject=x", false},
	{RESULTS SIGNED(BOTH) URL "List-Unsubscribe-Post: yes\r\n", "https://l.example/u?1",
		"leave@l.example?subject=x", false},
	{RESULTS SIGNED(BOTH) POST "List-Unsubscribe: <http://l.example/>\r\n", "", "", false},
	{RESULTS SIGNED(BOTH) POST "List-Unsubscribe: (c) <HTTPS://l.\r\n example/>\r\n",
		"HTTPS://l.example/", "", true},
	{"List-Unsubscribe: <javascript:x>, <https://>, <mailto:>, <https://a\"b/>\r\n", "", "",
		false},
	{"List-Unsubscribe: <https://a.example/\r\n", "", "", false},
	{"Subject: x\r\n", "", "", false},
};

static void assert_slice(struct slice s, const char *want)
{
	if (!slice_eq(s, slice_str(want)))
		fail_msg("\"%.*s\" instead of \"%s\"", SLICE_ARG(s), want);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail_unsubscribe found;
		struct arena arena AUTO(arena_done);

		arena_init(&arena, 1 << 20);
		mail_unsubscribe_read(
			slice_str(cases[i].header), slice_lit("mx.our.example"), &arena, &found);
		assert_slice(found.web, cases[i].web);
		assert_slice(found.mail, cases[i].mail);
		if (found.is_one_click != cases[i].is_one_click)
			fail_msg("%zu: %s", i, cases[i].header);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
