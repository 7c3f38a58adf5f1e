/* response_test.c - unit tests of response.c and response_data.c. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/imap/response.h"

enum { ARENA_MAX = 1 << 16, RESPONSE_MAX = 200, TRACE_MAX = 1000 };

static const struct imap_limits limits = {.string_max = 64, .depth_max = 4, .items_max = 8};

/* ---- pieces: L(length of the text), B(length of the text,size of the body), ?: more is needed
 * ----
 */

static void trace_pieces(struct slice in, char *out)
{
	struct imap_frame frame;
	bool is_rest = false;
	struct err err;
	size_t n = 0;

	out[0] = '\0';
	while (in.len) {
		const int rc = imap_response_frame(in, is_rest, RESPONSE_MAX, &frame, &err);

		if (rc < 0 || frame.piece == IMAP_PIECE_NONE) {
			snprintf(out + n, TRACE_MAX - n, "%s", rc < 0 ? "!" : "?");
			return;
		}
		is_rest = frame.piece == IMAP_PIECE_BODY;
		n += (size_t)snprintf(out + n, TRACE_MAX - n, is_rest ? "B%zu,%llu " : "L%zu ",
			frame.text.len, (unsigned long long)frame.body);
		in = slice_from(in, frame.length);
		if (is_rest)
			in = slice_from(in, (size_t)frame.body);
	}
}

static const struct {
	const char *in, *want;
} pieces[] = {
	{"* OK hello\r\n", "L10 "},
	{"* OK hello\n", "L10 "},
	{"* OK hello\r", "?"},
	{"* OK see {5}\r\nA1 NO {3}\r\n+ {9}\r\n", "L12 L9 L5 "},
	{"* LIST () \"/\" {3}\r\na b\r\n", "L22 "},
	{"* LIST () \"/\" {3}\r\na b {2}\r\nxy\r\n", "L30 "},
	{"* LIST () \"/\" {3}\r\na", "?"},
	{"* 1 FETCH (UID 7 BODY[] {5}\r\nabcde)\r\n", "B27,5 L1 "},
	{"* 1 FETCH (BODY[] {0}\r\n UID 7)\r\n* 2 EXISTS\r\n", "B21,0 L7 L10 "},
	{"* 1 FETCH (body[]<0> ~{2}\r\nab FLAGS ({1}\r\nx))\r\n", "B25,2 L16 "},
	{"* 1 FETCH (BODY[] {99999999999}\r\n", "B31,99999999999 "},
	{"* 1 FETCH (X {99999999999}\r\n", "!"},
	{"* 1 FETCH (X {199}\r\n", "!"},
	{"", ""},
};

static void test_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		char got[TRACE_MAX];

		trace_pieces(slice_str(pieces[i].in), got);
		if (strcmp(got, pieces[i].want) != 0)
			fail_msg("<%s>: got <%s>, want <%s>", pieces[i].in, got, pieces[i].want);
	}
}

static void test_bound(void **state)
{
	char line[RESPONSE_MAX + 3];
	struct imap_frame frame;
	struct err err;

	(void)state;
	for (size_t n = RESPONSE_MAX - 3; n <= RESPONSE_MAX + 1; n++) {
		memset(line, 'x', n);
		memcpy(line + n - 2, "\r\n", 2);
		assert_int_equal(imap_response_frame((struct slice){line, n}, false, RESPONSE_MAX,
					 &frame, &err),
			n <= RESPONSE_MAX ? 0 : -ERR_TOOBIG);
		/* without its end it shall not be waited for longer either */
		assert_int_equal(imap_response_frame((struct slice){line, n - 2}, false,
					 RESPONSE_MAX, &frame, &err),
			n - 2 < RESPONSE_MAX ? 0 : -ERR_TOOBIG);
	}
}

/* ---- responses ---- */

static void put(struct buf *out, const char *what, struct slice s)
{
	if (s.len)
		buf_printf(out, " %s=%.*s", what, SLICE_ARG(s));
}

static void trace_fetched(struct imap_lex *lx, struct buf *out)
{
	struct imap_fetched f;
	struct err err;

	if (imap_fetched_parse(lx, &f, &err) < 0) {
		buf_lit(out, " !");
		return;
	}
	buf_printf(out, " uid=%u", f.uid);
	if (f.has_flags)
		buf_printf(out, " flags=%u", f.flags.system);
	for (size_t i = 0; i < f.flags.keywords_n; i++)
		put(out, "keyword", f.flags.keywords[i]);
	if (f.has_size)
		buf_printf(out, " size=%llu", (unsigned long long)f.size);
	if (f.has_date)
		buf_printf(out, " date=%lld", (long long)f.date.seconds);
	put(out, "object", f.object);
	if (f.has_body)
		buf_str(out, f.is_streamed ? " streamed" : f.body.ptr ? " body" : " nil");
}

static void trace_data(struct imap_response *r, struct buf *out)
{
	struct imap_listed listed;
	struct slice prefix;
	struct err err;
	uint64_t n;
	int rc = 0;

	buf_printf(out, "%.*s", SLICE_ARG(r->name));
	if (r->number)
		buf_printf(out, " n=%llu", (unsigned long long)r->number);
	if (slice_eq(r->name, slice_lit("FETCH"))) {
		trace_fetched(&r->rest, out);
	} else if (slice_eq(r->name, slice_lit("LIST"))) {
		rc = imap_listed_parse(&r->rest, &listed, &err);
		if (rc == 0)
			buf_printf(out, " uses=%u separator=%c", listed.attributes,
				listed.separator ? listed.separator : '-');
		if (rc == 0)
			put(out, "name", listed.name);
	} else if (slice_eq(r->name, slice_lit("NAMESPACE"))) {
		rc = imap_namespace_parse(&r->rest, &prefix, &err);
		if (rc == 0)
			put(out, "prefix", prefix);
	} else if (slice_eq(r->name, slice_lit("STATUS"))) {
		rc = imap_messages_parse(&r->rest, &n, &err);
		if (rc == 0)
			buf_printf(out, " messages=%llu", (unsigned long long)n);
	}
	if (rc < 0)
		buf_lit(out, " !");
}

static void trace(struct slice text, struct buf *out)
{
	static const char *const conditions[] = {
		"", "OK", "NO", "BAD", "BYE", "PREAUTH", "CONTINUE"};
	struct imap_response r;
	struct arena arena AUTO(arena_done);
	struct err err;

	arena_init(&arena, ARENA_MAX);
	if (imap_response_parse(text, &limits, &arena, &r, &err) < 0) {
		buf_lit(out, "!");
	} else if (r.condition == IMAP_DATA) {
		trace_data(&r, out);
	} else {
		buf_str(out, conditions[r.condition]);
		put(out, "tag", r.tag);
		put(out, "code", r.code);
		put(out, "args", r.code_args);
		put(out, "text", r.text);
	}
}

static const struct {
	const char *in, *want;
} cases[] = {
	{"* OK hello there", "OK text=hello there"},
	{"* ok [CAPABILITY IMAP4rev1 X] hi", "OK code=CAPABILITY args=IMAP4rev1 X text=hi"},
	{"* OK [broken", "OK text=[broken"},
	{"* PREAUTH", "PREAUTH"},
	{"A12 NO [AUTHENTICATIONFAILED] no", "NO tag=A12 code=AUTHENTICATIONFAILED text=no"},
	{"A12 BAD", "BAD tag=A12"},
	{"* BYE [UNAVAILABLE] later", "BYE code=UNAVAILABLE text=later"},
	{"+ go on", "CONTINUE text=go on"},
	{"+", "CONTINUE"},
	{"* 23 EXISTS", "EXISTS n=23"},
	{"* 23", "!"},
	{"*", "!"},
	{"A1 EXISTS", "!"},
	{"* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent \\\"x\\\"\"",
		"LIST uses=128 separator=/ name=Sent \"x\""},
	{"* LIST (\\Noselect \\Foo \\NonExistent) \".\" INBOX",
		"LIST uses=1 separator=. name=INBOX"},
	{"* LIST () NIL {5}\r\na \"b*", "LIST uses=0 separator=- name=a \"b*"},
	{"* LIST () \"\\\\\" [Gmail]/All", "LIST uses=0 separator=\\ name=[Gmail]/All"},
	{"* LIST (\\All \\Junk \\Trash \\Drafts \\Flagged \\Important \\Archive) \"/\" x "
	 "(\"CHILDINFO\" (\"SUBSCRIBED\"))",
		"LIST uses=382 separator=/ name=x"},
	{"* LIST () \"//\" x", "LIST !"},
	{"* LIST \"/\" x", "LIST !"},
	{"* LIST (\\Sent \"/\" x", "LIST !"},
	{"* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL", "NAMESPACE prefix=INBOX."},
	{"* NAMESPACE ((\"\" \"/\")) NIL NIL", "NAMESPACE"},
	{"* NAMESPACE NIL NIL NIL", "NAMESPACE"},
	{"* STATUS \"a b\" (MESSAGES 231 UIDNEXT 44292)", "STATUS messages=231"},
	{"* STATUS {3}\r\na b (UIDNEXT 44292 MESSAGES 5)", "STATUS messages=5"},
	{"* STATUS x (MESSAGES -1)", "STATUS !"},
	{"* 12 FETCH (UID 7 FLAGS (\\Seen \\Recent $Forwarded \\Odd a]b) RFC822.SIZE 5000000000 "
	 "INTERNALDATE \" 1-Jan-1970 00:00:10 +0000\")",
		"FETCH n=12 uid=7 flags=1 keyword=$Forwarded keyword=a]b size=5000000000 date=10"},
	{"* 12 FETCH (FLAGS () INTERNALDATE \"tomorrow\" X-GM-MSGID 1278455344230334865 UID 1)",
		"FETCH n=12 uid=1 flags=0 object=1278455344230334865"},
	{"* 1 FETCH (EMAILID (M6d99) ENVELOPE (NIL \"a)\" ((\"x\" NIL))) UID 9)",
		"FETCH n=1 uid=9 object=M6d99"},
	{"* 1 FETCH (UID 9 BODY[] {5}", "FETCH n=1 uid=9 streamed"},
	{"* 1 FETCH (UID 9 BODY[] NIL)", "FETCH n=1 uid=9 nil"},
	{"* 1 FETCH (BODY[] \"abc\" UID 9)", "FETCH n=1 uid=9 body"},
	{"* 1 FETCH (UID 9 FLAGS (a b c d e f g h i j))",
		"FETCH n=1 uid=9 flags=0 keyword=a keyword=b keyword=c keyword=d keyword=e "
		"keyword=f keyword=g keyword=h"},
	{"* 1 FETCH ()", "FETCH n=1 uid=0"},
	{"* 1 FETCH (UID)", "FETCH n=1 !"},
	{"* 1 FETCH (UID 4294967296)", "FETCH n=1 !"},
	{"* 1 FETCH (X (((((a))))) UID 1)", "FETCH n=1 !"},
	{"* 1 FETCH (UID 9", "FETCH n=1 !"},
	{"* 1 FETCH UID 9", "FETCH n=1 !"},
};

static void test_responses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf got AUTO(buf_done);

		buf_init(&got, TRACE_MAX);
		trace(slice_str(cases[i].in), &got);
		if (!slice_eq(buf_slice(&got), slice_str(cases[i].want)))
			fail_msg("<%s>: got <%.*s>, want <%s>", cases[i].in,
				SLICE_ARG(buf_slice(&got)), cases[i].want);
	}
}

/* Every prefix of every case, in a block of its size: ASan sees one byte over. */
static void test_no_read_past_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t len = 0; len <= strlen(cases[i].in); len++) {
			struct buf got AUTO(buf_done);
			char *copy = malloc(len ? len : 1);

			memcpy(copy, cases[i].in, len);
			buf_init(&got, TRACE_MAX);
			trace((struct slice){copy, len}, &got);
			trace_pieces((struct slice){copy, len}, (char[TRACE_MAX]){0});
			free(copy);
		}
	}
}

/* A response whose text came between: what stands in front of it and what follows it. */
static void test_rest(void **state)
{
	struct arena arena AUTO(arena_done);
	struct imap_response r;
	struct imap_fetched f;
	struct imap_lex lx;
	struct err err;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(imap_response_parse(slice_lit("* 1 FETCH (FLAGS (\\Seen) BODY[] {5}"),
				 &limits, &arena, &r, &err),
		0);
	assert_int_equal(imap_fetched_parse(&r.rest, &f, &err), 0);
	assert_true(f.is_streamed && f.uid == 0);
	imap_lex_init(&lx, slice_lit(" UID 12)"), &limits, &arena);
	assert_int_equal(imap_fetched_go_on(&lx, &f, &err), 0);
	assert_true(!f.is_streamed && f.uid == 12 && f.flags.system == IMAP_SEEN);
	imap_lex_init(&lx, slice_lit(" UID 12"), &limits, &arena);
	assert_int_equal(imap_fetched_go_on(&lx, &f, &err), -ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_no_read_past_end),
		cmocka_unit_test(test_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
