/* downgrade_test.c - messages made ASCII, or lines, the parts of them that may not be touched, and
 * none changed more than it has to be. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "wire/mime/downgrade.h"
#include "wire/mime/text.h"

enum { OUT_MAX = 64 << 20 };

static struct mime_message *parse(struct slice text)
{
	struct mime_parser *p = mime_parser_new(&mime_limits_default);
	struct mime_message *message;

	mime_parser_feed(p, text);
	message = mime_parser_finish(p);
	mime_parser_free(&p);
	return message;
}

/* In pieces of step bytes; false: it cannot be done. */
static bool convert(enum downgrade_to to, struct slice text, size_t step, struct buf *out)
{
	struct mime_message *message = parse(text);
	struct mime_downgrade *s = mime_downgrade_new(message, to);
	bool can;

	for (size_t at = 0; at < text.len; at += step)
		mime_downgrade_look(s, slice_head(slice_from(text, at), step));
	can = mime_downgrade_begin(s);
	for (size_t at = 0; can && at < text.len; at += step)
		mime_downgrade_feed(s, slice_head(slice_from(text, at), step), out);
	mime_downgrade_free(&s);
	mime_message_free(&message);
	assert_false(out->failed);
	return can;
}

#define HEAD "MIME-Version: 1.0\r\n"
#define MIXED HEAD "Content-Type: multipart/mixed; boundary=b\r\n"
#define SIGNED "Content-Type: multipart/signed; boundary=s\r\n\r\n"

struct row {
	const char *text, *want; /* NULL: it cannot be done */
};

static const struct row ascii_rows[] = {
	{"Subject: x\r\n\r\nplain\r\n", "Subject: x\r\n\r\nplain\r\n"},
	{"", ""},
	/* no label, and no version */
	{"Subject: x\r\n\r\ngr\xc3\xbc=\xc3\x9f \r\nx\t\r\n--\r\n",
		"Subject: x\r\n" HEAD "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		"gr=C3=BC=3D=C3=9F=20\r\nx=09\r\n=2D-\r\n"},
	/* the label's place in the header does not matter, folded or not */
	{"Content-Transfer-Encoding:\r\n 8bit\r\n" HEAD "\r\n\xe9 a",
		HEAD "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9 a"},
	{HEAD "Content-Type: image/png\r\ncontent-transfer-encoding: binary\r\nX: "
	      "y\r\n\r\n\xff\r\n\xfe",
		HEAD "Content-Type: image/png\r\nX: y\r\nContent-Transfer-Encoding: base64\r\n\r\n"
		     "/w0K/g==\r\n"},
	/* what is not beyond ASCII is only labelled so */
	{HEAD "Content-Transfer-Encoding: 8bit\r\n\r\nasc\r\n",
		HEAD "Content-Transfer-Encoding: 7bit\r\n\r\nasc\r\n"},
	/* lines longer than may be; carriage returns alone */
	{"\r\n\xe9"
	 "345678901234567890123456789012345678901234567890123456789012345678901234-45\r\n"
	 "a\rb\r\r\n",
		HEAD "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		     "=E9"
		     "345678901234567890123456789012345678901234567890123456789012345678901234=\r\n"
		     "=2D45\r\na=0Db=0D\r\n"},
	/* parts: the first as it is, the second not */
	{MIXED "Content-Transfer-Encoding: 8bit\r\n\r\npre\r\n--b\r\n\r\none\r\n--b\r\n"
	       "Content-Type: text/html\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa9\r\n"
	       "--b--\r\npost\r\n",
		MIXED "Content-Transfer-Encoding: 7bit\r\n\r\npre\r\n--b\r\n\r\none\r\n--b\r\n"
		      "Content-Type: text/html\r\n"
		      "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9\r\n"
		      "--b--\r\npost\r\n"},
	/* a message in a message */
	{MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
	       "Subject: in\r\n" HEAD "\r\n\xe9\r\n--b--\r\n",
		MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n"
		      "Content-Transfer-Encoding: 7bit\r\n\r\nSubject: in\r\n" HEAD
		      "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n--b--\r\n"},
	/* what is signed stays, beside what is changed */
	{MIXED "\r\n--b\r\n" SIGNED
	       "--s\r\nContent-Transfer-Encoding: 8bit\r\n\r\nasc\r\n--s\r\n\r\n"
	       "sig\r\n--s--\r\n--b\r\n\r\n\xe9\r\n--b--\r\n",
		MIXED "\r\n--b\r\n" SIGNED
		      "--s\r\nContent-Transfer-Encoding: 8bit\r\n\r\nasc\r\n--s\r\n\r\n"
		      "sig\r\n--s--\r\n--b\r\n"
		      "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n--b--\r\n"},
	{SIGNED "--s\r\n\r\n\xe9\r\n--s\r\n\r\nsig\r\n--s--\r\n", NULL},
	{"Content-Type: multipart/encrypted; boundary=s\r\n\r\n--s\r\n"
	 "Content-Type: multipart/mixed; boundary=t\r\n\r\n--t\r\n\r\n\xe9\r\n--t--\r\n--s--\r\n",
		NULL},
	/* headers, and what is between parts */
	{"Subject: \xe9\r\n\r\nx", NULL},
	{"Subject: x\r\n\xe9", NULL},
	{MIXED "\r\n\xe9\r\n--b\r\n\r\none\r\n--b--\r\n", NULL},
	{MIXED "\r\n--b\r\n\r\none\r\n--b--\r\n\xe9\r\n", NULL},
	{MIXED "\r\n--b\r\nContent-Description: \xe9\r\n\r\none\r\n--b--\r\n", NULL},
	/* encoded already, or in a way of their own; no encoding allowed */
	{"Content-Transfer-Encoding: base64\r\n\r\n\xe9", NULL},
	{"Content-Transfer-Encoding: x-uue\r\n\r\n\xe9", NULL},
	{"Content-Type: message/delivery-status\r\n\r\n\xe9", NULL},
	{"Content-Type: multipart/mixed; boundary=b\r\n\r\nno part at all \xe9\r\n", NULL},
};

static void check_row(enum downgrade_to to, size_t i, struct slice text, const char *want)
{
	static const size_t steps[] = {1, 2, 3, 7, 1000};

	for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
		struct buf out AUTO(buf_done);

		buf_init(&out, OUT_MAX);
		assert_int_equal(convert(to, text, steps[k], &out), want != NULL);
		if (want && !slice_eq(buf_slice(&out), slice_str(want)))
			fail_msg("row %zu, step %zu: got <%.*s>", i, steps[k],
				SLICE_ARG(buf_slice(&out)));
	}
}

static void test_ascii(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ascii_rows) / sizeof(ascii_rows[0]); i++)
		check_row(DOWNGRADE_TO_ASCII, i, slice_str(ascii_rows[i].text), ascii_rows[i].want);
}

/* "~" stands for a NUL. */
static const struct row lines_rows[] = {
	{"", ""},
	{"Subject: \xe9\r\n\r\n\xe9\r\n", "Subject: \xe9\r\n\r\n\xe9\r\n"},
	/* labelled binary, and lines all the same */
	{MIXED "Content-Transfer-Encoding: binary\r\n\r\n--b\r\n"
	       "Content-Transfer-Encoding: BINARY\r\n\r\n\xe9\r\n--b--\r\n",
		MIXED "Content-Transfer-Encoding: 8bit\r\n\r\n--b\r\n"
		      "Content-Transfer-Encoding: 8bit\r\n\r\n\xe9\r\n--b--\r\n"},
	/* each of what no line may hold */
	{"\r\na~b", HEAD "Content-Transfer-Encoding: base64\r\n\r\nYQBi\r\n"},
	{"\r\na\nb", HEAD "Content-Transfer-Encoding: base64\r\n\r\nYQpi\r\n"},
	{"\r\na\rb", HEAD "Content-Transfer-Encoding: base64\r\n\r\nYQ1i\r\n"},
	{"\r\n\r", HEAD "Content-Transfer-Encoding: base64\r\n\r\nDQ==\r\n"},
	/* beside what stays */
	{MIXED "\r\npre\r\n--b\r\n\r\n\xe9\r\n--b\r\n"
	       "Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n"
	       "~\r\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--b--\r\npost",
		MIXED "\r\npre\r\n--b\r\n\r\n\xe9\r\n--b\r\n"
		      "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
		      "AA0=\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
		      "YQ==\r\n--b--\r\npost"},
	/* in a message within, which is labelled anew itself */
	{MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n"
	       "Content-Transfer-Encoding: binary\r\n\r\n"
	       "Subject: in\r\n\r\n~\r\n--b--\r\n",
		MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n"
		      "Content-Transfer-Encoding: 8bit\r\n\r\nSubject: in\r\n" HEAD
		      "Content-Transfer-Encoding: base64\r\n\r\nAA==\r\n\r\n--b--\r\n"},
	/* where nothing may change */
	{SIGNED "--s\r\n\r\n~\r\n--s\r\n\r\nsig\r\n--s--\r\n", NULL},
	{SIGNED "--s\r\n\r\nx\r\n--s\r\n\r\nsig\ning\r\n--s--\r\n", NULL},
	{"Subject: a~b\r\n\r\nx", NULL},
	{"Subject: a\nb\r\n\r\nx", NULL},
	{MIXED "\r\np~\r\n--b\r\n\r\none\r\n--b--\r\n", NULL},
	{MIXED "\r\n--b\r\n\r\none\r\n--b--\r\n\r", NULL},
	{MIXED "\r\n--b\r\n\r\none\n--b--\r\n", NULL},
	{"Content-Transfer-Encoding: base64\r\n\r\nYQ==\n", NULL},
	{"Content-Type: message/delivery-status\r\n\r\n~", NULL},
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines_rows) / sizeof(lines_rows[0]); i++) {
		char text[1000];
		size_t n = strlen(lines_rows[i].text);

		assert_true(n < sizeof(text));
		for (size_t k = 0; k < n; k++)
			text[k] = lines_rows[i].text[k] == '~' ? '\0' : lines_rows[i].text[k];
		check_row(DOWNGRADE_TO_LINES, i, (struct slice){text, n}, lines_rows[i].want);
	}
}

/* A line of n bytes: encoded if that is too long and may be done. */
static void test_long_lines(void **state)
{
	static const struct {
		const char *head;
		unsigned n;
		bool is_changed;
	} cases[] = {
		{"\r\n", DOWNGRADE_LINE_MAX, false},
		{"\r\n", DOWNGRADE_LINE_MAX + 1, true},
		{"Content-Transfer-Encoding: base64\r\n\r\n", DOWNGRADE_LINE_MAX + 1, false},
		{"Subject: ", DOWNGRADE_LINE_MAX, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf text AUTO(buf_done), out AUTO(buf_done);

		buf_init(&text, OUT_MAX);
		buf_init(&out, OUT_MAX);
		buf_str(&text, cases[i].head);
		for (unsigned n = 0; n < cases[i].n; n++)
			buf_byte(&text, 'x');
		buf_lit(&text, "\r\n");
		assert_true(convert(DOWNGRADE_TO_LINES, buf_slice(&text), 100, &out));
		assert_int_equal(!slice_eq(buf_slice(&text), buf_slice(&out)), cases[i].is_changed);
	}
}

/* ---- any message ---- */

static void decode(const struct mime_part *part, struct slice text, struct buf *out)
{
	const struct slice body =
		slice_head(slice_from(text, part->body_start), part->body_end - part->body_start);
	struct mime_decoder d;

	mime_decoder_init(&d, part->encoding, slice_eq(part->type, slice_lit("text")));
	mime_decoder_feed(&d, body, out);
	mime_decoder_finish(&d, out);
}

static void assert_same(const struct mime_part *a, struct slice a_text, const struct mime_part *b,
	struct slice b_text)
{
	struct buf was AUTO(buf_done), is AUTO(buf_done);

	buf_init(&was, OUT_MAX);
	buf_init(&is, OUT_MAX);
	assert_int_equal(a->kind, b->kind);
	assert_true(slice_eq(a->type, b->type) && slice_eq(a->subtype, b->subtype));
	if (a->kind == MIME_LEAF) {
		decode(a, a_text, &was);
		decode(b, b_text, &is);
		assert_true(slice_eq(buf_slice(&was), buf_slice(&is)));
	}
	a = a->children;
	b = b->children;
	for (; a && b; a = a->next, b = b->next)
		assert_same(a, a_text, b, b_text);
	assert_ptr_equal(a, b);
}

/* True if it was changed. */
static bool check_message(enum downgrade_to to, struct slice text)
{
	struct mime_message *was, *is;
	struct buf out AUTO(buf_done);

	buf_init(&out, OUT_MAX);
	if (!convert(to, text, 1000, &out))
		return false;
	for (size_t i = 0; i < out.len; i++)
		assert_true(to == DOWNGRADE_TO_ASCII ? (unsigned char)out.ptr[i] < 0x80
						     : out.ptr[i] != '\0');
	was = parse(text);
	is = parse(buf_slice(&out));
	assert_same(was->root, text, is->root, buf_slice(&out));
	mime_message_free(&was);
	mime_message_free(&is);
	return !slice_eq(text, buf_slice(&out));
}

/* A long body of all bytes in each kind of part. */
static void test_all_bytes(void **state)
{
	static const char *const types[] = {"text/plain", "text/x; charset=utf-8", "application/x"};
	struct buf text AUTO(buf_done);

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		buf_init(&text, OUT_MAX);
		buf_printf(&text, MIXED "\r\n--b\r\nContent-Type: %s\r\n\r\n", types[i]);
		for (unsigned n = 0; n < 20000; n++)
			buf_byte(&text, (char)(n * 7 % 251 == '\n' ? 'x' : (n * n + n / 7) % 256));
		for (size_t k = 0; k < text.len; k++) {
			if (text.ptr[k] == '\n' && (k == 0 || text.ptr[k - 1] != '\r'))
				text.ptr[k] = 'y';
		}
		buf_lit(&text, "\r\n--b--\r\n");
		assert_true(check_message(DOWNGRADE_TO_ASCII, buf_slice(&text)));
		assert_true(check_message(DOWNGRADE_TO_LINES, buf_slice(&text)));
		buf_done(&text);
	}
	buf_init(&text, 1);
}

/* Messages of a folder that the environment names; there need not be any. */
static void test_folder(void **state)
{
	const char *path = getenv("POSTHOUSE_TEST_CORPUS");
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;
	unsigned n = 0, changed = 0;

	(void)state;
	while (dir && (entry = readdir(dir))) {
		struct buf text AUTO(buf_done);
		struct err err;

		buf_init(&text, OUT_MAX);
		if (entry->d_type != DT_REG ||
			io_read_file(dirfd(dir), entry->d_name, &text, &err) < 0)
			continue;
		n++;
		changed += check_message(DOWNGRADE_TO_ASCII, buf_slice(&text));
	}
	if (dir) {
		closedir(dir);
		print_message("%u messages, %u changed\n", n, changed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_all_bytes),
		cmocka_unit_test(test_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
