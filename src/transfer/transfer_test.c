/* transfer_test.c - mail in files: told apart, read byte for byte, written so that it is read
 * again. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/temp.h"
#include "transfer/maildir.h"
#include "transfer/mbox.h"
#include "transfer/pack.h"
#include "transfer/transfer.h"

enum { TRACE_MAX = 1 << 20 };

static int dirfd_of_temp(void)
{
	char path[TEMP_MAX];

	return open(temp_path(path, "."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void put_text(struct buf *out, struct text *text, size_t max)
{
	struct buf piece AUTO(buf_done);

	buf_init(&piece, TRACE_MAX);
	while (text_pull(text, &piece, max))
		continue;
	for (size_t i = 0; i < piece.len; i++) {
		if (piece.ptr[i] == '\r')
			buf_lit(out, "\\r");
		else if (piece.ptr[i] == '\n')
			buf_lit(out, "\\n");
		else
			buf_byte(out, piece.ptr[i]);
	}
}

static void put_flags(struct buf *out, const struct transfer_flags *flags)
{
	for (unsigned bit = 1; bit <= IMAP_DRAFT; bit <<= 1) {
		if (flags->system & bit)
			buf_append(out, imap_flag_name(bit));
	}
	for (size_t i = 0; i < flags->keywords_n; i++) {
		buf_byte(out, '+');
		buf_append(out, flags->keywords[i]);
	}
}

/* One line for each item. */
static void trace(struct files *files, struct buf *out)
{
	struct transfer *transfer = transfer_new(files);
	struct transfer_item item;
	struct err err;
	int kind = TRANSFER_AGAIN;

	while (kind > 0) {
		kind = transfer_next(transfer, &item, &err);
		switch (kind) {
		case TRANSFER_MAILBOX:
			buf_printf(
				out, "[%.*s] %.*s\n", SLICE_ARG(item.path), SLICE_ARG(item.role));
			break;
		case TRANSFER_MESSAGE:
			buf_printf(out, "[%.*s] ", SLICE_ARG(item.path));
			put_flags(out, &item.flags);
			buf_printf(out, " %lld%+d ", item.has_date ? (long long)item.date_s : -1,
				item.zone_min);
			put_text(out, &item.text, 3);
			buf_byte(out, '\n');
			break;
		case TRANSFER_SKIPPED:
			buf_printf(out, "%.*s: %s\n", SLICE_ARG(item.where), item.why);
			break;
		case TRANSFER_ACCOUNT:
			buf_lit(out, "account\n");
			break;
		default:
			break;
		}
	}
	if (kind < 0)
		buf_printf(out, "%s\n", err.msg);
	transfer_free(&transfer);
}

static void expect(struct buf *out, const char *expected)
{
	buf_byte(out, '\0');
	assert_string_equal(out->ptr, expected);
	buf_done(out);
}

static void expect_bytes(struct slice bytes, const char *name, const char *expected)
{
	const int dirfd = dirfd_of_temp();
	const struct files_limits limits = {1 << 20, 100, dirfd};
	struct files *files;
	struct buf out;
	struct err err;

	buf_init(&out, TRACE_MAX);
	assert_int_equal(files_open_bytes(bytes, slice_str(name), &limits, &files, &err), 0);
	trace(files, &out);
	close(dirfd);
	expect(&out, expected);
}

/* ---- mbox ---- */

#define FROM "From a@b.example Sun Nov 22 14:17:17 2026\n"
#define AT "1795357037"

static void test_mbox(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{FROM "Subject: 1\n\na\n\n" FROM "Subject: 2\n\nb\n",
			"[x]  " AT "+0 Subject: 1\\r\\n\\r\\na\\r\\n\n"
			"[x]  " AT "+0 Subject: 2\\r\\n\\r\\nb\\r\\n\n"},
		/* What looks like a "From " line but has no date, or no blank line before it. */
		{FROM "S: 1\n\nFrom here on\n" FROM "b\n\nFrom x\n",
			"[x]  " AT "+0 S: 1\\r\\n\\r\\nFrom here on\\r\\n"
			"From a@b.example Sun Nov 22 14:17:17 2026\\r\\nb\\r\\n\\r\\nFrom "
			"x\\r\\n\n"},
		/* mboxrd and mboxo: one ">" goes. */
		{FROM "S: 1\n\n>From a\n>>From b\n> From c\n>>>x\n",
			"[x]  " AT
			"+0 S: 1\\r\\n\\r\\nFrom a\\r\\n>From b\\r\\n> From c\\r\\n>>>x\\r\\n\n"},
		/* mboxcl2: as long as it says, nothing is quoted. */
		{FROM "Content-Length: 59\n\n>From a\nFrom b\n\n" FROM "\n\n\n" FROM "S: 2\n\nx\n",
			"[x]  " AT
			"+0 Content-Length: 59\\r\\n\\r\\n>From a\\r\\nFrom b\\r\\n\\r\\n"
			"From a@b.example Sun Nov 22 14:17:17 2026\\r\\n\\r\\n\n"
			"[x]  " AT "+0 S: 2\\r\\n\\r\\nx\\r\\n\n"},
		/* A length that leads nowhere is no length. */
		{FROM "Content-Length: 4\n\n>From a\n\n" FROM "S: 2\n\nx\n",
			"[x]  " AT "+0 Content-Length: 4\\r\\n\\r\\nFrom a\\r\\n\n"
			"[x]  " AT "+0 S: 2\\r\\n\\r\\nx\\r\\n\n"},
		/* Dates: with zones, Thunderbird's sender, no date at all. */
		{"From - Sun Nov 22 14:17:17 2026 +0100\r\nA: 1\r\n\r\n"
		 "From a b Sun Nov  1 14:17 CET 1998\r\nDate: x\r\n\r\n",
			"[x]  1795353437+60 A: 1\\r\\n\n[x]  909929820+0 Date: x\\r\\n\n"},
		{"From nobody\nSubject: 1\nDate: Sun, 22 Nov 2026 14:17:17 -0030\n\nx",
			"[x]  1795358837-30 Subject: 1\\r\\n"
			"Date: Sun, 22 Nov 2026 14:17:17 -0030\\r\\n\\r\\nx\n"},
		/* Flags, which are not the message's. */
		{FROM "Status: RO\nX-Status: AFDT\nX-Keywords: $Forwarded  x(\n y\nS: 1\nX-UID: "
		      "3\n\nStatus: z\n",
			"[x] \\Seen\\Answered\\Flagged\\Deleted\\Draft+$Forwarded+y " AT
			"+0 S: 1\\r\\n\\r\\nStatus: z\\r\\n\n"},
		{FROM "X-Mozilla-Status: 1003\nX-Mozilla-Keys: $label1\nS: 1\n\n\n" FROM
		      "X-Mozilla-Status: 0009\nS: 2\n\n",
			"[x] \\Seen\\Answered+$Forwarded+$label1 " AT "+0 S: 1\\r\\n\\r\\n\n"},
		{FROM "X-Gmail-Labels: Inbox,Unread,Starred\n\n",
			"[x] \\Flagged " AT "+0 X-Gmail-Labels: Inbox,Unread,Starred\\r\\n\n"},
		{FROM, "x, byte 0: it is empty\n"},
		{FROM "\n" FROM "S: 2\n\n", "[x]  " AT "+0 \\r\\n\n[x]  " AT "+0 S: 2\\r\\n\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_bytes(slice_str(cases[i].text), "x", cases[i].expected);
}

static void test_mbox_is_written(void **state)
{
	static const char *const texts[] = {"S: 1\n\nFrom a\n>From b\nFro\nFrom\n", "S: 1\n",
		"S: 1\n\nno end", "S: 1\n\na\rb\r\n", "S: 1\n\n>>>>From x\n\n\n" FROM "z\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct transfer_flags flags = {.system = IMAP_SEEN | IMAP_DRAFT}, found;
		struct mbox_quote quote = {0};
		struct mbox mbox = {0};
		struct mbox_message m;
		struct text text;
		struct buf out, again;

		buf_init(&out, TRACE_MAX);
		buf_init(&again, TRACE_MAX);
		flags_add(&flags, slice_lit("Wichtig"));
		mbox_write_begin(&out, 1795357037, &flags);
		for (size_t k = 0; texts[i][k]; k++)
			mbox_write(&out, &quote, (struct slice){texts[i] + k, 1});
		mbox_write_end(&out, &quote);
		buf_str(&out, FROM "S: 2\n\n");
		mbox.all = buf_slice(&out);
		assert_true(mbox_next(&mbox, &m));
		assert_int_equal(m.date_s, 1795357037);
		flags_read(m.raw, &found);
		assert_int_equal(found.system, flags.system);
		assert_int_equal(found.keywords_n, 1);
		text_open(&text, m.raw, TEXT_OWN_FIELDS | TEXT_UNQUOTE);
		while (text_pull(&text, &again, 1))
			continue;
		/* A last line without an end gets one, and that of "\r\n" is one byte. */
		if (i != 2 && i != 3)
			assert_true(slice_eq(buf_slice(&again), slice_str(texts[i])));
		assert_true(mbox_next(&mbox, &m));
		assert_false(mbox_next(&mbox, &m));
		buf_done(&out);
		buf_done(&again);
	}
}

/* ---- Maildir ---- */

static void test_maildir_names(void **state)
{
	const struct maildir_name name = {.system = IMAP_SEEN | IMAP_DRAFT | IMAP_ANSWERED,
		.is_forwarded = true,
		.bits = 1ull << 40 | 3,
		.date_s = 1795357037,
		.zone_min = -90};
	struct maildir_name found;
	struct buf out AUTO(buf_done);

	(void)state;
	buf_init(&out, TRACE_MAX);
	maildir_write_name(&out, &name, 7, 100);
	assert_true(slice_eq(buf_slice(&out),
		slice_lit("1795357037.M7.posthouse,S=100,Z=-90,K=10000000003:2,DPRSab")));
	maildir_read_name(buf_slice(&out), &found);
	assert_int_equal(found.system, name.system);
	assert_int_equal(found.bits, name.bits);
	assert_int_equal(found.date_s, name.date_s);
	assert_int_equal(found.zone_min, name.zone_min);
	assert_int_equal(found.letters, 3);
	assert_true(found.is_forwarded && found.has_zone && found.has_bits);
	maildir_read_name(slice_lit("cur;2,F"), &found);
	assert_int_equal(found.system, IMAP_FLAGGED);
	assert_false(found.has_date || found.has_zone || found.has_bits);
}

static void test_maildir_folders(void **state)
{
	static const struct {
		const char *path, *folder;
	} cases[] = {
		{"INBOX", ""},
		{"Sent", ".Sent"},
		{"A/B", ".A.B"},
		{"INBOX/x", ".INBOX.x"},
		{"\xc3\x84rger/v1.2", ".&AMQ-rger.v1&AC4-2"},
		{"Tom & Co.", ".Tom &- Co&AC4-"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;

		buf_init(&out, TRACE_MAX);
		maildir_write_folder(slice_str(cases[i].path), &out);
		assert_true(slice_eq(buf_slice(&out), slice_str(cases[i].folder)));
		buf_clear(&out);
		maildir_read_folder(slice_str(cases[i].folder), &out);
		assert_true(
			slice_eq(buf_slice(&out), i ? slice_str(cases[i].path) : slice_lit("")));
		buf_done(&out);
	}
}

/* ---- folders of the disk ---- */

static void write_file(const char *root, const char *path, const char *text)
{
	char whole[300];
	FILE *f;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	for (char *p = whole + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(whole, 0700);
		*p = '/';
	}
	f = fopen(whole, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void test_tree(void **state)
{
	char root[TEMP_MAX], path[300];
	const struct files_limits limits = {1 << 20, 100, -1};
	struct files *files;
	struct buf out;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(temp_path(root, "transfer-test-XXXXXX")));
	write_file(root, "cur/.keep", "");
	write_file(root, ".Work.&AMQ-rger/dovecot-keywords", "0 $Forwarded\n1 Wichtig\n");
	write_file(root, ".Work.&AMQ-rger/cur/5.x:2,Sb", "Subject: 1\n\nx\r\ny\n");
	write_file(root, ".Work.&AMQ-rger/tmp/6.x", "Subject: 2\n");
	write_file(root, "Mail/Inbox", FROM "S: 1\n\n");
	write_file(root, "Mail/Inbox.msf", "?");
	write_file(root, "Mail/Inbox.sbd/Sub.mbox", FROM "S: 2\n\n");
	write_file(root, "eml/a.eml", "Date: Sun, 22 Nov 2026 14:17:17 +0000\nTo: x\n\n");
	write_file(root, "eml/notes.txt", "Dear all\n");
	snprintf(path, sizeof(path), "%s/eml/link", root);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	buf_init(&out, TRACE_MAX);
	assert_int_equal(files_open_tree(open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), &limits,
				 &files, &err),
		0);
	trace(files, &out);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	buf_byte(&out, '\0');
	assert_non_null(
		strstr(out.ptr, "[Work/\xc3\x84rger] \n[Work/\xc3\x84rger] \\Seen+Wichtig "));
	assert_non_null(strstr(out.ptr, "+0 Subject: 1\\r\\n\\r\\nx\\r\\ny\\r\\n\n"));
	assert_non_null(strstr(out.ptr, "[Mail/Inbox]  " AT "+0 S: 1\\r\\n\n"
					"[Mail/Inbox/Sub]  " AT "+0 S: 2\\r\\n\n[] \n"));
	assert_non_null(strstr(out.ptr, "[eml] \\Seen " AT "+0 Date: "));
	assert_non_null(
		strstr(out.ptr, "eml/link: it is a link\n"
				"eml/notes.txt: it holds no mail of a kind that is known here\n"));
	assert_null(strstr(out.ptr, "Subject: 2"));
	buf_done(&out);
}

/* ---- archives ---- */

static void must(int rc, const struct err *err)
{
	if (rc < 0)
		fail_msg("%s", err->msg);
}

static void put_file(struct pack *pack, const char *path, const char *text)
{
	const struct slice bytes = slice_str(text);
	struct err err;

	must(pack_file(pack, slice_str(path), (int64_t)bytes.len, 1795357037, &err), &err);
	must(pack_bytes(pack, bytes, &err), &err);
}

static void test_archives(void **state)
{
	(void)state;
	for (int kind = PACK_TAR_GZ; kind <= PACK_ZIP; kind++) {
		struct pack *pack;
		struct err err;

		must(pack_new((enum pack_kind)kind, &pack, &err), &err);
		must(pack_folder(pack, slice_lit("x/.A/cur"), 0, &err), &err);
		put_file(pack, "x/\xc3\x84rger/1.eml", "To: x\n\n");
		put_file(pack, "../etc/2.eml", "To: x\n\n");
		put_file(pack, "Maildir/.B/cur/1:2,F", "a");
		put_file(pack, "\xc3\x96.mbox", FROM "S: 1\n\n");
		if (kind == PACK_ZIP) {
			must(pack_file(pack, slice_lit("y.eml"), -1, 0, &err), &err);
			must(pack_bytes(pack, slice_lit("To: "), &err), &err);
			must(pack_bytes(pack, slice_lit("y\n"), &err), &err);
		}
		must(pack_end(pack, &err), &err);
		expect_bytes(buf_slice(pack_out(pack)), "x",
			kind == PACK_ZIP
				? "[A] \n[x/\xc3\x84rger] \\Seen " AT "+0 To: x\\r\\n\\r\\n\n"
				  "../etc/2.eml: its name leads outside of the archive\n"
				  "[B] \\Flagged " AT "+0 a\n"
				  "[\xc3\x96]  " AT "+0 S: 1\\r\\n\n[] \\Seen -1+0 To: y\\r\\n\n"
				: "[A] \n[x/\xc3\x84rger] \\Seen " AT "+0 To: x\\r\\n\\r\\n\n"
				  "../etc/2.eml: its name leads outside of the archive\n"
				  "[B] \\Flagged " AT "+0 a\n"
				  "[\xc3\x96]  " AT "+0 S: 1\\r\\n\n");
		pack_free(&pack);
	}
}

static void test_bounds(void **state)
{
	static char zeros[1 << 20];
	struct pack *pack;
	struct buf name;
	struct err err;

	(void)state;
	must(pack_new(PACK_TAR_GZ, &pack, &err), &err);
	must(pack_file(pack, slice_lit("a.eml"), 2 << 20, 0, &err), &err);
	for (int i = 0; i < 2; i++)
		must(pack_bytes(pack, (struct slice){zeros, sizeof(zeros)}, &err), &err);
	must(pack_end(pack, &err), &err);
	expect_bytes(buf_slice(pack_out(pack)), "x",
		"there is more in the archive than the account may hold\n");
	pack_free(&pack);

	must(pack_new(PACK_ZIP, &pack, &err), &err);
	for (int i = 0; i < 101; i++) {
		buf_init(&name, 100);
		buf_printf(&name, "%d", i);
		must(pack_folder(pack, buf_slice(&name), 0, &err), &err);
		buf_done(&name);
	}
	must(pack_end(pack, &err), &err);
	expect_bytes(
		buf_slice(pack_out(pack)), "x", "there are more than 100 files in the archive\n");
	pack_free(&pack);
}

static void test_manifest(void **state)
{
	struct pack *pack;
	struct err err;

	(void)state;
	must(pack_new(PACK_TAR_GZ, &pack, &err), &err);
	put_file(pack, "a/posthouse.json",
		"{\"format\":\"posthouse-account\",\"version\":1,\"keywords\":[\"x\",\"y\"],"
		"\"mailboxes\":[{\"name\":\"INBOX\",\"folder\":\"\",\"role\":\"inbox\"},"
		"{\"name\":\"Gesendet\",\"folder\":\".1\",\"role\":\"sent\",\"subscribed\":true}]"
		"}");
	must(pack_folder(pack, slice_lit("a/mail/cur"), 0, &err), &err);
	put_file(pack, "a/mail/.1/cur/5.M1.posthouse,S=1,Z=60,K=2:2,Sb", "To: a\nb\r\n");
	put_file(pack, "a/mail/.2/cur/x:2,a", "To: a\n");
	put_file(pack, "a/calendars/1.ics", "BEGIN:VCALENDAR\n");
	must(pack_end(pack, &err), &err);
	expect_bytes(buf_slice(pack_out(pack)), "x",
		"account\n[INBOX] inbox\n[Gesendet] \\Seen+y 5+60 To: a\\nb\\r\\n\n"
		"[2]  " AT "+0 To: a\\r\\n\n"
		"a/calendars/1.ics: it holds no mail of a kind that is known here\n");
	pack_free(&pack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mbox),
		cmocka_unit_test(test_mbox_is_written),
		cmocka_unit_test(test_maildir_names),
		cmocka_unit_test(test_maildir_folders),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_archives),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_manifest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
