/* html_test.c - what HTML mail becomes: kept, unwrapped, dropped; and every trick to get out. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "web/html.h"

static const struct {
	const char *html, *want;
	size_t outside;
} cases[] = {
	{"", "", 0},
	{"plain", "<p>plain</p>", 0},
	{"<p>a<b>b</b></p>", "<p>a<b>b</b></p>", 0},
	{"<p>1 &lt; 2 &amp; 3", "<p>1 &lt; 2 &amp; 3</p>", 0},
	{"<form action=x><p>in</p><input name=y></form>", "<p>in</p>", 0},
	{"<p>a</p><script>alert(1)</script><p>b", "<p>a</p><p>b</p>", 0},
	{"<style>p{color:red}</style><p>x", "<p>x</p>", 0},
	{"<p onclick=\"x()\" id=i class=c align=left>x", "<p align=\"left\">x</p>", 0},
	{"<p title='\"><script>'>x", "<p title=\"&quot;&gt;&lt;script&gt;\">x</p>", 0},
	{"<a href=\"https://x.example/?a&amp;b\">l</a>",
		"<a href=\"https://x.example/?a&amp;b\" target=\"_blank\" rel=\"noopener "
		"noreferrer "
		"nofollow\">l</a>",
		0},
	{"<a href=\"javascript:alert(1)\">l</a>", "<a>l</a>", 0},
	{"<a href=\" java\nscript:alert(1)\">l</a>", "<a>l</a>", 0},
	{"<a href=\"JaVaScRiPt&colon;alert(1)\">l</a>", "<a>l</a>", 0},
	{"<a href=\"data:text/html,x\">l</a>", "<a>l</a>", 0},
	{"<a href=\"/settings\">l</a>", "<a>l</a>", 0},
	{"<a href=\"mailto:a@x.example?subject=b&amp;c\">l</a>",
		"<a href=\"/mail/write?mailto=a@x.example%3Fsubject%3Db%26c\" target=\"_blank\" "
		"rel=\"noopener noreferrer nofollow\">l</a>",
		0},
	{"<img src=\"https://x.example/p.gif\" alt=\"A & B\">",
		"<span title=\"Picture not shown\">[A &amp; B]</span>", 1},
	{"<img src=\"//x.example/p.gif\">", "", 1},
	{"<img src=\"cid:one\" width=5 onerror=x>",
		"<img src=\"data:image/png;base64,T05F\" width=\"5\">", 0},
	{"<img src=\"cid:two\" alt=x>", "<span title=\"Picture not shown\">[x]</span>", 1},
	{"<img src=\"data:image/png;base64,AAAA\">", "<img src=\"data:image/png;base64,AAAA\">", 0},
	{"<img src=\"data:image/svg+xml;base64,AAAA\">", "", 1},
	{"<table background=\"https://x.example/\"><tr><td bgcolor=red>x</table>",
		"<table><tr><td bgcolor=\"red\">x</td></tr></table>", 0},
	{"<p style=\"color: RED; position:fixed; background:url(//x.example)\">x",
		"<p style=\"color:RED\">x</p>", 0},
	{"<p style=\"background: rgb(1, 2, 3); width: expression(alert(1))\">x",
		"<p style=\"background:rgb(1, 2, 3)\">x</p>", 0},
	{"<p style=\"color:r\\65 d;color:a@b;colo\\72:red\">x", "<p>x</p>", 0},
	{"<svg><style><img src=x onerror=alert(1)></style></svg>z", "z", 0},
	{"<math><mtext><script>x</script></mtext></math><p>z", "<p>z</p>", 0},
	{"<iframe src=x>in</iframe><object>o</object><embed src=x><p>z", "<p>z</p>", 0},
	{"<base href=https://x.example><meta http-equiv=refresh content=0><p>z", "<p>z</p>", 0},
	{"<!-- <p>x --><p>z</p><!-- -->", "<p>z</p>", 0},
	{"<x-y>kept</x-y>", "kept", 0},
	{"<p>\xc3\xa9\xf0\x9f\x90\x8e", "<p>\xc3\xa9\xf0\x9f\x90\x8e</p>", 0},
};

static bool picture(void *context, struct slice id, struct buf *out)
{
	(void)context;
	if (!slice_eq(id, slice_lit("one")))
		return false;
	buf_lit(out, "data:image/png;base64,T05F");
	return true;
}

static const struct html_options options = {.picture = picture};

static void test_clean(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct html_result result;
		struct buf out AUTO(buf_done);

		buf_init(&out, 4096);
		html_clean(slice_str(cases[i].html), &options, &out, &result);
		if (!slice_eq(buf_slice(&out), slice_str(cases[i].want)) ||
			result.outside != cases[i].outside)
			fail_msg("<%s>: got <%.*s> %zu", cases[i].html, SLICE_ARG(buf_slice(&out)),
				result.outside);
	}
}

static const struct {
	const char *html, *want;
} texts[] = {
	{"", ""},
	{"<p>one\n two</p><p>three", "one two\n\nthree\n"},
	{"a<br>b<br><br>c", "a\nb\n\nc\n"},
	{"<ul><li>x<li>y</ul>z", "* x\n* y\n\nz\n"},
	{"see <a href=https://x.example/>this</a>!", "see this <https://x.example/>!\n"},
	{"<a href=javascript:x>this</a>", "this\n"},
	{"a<blockquote>b<br>c<blockquote>d</blockquote></blockquote>e",
		"a\n\n> b\n> c\n\n> > d\n\ne\n"},
	{"<style>x</style><script>y</script>z", "z\n"},
	{"<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc\n"},
	{"x <img alt='[logo]' src=y> y", "x [logo] y\n"},
};

static void test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf out AUTO(buf_done);

		buf_init(&out, 4096);
		html_to_text(slice_str(texts[i].html), &out);
		if (!slice_eq(buf_slice(&out), slice_str(texts[i].want)))
			fail_msg("<%s>: got <%.*s>", texts[i].html, SLICE_ARG(buf_slice(&out)));
	}
}

/* Each element within the next, deeper than anybody means it: it ends, and soon. */
static void test_deep(void **state)
{
	struct buf html AUTO(buf_done), out AUTO(buf_done);
	struct html_result result;

	(void)state;
	buf_init(&html, 4 << 20);
	buf_init(&out, 16 << 20);
	for (int i = 0; i < 200000; i++)
		buf_lit(&html, "<div><b>");
	html_clean(buf_slice(&html), &options, &out, &result);
	html_to_text(buf_slice(&html), &out);
	buf_clear(&html);
	while (html.len <= HTML_INPUT_MAX)
		buf_lit(&html, "<p>word</p>");
	html_clean(buf_slice(&html), &options, &out, &result);
	assert_true(result.is_cut);
}

/* Only what libxml2 reads without comparing too much with too much. */
static void test_attributes(void **state)
{
	struct buf html AUTO(buf_done), out AUTO(buf_done);
	struct html_result result;

	(void)state;
	buf_init(&html, 4 << 20);
	buf_init(&out, 16 << 20);
	buf_lit(&html, "<p>first</p><p x=\"");
	for (int i = 0; i < 1000; i++)
		buf_lit(&html, "a=b ");
	buf_lit(&html, "\">second</p><p ");
	html_clean(buf_slice(&html), &options, &out, &result);
	assert_false(result.is_cut);
	assert_true(slice_find(buf_slice(&out), slice_lit("second")) != SIZE_MAX);
	for (int i = 0; i < 200000; i++)
		buf_printf(&html, "a%d ", i);
	html_clean(buf_slice(&html), &options, &out, &result);
	assert_true(result.is_cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_attributes),
	};

	html_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
