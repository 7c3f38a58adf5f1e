/* parse_test.c - the arguments of each command, printed back in a notation for tables. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/imap/args.h"
#include "wire/imap/fetch.h"
#include "wire/imap/search.h"

static const struct imap_limits limits = {.string_max = 64, .depth_max = 6, .items_max = 12};

static void put_set(struct buf *out, const struct imap_set *set)
{
	if (set->is_saved)
		buf_str(out, "$");
	for (size_t i = 0; i < set->n; i++) {
		buf_printf(out, i ? ",%u" : "%u", set->ranges[i].first);
		if (set->ranges[i].last != set->ranges[i].first)
			buf_printf(out, ":%u", set->ranges[i].last);
	}
}

static int put_fetch(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct imap_fetch f;
	int rc = imap_fetch_parse(lx, &f, err);

	if (rc < 0)
		return rc;
	put_set(out, &f.set);
	buf_printf(out, " %x", f.items);
	for (size_t i = 0; i < f.sections_n; i++) {
		const struct imap_section *s = &f.sections[i];

		buf_printf(out, " %.*s%s", SLICE_ARG(s->label), s->is_peek ? "?" : "");
		if (s->has_partial)
			buf_printf(out, "<%ju.%ju>", (uintmax_t)s->offset, (uintmax_t)s->length);
	}
	if (f.has_changed_since)
		buf_printf(out, " since %ju", (uintmax_t)f.changed_since);
	return 0;
}

static void put_key(struct buf *out, const struct imap_key *key)
{
	static const char *const names[] = {"and", "or", "not", "all", "seq", "uid", "flag",
		"keyword", "recent", "before", "on", "since", "older", "younger", "larger",
		"smaller", "modseq", "emailid", "threadid", "sentbefore", "senton", "sentsince",
		"header", "body", "text"};

	buf_str(out, names[key->kind]);
	if (key->first) {
		buf_str(out, "(");
		for (const struct imap_key *k = key->first; k; k = k->next) {
			if (k != key->first)
				buf_str(out, " ");
			put_key(out, k);
		}
		buf_str(out, ")");
	}
	if (key->set.n || key->set.is_saved) {
		buf_str(out, "=");
		put_set(out, &key->set);
	}
	if (key->flag)
		buf_printf(out, "=%u", key->flag);
	if (key->name.ptr)
		buf_printf(out, "=%.*s:", SLICE_ARG(key->name));
	if (key->text.ptr)
		buf_printf(out, "=%.*s", SLICE_ARG(key->text));
	if (key->number)
		buf_printf(out, "=%ju", (uintmax_t)key->number);
	if (key->day)
		buf_printf(out, "=%d", key->day);
}

static int put_search(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct imap_search s;
	int rc = imap_search_parse(lx, &s, err);

	if (rc < 0)
		return rc;
	if (s.has_return)
		buf_printf(out, "ret%u ", s.returns);
	if (s.is_bad_charset)
		buf_str(out, "badcharset");
	else
		put_key(out, s.key);
	if (s.has_modseq)
		buf_str(out, " modseq");
	return 0;
}

static void put_flags(struct buf *out, const struct imap_flags *flags)
{
	buf_printf(out, " %u", flags->system);
	for (size_t i = 0; i < flags->keywords_n; i++)
		buf_printf(out, ",%.*s", SLICE_ARG(flags->keywords[i]));
}

static int put_store(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct imap_store s;
	int rc = imap_store_parse(lx, &s, err);

	if (rc < 0)
		return rc;
	put_set(out, &s.set);
	buf_printf(out, " %c%s", "=+-"[s.how], s.is_silent ? "silent" : "");
	put_flags(out, &s.flags);
	if (s.has_unchanged_since)
		buf_printf(out, " <=%ju", (uintmax_t)s.unchanged_since);
	return 0;
}

static int put_copy(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct imap_copy copy;
	int rc = imap_copy_parse(lx, false, &copy, err);

	if (rc < 0)
		return rc;
	put_set(out, &copy.set);
	buf_printf(out, " <%.*s>", SLICE_ARG(copy.mailbox));
	return 0;
}

static int put_status(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct slice mailbox;
	unsigned items;
	int rc = imap_status_parse(lx, false, &mailbox, &items, err);

	if (rc == 0)
		buf_printf(out, "<%.*s> %x", SLICE_ARG(mailbox), items);
	return rc;
}

static int put_list(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct imap_list list;
	int rc = imap_list_parse(lx, &list, err);

	if (rc < 0)
		return rc;
	buf_printf(out, "%s%x <%.*s>", list.is_extended ? "ext " : "", list.select,
		SLICE_ARG(list.reference));
	for (size_t i = 0; i < list.patterns_n; i++)
		buf_printf(out, " <%.*s>", SLICE_ARG(list.patterns[i]));
	buf_printf(out, " %x %x", list.returns, list.status);
	return 0;
}

static int put_append(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct imap_append a;
	int rc = imap_append_parse(lx, false, &a, err);

	if (rc < 0)
		return rc;
	buf_printf(out, "<%.*s>", SLICE_ARG(a.mailbox));
	put_flags(out, &a.flags);
	if (a.has_date)
		buf_printf(out, " %jd", (intmax_t)a.date.seconds);
	buf_printf(out, " %s%ju%s", a.body.literal.binary ? "~" : "",
		(uintmax_t)a.body.literal.size, a.body.is_streamed ? " stream" : "");
	return 0;
}

static int put_select(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct slice mailbox;
	bool condstore;
	int rc = imap_select_parse(lx, false, &mailbox, &condstore, err);

	if (rc == 0)
		buf_printf(out, "<%.*s>%s", SLICE_ARG(mailbox), condstore ? " condstore" : "");
	return rc;
}

static int put_create(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct slice mailbox, use;
	int rc = imap_create_parse(lx, false, &mailbox, &use, err);

	if (rc == 0)
		buf_printf(out, "<%.*s> %.*s", SLICE_ARG(mailbox), SLICE_ARG(use));
	return rc;
}

static int put_rename(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct slice from, to;
	int rc = imap_rename_parse(lx, false, &from, &to, err);

	if (rc == 0)
		buf_printf(out, "<%.*s> <%.*s>", SLICE_ARG(from), SLICE_ARG(to));
	return rc;
}

static int put_login(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct slice user, password;
	int rc = imap_login_parse(lx, &user, &password, err);

	if (rc == 0)
		buf_printf(out, "<%.*s> <%.*s>", SLICE_ARG(user), SLICE_ARG(password));
	return rc;
}

static int put_authenticate(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct slice mechanism, initial;
	int rc = imap_authenticate_parse(lx, &mechanism, &initial, err);

	if (rc == 0)
		buf_printf(out, "%.*s %s%.*s", SLICE_ARG(mechanism), initial.ptr ? "" : "none",
			SLICE_ARG(initial));
	return rc;
}

static void put_words(struct buf *out, const struct imap_words *words)
{
	for (size_t i = 0; i < words->n; i++)
		buf_printf(out, "%s<%.*s>", words->words[i].ptr ? "" : "nil",
			SLICE_ARG(words->words[i]));
}

static int put_enable(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct imap_words words;
	int rc = imap_enable_parse(lx, &words, err);

	if (rc == 0)
		put_words(out, &words);
	return rc;
}

static int put_id(struct imap_lex *lx, struct buf *out, struct err *err)
{
	struct imap_words words;
	int rc = imap_id_parse(lx, &words, err);

	if (rc == 0)
		put_words(out, &words);
	return rc;
}

typedef int put_fn(struct imap_lex *lx, struct buf *out, struct err *err);

#define KEYS_12 "ALL ALL ALL ALL ALL ALL ALL ALL ALL ALL ALL ALL"

static const struct {
	put_fn *put;
	const char *text, *want;
} cases[] = {
	{put_fetch, " 1 ALL", "1 1e"},
	{put_fetch, " 1 fast", "1 e"},
	{put_fetch, " 1:* FULL", "1:4294967295 3e"},
	{put_fetch, " $ FLAGS", "$ 2"},
	{put_fetch, " 1 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE)", "1 7f"},
	{put_fetch, " 1 (MODSEQ EMAILID THREADID)", "1 380"},
	{put_fetch, " 1 BODY[]", "1 0 BODY[]"},
	{put_fetch, " 1 body.peek[]<0.100>", "1 0 BODY[]?<0.100>"},
	{put_fetch, " 1 BODY[1.2.3]", "1 0 BODY[1.2.3]"},
	{put_fetch, " 1 BODY[1.2.mime]", "1 0 BODY[1.2.MIME]"},
	{put_fetch, " 1 BODY[HEADER]", "1 0 BODY[HEADER]"},
	{put_fetch, " 1 BODY[2.TEXT]", "1 0 BODY[2.TEXT]"},
	{put_fetch, " 1 BODY[HEADER.FIELDS (From \"To\")]", "1 0 BODY[HEADER.FIELDS (From To)]"},
	{put_fetch, " 1 (BODY.PEEK[1.HEADER.FIELDS.NOT (A {1}\r\nB)]<5.6> UID BODY[TEXT])",
		"1 1 BODY[1.HEADER.FIELDS.NOT (A B)]?<5.6> BODY[TEXT]"},
	{put_fetch, " 1 BINARY[1]", "1 0 BINARY[1]"},
	{put_fetch, " 1 (BINARY.PEEK[1.2]<0.5> BINARY.SIZE[3])",
		"1 0 BINARY[1.2]?<0.5> BINARY.SIZE[3]?"},
	{put_fetch, " 1 (RFC822 RFC822.HEADER RFC822.TEXT)",
		"1 0 RFC822 RFC822.HEADER? RFC822.TEXT"},
	{put_fetch, " 1 (FLAGS) (CHANGEDSINCE 77)", "1 82 since 77"},
	{put_fetch, " 1 (ALL)", "!SYNTAX"},
	{put_fetch, " 1 ()", "!SYNTAX"},
	{put_fetch, " 1", "!SYNTAX"},
	{put_fetch, " 1 FLAGS FLAGS", "!SYNTAX"},
	{put_fetch, " 1 BODY[MIME]", "!SYNTAX"},
	{put_fetch, " 1 BODY[1.]", "!SYNTAX"},
	{put_fetch, " 1 BODY[0]", "!SYNTAX"},
	{put_fetch, " 1 BODY[", "!SYNTAX"},
	{put_fetch, " 1 BODY[HEADER.FIELDS ()]", "!SYNTAX"},
	{put_fetch, " 1 BODY[]<0.0>", "!SYNTAX"},
	{put_fetch, " 1 BODY[]<0>", "!SYNTAX"},
	{put_fetch, " 1 BODY.PEEK", "!SYNTAX"},
	{put_fetch, " 1 BINARY[HEADER]", "!SYNTAX"},
	{put_fetch, " 1 BINARY[1.MIME]", "!SYNTAX"},
	{put_fetch, " 1 BINARY.SIZE[1]<0.1>", "!SYNTAX"},
	{put_fetch, " 1 FLAGS (CHANGEDSINCE)", "!SYNTAX"},
	{put_fetch, " 1 FLAGS (VANISHED)", "!SYNTAX"},
	{put_fetch, " 1 X-FOO", "!SYNTAX"},
	{put_fetch,
		" 1 (BODY[1] BODY[2] BODY[3] BODY[4] BODY[5] BODY[6] BODY[7] BODY[8] BODY[9]"
		" BODY[10] BODY[11] BODY[12] BODY[13])",
		"!TOOBIG"},
	{put_search, " ALL", "all"},
	{put_search, " 1:3,5", "seq=1:3,5"},
	{put_search, " *", "seq=4294967295"},
	{put_search, " $ SEEN", "and(seq=$ flag=1)"},
	{put_search, " UID 7 UNSEEN", "and(uid=7 not(flag=1))"},
	{put_search, " OR (FROM a TO b) NOT SUBJECT \"x y\"",
		"or(and(header=From:=a header=To:=b) not(header=Subject:=x y))"},
	{put_search, " NEW", "and(recent not(flag=1))"},
	{put_search, " OLD RECENT", "and(not(recent) recent)"},
	{put_search, " CC c BCC d", "and(header=Cc:=c header=Bcc:=d)"},
	{put_search, " HEADER X-Y {3}\r\nz z", "header=X-Y:=z z"},
	{put_search, " HEADER X-Y \"\"", "header=X-Y:="},
	{put_search, " KEYWORD $Junk UNKEYWORD b", "and(keyword=$Junk not(keyword=b))"},
	{put_search, " BEFORE 2-Jan-1970 ON \"3-Jan-1970\" SINCE 04-Jan-1970",
		"and(before=1 on=2 since=3)"},
	{put_search, " SENTBEFORE 2-Jan-1970 SENTON 2-Jan-1970 SENTSINCE 2-Jan-1970",
		"and(sentbefore=1 senton=1 sentsince=1)"},
	{put_search, " LARGER 5 SMALLER 6", "and(larger=5 smaller=6)"},
	{put_search, " OLDER 60 YOUNGER 5", "and(older=60 younger=5)"},
	{put_search, " BODY x TEXT y", "and(body=x text=y)"},
	{put_search, " ANSWERED DELETED DRAFT FLAGGED", "and(flag=2 flag=8 flag=16 flag=4)"},
	{put_search, " UNANSWERED UNDELETED UNDRAFT UNFLAGGED",
		"and(not(flag=2) not(flag=8) not(flag=16) not(flag=4))"},
	{put_search, " MODSEQ 620", "modseq=620 modseq"},
	{put_search, " MODSEQ \"/flags/\\\\draft\" all 620 ALL", "and(modseq=620 all) modseq"},
	{put_search, " EMAILID M1 THREADID T2", "and(emailid=M1 threadid=T2)"},
	{put_search, " CHARSET utf-8 TEXT {2}\r\n\xc3\xa9", "text=\xc3\xa9"},
	{put_search, " CHARSET KOI8-R TEXT {1}\r\n\xc1", "badcharset"},
	{put_search, " RETURN () ALL", "ret4 all"},
	{put_search, " RETURN (MIN max COUNT SAVE ALL) ALL", "ret31 all"},
	{put_search, " RETURN (SAVE) CHARSET UTF-8 ALL", "ret16 all"},
	{put_search, " ((((ALL))))", "all"},
	{put_search, " ((((((ALL))))))", "!SYNTAX"},
	{put_search, " NOT NOT NOT NOT NOT NOT ALL", "!SYNTAX"},
	{put_search, " " KEYS_12, "!TOOBIG"}, /* 12 and the AND */
	{put_search, "", "!SYNTAX"},
	{put_search, " ", "!SYNTAX"},
	{put_search, " ()", "!SYNTAX"},
	{put_search, " NOT", "!SYNTAX"},
	{put_search, " OR ALL", "!SYNTAX"},
	{put_search, " FOO", "!SYNTAX"},
	{put_search, " FROM", "!SYNTAX"},
	{put_search, " FROM {1}\r\n\xe9", "!SYNTAX"},
	{put_search, " LARGER x", "!SYNTAX"},
	{put_search, " RETURN (FOO) ALL", "!SYNTAX"},
	{put_search, " RETURN (MIN ALL", "!SYNTAX"},
	{put_search, " ALL)", "!SYNTAX"},
	{put_search, " (ALL", "!SYNTAX"},
	{put_store, " 1 FLAGS (\\Seen \\deleted $A b)", "1 = 9,$A,b"},
	{put_store, " 1:2 +FLAGS \\Seen \\Draft", "1:2 + 17"},
	{put_store, " 1 -flags.silent ()", "1 -silent 0"},
	{put_store, " 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT (\\Flagged)", "1 +silent 4 <=0"},
	{put_store, " 1 FLAGS (\\Recent)", "!SYNTAX"},
	{put_store, " 1 FLAGS (\\Foo)", "!SYNTAX"},
	{put_store, " 1 FLAGS \\*", "!SYNTAX"},
	{put_store, " 1 FLAGS (a", "!SYNTAX"},
	{put_store, " 1 FLAGSX (a)", "!SYNTAX"},
	{put_store, " 1 FLAGS (a b c d e f g h i j k l m)", "!TOOBIG"},
	{put_copy, " 1:* &AOk-", "1:4294967295 <\xc3\xa9>"},
	{put_copy, " 1:*", "!SYNTAX"},
	{put_copy, " 1 {5}\r\ninbox", "1 <INBOX>"},
	{put_status, " INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)", "<INBOX> 1f"},
	{put_status, " x (DELETED SIZE HIGHESTMODSEQ MAILBOXID APPENDLIMIT)", "<x> 3e0"},
	{put_status, " x ()", "!SYNTAX"},
	{put_status, " x (FOO)", "!SYNTAX"},
	{put_list, " \"\" *", "0 <> <*> 0 0"},
	{put_list, " a/ %", "0 <a/> <%> 0 0"},
	{put_list, " \"\" \"\"", "0 <> <> 0 0"},
	{put_list, " (SUBSCRIBED RECURSIVEMATCH) \"\" (a b*) RETURN (CHILDREN STATUS (UNSEEN))",
		"ext 5 <> <a> <b*> 30 10"},
	{put_list, " () \"\" * RETURN (SPECIAL-USE SUBSCRIBED)", "ext 0 <> <*> 9 0"},
	{put_list, " (REMOTE SPECIAL-USE) \"\" * RETURN ()", "ext a <> <*> 0 0"},
	{put_list, " (RECURSIVEMATCH) \"\" *", "!SYNTAX"},
	{put_list, " (FOO) \"\" *", "!SYNTAX"},
	{put_list, " \"\" ()", "!SYNTAX"},
	{put_list, " \"\" * RETURN", "!SYNTAX"},
	{put_list, " \"\" * RETURN (STATUS)", "!SYNTAX"},
	{put_append, " INBOX {310}", "<INBOX> 0 310 stream"},
	{put_append, " a (\\Seen k) \" 2-Jan-1970 00:00:00 +0000\" ~{3+}\r\nabc",
		"<a> 1,k 86400 ~3"},
	{put_append, " a \" 2-Jan-1970 00:00:00 +0000\" {0}\r\n", "<a> 0 86400 0"},
	{put_append, " a {3}\r\nabcd", "!SYNTAX"},
	{put_append, " a \"text\"", "!SYNTAX"},
	{put_append, " a", "!SYNTAX"},
	{put_select, " inbox", "<INBOX>"},
	{put_select, " a (CONDSTORE)", "<a> condstore"},
	{put_select, " a (FOO)", "!SYNTAX"},
	{put_create, " a/b/", "<a/b> "},
	{put_create, " a (USE (\\Sent))", "<a> \\Sent"},
	{put_create, " a (USE ())", "<a> "},
	{put_create, " a (USE (\\Sent \\Junk))", "!SYNTAX"},
	{put_create, " /", "!CONFLICT"},
	{put_create, " \"a*\"", "!CONFLICT"},
	{put_rename, " a b", "<a> <b>"},
	{put_rename, " a b//c", "!CONFLICT"},
	{put_login, " {5}\r\nalice {6+}\r\nsecret", "<alice> <secret>"},
	{put_login, " a \"\"", "<a> <>"},
	{put_login, " a", "!SYNTAX"},
	{put_authenticate, " PLAIN", "PLAIN none"},
	{put_authenticate, " plain AGEAYg==", "plain AGEAYg=="},
	{put_authenticate, " PLAIN =", "PLAIN ="},
	{put_authenticate, " PLAIN a b", "!SYNTAX"},
	{put_enable, " CONDSTORE IMAP4rev2", "<CONDSTORE><IMAP4rev2>"},
	{put_enable, "", "!SYNTAX"},
	{put_id, " NIL", ""},
	{put_id, " (\"name\" \"x\" \"os\" NIL)", "<name><x><os>nil<>"},
	{put_id, " ()", ""},
	{put_id, " (\"name\")", "!SYNTAX"},
};

static void run(size_t i, struct slice text, struct buf *got)
{
	struct arena arena AUTO(arena_done);
	struct imap_lex lx;
	struct err err;
	int rc;

	arena_init(&arena, 16384);
	imap_lex_init(&lx, text, &limits, &arena);
	rc = cases[i].put(&lx, got, &err);
	if (rc < 0)
		buf_printf(got, "!%s", err_code_name(err.code));
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf got AUTO(buf_done);

		buf_init(&got, 4096);
		run(i, slice_str(cases[i].text), &got);
		if (!slice_eq(buf_slice(&got), slice_str(cases[i].want)))
			fail_msg("<%s>: got <%.*s>, want <%s>", cases[i].text,
				SLICE_ARG(buf_slice(&got)), cases[i].want);
	}
}

/* Every prefix of every case, in a heap block of its exact size. */
static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t len = 0; len < strlen(cases[i].text); len++) {
			struct buf got AUTO(buf_done);
			char *exact = mem_alloc(len);

			memcpy(exact, cases[i].text, len);
			buf_init(&got, 4096);
			run(i, (struct slice){exact, len}, &got);
			free(exact);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
