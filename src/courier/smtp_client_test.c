/* smtp_client_test.c - what is said to servers of all kinds, and what is made of their answers. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "courier/script_kit.h"
#include "courier/smtp_internal.h"
#include "queue/queue_kit.h"

enum { PATIENCE_MS = 300, OUT_MAX = 1 << 20 };

static struct kit kit;
static int stop_fd;

static int set_up(void **state)
{
	(void)state;
	kit_enter();
	kit_open(&kit, "");
	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return stop_fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(stop_fd);
	kit_close(&kit);
	kit_leave();
	return 0;
}

static struct smtp_client *start(struct script *s, const char *const *script, bool is_lmtp)
{
	static struct smtp_client_config config = {.host_name = {"here.example", 12}};
	struct smtp_client *c;

	config.stop_fd = stop_fd;
	config.patience_ms = config.connect_ms = PATIENCE_MS;
	c = smtp_client_new(&config);
	c->peer = peer_new(script_start(s, script), stop_fd);
	c->is_lmtp = is_lmtp;
	return c;
}

static void stop(struct script *s, struct smtp_client **c)
{
	smtp_client_close(c);
	script_stop(s);
}

/* Outcomes and replies, a line for each recipient. */
static void put_outcomes(const struct queue_message *m, struct buf *out)
{
	for (size_t i = 0; i < m->recipients_n; i++)
		buf_printf(out, "%d %.*s\n", (int)m->recipients[i].outcome,
			SLICE_ARG(m->recipients[i].reply));
}

static void must_be(const char *name, struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want)))
		fail_msg("%s: got <%.*s>, want <%s>", name, SLICE_ARG(got), want);
}

#define TEXT "Subject: x\r\n\r\n.dot\r\n"
#define HELLO "<220 hi|", ">EHLO"
#define HEARD_HELLO "EHLO here.example\r\n"
#define MAIL "MAIL FROM:<sender@here.example>"

struct row {
	const char *name, *text; /* of two recipients; NULL: the second one is no address */
	unsigned flags;
	bool is_lmtp;
	const char *script[16];
	const char *heard, *outcomes;
};

static const struct row rows[] = {
	{"one thing after the other", TEXT, 0, false,
		{HELLO, "<250 hi|", ">MAIL", "<250 ok|", ">RCPT", "<250 ok|", ">RCPT", "<250 ok|",
			">DATA", "<354 go|", ">*", "<250 2.0.0 done|"},
		HEARD_HELLO MAIL "\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n"
				 "Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
		"2 250 2.0.0 done\n2 250 2.0.0 done\n"},
	{"at once, in chunks", TEXT, QUEUE_8BIT, false,
		{HELLO, "<250-hi|250-PIPELINING|250-SIZE 1000|250-8BITMIME|250-DSN|250 CHUNKING|",
			">MAIL", ">RCPT", ">RCPT", "<250 ok|250 ok|250 ok|", ">BDAT", ">#20",
			"<250 2.0.0 done|"},
		HEARD_HELLO MAIL " SIZE=20 BODY=8BITMIME\r\nRCPT TO:<a@x.example>\r\n"
				 "RCPT TO:<b@x.example>\r\nBDAT 20 LAST\r\n" TEXT "QUIT\r\n",
		"1 250 2.0.0 done\n1 250 2.0.0 done\n"},
	{"answers in pieces and lines, HELO", TEXT, 0, false,
		{"<220-a|22", "<0 b|", ">EHLO", "<500 what|", ">HELO", "<250 hi|", ">MAIL",
			"<250 ok|", ">RCPT", "<550-5.1.1 no|550 5.1.1 body|", ">RCPT", "<250 ok|",
			">DATA", "<354 go|", ">*", "<250 done|"},
		HEARD_HELLO
		"HELO here.example\r\n" MAIL "\r\nRCPT TO:<a@x.example>\r\n"
		"RCPT TO:<b@x.example>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
		"5 550 5.1.1 no body\n2 250 done\n"},
	{"enough for now", TEXT, 0, false,
		{HELLO, "<250-hi|250 PIPELINING|", ">MAIL", ">RCPT", ">RCPT",
			"<250 ok|250 ok|452 4.5.3 too many|", ">DATA", "<354 go|", ">*",
			"<250 done|"},
		HEARD_HELLO MAIL "\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n"
				 "Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
		"2 250 done\n0 \n"},
	{"each one's own answer", TEXT, QUEUE_REPORT, true,
		{"<220 hi|", ">LHLO", "<250-hi|250 PIPELINING|", ">MAIL", ">RCPT", ">RCPT",
			"<250 ok|250 ok|250 ok|", ">DATA", "<354 go|", ">*",
			"<250 2.0.0 done|452 4.2.2 full|"},
		"LHLO here.example\r\n" MAIL
		" XORIGIN=report XDELIVERY=7\r\nRCPT TO:<a@x.example>\r\n"
		"RCPT TO:<b@x.example>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
		"1 250 2.0.0 done\n4 452 4.2.2 full\n"},
	{"chunks, and the last recipient is refused", TEXT, 0, false,
		{HELLO, "<250-hi|250-PIPELINING|250 CHUNKING|", ">MAIL", ">RCPT", ">RCPT",
			"<250 ok|250 ok|550 5.1.1 no|", ">BDAT", ">#20", "<250 2.0.0 done|"},
		HEARD_HELLO MAIL "\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n"
				 "BDAT 20 LAST\r\n" TEXT "QUIT\r\n",
		"2 250 2.0.0 done\n5 550 5.1.1 no\n"},
	{"the chunk is refused", TEXT, 0, false,
		{HELLO, "<250-hi|250-PIPELINING|250 CHUNKING|", ">MAIL", ">RCPT", ">RCPT",
			"<250 ok|250 ok|250 ok|", ">BDAT", ">#20", "<552 5.3.4 too big|"},
		HEARD_HELLO MAIL "\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n"
				 "BDAT 20 LAST\r\n" TEXT "QUIT\r\n",
		"5 552 5.3.4 too big\n5 552 5.3.4 too big\n"},
	{"too large", TEXT, 0, false, {HELLO, "<250-hi|250 SIZE 10|"}, HEARD_HELLO "QUIT\r\n",
		"5 552 5.3.4 the message is larger than the host takes\n"
		"5 552 5.3.4 the message is larger than the host takes\n"},
	{"made ASCII", "\r\n\xe9\r\n", 0, false,
		{HELLO, "<250-hi|250 SIZE|", ">MAIL", "<250 ok|", ">RCPT", "<250 ok|", ">RCPT",
			"<250 ok|", ">DATA", "<354 go|", ">*", "<250 done|"},
		HEARD_HELLO MAIL "\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n"
				 "MIME-Version: 1.0\r\nContent-Transfer-Encoding: "
				 "quoted-printable\r\n\r\n=E9\r\n.\r\nQUIT\r\n",
		"2 250 done\n2 250 done\n"},
	{"an address that is none", NULL, 0, false,
		{HELLO, "<250-hi|250 PIPELINING|", ">MAIL", ">RCPT", "<250 ok|250 ok|", ">DATA",
			"<354 go|", ">*", "<250 done|"},
		HEARD_HELLO MAIL "\r\nRCPT TO:<a@x.example>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n"
				 ".\r\nQUIT\r\n",
		"2 250 done\n5 553 5.1.3 malformed address\n"},
	{"MAIL refused", TEXT, 0, false, {HELLO, "<250 hi|", ">MAIL", "<451 4.7.1 later|"},
		HEARD_HELLO MAIL "\r\nQUIT\r\n", "4 451 4.7.1 later\n4 451 4.7.1 later\n"},
	{"nobody taken: no DATA", TEXT, 0, false,
		{HELLO, "<250-hi|250 PIPELINING|", ">MAIL", ">RCPT", ">RCPT",
			"<250 ok|550 5.1.1 a|551 5.1.6 b|"},
		HEARD_HELLO MAIL "\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nQUIT\r\n",
		"5 550 5.1.1 a\n5 551 5.1.6 b\n"},
	{"421 in the midst", TEXT, 0, false,
		{HELLO, "<250 hi|", ">MAIL", "<250 ok|", ">RCPT", "<250 ok|", ">RCPT",
			"<421 4.3.2 bye|"},
		HEARD_HELLO MAIL "\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n",
		"4 421 4.3.2 bye\n4 421 4.3.2 bye\n"},
	{"gone after the text", TEXT, 0, false,
		{HELLO, "<250 hi|", ">MAIL", "<250 ok|", ">RCPT", "<250 ok|", ">RCPT", "<250 ok|",
			">DATA", "<354 go|", ">*", "!"},
		HEARD_HELLO MAIL "\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n"
				 "Subject: x\r\n\r\n..dot\r\n.\r\n",
		"4 4.4.2 the server has closed the connection; it may have been taken all the "
		"same\n"
		"4 4.4.2 the server has closed the connection; it may have been taken all the "
		"same\n"},
	{"no answer", TEXT, 0, false, {HELLO, "<250 hi|", ">MAIL"}, HEARD_HELLO MAIL "\r\n",
		"4 4.4.2 no answer in time\n4 4.4.2 no answer in time\n"},
	{"nonsense", TEXT, 0, false, {HELLO, "<250 hi|", ">MAIL", "<25x ok|"},
		HEARD_HELLO MAIL "\r\n",
		"4 4.4.2 the answer is not SMTP\n"
		"4 4.4.2 the answer is not SMTP\n"},
};

static void run(const struct row *row)
{
	struct buf outcomes AUTO(buf_done);
	const char *const to[] = {
		"a@x.example", row->text ? "b@x.example" : "b> X@x.example", NULL};
	struct queue_message *m = kit_message(to);
	struct smtp_client *c;
	struct script s;
	struct err err;

	buf_init(&outcomes, OUT_MAX);
	m->flags = row->flags;
	m->delivery_id = 7;
	assert_int_equal(kit_put(&kit, m, row->text ? row->text : TEXT), 0);
	m = kit_claim(&kit, "x.example", 10);
	assert_non_null(m);
	c = start(&s, row->script, row->is_lmtp);
	if (smtp_greet(c, &err) < 0)
		fail_msg("%s: %s", row->name, err.msg);
	smtp_client_send(c, kit.queue, m);
	put_outcomes(m, &outcomes);
	stop(&s, &c);
	must_be(row->name, buf_slice(&s.heard), row->heard);
	must_be(row->name, buf_slice(&outcomes), row->outcomes);
	buf_done(&s.heard);
	kit_finish(&kit, m, QUEUE_OUT_DELIVERED);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run(&rows[i]);
}

static void test_greetings(void **state)
{
	static const struct {
		const char *script[6];
		int rc;
	} cases[] = {
		{{"<220 hi|", ">EHLO", "<250 hi|"}, 0},
		{{"<421 4.3.2 busy|"}, -ERR_BUSY},
		{{"<554 5.3.2 no mail here|"}, -ERR_BUSY},
		{{"<220 hi|", ">EHLO", "<421 bye|"}, -ERR_BUSY},
		{{"<220 hi|", ">EHLO", "<500 what|", ">HELO", "<502 no|"}, -ERR_BUSY},
		{{"<220 hi|", ">EHLO", "!"}, -ERR_IO},
		{{"<hello|"}, -ERR_SYNTAX},
		{{"<220 hi\n"}, -ERR_SYNTAX},
		{{"<220 hi"}, -ERR_BUSY},
		{{"!"}, -ERR_IO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct smtp_client *c;
		struct script s;
		struct err err;

		c = start(&s, cases[i].script, false);
		if (smtp_greet(c, &err) != cases[i].rc)
			fail_msg("case %zu", i);
		stop(&s, &c);
		buf_done(&s.heard);
	}
}

/* A connection that stood idle and was closed by the server says nothing about the message. */
static void test_stale(void **state)
{
	static const char *const script[] = {
		HELLO, "<250 hi|", ">MAIL", "<550 5.7.1 no|", "!", NULL};
	const char *const to[] = {"a@x.example", NULL};
	struct queue_message *m;
	struct smtp_client *c;
	struct script s;
	struct err err;

	(void)state;
	c = start(&s, script, false);
	assert_int_equal(smtp_greet(c, &err), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(kit_put(&kit, kit_message(to), TEXT), 0);
		m = kit_claim(&kit, "x.example", 1);
		if (i == 1)
			pthread_join(s.thread, NULL);
		smtp_client_send(c, kit.queue, m);
		assert_int_equal(m->recipients[0].outcome, i ? QUEUE_OUT_NONE : QUEUE_OUT_FAILED);
		kit_finish(&kit, m, QUEUE_OUT_DELIVERED);
	}
	assert_false(smtp_client_is_usable(c));
	smtp_client_close(&c);
	close(s.fd);
	buf_done(&s.in);
	buf_done(&s.heard);
}

/* So does one that a server ends because it has had enough of it. */
static void test_enough_of_it(void **state)
{
	static const char *const scripts[][12] = {
		{HELLO, "<250 hi|", ">MAIL", "<550 5.7.1 no|", ">RSET", "<421 4.7.0 enough|"},
		{HELLO, "<250 hi|", ">MAIL", "<550 5.7.1 no|", ">RSET", "<250 ok|", ">MAIL",
			"<421 4.7.0 enough|"},
	};
	const char *const to[] = {"a@x.example", NULL};

	(void)state;
	for (size_t n = 0; n < sizeof(scripts) / sizeof(scripts[0]); n++) {
		struct smtp_client *c;
		struct script s;
		struct err err;

		c = start(&s, scripts[n], false);
		assert_int_equal(smtp_greet(c, &err), 0);
		for (int i = 0; i < 2; i++) {
			struct queue_message *m;

			assert_int_equal(kit_put(&kit, kit_message(to), TEXT), 0);
			m = kit_claim(&kit, "x.example", 1);
			smtp_client_send(c, kit.queue, m);
			assert_int_equal(
				m->recipients[0].outcome, i ? QUEUE_OUT_NONE : QUEUE_OUT_FAILED);
			kit_finish(&kit, m, QUEUE_OUT_DELIVERED);
		}
		assert_false(smtp_client_is_usable(c));
		stop(&s, &c);
		buf_done(&s.heard);
	}
}

static void *drip(void *context)
{
	const struct timespec pause = {.tv_nsec = 50 * 1000000};

	for (int i = 0; i < 100 && write(*(int *)context, "2", 1) == 1; i++)
		nanosleep(&pause, NULL);
	return NULL;
}

/* An answer has one deadline, however many pieces come. */
static void test_dripping(void **state)
{
	static struct smtp_client_config config = {.patience_ms = PATIENCE_MS};
	const int64_t began = clock_mono_ms();
	struct smtp_client *c;
	pthread_t thread;
	struct err err;
	int fds[2];

	(void)state;
	config.stop_fd = stop_fd;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(pthread_create(&thread, NULL, drip, &fds[1]), 0);
	c = smtp_client_new(&config);
	c->peer = peer_new(fds[0], stop_fd);
	assert_int_equal(smtp_greet(c, &err), -ERR_BUSY);
	assert_in_range(clock_mono_ms() - began, PATIENCE_MS, 10 * PATIENCE_MS);
	smtp_client_close(&c);
	pthread_join(thread, NULL);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_greetings),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_enough_of_it),
		cmocka_unit_test(test_dripping),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
