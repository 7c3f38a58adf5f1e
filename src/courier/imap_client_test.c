/* imap_client_test.c - what is asked of IMAP servers of all kinds, and what is made of their
 * answers. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/temp.h"
#include "courier/imap_internal.h"
#include "courier/script_kit.h"

enum { PATIENCE_MS = 300, TRACE_MAX = 64 << 10, LARGEST = 100000 };

static int stop_fd, spool_dir;

static int set_up(void **state)
{
	char folder[TEMP_MAX];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	spool_dir = mkdtemp(temp_path(folder, "imap-client-XXXXXX"))
			    ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
			    : -1;
	rmdir(folder); /* the descriptor is enough for the rest */
	return stop_fd < 0 || spool_dir < 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(stop_fd);
	close(spool_dir);
	return 0;
}

/* ---- what is done, and what came of it as text ---- */

static int log_in(struct imap_client *c, struct buf *out, struct err *err)
{
	int rc = imap_greet(c, err);

	(void)out;
	return rc < 0 ? rc : imap_log_in(c, slice_lit("ann"), slice_lit("a \"b\""), err);
}

static int list(struct imap_client *c, struct buf *out, struct err *err)
{
	struct imap_folders f;
	struct arena arena AUTO(arena_done);
	int rc = log_in(c, out, err);

	arena_init(&arena, 1 << 20);
	if (rc == 0)
		rc = imap_client_folders(c, &arena, &f, err);
	if (rc < 0)
		return rc;
	buf_printf(out, "prefix <%.*s> unreadable %zu", SLICE_ARG(f.prefix), f.unreadable);
	for (size_t i = 0; i < f.n; i++)
		buf_printf(out, " <%.*s>%c%u", SLICE_ARG(f.list[i].name), f.list[i].separator,
			f.list[i].attributes);
	return 0;
}

static int examine(struct imap_client *c, struct buf *out, struct err *err)
{
	struct imap_folder f;
	uint64_t n;
	int rc = log_in(c, out, err);

	if (rc == 0)
		rc = imap_client_count(c, slice_lit("a\\b"), &n, err);
	if (rc == 0)
		rc = imap_client_examine(c, slice_lit("a\\b"), &f, err);
	if (rc == 0)
		buf_printf(out, "%llu; %u %u %llu", (unsigned long long)n, f.uidvalidity, f.uidnext,
			(unsigned long long)f.messages);
	return rc;
}

static int look(struct imap_client *c, struct buf *out, struct err *err)
{
	struct imap_message *list;
	uint32_t next;
	struct arena arena AUTO(arena_done);
	size_t n;
	int rc = log_in(c, out, err);

	arena_init(&arena, 1 << 20);
	if (rc == 0)
		rc = imap_client_look(c, 5, 900, &arena, &list, &n, &next, err);
	if (rc < 0)
		return rc;
	buf_printf(out, "next %u", next);
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, " %u:%u,%llu,%d,%.*s", list[i].uid, list[i].flags,
			(unsigned long long)list[i].size, list[i].has_date,
			SLICE_ARG(list[i].object));
		for (size_t k = 0; k < list[i].keywords_n; k++)
			buf_printf(out, ",%.*s", SLICE_ARG(list[i].keywords[k]));
	}
	return 0;
}

static int take(void *context, uint32_t uid, struct spool *text, struct err *err)
{
	struct buf *out = context;
	const int rc =
		(buf_printf(out, "%u<", uid), spool_read(text, 0, spool_size(text), out, err));

	buf_lit(out, "> ");
	spool_free(&text);
	return rc;
}

static int fetch(struct imap_client *c, struct buf *out, struct err *err)
{
	static const uint32_t uids[] = {7, 8, 12};
	int rc = log_in(c, out, err);

	if (rc == 0)
		rc = imap_client_fetch(c, uids, 3, spool_dir, 10, take, out, err);
	return rc;
}

#define HELLO "<* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi|"
#define LOGGED_IN HELLO, ">AUTH", "<A1 OK [CAPABILITY IMAP4rev1] in|"
#define HEARD_LOGIN "A1 AUTHENTICATE PLAIN AGFubgBhICJiIg==\r\n"
#define BYE "ZZ LOGOUT\r\n"

static const struct row {
	const char *name;
	int (*run)(struct imap_client *c, struct buf *out, struct err *err);
	const char *script[20];
	int rc;
	const char *heard, *out; /* out: of an error its words */
} rows[] = {
	{"PLAIN at once", log_in, {LOGGED_IN}, 0, HEARD_LOGIN BYE, ""},
	{"PLAIN without being asked", log_in,
		{"<* OK hi|", ">CAPABILITY", "<* CAPABILITY AUTH=PLAIN|A1 OK|", ">AUTH", "<A2 OK|"},
		-ERR_SYNTAX, NULL, "the server took no login"},
	{"PLAIN when asked", log_in,
		{"<* OK hi|", ">CAPABILITY", "<* CAPABILITY AUTH=PLAIN|A1 OK|", ">AUTH", "<+ |",
			">text", "<* CAPABILITY IMAP4rev1|A2 OK|"},
		0, "A1 CAPABILITY\r\nA2 AUTHENTICATE PLAIN\r\nAGFubgBhICJiIg==\r\n" BYE, ""},
	{"LOGIN, capabilities anew", log_in,
		{"<* OK [CAPABILITY IMAP4rev1] hi|", ">LOGIN", "<A1 OK in|", ">CAPABILITY",
			"<* CAPABILITY IMAP4rev1|A2 OK|"},
		0, "A1 LOGIN \"ann\" \"a \\\"b\\\"\"\r\nA2 CAPABILITY\r\n" BYE, ""},
	{"no login that we know", log_in, {"<* OK [CAPABILITY LOGINDISABLED AUTH=X] hi|"},
		-ERR_CONFLICT, BYE, "the server offers no login that we know"},
	{"wrong password", log_in, {HELLO, ">AUTH", "<A1 NO [AUTHENTICATIONFAILED] wrong|"},
		-ERR_CONFLICT, HEARD_LOGIN BYE, "the server says: wrong"},
	{"later, please", log_in, {HELLO, ">AUTH", "<A1 NO [UNAVAILABLE] later|"}, -ERR_BUSY,
		HEARD_LOGIN BYE, "the server says: later"},
	{"no", log_in, {"<* BYE too many|"}, -ERR_BUSY, "", "the server says: too many"},
	{"in already", log_in, {"<* PREAUTH hi|"}, -ERR_DENIED, "",
		"this is no IMAP server that wants a login"},
	{"silence", log_in, {"<* OK hi"}, -ERR_BUSY, "", "no answer in time"},
	{"the end", log_in, {"!"}, -ERR_IO, "", "the server has closed the connection"},
	{"no IMAP at all", log_in, {"<HTTP/1.1 400 what|"}, -ERR_SYNTAX, "",
		"the server's response makes no sense"},

	{"folders by LIST alone", list,
		{LOGGED_IN, ">LIST",
			"<* LIST () \"/\" INBOX|* LIST (\\Noselect) \"/\" {3}|a/b|"
			"* LIST () \"//\" x|* 3 EXISTS|A2 OK|"},
		0, HEARD_LOGIN "A2 LIST \"\" \"*\"\r\n" BYE,
		"prefix <> unreadable 1 <INBOX>/0 <a/b>/1"},
	{"folders with uses and a prefix", list,
		{HELLO, ">AUTH", "<A1 OK [CAPABILITY NAMESPACE SPECIAL-USE] in|", ">NAMESPACE",
			"<* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL|A2 OK|", ">LIST",
			"<* LIST (\\Sent) \".\" INBOX.S|A3 OK|"},
		0, HEARD_LOGIN "A2 NAMESPACE\r\nA3 LIST \"\" \"*\" RETURN (SPECIAL-USE)\r\n" BYE,
		"prefix <INBOX.> unreadable 0 <INBOX.S>.128"},
	{"a server that does not know RETURN", list,
		{HELLO, ">AUTH", "<A1 OK [CAPABILITY SPECIAL-USE] in|", ">LIST", "<A2 BAD what|",
			">LIST", "<* LIST (\\Junk) \".\" J|A3 OK|"},
		0,
		HEARD_LOGIN "A2 LIST \"\" \"*\" RETURN (SPECIAL-USE)\r\nA3 LIST \"\" \"*\"\r\n" BYE,
		"prefix <> unreadable 0 <J>.64"},

	{"a folder is opened", examine,
		{LOGGED_IN, ">STATUS", "<* STATUS \"a\\\\b\" (MESSAGES 7)|A2 OK|", ">EXAMINE",
			"<* FLAGS ()|* 12 EXISTS|* OK [UIDVALIDITY 5] x|* OK [UIDNEXT 99] x|"
			"A3 OK [READ-ONLY] x|"},
		0, HEARD_LOGIN "A2 STATUS \"a\\\\b\" (MESSAGES)\r\nA3 EXAMINE \"a\\\\b\"\r\n" BYE,
		"7; 5 99 12"},
	{"a folder that may not be opened", examine,
		{LOGGED_IN, ">STATUS", "<A2 OK|", ">EXAMINE", "<A3 NO [NOPERM] no|"}, -ERR_CONFLICT,
		NULL, "the server says: no"},

	{"messages in any order", look,
		{LOGGED_IN, ">FETCH",
			"<* 2 FETCH (UID 8 FLAGS (\\Seen x) RFC822.SIZE 20 INTERNALDATE "
			"\"17-Jul-1996 02:44:25 -0700\")|"
			"* 1 FETCH (UID 7 FLAGS () RFC822.SIZE 10)|"
			"* 2 FETCH (UID 8 FLAGS () RFC822.SIZE 20)|"
			"* 9 FETCH (UID 901 FLAGS () RFC822.SIZE 1)|"
			"* 9 FETCH (FLAGS (\\Seen))|A2 OK|"},
		0, HEARD_LOGIN "A2 UID FETCH 5:900 (UID FLAGS INTERNALDATE RFC822.SIZE)\r\n" BYE,
		"next 901 7:0,10,0, 8:1,20,1,,x"},
	{"messages with numbers of their own", look,
		{HELLO, ">AUTH", "<A1 OK [CAPABILITY X-GM-EXT-1 OBJECTID] in|", ">FETCH",
			"<* 2 FETCH (UID 8 FLAGS () RFC822.SIZE 20 X-GM-MSGID 77)|A2 OK|"},
		0,
		HEARD_LOGIN "A2 UID FETCH 5:900 (UID FLAGS INTERNALDATE RFC822.SIZE "
			    "X-GM-MSGID)\r\n" BYE,
		"next 901 8:0,20,0,77"},

	{"texts", fetch,
		{LOGGED_IN, ">FETCH",
			"<* 1 FETCH (UID 7 BODY[] {5}|ab|) FLAGS (\\Seen))|* 4 EXISTS|",
			"<* 3 FETCH (BODY[] {2}|xy UID 12)|* 2 FETCH (UID 8 BODY[] \"q\")|A2 OK|"},
		0, HEARD_LOGIN "A2 UID FETCH 7,8,12 (UID BODY.PEEK[])\r\n" BYE,
		"7<ab\r\n)> 12<xy> 8<q> "},
	{"texts that are not there", fetch,
		{LOGGED_IN, ">FETCH",
			"<* 1 FETCH (UID 7 BODY[] NIL)|* 2 FETCH (UID 8 BODY[] {11}|12345678901)|"
			"* 3 FETCH (UID 12 FLAGS ())|A2 NO [EXPUNGEISSUED] gone|"},
		-ERR_CONFLICT, HEARD_LOGIN "A2 UID FETCH 7,8,12 (UID BODY.PEEK[])\r\n" BYE,
		"the server says: gone"},
	{"a text breaks off", fetch, {LOGGED_IN, ">FETCH", "<* 1 FETCH (UID 7 BODY[] {5}|ab", "!"},
		-ERR_IO, NULL, "the server has closed the connection"},
	{"a text of nothing", fetch, {LOGGED_IN, ">FETCH", "<* 1 LIST (UID 7 BODY[] {5}|ab"},
		-ERR_SYNTAX, NULL, "an unwanted text comes"},
};

static void must_be(const char *name, const char *what, struct slice got, const char *want)
{
	if (want && !slice_eq(got, slice_str(want)))
		fail_msg("%s: %s: got <%.*s>, want <%s>", name, what, SLICE_ARG(got), want);
}

static void run_row(const struct row *row)
{
	static struct imap_client_config config = {.patience_ms = PATIENCE_MS};
	struct buf out AUTO(buf_done);
	struct imap_client *c;
	struct script s;
	struct err err;
	int rc;

	config.stop_fd = stop_fd;
	buf_init(&out, TRACE_MAX);
	c = imap_client_new(&config, peer_new(script_start(&s, row->script), stop_fd));
	rc = row->run(c, &out, &err);
	imap_client_close(&c);
	script_stop(&s);
	if (rc != row->rc)
		fail_msg(
			"%s: %d instead of %d (%s)", row->name, rc, row->rc, rc < 0 ? err.msg : "");
	must_be(row->name, "out", rc < 0 ? slice_str(err.msg) : buf_slice(&out), row->out);
	must_be(row->name, "heard", buf_slice(&s.heard), row->heard);
	buf_done(&s.heard);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run_row(&rows[i]);
}

/* More than a batch: the lowest of them, however they come, and where to go on. */
static void test_more_than_a_batch(void **state)
{
	static char text[LARGEST];
	const char *script[] = {LOGGED_IN, ">FETCH", text, NULL};
	struct buf out AUTO(buf_done), line AUTO(buf_done);
	struct row row = {"many", look, {0}, 0, NULL, NULL};

	(void)state;
	buf_init(&line, LARGEST - 1);
	buf_init(&out, TRACE_MAX);
	buf_byte(&line, '<');
	for (unsigned i = 0; i < 3 * IMAP_BATCH; i++)
		buf_printf(&line, "* 1 FETCH (UID %u FLAGS () RFC822.SIZE 1)|",
			5 + i * 7 % (3 * IMAP_BATCH));
	buf_lit(&line, "A2 OK|");
	assert_false(line.failed);
	memcpy(text, line.ptr, line.len);
	for (size_t i = 0; script[i]; i++)
		row.script[i] = script[i];
	buf_printf(&out, "next %u", 5 + IMAP_BATCH);
	for (unsigned i = 0; i < IMAP_BATCH; i++)
		buf_printf(&out, " %u:0,1,0,", 5 + i);
	buf_byte(&out, '\0');
	row.out = out.ptr;
	run_row(&row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_more_than_a_batch),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
