/* prepare_test.c - ENVELOPE, BODYSTRUCTURE, sections and header fields of prepared messages. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/mime/prepare.h"

static void prepare(struct slice text, const struct mime_limits *limits, struct buf *out)
{
	struct mime_parser *p = mime_parser_new(limits);
	struct mime_message *message;
	struct err err;

	mime_parser_feed(p, text);
	message = mime_parser_finish(p);
	mime_parser_free(&p);
	assert_int_equal(mime_prepare(message, out, &err), 0);
	mime_message_free(&message);
}

static struct mime_prepared open_blob(const struct buf *blob)
{
	struct mime_prepared prepared;
	struct err err;

	assert_int_equal(mime_prepared_open(buf_slice(blob), &prepared, &err), 0);
	return prepared;
}

static void assert_text(struct slice got, const char *want, const char *in)
{
	if (!slice_eq(got, slice_str(want)))
		fail_msg("<%s>: got <%.*s>, want <%s>", in, SLICE_ARG(got), want);
}

static void test_envelope(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"},
		{"Subject:\nDate:\nMessage-ID:\nIn-Reply-To:\nFrom:\nTo: ,\n\n",
			"(\"\" \"\" NIL NIL NIL NIL NIL NIL \"\" \"\")"},
		/* The example of RFC 9051 8. */
		{"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
		 "From: Terry Gray <gray@cac.washington.edu>\r\n"
		 "Subject: IMAP4rev2 WG mtg summary and minutes\r\n"
		 "To: imap@cac.washington.edu\r\n"
		 "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
		 "Message-Id: <B27397-0100000@cac.washington.ed>\r\n\r\n",
			"(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" "
			"\"IMAP4rev2 WG mtg summary and minutes\" "
			"((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
			"((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
			"((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
			"((NIL NIL \"imap\" \"cac.washington.edu\")) "
			"((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")"
			"(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
			"\"<B27397-0100000@cac.washington.ed>\")"},
		{"From: a@b\nSender: c@d\nReply-To: e@f\nBcc: g@h\nIn-Reply-To: <x>\n <y>\n",
			"(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"c\" \"d\")) "
			"((NIL NIL \"e\" \"f\")) NIL NIL ((NIL NIL \"g\" \"h\")) "
			"\"<x> <y>\" NIL)"},
		/* Groups, a route, a missing domain. */
		{"To: g: a@b;, h:;\nCc: <@r:a@b>, root\n\n",
			"(NIL NIL NIL NIL NIL ((NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")"
			"(NIL NIL NIL NIL)(NIL NIL \"h\" NIL)(NIL NIL NIL NIL)) "
			"((NIL \"@r\" \"a\" \"b\")(NIL NIL \"root\" \"\")) NIL NIL NIL)"},
		/* Several fields of one name: addresses add up, texts do not. */
		{"To: a@b\nTo: c@d\nSubject: x\nSubject: y\n\n",
			"(NIL \"x\" NIL NIL NIL ((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")) "
			"NIL NIL NIL NIL)"},
		/* Quoting, folding, raw encoded words, 8-bit text as a literal, a bare CR. */
		{"Subject: a \"b\" \\ c\r\n\td\n\n",
			"(NIL \"a \\\"b\\\" \\\\ c\td\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
		{"Subject: =?utf-8?q?x?=\n\n",
			"(NIL \"=?utf-8?q?x?=\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
		{"Subject: \"\xc3\xa9\n \xff\n\n",
			"(NIL {5}\r\n\"\xc3\xa9 \xff NIL NIL NIL NIL NIL NIL NIL NIL)"},
		{"Subject: a\rb\n\n", "(NIL \"ab\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf blob AUTO(buf_done);

		buf_init(&blob, MIME_PREPARED_MAX);
		prepare(slice_str(rows[i].text), &mime_limits_default, &blob);
		assert_text(open_blob(&blob).envelope, rows[i].want, rows[i].text);
	}
}

#define NO_ENVELOPE "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"

static const struct {
	const char *text, *body, *more;
} structures[] = {
	/* more: what BODYSTRUCTURE has in place of each "~" in body, which BODY has not. */
	{"\nhello\n", "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 6 1~)",
		" NIL NIL NIL NIL"},
	{"Content-Type: Text/HTML; Charset=utf-8; name=\"a b\"\nContent-Transfer-Encoding: "
	 "Quoted-Printable\nContent-ID: <x@y>\nContent-Description: d d\nContent-MD5: abc=\n"
	 "Content-Disposition: Attachment; filename=x.html; size=3\nContent-Language: de, en\n"
	 "Content-Location: http://x/\n\nx\r\ny",
		"(\"TEXT\" \"HTML\" (\"CHARSET\" \"utf-8\" \"NAME\" \"a b\") \"<x@y>\" \"d d\" "
		"\"QUOTED-PRINTABLE\" 4 1~)",
		" \"abc=\" (\"ATTACHMENT\" (\"FILENAME\" \"x.html\" \"SIZE\" \"3\")) "
		"(\"de\" \"en\") \"http://x/\""},
	{"Content-Type: image/png\nContent-Transfer-Encoding: x-uue (odd)\nContent-Language: de\n"
	 "Content-Disposition: inline\n\nx",
		"(\"IMAGE\" \"PNG\" NIL NIL NIL \"X-UUE\" 1~)", " NIL (\"INLINE\" NIL) \"de\" NIL"},
	{"Content-Type: text/html\n\n", "(\"TEXT\" \"HTML\" NIL NIL NIL \"7BIT\" 0 0~)",
		" NIL NIL NIL NIL"},
	/* RFC 2231. */
	{"Content-Type: a/b; name*0=\"x y\"; name*1=z; n*0*=utf-8'de'%c3; n*1*=%A9;\n n*2=\"a b\"; "
	 "o*=''x; p*1=q; r*0=1; r*2=3\n\n",
		"(\"A\" \"B\" (\"NAME\" \"x yz\" \"N*\" \"utf-8'de'%c3%A9a%20b\" \"O*\" \"''x\" "
		"\"P\" \"q\" \"R\" \"1\") NIL NIL \"7BIT\" 0~)",
		" NIL NIL NIL NIL"},
	{"Content-Type: message/rfc822\n\nSubject: x\n\na\nb\n",
		"(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 16 "
		"(NIL \"x\" NIL NIL NIL NIL NIL NIL NIL NIL) "
		"(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 4 2~) 4~)",
		" NIL NIL NIL NIL"},
	{"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQQ==\n",
		"(\"APPLICATION\" \"OCTET-STREAM\" NIL NIL NIL \"BASE64\" 5~)", " NIL NIL NIL NIL"},
	{"Content-Type: message/delivery-status\n\nx\n",
		"(\"MESSAGE\" \"DELIVERY-STATUS\" NIL NIL NIL \"7BIT\" 2~)", " NIL NIL NIL NIL"},
	{"Content-Type: multipart/signed\n\n--b\n\n",
		"(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 5 2~)",
		" NIL NIL NIL NIL"},
};

/* want's "~" replaced. */
static void expand(const char *body, const char *more, char *out, size_t cap)
{
	size_t n = 0;

	for (; *body && n + 200 < cap; body++) {
		if (*body == '~')
			n += (size_t)snprintf(out + n, cap - n, "%s", more);
		else
			out[n++] = *body;
	}
	out[n] = '\0';
}

static void test_structure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(structures) / sizeof(structures[0]); i++) {
		struct buf blob AUTO(buf_done);
		char want[2000];

		buf_init(&blob, MIME_PREPARED_MAX);
		prepare(slice_str(structures[i].text), &mime_limits_default, &blob);
		expand(structures[i].body, "", want, sizeof(want));
		assert_text(open_blob(&blob).body, want, structures[i].text);
		expand(structures[i].body, structures[i].more, want, sizeof(want));
		assert_text(open_blob(&blob).bodystructure, want, structures[i].text);
	}
}

/* The message whose parts RFC 9051 6.4.5.1 lists. Each part's text names its section. */
static const char nested[] =
	"Subject: 0\r\nContent-Type: multipart/mixed; boundary=A\r\n\r\npreamble\r\n"
	"--A\r\nX: 1m\r\n\r\n1\r\n"
	"--A\r\nContent-Type: application/octet-stream\r\n\r\n2\r\n"
	"--A\r\nContent-Type: message/rfc822\r\n\r\n"
	"Subject: 3h\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
	"--B\r\n\r\n3.1\r\n"
	"--B\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
	"Content-Disposition: attachment\r\n\r\n3.2\r\n"
	"--B--\r\n"
	"--A\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n"
	"--C\r\nContent-Type: image/gif\r\n\r\n4.1\r\n"
	"--C\r\nContent-Type: message/rfc822\r\n\r\n"
	"Subject: 4.2h\r\nContent-Type: multipart/mixed; boundary=D\r\n\r\n"
	"--D\r\nContent-Type: text/html; charset=utf-8\r\n\r\n4.2.1\r\n"
	"--D\r\nContent-Type: multipart/alternative; boundary=E\r\n\r\n"
	"--E\r\n\r\n4.2.2.1\r\n--E\r\n\r\n4.2.2.2\r\n--E--\r\n--D--\r\n--C--\r\n"
	"--A\r\nContent-Type: message/rfc822\r\n\r\nSubject: 5h\r\n\r\n5.1\r\n--A--\r\n";

static struct slice range(struct slice text, struct mime_range r)
{
	assert_true(r.start <= r.end && r.end <= text.len);
	return slice_head(slice_from(text, r.start), r.end - r.start);
}

struct path {
	size_t count;
	uint32_t n[6];
};

static void test_sections(void **state)
{
	static const struct {
		struct path path;
		const char *body; /* NULL: there is no such part */
		const char *subject;
	} rows[] = {
		{{1, {1}}, "1", NULL},
		{{1, {2}}, "2", NULL},
		{{2, {3, 1}}, "3.1", NULL},
		{{2, {3, 2}}, "3.2", NULL},
		{{2, {4, 1}}, "4.1", NULL},
		{{3, {4, 2, 1}}, "4.2.1", NULL},
		{{4, {4, 2, 2, 1}}, "4.2.2.1", NULL},
		{{4, {4, 2, 2, 2}}, "4.2.2.2", NULL},
		{{2, {5, 1}}, "5.1", NULL},
		{{1, {5}}, "Subject: 5h\r\n\r\n5.1", "Subject: 5h\r\n\r\n"},
		{{1, {0}}, NULL, NULL},
		{{1, {6}}, NULL, NULL},
		{{2, {1, 1}}, NULL, NULL},
		{{2, {2, 1}}, NULL, NULL},
		{{2, {3, 3}}, NULL, NULL},
		{{3, {4, 1, 1}}, NULL, NULL},
		{{2, {5, 2}}, NULL, NULL},
		{{3, {5, 1, 1}}, NULL, NULL},
		{{1, {UINT32_MAX}}, NULL, NULL},
	};
	const struct slice text = slice_str(nested);
	struct buf blob AUTO(buf_done);

	(void)state;
	buf_init(&blob, MIME_PREPARED_MAX);
	prepare(text, &mime_limits_default, &blob);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mime_section s = {.charset = slice_lit("untouched")};
		struct err err;
		const int rc = mime_prepared_section(
			buf_slice(&blob), rows[i].path.n, rows[i].path.count, &s, &err);

		if (!rows[i].body) {
			assert_int_equal(rc, -ERR_NOTFOUND);
			assert_text(s.charset, "untouched", "charset");
			continue;
		}
		assert_int_equal(rc, 0);
		assert_text(range(text, s.body), rows[i].body, "body");
		assert_int_equal(s.has_message, rows[i].subject != NULL);
		if (rows[i].subject)
			assert_text(range(text, s.header), rows[i].subject, "header");
	}
}

static struct mime_section section_of(const struct buf *blob, const uint32_t *path, size_t count)
{
	struct mime_section s;
	struct err err;

	assert_int_equal(mime_prepared_section(buf_slice(blob), path, count, &s, &err), 0);
	return s;
}

/* What a section tells besides its body. */
static void test_section_facts(void **state)
{
	const struct slice text = slice_str(nested);
	struct buf blob AUTO(buf_done);
	struct mime_section s;

	(void)state;
	buf_init(&blob, MIME_PREPARED_MAX);
	prepare(text, &mime_limits_default, &blob);
	s = section_of(&blob, NULL, 0);
	assert_int_equal(range(text, s.body).len, text.len);
	assert_true(s.has_message);
	assert_text(range(text, s.header),
		"Subject: 0\r\nContent-Type: multipart/mixed; boundary=A\r\n\r\n", "header");
	assert_true(slice_starts(range(text, s.text), slice_lit("preamble")));
	s = section_of(&blob, (const uint32_t[]){1}, 1);
	assert_text(range(text, s.mime), "X: 1m\r\n\r\n", "mime");
	assert_true(s.is_text);
	s = section_of(&blob, (const uint32_t[]){3}, 1);
	assert_true(s.has_message && s.kind == MIME_MESSAGE);
	assert_text(range(text, s.mime), "Content-Type: message/rfc822\r\n\r\n", "mime");
	assert_true(slice_starts(range(text, s.header), slice_lit("Subject: 3h\r\n")));
	assert_true(slice_starts(range(text, s.text), slice_lit("--B\r\n\r\n3.1")));
	s = section_of(&blob, (const uint32_t[]){3, 2}, 2);
	assert_int_equal(s.encoding, MIME_BASE64);
	assert_true(s.is_attachment && !s.is_text);
	s = section_of(&blob, (const uint32_t[]){4, 2, 1}, 3);
	assert_true(s.is_text && s.is_html);
	assert_text(s.charset, "utf-8", "charset");
}

/* A message that is not multipart has one part, itself; so has one within. */
static void test_single_part(void **state)
{
	const struct slice text = slice_lit(
		"Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nX: y\n\nz");
	struct buf blob AUTO(buf_done);
	struct mime_section s;
	struct err err;

	(void)state;
	buf_init(&blob, MIME_PREPARED_MAX);
	prepare(slice_lit("A: b\n\nc"), &mime_limits_default, &blob);
	s = section_of(&blob, (const uint32_t[]){1}, 1);
	assert_int_equal(s.mime.end, 6);
	assert_int_equal(s.body.end, 7);
	assert_int_equal(
		mime_prepared_section(buf_slice(&blob), (const uint32_t[]){1, 1}, 2, &s, &err),
		-ERR_NOTFOUND);
	buf_clear(&blob);
	prepare(text, &mime_limits_default, &blob);
	s = section_of(&blob, (const uint32_t[]){1}, 1);
	assert_text(range(text, s.header), "Content-Type: message/rfc822\n\n", "header");
	s = section_of(&blob, (const uint32_t[]){1, 1}, 2);
	assert_text(range(text, s.header), "X: y\n\n", "header");
	s = section_of(&blob, (const uint32_t[]){1, 1, 1}, 3);
	assert_text(range(text, s.body), "z", "body");
}

static void test_walk(void **state)
{
	struct buf blob AUTO(buf_done);
	struct mime_prepared prepared;
	struct mime_section s;
	struct err err;
	size_t at = 0, parts = 0, texts = 0, messages = 0;
	int rc;

	(void)state;
	buf_init(&blob, MIME_PREPARED_MAX);
	prepare(slice_str(nested), &mime_limits_default, &blob);
	prepared = open_blob(&blob);
	while ((rc = mime_prepared_next(&prepared, &at, &s, &err)) > 0) {
		parts++;
		texts += s.is_text;
		messages += s.has_message;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(parts, prepared.parts);
	assert_int_equal(parts, 17);
	assert_int_equal(texts, 6);
	assert_int_equal(messages, 3);
}

static void test_facts(void **state)
{
	const struct slice text =
		slice_lit("X-Other: y\r\nDate: Wed, 17 Jul 1996 02:23:25 -0700\r\nTo: a,\r\n b\r\n"
			  "subject: s\r\n\r\nbody");
	const struct slice names[] = {
		slice_lit("SUBJECT"), slice_lit("To"), slice_lit("Cc"), slice_lit("X-Other")};
	struct buf blob AUTO(buf_done), out AUTO(buf_done);
	struct mime_prepared p;
	struct err err;

	(void)state;
	buf_init(&blob, MIME_PREPARED_MAX);
	buf_init(&out, 1000);
	prepare(text, &mime_limits_default, &blob);
	p = open_blob(&blob);
	assert_true(p.has_date && p.has_blank && p.has_all_fields);
	assert_int_equal(p.date.utc, 837595405);
	assert_int_equal(p.date.zone_min, -420);
	assert_int_equal(p.size, text.len);
	assert_int_equal(p.header_size, text.len - 4);
	assert_true(mime_prepared_covers(buf_slice(&blob), names, 3));
	assert_false(mime_prepared_covers(buf_slice(&blob), names, 4));
	assert_int_equal(mime_prepared_fields(buf_slice(&blob), names, 3, &out, &err), 0);
	assert_text(buf_slice(&out), "To: a,\r\n b\r\nsubject: s\r\n\r\n", "fields");
}

static void test_limits(void **state)
{
	static const struct mime_limits limits = {
		.depth_max = 3, .parts_max = 5, .header_bytes_max = 80, .fields_max = 3};
	static const struct {
		const char *text, *want;
		bool has_all;
	} rows[] = {
		/* Too deep: the third level is a leaf whatever it says. */
		{"Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\n"
		 "Content-Type: message/rfc822\n\nX: y\n\n",
			"(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 66 " NO_ENVELOPE
			" (\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 36 " NO_ENVELOPE
			" (\"APPLICATION\" \"OCTET-STREAM\" NIL NIL NIL \"7BIT\" 6) 4) 6)",
			true},
		/* Too many parts: what follows is not told apart. */
		{"Content-Type: multipart/x; "
		 "boundary=b\n\n--b\n\n1\n--b\n\n2\n--b\n\n3\n--b\n\n4\n--b\n"
		 "\n5\n--b--",
			"((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1 0)"
			"(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1 0)"
			"(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1 0)"
			"(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1 0)"
			" \"X\")",
			true},
		/* Too many fields, too long a header: the rest of it is not read. */
		{"A: 1\nB: 2\nC: 3\nContent-Type: text/html\n\nx",
			"(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1 0)",
			false},
		{"A: 123456789012345678901234567890123456789012345678901234567890123456789012345\n"
		 "Content-Type: text/html\n\nx",
			"(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1 0)",
			false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct slice to = slice_lit("To");
		struct buf blob AUTO(buf_done);

		buf_init(&blob, MIME_PREPARED_MAX);
		prepare(slice_str(rows[i].text), &limits, &blob);
		assert_text(open_blob(&blob).body, rows[i].want, rows[i].text);
		assert_int_equal(mime_prepared_covers(buf_slice(&blob), &to, 1), rows[i].has_all);
	}
}

/* A From of many addresses is written three times, but their number is bounded. */
static void test_many_addresses(void **state)
{
	struct buf text AUTO(buf_done), blob AUTO(buf_done);
	size_t count = 0;

	(void)state;
	buf_init(&text, 1 << 20);
	buf_init(&blob, MIME_PREPARED_MAX);
	buf_lit(&text, "From: ");
	for (size_t i = 0; i < 100 * 1024; i++)
		buf_lit(&text, "a,");
	prepare(buf_slice(&text), &mime_limits_default, &blob);
	for (struct slice s = open_blob(&blob).envelope; s.len; s = slice_from(s, 1))
		count += slice_starts(s, slice_lit("(NIL NIL \"a\" \"\")"));
	assert_int_equal(count, 3 * MIME_ENVELOPE_ADDRESSES_MAX);
}

static void read_all(struct slice blob)
{
	const struct slice to = slice_lit("To");
	struct buf out AUTO(buf_done);
	struct mime_prepared prepared;
	struct mime_section s;
	struct err err;
	size_t at = 0;
	int rc;

	buf_init(&out, 1 << 16);
	(void)mime_prepared_covers(blob, &to, 1);
	rc = mime_prepared_fields(blob, &to, 1, &out, &err);
	for (uint32_t i = 0; i < 7; i++)
		rc |= mime_prepared_section(blob, (const uint32_t[]){i, 2, 1}, i % 4, &s, &err);
	if (mime_prepared_open(blob, &prepared, &err) < 0) {
		assert_int_equal(err.code, ERR_CORRUPT);
		assert_true(rc < 0);
		return;
	}
	while ((rc = mime_prepared_next(&prepared, &at, &s, &err)) > 0) {
		assert_true(s.mime.start <= s.mime.end && s.mime.end <= s.body.start);
		assert_true(s.body.start <= s.body.end && s.body.end <= prepared.size);
	}
	assert_true(rc == 0 || rc == -ERR_CORRUPT);
}

/* Cut anywhere, or with any byte changed: an error or other facts, but no byte over. */
static void test_damage(void **state)
{
	struct buf blob AUTO(buf_done);
	struct mime_prepared prepared;
	struct err err;

	(void)state;
	buf_init(&blob, MIME_PREPARED_MAX);
	prepare(slice_str(nested), &mime_limits_default, &blob);
	for (size_t len = 0; len < blob.len; len++) {
		char *copy = mem_alloc(len);

		memcpy(copy, blob.ptr, len);
		assert_int_equal(mime_prepared_open((struct slice){copy, len}, &prepared, &err),
			-ERR_CORRUPT);
		free(copy);
	}
	for (size_t at = 0; at < blob.len; at++) {
		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			char *copy = mem_alloc(blob.len);

			memcpy(copy, blob.ptr, blob.len);
			copy[at] = (char)(copy[at] ^ bit);
			read_all((struct slice){copy, blob.len});
			free(copy);
		}
	}
	blob.ptr[0]++;
	assert_int_equal(mime_prepared_open(buf_slice(&blob), &prepared, &err), -ERR_CORRUPT);
}

static void test_too_small(void **state)
{
	struct mime_parser *p = mime_parser_new(&mime_limits_default);
	struct mime_message *message = mime_parser_finish(p);
	struct buf out AUTO(buf_done);
	struct err err;

	(void)state;
	buf_init(&out, 20);
	assert_int_equal(mime_prepare(message, &out, &err), -ERR_TOOBIG);
	mime_message_free(&message);
	mime_parser_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_section_facts),
		cmocka_unit_test(test_single_part),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
