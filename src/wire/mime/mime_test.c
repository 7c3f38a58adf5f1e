/* mime_test.c - the parser and what is prepared from its result. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/mime/prepare.h"

/* Parses text fed in pieces of n bytes, each in a heap block of its exact size. */
static struct mime_message *parse(struct slice text, size_t n, const struct mime_limits *limits)
{
	struct mime_parser *p = mime_parser_new(limits);
	struct mime_message *message;

	while (text.len) {
		const struct slice head = slice_head(text, n);
		char *copy = mem_alloc(head.len);

		memcpy(copy, head.ptr, head.len);
		mime_parser_feed(p, (struct slice){copy, head.len});
		free(copy);
		text = slice_from(text, head.len);
	}
	message = mime_parser_finish(p);
	mime_parser_free(&p);
	return message;
}

static void append_visible(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\r')
			buf_lit(out, "\\r");
		else if (s.ptr[i] == '\n')
			buf_lit(out, "\\n");
		else
			buf_byte(out, s.ptr[i]);
	}
}

/* A part in a notation made for tables: type/subtype*lines{body}, or its parts in [] or <>. */
static void trace_part(const struct mime_part *part, struct slice text, struct buf *out)
{
	buf_printf(out, "%.*s/%.*s*%u", SLICE_ARG(part->type), SLICE_ARG(part->subtype),
		(unsigned)part->lines);
	if (!part->children) {
		buf_byte(out, '{');
		append_visible(out, slice_head(slice_from(text, part->body_start),
					    part->body_end - part->body_start));
		buf_byte(out, '}');
		return;
	}
	buf_byte(out, part->kind == MIME_MESSAGE ? '<' : '[');
	for (const struct mime_part *c = part->children; c; c = c->next) {
		trace_part(c, text, out);
		buf_str(out, c->next ? " " : "");
	}
	buf_byte(out, part->kind == MIME_MESSAGE ? '>' : ']');
}

/* What must hold of every part: ranges in order, in bounds and within the parent's body. */
static void check_part(const struct mime_part *part, struct slice text)
{
	uint64_t at = part->body_start, lines = 0;

	assert_true(part->header_start <= part->body_start && part->body_start <= part->body_end);
	assert_true(part->body_end <= text.len);
	for (uint64_t i = part->body_start; i < part->body_end; i++)
		lines += text.ptr[i] == '\n';
	assert_int_equal(part->lines, lines);
	assert_int_equal(part->kind != MIME_LEAF, part->children != NULL);
	for (const struct mime_part *c = part->children; c; c = c->next) {
		assert_ptr_equal(c->parent, part);
		assert_true(c->header_start >= at && c->body_end <= part->body_end);
		at = c->body_end;
		check_part(c, text);
	}
}

/* The tree in words, and then the blob. */
static void trace(struct slice text, size_t n, const struct mime_limits *limits, struct buf *out)
{
	struct mime_message *message = parse(text, n, limits);
	struct err err;

	assert_int_equal(message->size, text.len);
	check_part(message->root, text);
	trace_part(message->root, text, out);
	buf_byte(out, '\0');
	assert_int_equal(mime_prepare(message, out, &err), 0);
	mime_message_free(&message);
}

#define MULTI(boundary) "Content-Type: multipart/mixed; boundary=" boundary "\n\n"

static const struct {
	const char *text, *want;
} trees[] = {
	{"", "text/plain*0{}"},
	{"\n", "text/plain*0{}"},
	{"\r\n\r\n", "text/plain*1{\\r\\n}"},
	{"Subject: x\r\n\r\nhello\r\n", "text/plain*1{hello\\r\\n}"},
	{"Subject: x\n\nhello\nyou", "text/plain*1{hello\\nyou}"},
	{"Subject: x", "text/plain*0{}"},
	/* The blank line is missing. */
	{"Subject: x\nhello you\n", "text/plain*1{hello you\\n}"},
	{"hello you\n", "text/plain*1{hello you\\n}"},
	{"Content-Type: multipart/mixed; boundary=b\n--b\n\na\n--b--\n",
		"multipart/mixed*4[text/plain*0{a}]"},
	/* Mixed line ends; the one in front of a delimiter is not part of the body. */
	{MULTI("b") "--b\n\na\n--b\n\nbc\n--b--\n",
		"multipart/mixed*7[text/plain*0{a} text/plain*0{bc}]"},
	{MULTI("b") "--b\r\n\r\na\r\n\r\n--b--", "multipart/mixed*4[text/plain*1{a\\r\\n}]"},
	{MULTI("b") "--b\n\na\r\n\n--b--", "multipart/mixed*4[text/plain*1{a\\r\\n}]"},
	/* Preamble and epilogue. */
	{MULTI("b") "pre\n--b\n\na\n--b--\n--b\nepilogue\n", "multipart/mixed*7[text/plain*0{a}]"},
	/* No end; no parts; no boundary. */
	{MULTI("b") "--b\n\na\n", "multipart/mixed*3[text/plain*1{a\\n}]"},
	{MULTI("b") "a\n", "text/plain*1{a\\n}"},
	{"Content-Type: multipart/mixed\n\n--b\n\na\n", "text/plain*3{--b\\n\\na\\n}"},
	{MULTI("b") "--b--\na\n", "text/plain*2{--b--\\na\\n}"},
	/* Parts without a header, and with nothing at all. */
	{MULTI("b") "--b\nhello you\n--b--\n", "multipart/mixed*3[text/plain*0{hello you}]"},
	{MULTI("b") "--b\n--b\n--b--", "multipart/mixed*2[text/plain*0{} text/plain*0{}]"},
	{MULTI("b") "--b\n\n--b--", "multipart/mixed*2[text/plain*0{}]"},
	{MULTI("b") "--b\nX: y\n--b--", "multipart/mixed*2[text/plain*0{}]"},
	{MULTI("b") "--b", "multipart/mixed*0[text/plain*0{}]"},
	/* White space behind a delimiter, other text behind it, text behind its end. */
	{MULTI("b") "--b \t\n\na\n--bc\n--b-- x\n", "multipart/mixed*5[text/plain*1{a\\n--bc}]"},
	/* One boundary is the front of another; both nested. */
	{MULTI("b") "--b\n" MULTI("bb") "--bb\n\na\n--b\n\nc\n--b--",
		"multipart/mixed*9[multipart/mixed*2[text/plain*0{a}] text/plain*0{c}]"},
	{MULTI("b") "--b\n" MULTI("b--") "--b--\n\na\n--b----\n--b\n\nc\n--b--",
		"multipart/mixed*10[multipart/mixed*3[text/plain*0{a}] text/plain*0{c}]"},
	/* The same boundary twice: what is inside ends first. */
	{MULTI("b") "--b\n" MULTI("b") "--b\n\na\n--b--\n--b\n\nc\n--b--",
		"multipart/mixed*10[multipart/mixed*3[text/plain*0{a}] text/plain*0{c}]"},
	/* Messages within. */
	{"Content-Type: message/rfc822\n\nSubject: x\n\na\n",
		"message/rfc822*3<text/plain*1{a\\n}>"},
	{"Content-Type: message/rfc822\n\n", "message/rfc822*0<text/plain*0{}>"},
	{"Content-Type: message/rfc822\nhello you\n",
		"message/rfc822*1<text/plain*1{hello you\\n}>"},
	{"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQQ==\n",
		"message/rfc822*1{QQ==\\n}"},
	{MULTI("b") "--b\nContent-Type: message/global\n\nA: b\n\n--b--",
		"multipart/mixed*5[message/global*2<text/plain*0{}>]"},
	{"Content-Type: multipart/digest; boundary=b\n\n--b\n\nA: b\n\nx\n--b--",
		"multipart/digest*5[message/rfc822*2<text/plain*0{x}>]"},
	/* Lines of a header that are no fields. */
	{"From a@b Sat Jan  1\nX: y\n\na", "text/plain*0{a}"},
	{"X: y\n>From a\n:z\n\na", "text/plain*0{a}"},
	{" \nhello", "text/plain*0{hello}"},
	{"X: y\n \n z\n\nhello", "text/plain*0{hello}"},
	{"X: y\r\r\n\r\r\na", "text/plain*0{a}"},
	{"X : y\nX\t: z\n\na", "text/plain*0{a}"},
	/* Types as they come. */
	{"Content-Type: TEXT / Html (a;comment\n\n", "text/html*0{}"},
	{"Content-Type: text\n\n", "text/plain*0{}"},
	{"Content-Type: foo\n\n", "text/plain*0{}"},
	{"Content-Type: multipart/mixed\n boundary=b\n\n--b\n\nx",
		"multipart/mixed*2[text/plain*0{x}]"},
	{"Content-Type: multipart/mixed; boundary=\"--b:\"\n \n----b:\nX: y\n \nx",
		"multipart/mixed*3[text/plain*0{x}]"},
	{"Content-Type: \n\n", "text/plain*0{}"},
	{"Content-Type: text/html charset=x\n\n", "text/html*0{}"},
	{"Content-Type: text/html\nContent-Type: a/b\n\n", "text/html*0{}"},
	{"Content-Type:\n multipart/mixed; foo\n ; boundary=\n \"b\\b\" (c)\n\n--bb\n\nx",
		"multipart/mixed*2[text/plain*0{x}]"},
};

/* However a message is cut, tree and blob are the same. */
static void test_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		struct buf whole AUTO(buf_done);

		buf_init(&whole, 1 << 16);
		trace(slice_str(trees[i].text), SIZE_MAX, &mime_limits_default, &whole);
		if (strcmp(whole.ptr, trees[i].want) != 0)
			fail_msg("<%s>: got <%s>, want <%s>", trees[i].text, whole.ptr,
				trees[i].want);
		for (size_t n = 1; n < 12; n++) {
			struct buf cut AUTO(buf_done);

			buf_init(&cut, 1 << 16);
			trace(slice_str(trees[i].text), n, &mime_limits_default, &cut);
			assert_true(slice_eq(buf_slice(&cut), buf_slice(&whole)));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
