/* header_test.c - fields, decoding, addresses, dates, message ids and base subjects. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/mime/header.h"

/* A copy in a heap block of its exact size, so that ASan sees one byte over. */
static char *exact(struct slice s)
{
	char *p = mem_alloc(s.len);

	if (s.len)
		memcpy(p, s.ptr, s.len);
	return p;
}

struct row {
	const char *in, *want;
};

/* Runs each row, and then every front of it for what the sanitizers may see. */
static void run_rows(const struct row *rows, size_t n, void (*run)(struct slice, struct buf *))
{
	for (size_t i = 0; i < n; i++) {
		const size_t whole = strlen(rows[i].in);

		for (size_t len = 0; len <= whole; len++) {
			struct buf got AUTO(buf_done);
			char *copy = exact((struct slice){rows[i].in, len});

			buf_init(&got, 1 << 16);
			run((struct slice){copy, len}, &got);
			free(copy);
			if (len == whole && !slice_eq(buf_slice(&got), slice_str(rows[i].want)))
				fail_msg("<%s>: got <%.*s>, want <%s>", rows[i].in,
					SLICE_ARG(buf_slice(&got)), rows[i].want);
		}
	}
}

#define RUN_ROWS(rows, run) run_rows((rows), sizeof(rows) / sizeof((rows)[0]), (run))

static void run_walk(struct slice block, struct buf *out)
{
	struct mime_field field;

	while (mime_header_next(&block, &field)) {
		buf_append(out, field.name);
		buf_byte(out, '=');
		buf_append(out, field.value);
		buf_byte(out, '|');
	}
	buf_append(out, block);
}

static void test_walk(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"A: b\r\nC:d\r\n\r\nbody", "A=b|C=d|\r\nbody"},
		{"A: b\n c\n\td \nE: f", "A=b\n c\n\td|E=f|"},
		{"A : b\n\n", "A=b|\n"},
		{"A:\nB:\n\n", "A=|B=|\n"},
		{"From a@b: c\n d\nX: y\n", "X=y|"},
		{" orphan\nX: y\n", "X=y|"},
		{": z\nX: y: z\n", "X=y: z|"},
		{"no field\n fold\nX: y\n", "X=y|"},
		{"\xc3\xa4: \xff\n", "\xc3\xa4=\xff|"},
	};

	(void)state;
	RUN_ROWS(rows, run_walk);
}

static void test_filter(void **state)
{
	static const struct slice names[] = {slice_lit("SUBJECT"), slice_lit("to")};
	const struct slice block =
		slice_lit("To: a,\r\n b\r\nFrom: c\r\nsubject: d\r\nTo: e\r\n\r\n");
	struct buf out AUTO(buf_done);

	(void)state;
	buf_init(&out, 200);
	mime_header_filter(block, names, 2, false, &out);
	assert_true(slice_eq(
		buf_slice(&out), slice_lit("To: a,\r\n b\r\nsubject: d\r\nTo: e\r\n\r\n")));
	buf_clear(&out);
	mime_header_filter(block, names, 2, true, &out);
	assert_true(slice_eq(buf_slice(&out), slice_lit("From: c\r\n\r\n")));
	buf_clear(&out);
	mime_header_filter(slice_lit("A: b\nTo: c"), names, 2, false, &out);
	assert_true(slice_eq(buf_slice(&out), slice_lit("To: c")));
}

static void test_find(void **state)
{
	struct mime_field field = {.name = slice_lit("untouched")};

	(void)state;
	assert_false(mime_header_find(slice_lit("A: b\n\nC: d\n"), slice_lit("c"), &field));
	assert_true(slice_eq(field.name, slice_lit("untouched")));
	assert_true(mime_header_find(slice_lit("A: b\nC: d\nC: e\n"), slice_lit("c"), &field));
	assert_true(slice_eq(field.value, slice_lit("d")));
}

static void test_decode(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"plain = text", "plain = text"},
		{"folded\r\n text", "folded text"},
		{"=?utf-8?Q?caf=C3=A9_au?= lait", "caf\xc3\xa9 au lait"},
		{"=?UTF-8?b?Y2Fmw6k=?=", "caf\xc3\xa9"},
		{"=?iso-8859-1?q?caf=e9?=", "caf\xc3\xa9"},
		{"=?iso-8859-1*fr?q?caf=e9?=", "caf\xc3\xa9"},
		{"=?iso-8859-2?q?=b1=BF?=", "\xc4\x85\xc5\xbc"},
		{"=?koi8-r?B?8NLJ18XU?=", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"},
		{"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac"},
		{"=?gb2312?B?xOO6ww==?=", "\xe4\xbd\xa0\xe5\xa5\xbd"},
		/* White space between encoded words vanishes, other does not. */
		{"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"},
		{"=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "ab"},
		{"=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"},
		{"(=?utf-8?q?a?=)", "(a)"},
		{"=?utf-8?q?a?==?utf-8?q?b?=", "ab"},
		/* A character cut by its sender, in one and in two charsets. */
		{"=?utf-8?q?=C3?= =?UTF-8?q?=A9?=", "\xc3\xa9"},
		{"=?utf-8?q?=C3?= =?koi8-r?q?=C1?=", "\xef\xbf\xbd\xd0\xb0"},
		/* What is no encoded word stays. */
		{"=?utf-8?q?a", "=?utf-8?q?a"},
		{"=?utf-8?x?a?=", "=?utf-8?x?a?="},
		{"=??q?a?=", "=??q?a?="},
		{"a=?b", "a=?b"},
		{"=?utf-8?q?=?=", "="},
		{"=?utf-8?q?a b?=", "a b"},
		{"=?utf-8?q?=4?=", "=4"},
		{"=?x-unknown?q?a=ff?=", "a\xef\xbf\xbd"},
		{"=?../../etc?q?a?=", "a"},
		/* Raw bytes: UTF-8, or replaced. */
		{"caf\xc3\xa9", "caf\xc3\xa9"},
		{"caf\xe9!", "caf\xef\xbf\xbd!"},
		{"\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80",
			"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
			"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		/* No line end can be smuggled in. */
		{"=?utf-8?q?a=0D=0ABcc:_x?=", "a  Bcc: x"},
		{"a\tb\x01", "a b "},
	};

	(void)state;
	RUN_ROWS(rows, mime_header_decode);
}

static void run_addresses(struct slice value, struct buf *out)
{
	struct arena arena AUTO(arena_done);

	arena_init(&arena, 1 << 16);
	for (struct mime_address *a = mime_address_parse(value, 20, &arena); a; a = a->next) {
		if (a->kind == MIME_ADDRESS_GROUP) {
			buf_printf(out, "%.*s:[", SLICE_ARG(a->name));
			continue;
		}
		if (a->kind == MIME_ADDRESS_GROUP_END) {
			buf_lit(out, "]");
			continue;
		}
		if (a->name.ptr)
			buf_printf(out, "{%.*s}", SLICE_ARG(a->name));
		if (a->route.ptr)
			buf_printf(out, "(%.*s)", SLICE_ARG(a->route));
		buf_printf(out, "<%.*s|%.*s>", SLICE_ARG(a->mailbox), SLICE_ARG(a->domain));
	}
}

static void test_addresses(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{" , ;,", ""},
		{"a@b.c", "<a|b.c>"},
		{"a@b, c@d", "<a|b><c|d>"},
		{"John Doe <j@d>", "{John Doe}<j|d>"},
		{"\"Doe, \\\"J\\\"\" <j@d>", "{Doe, \"J\"}<j|d>"},
		{"John Q. Public <j@d>", "{John Q. Public}<j|d>"},
		{"=?utf-8?q?J=C3=B6?= Doe\r\n <j@d>", "{=?utf-8?q?J=C3=B6?= Doe}<j|d>"},
		{"\"John\"  \"Doe\"<j@d>", "{John Doe}<j|d>"},
		{"J\xc3\xb6rg <j@d\xc3\xb6>", "{J\xc3\xb6rg}<j|d\xc3\xb6>"},
		{"j@d (John Doe)", "{John Doe}<j|d>"},
		{"(c) j (c) @ (c) d . (c) e (J. \\(D\\))", "{J. (D)}<j|d.e>"},
		{"first . last @ a . b", "<first.last|a.b>"},
		{"\"a b\"@c", "<a b|c>"},
		{"\"a\\\\\\\"b\"@c", "<a\\\"b|c>"},
		{"\"a\".b@c", "<a.b|c>"},
		{"a@[127.0. 0.1]", "<a|[127.0.0.1]>"},
		{"a@[IPv6:::1], b@c", "<a|[IPv6:::1]><b|c>"},
		{"<@r,@s:a@b>", "(@r,@s)<a|b>"},
		{"X <@r: a@b>", "{X}(@r)<a|b>"},
		/* Groups. */
		{"undisclosed-recipients:;", "undisclosed-recipients:[]"},
		{"A Group:a@b,\"X\" <c@d>;, e@f", "A Group:[<a|b>{X}<c|d>]<e|f>"},
		{"g: a@b", "g:[<a|b>]"},
		{"\"my group\" : , ;", "my group:[]"},
		/* What others get wrong. */
		{"root", "<root|>"},
		{"<>", "<|>"},
		{"<a>", "<a|>"},
		{"a@", "<a|>"},
		{"a@b; c@d", "<a|b><c|d>"},
		{"a@b <a@b>", "{a@b}<a|b>"},
		{"a@b.c x <c@d>, e@f", "<a|b.c><e|f>"},
		{"X <a@b, c@d", "{X}<a|b><c|d>"},
		{"X <a@b> junk, c@d", "{X}<a|b><c|d>"},
		{"\"open <a@b>", "<open <a@b>|>"},
		{"a@b (open", "{open}<a|b>"},
		{"a@b (x (y) z), c@d", "{x (y) z}<a|b><c|d>"},
		{"X <<a@b>>", "{X}<|>"},
		{"<a@b:c>", "<a|b:c>"},
	};

	(void)state;
	RUN_ROWS(rows, run_addresses);
}

static void test_address_bounds(void **state)
{
	struct arena arena AUTO(arena_done);
	struct mime_address *list;

	(void)state;
	arena_init(&arena, 1 << 16);
	list = mime_address_parse(slice_lit("a,b,c"), 2, &arena);
	assert_non_null(list);
	assert_non_null(list->next);
	assert_null(list->next->next);
	assert_null(mime_address_parse(slice_lit("a"), 0, &arena));
	arena_reset(&arena);
	arena_init(&arena, sizeof(struct mime_address) + 20);
	list = mime_address_parse(slice_lit("a,b,c"), 9, &arena);
	assert_non_null(list);
	assert_null(list->next);
}

static void run_date(struct slice value, struct buf *out)
{
	struct mime_date date;

	if (mime_date_parse(value, &date))
		buf_printf(out, "%lld %d", (long long)date.utc, date.zone_min);
}

static void test_dates(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"Thu, 01 Jan 1970 00:00:00 +0000", "0 0"},
		{"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)", "837595405 -420"},
		{"17 Jul 1996 02:23:25 -0700", "837595405 -420"},
		{"17 Jul 96 02:23 PDT", "837595380 -420"},
		{"17 Jul 49 00:00 Z", "2510092800 0"},
		{"17 Jul 103 00:00 GMT", "1058400000 0"},
		{"Sat, 29 Feb 2020 23:59:60 +0530", "1583001000 330"},
		{"Fri, 30 Feb 2020 00:00:00 +0000", ""},
		{"29 Feb 1900 00:00:00 +0000", ""},
		{"31 Dec 1969 23:59:59 +0000", "-1 0"},
		{"1 Jan 0001 00:00:00 +0000", "-62135596800 0"},
		{"31 Dec 9999 23:59:59 +0000", "253402300799 0"},
		/* The order of asctime, and of people. */
		{"Wed Jul 17 02:23:25 1996", "837570205 0"},
		{"Wed Jul 17 02:23:25 PDT 1996", "837595405 -420"},
		{"Wed Jul 17 02:23:25 1996 -0700", "837595405 -420"},
		{"July 17, 1996 02:23:25 PDT", "837595405 -420"},
		{"Wed, 17-Jul-1996 02:23:25 EST", "837588205 -300"},
		{"(c) Wed (c), (c) 17 (c) Jul (c) 1996 (c) 02 : 23 : 25 (c) EDT", "837584605 -240"},
		/* A wrong time is midnight, a wrong zone is UTC. */
		{"17 Jul 1996", "837561600 0"},
		{"17 Jul 1996 25:00:00 +0000", "837561600 0"},
		{"17 Jul 1996 02:23:25", "837570205 0"},
		{"17 Jul 1996 02:23:25 XYZ", "837570205 0"},
		{"17 Jul 1996 02:23:25 A", "837570205 0"},
		{"17 Jul 1996 02:23:25 +9999", "837570205 0"},
		{"17 Jul 1996 02:23:25.123 +02:00", "837563005 120"},
		{"17 Jul 1996 02:23:25 +02", "837563005 120"},
		{"17 Jul 1996 02:23:25 GMT+0200", "837563005 120"},
		/* No date. */
		{"Whenever", ""},
		{"17 Foo 1996", ""},
		{"0 Jul 1996", ""},
		{"32 Jul 1996", ""},
		{"17 Jul 1", ""},
		{"17 Jul 19961", ""},
		{"((((", ""},
	};

	(void)state;
	RUN_ROWS(rows, run_date);
}

static void run_ids(struct slice value, struct buf *out)
{
	struct buf id AUTO(buf_done);

	buf_init(&id, 20);
	while (mime_msgid_next(&value, &id)) {
		buf_append(out, buf_slice(&id));
		buf_byte(out, '|');
	}
}

static void test_ids(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"<a@b>", "a@b|"},
		{"<a@b> <c@d>\r\n\t<e@f>", "a@b|c@d|e@f|"},
		{"<a@b><c@d>", "a@b|c@d|"},
		{"<a@\r\n b>", "a@b|"},
		{"Your message of \"today\" <a@b> (really)", "a@b|"},
		{"<a@b <c@d>", "a@b|c@d|"},
		{"<a@b", "a@b|"},
		{"<> < > <a>", "a|"},
		{"a@b c@d", "a@b|c@d|"},
		{"\x01 \x02", ""},
		{"<123456789012345678901@b> <c@d>", "c@d|"},
	};

	(void)state;
	RUN_ROWS(rows, run_ids);
}

static void run_subject(struct slice value, struct buf *out)
{
	if (mime_subject_base(value, out))
		buf_byte(out, '*');
}

static void test_subjects(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"hello", "hello"},
		{"  hello \t  you ", "hello you"},
		{"Re: hello", "hello*"},
		{"RE:hello", "hello*"},
		{"Fwd: fw : hello", "hello*"},
		{"re[4]: hello", "hello*"},
		{"Re: [list] Re: hello", "hello*"},
		{"[list] hello", "hello"},
		{"[a] [b] hello", "hello"},
		{"[a][b]", "[b]"},
		{"[a] Re: [b]", "[b]*"},
		{"[only]", "[only]"},
		{"hello (fwd)  (FWD) ", "hello*"},
		{"[Fwd: hello]", "hello*"},
		{"Re: [fwd: Re: [x] hello (fwd)]", "hello*"},
		{"[fwd: hello", "[fwd: hello"},
		{"[fwd:]", "*"},
		{"Re:", "*"},
		{"re hello", "re hello"},
		{"Re-read: x", "Re-read: x"},
		{"regarding: x", "regarding: x"},
		{"=?utf-8?q?Re=3A_caf=C3=A9?=", "caf\xc3\xa9*"},
		{"Re: a\r\n  b", "a b*"},
	};

	(void)state;
	RUN_ROWS(rows, run_subject);
}

/* Inputs that make careless parsers quadratic; they must come back at once. */
static void test_long_inputs(void **state)
{
	static const char *const pieces[] = {"=?a?q?", "<@", "(", "[", "[a]", "a@b <", "\"",
		"re:", "[fwd:", "a, ", "=?utf-8?q?a?= ", "g:", ";", "<a@b> ", "x ( "};
	const size_t size = 256 * 1024;
	char *text = mem_alloc(size);

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		const size_t len = strlen(pieces[i]);
		struct buf out AUTO(buf_done);
		const struct slice value = {text, size};

		for (size_t at = 0; at < size; at++)
			text[at] = pieces[i][at % len];
		buf_init(&out, 8 * size);
		mime_header_decode(value, &out);
		run_addresses(value, &out);
		run_subject(value, &out);
		run_date(value, &out);
		run_ids(value, &out);
		assert_false(out.failed);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_address_bounds),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_long_inputs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
