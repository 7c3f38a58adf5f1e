/*
 * session_test.c - whole sessions over a socket, on a real pool and store; only the keeper is ours.
 *
 * A dialogue is a table of lines: what is sent, and the lines that must come back, where "*"
 * stands for anything. Untagged lines before the one expected may be passed over with "...".
 */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/temp.h"
#include "imap/imap.h"
#include "login/login_kit.h"
#include "mail/mail.h"
#include "wire/imap/name.h"

enum { MESSAGE_MAX = 1 << 20, QUOTA = 400000 };

static struct {
	struct service service;
	uint16_t port;
	char home[TEMP_MAX];
} world;

static int listen_here(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 100), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	world.port = ntohs(sa.sin_port);
	return fd;
}

static void add_account(const char *address, uint64_t quota)
{
	struct err err;
	uint64_t id;

	assert_int_equal(directory_account_add(
				 world.service.directory, slice_str(address), quota, &id, &err),
		0);
	assert_int_equal(store_create(world.service.store, id, &err), 0);
}

static int set_up(void **state)
{
	const struct pool_config pool = {.threads = 4, .connections_max = 100};
	struct store_config store = {.open_max = 8,
		.index_bytes_max = 16 << 20,
		.message_max = MESSAGE_MAX,
		.past_days = 7};
	struct pool_listener listener = {.protocol = &imap_protocol,
		.context = &world.service,
		.class = POOL_INTERACTIVE,
		.connections_max = 100};
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(temp_path(world.home, "imap-test-XXXXXX")));
	assert_int_equal(chdir(world.home), 0);
	log_open("test", LOG_ERROR);
	mail_sessions_init(&world.service.sessions);
	assert_int_equal(pool_new(&pool, &world.service.pool, &err), 0);
	login_kit_pool = world.service.pool;
	assert_int_equal(security_log_open("security.db", world.service.pool,
				 &world.service.security_log, &err),
		0);
	world.service.cleartext_until_s[CONFIG_IMAP] = INT64_MAX;
	store.pool = world.service.pool;
	assert_int_equal(store_new(&store, &world.service.store, &err), 0);
	assert_int_equal(directory_open("directory.db", &world.service.directory, &err), 0);
	assert_int_equal(
		directory_domain_add(world.service.directory, slice_lit("d.example"), &err), 0);
	add_account("alice@d.example", 0);
	add_account("small@d.example", QUOTA);
	world.service.host_name = slice_lit("test");
	world.service.limits.message_max = MESSAGE_MAX;
	world.service.limits.imap_idle_ms = 60000;
	world.service.limits.login_ms = 60000;
	world.service.limits.login_failures_max = 3;
	listener.fd = listen_here();
	assert_int_equal(pool_listen(world.service.pool, &listener, &err), 0);
	assert_int_equal(pool_start(world.service.pool, &err), 0);
	return 0;
}

static int drop(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	pool_drain(world.service.pool, 0);
	pool_wait(world.service.pool, 5000);
	pool_stop(&world.service.pool);
	security_log_close(&world.service.security_log);
	mail_sessions_done(&world.service.sessions);
	directory_close(&world.service.directory);
	store_free(&world.service.store);
	assert_int_equal(chdir("/"), 0);
	return nftw(world.home, drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- a client ---- */

struct client {
	FILE *in;
	int fd;
	char *line;
	size_t cap;
};

static void client_open(struct client *k)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(world.port)};
	const struct timeval wait = {.tv_sec = 20};

	*k = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(k->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	assert_int_equal(connect(k->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	k->in = fdopen(k->fd, "r");
}

static void client_close(struct client *k)
{
	fclose(k->in);
	free(k->line);
}

static void send_bytes(struct client *k, struct slice bytes)
{
	while (bytes.len) {
		const ssize_t n = send(k->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* closed: what is read next tells */
		bytes = slice_from(bytes, (size_t)n);
	}
}

static void say(struct client *k, const char *line)
{
	send_bytes(k, slice_str(line));
	send_bytes(k, slice_lit("\r\n"));
}

/* The next line without its end; ptr NULL when the server has closed. */
static struct slice hear(struct client *k)
{
	ssize_t n = getline(&k->line, &k->cap, k->in);

	while (n > 0 && (k->line[n - 1] == '\n' || k->line[n - 1] == '\r'))
		n--;
	return (struct slice){n < 0 ? NULL : k->line, n < 0 ? 0 : (size_t)n};
}

/* Lines that match the patterns, one by one; NULL ends them, "..." skips up to the next. */
static void expect(struct client *k, const char *const *patterns)
{
	bool is_skipping = false;

	for (; *patterns; patterns++) {
		struct slice line;

		if (strcmp(*patterns, "...") == 0) {
			is_skipping = true;
			continue;
		}
		do {
			line = hear(k);
			if (!line.ptr)
				fail_msg("closed, want <%s>", *patterns);
		} while (is_skipping && !imap_pattern_match(slice_str(*patterns), line));
		if (!imap_pattern_match(slice_str(*patterns), line))
			fail_msg("got <%.*s>, want <%s>", SLICE_ARG(line), *patterns);
		is_skipping = false;
	}
}

#define EXPECT(k, ...) expect(k, (const char *const[]){__VA_ARGS__, NULL})
#define SAY(k, line, ...)                                                                          \
	do {                                                                                       \
		say(k, line);                                                                      \
		EXPECT(k, __VA_ARGS__);                                                            \
	} while (0)

static void client_enter(struct client *k, const char *user)
{
	char line[128];

	client_open(k);
	EXPECT(k, "* OK *");
	snprintf(line, sizeof(line), "in LOGIN %s secret", user);
	SAY(k, line, "in OK *");
}

/* A message of about that many bytes whose body is base64 of 'A's. */
static void append_big(struct client *k, const char *mailbox, size_t size)
{
	struct buf m AUTO(buf_done);
	char line[128];

	buf_init(&m, MESSAGE_MAX * 2);
	buf_lit(&m, "Subject: big\r\nContent-Type: application/octet-stream\r\n"
		    "Content-Transfer-Encoding: base64\r\n\r\n");
	while (m.len < size)
		buf_lit(&m, "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\r\n");
	snprintf(line, sizeof(line), "big APPEND %s {%zu}", mailbox, m.len);
	SAY(k, line, "+ *");
	send_bytes(k, buf_slice(&m));
	SAY(k, "", "...", "big OK *");
}

/* ---- what is tested ---- */

static void test_login(void **state)
{
	struct client k;

	(void)state;
	client_open(&k);
	EXPECT(&k, "* OK *AUTH=PLAIN*APPENDLIMIT=1048576*");
	SAY(&k, "1 LOGIN alice@d.example later", "1 NO *UNAVAILABLE*");
	SAY(&k, "2 LOGIN alice@d.example wrong", "2 NO *AUTHENTICATIONFAILED*");
	SAY(&k, "3 LOGIN nobody@d.example secret", "3 NO *AUTHENTICATIONFAILED*");
	client_close(&k);

	client_open(&k);
	EXPECT(&k, "* OK *");
	SAY(&k, "1 LOGIN alice@d.example factor", "1 NO *AUTHORIZATIONFAILED* Use an app password");
	SAY(&k, "4 AUTHENTICATE LOGIN", "+ VXNlcm5hbWU6");
	SAY(&k, "YWxpY2VAZC5leGFtcGxl", "+ UGFzc3dvcmQ6");
	SAY(&k, "c2VjcmV0", "4 OK *CAPABILITY*");
	SAY(&k, "5 LOGIN alice@d.example secret", "5 BAD Already logged in");
	client_close(&k);

	client_open(&k);
	EXPECT(&k, "* OK *");
	SAY(&k, "1 LOGIN a b", "1 NO *");
	SAY(&k, "2 LOGIN a b", "2 NO *");
	SAY(&k, "3 LOGIN a b", "3 NO *", "* BYE *");
	assert_null(hear(&k).ptr);
	client_close(&k);
}

/* A part that is larger than a pull, raw and decoded, whole and in part. */
static void test_large_parts(void **state)
{
	struct client k;
	char *body;

	(void)state;
	client_enter(&k, "alice@d.example");
	SAY(&k, "1 CREATE large", "1 OK *");
	append_big(&k, "large", 900000);
	SAY(&k, "2 SELECT large", "...", "2 OK *");
	SAY(&k, "3 FETCH 1 (RFC822.SIZE BINARY.SIZE[1])",
		"* 1 FETCH (RFC822.SIZE 900* BINARY.SIZE[1] 653175)", "3 OK *");
	say(&k, "4 FETCH 1 BINARY.PEEK[1]");
	EXPECT(&k, "* 1 FETCH (BINARY[1] ~{653175}");
	body = mem_zalloc(653175);
	assert_int_equal(fread(body, 1, 653175, k.in), 653175);
	for (size_t i = 0; i < 653175; i++)
		assert_int_equal(body[i], 'A');
	free(body);
	EXPECT(&k, ")", "4 OK *");
	SAY(&k, "5 FETCH 1 BINARY.PEEK[1]<653170.100>", "* 1 FETCH (BINARY[1]<653170> ~{5}",
		"AAAAA)", "5 OK *");
	SAY(&k, "6 FETCH 1 BODY.PEEK[TEXT]<300000.4>", "* 1 FETCH (BODY[TEXT]<300000> {4}", "*)",
		"6 OK *");
	client_close(&k);
}

/* Refused before the message is sent. */
static void test_quota(void **state)
{
	struct client k;

	(void)state;
	client_enter(&k, "small@d.example");
	SAY(&k, "1 APPEND INBOX {400001}", "1 NO *OVERQUOTA*");
	SAY(&k, "2 APPEND INBOX {9999999}", "2 NO *TOOBIG*");
	SAY(&k, "3 NOOP", "3 OK *");
	client_close(&k);
}

/* 6,000 messages: more than a slice of the write queue. */
static void test_many(void **state)
{
	struct client k, other;

	(void)state;
	client_enter(&k, "alice@d.example");
	SAY(&k, "1 CREATE many", "1 OK *");
	for (int i = 0; i < 375; i++)
		say(&k, "a APPEND many {4+}\r\nbody");
	for (int i = 0; i < 375; i++)
		EXPECT(&k, "a OK *");
	SAY(&k, "2 SELECT many", "...", "2 OK *");
	for (int n = 375; n < 6000; n *= 2)
		SAY(&k, "3 COPY 1:* many", "...", "3 OK *COPYUID*");
	SAY(&k, "4 STATUS many (MESSAGES SIZE)", "* STATUS many (MESSAGES 6000 SIZE 24000)",
		"4 OK *");
	client_enter(&other, "alice@d.example");
	SAY(&other, "5 SELECT many", "...", "5 OK *");
	SAY(&k, "6 STORE 1:* +FLAGS.SILENT (\\Flagged $Kept)", "6 OK *");
	SAY(&k, "7 SEARCH RETURN (COUNT) FLAGGED KEYWORD $kept", "* ESEARCH *COUNT 6000", "7 OK *");
	SAY(&other, "8 NOOP", "...", "* 6000 FETCH (UID 6000 FLAGS (\\Flagged *$Kept*))", "8 OK *");
	SAY(&k, "9 UID STORE 1001:6000 +FLAGS.SILENT (\\Deleted)", "9 OK *");
	SAY(&k, "10 EXPUNGE", "...", "* 1001 EXPUNGE", "...", "10 OK *");
	SAY(&other, "11 FETCH 6000 UID", "...", "11 *");
	SAY(&other, "12 NOOP", "...", "* 1001 EXPUNGE", "...", "12 OK *");
	SAY(&other, "13 FETCH 1000 (FLAGS)", "* 1000 FETCH (FLAGS (\\Flagged *$Kept*))", "13 OK *");
	client_close(&other);
	client_close(&k);
}

/* What has its own flushes and waits is written, so that only the mailbox's are counted. */
static void settle(void)
{
	struct arena arena AUTO(arena_done);
	struct security_event *list;
	struct err err;
	size_t n;

	arena_init(&arena, 1 << 16);
	assert_int_equal(
		security_log_list(world.service.security_log, 1, 0, 1, &arena, &list, &n, &err), 0);
}

/* A COPY whose second slice fails leaves nothing of the first behind; a MOVE tells how far it got.
 */
static void test_copy_undone(void **state)
{
	struct client k;

	(void)state;
#ifndef PH_FAULTS
	skip();
#endif
	client_enter(&k, "alice@d.example");
	settle();
	SAY(&k, "1 SELECT many", "...", "1 OK *");
	for (int n = 1000; n < 8000; n *= 2)
		SAY(&k, "2 COPY 1:* many", "...", "2 OK *COPYUID*");
	SAY(&k, "3 CREATE target", "3 OK *");
	io_fault_set(IO_SYNC, 2, IO_FAULT_FAIL); /* one flush a slice */
	SAY(&k, "4 COPY 1:* target", "4 NO *UNAVAILABLE*");
	io_fault_set(IO_SYNC, 0, IO_FAULT_NONE);
	SAY(&k, "5 STATUS target (MESSAGES)", "* STATUS target (MESSAGES 0)", "5 OK *");
	SAY(&k, "6 COPY 1:* target", "6 OK *COPYUID*");
	SAY(&k, "7 STATUS target (MESSAGES)", "* STATUS target (MESSAGES 8000)", "7 OK *");
	io_fault_set(IO_SYNC, 2, IO_FAULT_FAIL);
	SAY(&k, "8 MOVE 1:* target", "* OK *COPYUID*13001:18000*", "...", "8 NO *UNAVAILABLE*");
	io_fault_set(IO_SYNC, 0, IO_FAULT_NONE);
	SAY(&k, "9 STATUS target (MESSAGES)", "* STATUS target (MESSAGES 13000)", "9 OK *");
	client_close(&k);
}

/* Connections that go away in the middle of things. */
static void test_gone(void **state)
{
	static const char *const last_words[] = {"1 LOGIN alice@d.example secret",
		"1 FETCH 1:* BODY.PEEK[]", "1 STORE 1:* FLAGS (x)", "1 COPY 1:* Sent", "1 IDLE",
		"1 APPEND INBOX {1000}\r\nhalf", "1 LOGIN {5}", "1 SEARCH BODY x",
		"1 AUTHENTICATE PLAIN"};
	struct client k;

	(void)state;
	client_enter(&k, "alice@d.example");
	for (int i = 0; i < 20; i++)
		SAY(&k, "a APPEND INBOX {4+}\r\nbody", "a OK *");
	client_close(&k);
	for (size_t i = 0; i < sizeof(last_words) / sizeof(last_words[0]); i++) {
		client_enter(&k, "alice@d.example");
		SAY(&k, "s SELECT INBOX", "...", "s OK *");
		say(&k, last_words[i]);
		client_close(&k);
	}
}

static void test_long_lines(void **state)
{
	char line[70000];
	struct client k;

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	client_enter(&k, "alice@d.example");
	SAY(&k, line, "* BAD *");
	SAY(&k, "1 NOOP", "1 OK *");
	SAY(&k, "2 CREATE {200000}", "2 BAD *");
	SAY(&k, "3 CREATE {70000+}", "3 BAD *");
	send_bytes(&k, (struct slice){line, sizeof(line) - 1});
	say(&k, "x");
	SAY(&k, "4 NOOP", "4 OK *");
	client_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_large_parts),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_copy_undone), /* goes on with what is in "many" */
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_long_lines),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
