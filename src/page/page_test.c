/* page_test.c - unit tests of page.c: each kind of mark, escaping, bounds, mistakes. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "page/page.h"

static const char values_text[] =
	"{\"name\": \"<b>&\\\"'\", \"n\": 7, \"zero\": 0, \"yes\": true, \"no\": false,"
	" \"empty\": \"\", \"none\": [], \"nul\": null,"
	" \"user\": {\"name\": \"ann\", \"deep\": {\"x\": \"y\"}},"
	" \"list\": [{\"name\": \"one\", \"sub\": [1, 2]}, {\"name\": \"two\"}],"
	" \"words\": [\"a\", \"<\"]}";
static const char texts_text[] = "{\"hello\": \"Good day & {{user.name}}, {{name}}\", \"odd\": \"a "
				 "{{ b\", \"bad\": \"{{-}}\"}";

static const struct {
	const char *source, *want;
} cases[] = {
	{"", ""},
	{"plain <b>", "plain <b>"},
	{"{{name}}", "&lt;b&gt;&amp;&quot;&#39;"},
	{"{{&name}}", "<b>&\"'"},
	{"{{n}} {{zero}} {{yes}} {{no}}.", "7 0 true ."},
	{"[{{missing}}{{missing.too}}{{user.missing.more}}]", "[]"},
	{"{{user.name}} {{user.deep.x}}", "ann y"},
	{"{{#list}}{{name}}:{{#sub}}{{.}},{{/sub}}{{user.name}};{{/list}}", "one:1,2,ann;two:ann;"},
	{"{{#words}}({{.}}){{/words}}", "(a)(&lt;)"},
	{"{{#yes}}y{{/yes}}{{#no}}n{{/no}}{{#zero}}z{{/zero}}{{#n}}7{{/n}}", "y7"},
	{"{{^yes}}y{{/yes}}{{^no}}n{{/no}}{{^none}}e{{/none}}{{^missing}}m{{/missing}}"
	 "{{^empty}}s{{/empty}}{{^nul}}0{{/nul}}",
		"nems0"},
	{"{{#user}}{{name}}{{#deep}}{{x}}{{name}}{{/deep}}{{/user}}", "annyann"},
	{"a\n{{#yes}}\nb\n{{/yes}}\nc\n", "a\nb\nc\n"},
	{"a\n\t {{#no}}\nb\n {{/no}}  \nc", "a\nc"},
	{"a {{#yes}}\nb{{/yes}}\nc", "a \nb\nc"},
	{"{{#yes}}\n{{#yes}}\nx\n{{/yes}}\n{{/yes}}\n", "x\n"},
	{"{{>part}}", "[&lt;b&gt;&amp;&quot;&#39;]"},
	{"{{#user}}{{>part}}{{/user}}", "[ann]"},
	{"{{>plain}}", "<b>&\"'"},
	{"{{t.hello}}", "Good day &amp; ann, &lt;b&gt;&amp;&quot;&#39;"},
	{"{{t.odd}}|{{t.bad}}|{{t.none}}|", "a {{ b|||"},
	{"{{", "!case:1: a mark is not closed"},
	{"\n\n{{a b}}", "!case:3: not a name"},
	{"{{}}", "!case:1: not a name"},
	{"{{#yes}}", "!case:1: a section is not closed"},
	{"{{/yes}}", "!case:1: closes what is not open"},
	{"{{#yes}}{{#n}}{{/yes}}{{/n}}", "!case:1: closes what is not open"},
	{"{{>nobody}}", "!case:1: no such template"},
	{"{{>loop}}", "!loop:1: nested too deeply"},
};

static int render(struct slice source, size_t max, char *text, size_t cap)
{
	const struct page_template templates[] = {
		{"case", false, source},
		{"part", false, slice_lit("[{{name}}]")},
		{"plain", true, slice_lit("{{name}}")},
		{"loop", false, slice_lit("{{>loop}}")},
	};
	const struct page_set set = {templates, 4};
	json_t *values = json_loads(values_text, 0, NULL), *texts = json_loads(texts_text, 0, NULL);
	struct buf out AUTO(buf_done);
	struct err err = {0};
	int rc;

	assert_non_null(values);
	assert_non_null(texts);
	buf_init(&out, max);
	rc = page_render(&set, "case", values, texts, &out, &err);
	if (rc < 0)
		snprintf(text, cap, "!%s", err.msg);
	else
		snprintf(text, cap, "%.*s", SLICE_ARG(buf_slice(&out)));
	json_decref(values);
	json_decref(texts);
	return rc;
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char got[256];

		render(slice_str(cases[i].source), 4096, got, sizeof(got));
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("<%s>: got <%s>, want <%s>", cases[i].source, got, cases[i].want);
	}
}

/* Every prefix, in a block of its exact size: one byte read too far is seen. */
static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t len = 0; len <= strlen(cases[i].source); len++) {
			char got[256], *copy = malloc(len ? len : 1);

			memcpy(copy, cases[i].source, len);
			render((struct slice){copy, len}, 4096, got, sizeof(got));
			free(copy);
		}
	}
}

static void test_bounds(void **state)
{
	struct buf deep AUTO(buf_done);
	char got[256];

	(void)state;
	assert_int_equal(render(slice_lit("12345"), 4, got, sizeof(got)), -ERR_TOOBIG);
	buf_init(&deep, 4096);
	for (int i = 0; i < PAGE_DEPTH_MAX; i++)
		buf_lit(&deep, "{{#yes}}");
	for (int i = 0; i < PAGE_DEPTH_MAX; i++)
		buf_lit(&deep, "{{/yes}}");
	assert_int_equal(render(buf_slice(&deep), 4, got, sizeof(got)), -ERR_SYNTAX);
}

static void test_check(void **state)
{
	static const struct {
		const char *source;
		bool is_good;
	} rows[] = {
		{"{{#missing}}{{name}}{{/missing}}{{>good}}", true},
		{"{{#missing}}{{>nobody}}{{/missing}}", false},
		{"{{#missing}}{{#a}}{{/b}}{{/missing}}", false},
		{"{{#missing}}{{a b}}{{/missing}}", false},
		{"{{>me}}", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct page_template templates[] = {
			{"good", false, slice_lit("x")}, {"me", false, slice_str(rows[i].source)}};
		const struct page_set set = {templates, 2};
		struct err err;

		assert_int_equal(page_set_check(&set, &err) == 0, rows[i].is_good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
