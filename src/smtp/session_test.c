/* session_test.c - SMTP and LMTP over real connections of the pool, in one piece and by bytes. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mail/mail_kit.h"
#include "smtp/smtp.h"

#define P "@posthouse.example"

static struct mail_kit kit;
static bool is_by_bytes;

/* The client's end of a connection, and the line read last. */
struct client {
	int fd;
	char line[1024];
};

static void client_open(struct client *c, const struct protocol *protocol)
{
	struct conn_ref ref;
	struct err err;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(
		pool_attach(kit.service.pool, fds[1], protocol, &kit.service, &ref, &err), 0);
	c->fd = fds[0];
}

static void client_send(struct client *c, struct slice bytes)
{
	while (bytes.len) {
		const size_t piece = is_by_bytes ? 1 : bytes.len;
		const ssize_t n = send(c->fd, bytes.ptr, piece, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* closed by the server; what it said is still to be read */
		bytes = slice_from(bytes, (size_t)n);
	}
}

/* One line without CRLF, or "EOF". */
static void client_line(struct client *c)
{
	size_t n = 0;

	while (n + 1 < sizeof(c->line) && read(c->fd, c->line + n, 1) == 1) {
		if (c->line[n++] != '\n')
			continue;
		assert_true(n >= 2 && c->line[n - 2] == '\r');
		c->line[n - 2] = '\0';
		return;
	}
	memcpy(c->line, "EOF", 4);
}

/*
 * A script: lines that start with "> " are sent with CRLF, "= " as they stand, "< " is the front
 * of the next reply line, "<*" passes over lines until one that is the last of its reply.
 */
static void talk(struct client *c, const char *const *script)
{
	for (; *script; script++) {
		const char *s = *script;

		if (s[0] == '>') {
			client_send(c, slice_str(s + 2));
			client_send(c, slice_lit("\r\n"));
		} else if (s[0] == '=') {
			client_send(c, slice_str(s + 2));
		} else if (s[1] == '*') {
			do
				client_line(c);
			while (c->line[3] == '-');
		} else {
			client_line(c);
			if (strncmp(c->line, s + 2, strlen(s + 2)) != 0)
				fail_msg("got <%s>, want <%s>", c->line, s + 2);
		}
	}
}

static void run(const struct protocol *protocol, const char *const *script)
{
	struct client c;

	client_open(&c, protocol);
	talk(&c, script);
	close(c.fd);
}

static int setup(void **state)
{
	(void)state;
	kit_open(&kit);
	kit_start(&kit);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kit_close(&kit);
	return 0;
}

static void test_mx(void **state)
{
	static const char *const script[] = {"< 220 mx.posthouse.example ESMTP",
		"> MAIL FROM:<a@b>", "< 503 5.5.1 Say EHLO", "> EHLO client.example",
		"< 250-mx.posthouse.example", "< 250-PIPELINING", "< 250-ENHANCEDSTATUSCODES",
		"< 250-STARTTLS", "< 250-8BITMIME", "< 250-SMTPUTF8", "< 250-DSN",
		"< 250-SIZE 1048576", "< 250-DELIVERBY", "< 250-LIMITS RCPTMAX=", "< 250-CHUNKING",
		"< 250 BINARYMIME", "> LHLO x", "< 500 5.5.1", "> AUTH PLAIN", "< 502 5.5.1",
		"> RCPT TO:<alice" P ">", "< 503 5.5.1 Say MAIL", "> DATA", "< 503 5.5.1",
		"> MAIL FROM:<a@b> SIZE=1048577", "< 552 5.3.4", "> MAIL FROM:<a@b>", "< 250 2.1.0",
		"> MAIL FROM:<a@b>", "< 503 5.5.1", "> DATA", "< 554 5.5.1",
		"> RCPT TO:<x@elsewhere.example>", "< 550 5.7.1", "> RCPT TO:<nobody" P ">",
		"< 550 5.1.1", "> RCPT TO:<gone" P ">", "< 550 5.1.1", "> RCPT TO:<alice" P ">",
		"< 250 2.1.5", "> DATA now", "< 501 5.5.4", "> DATA", "< 354 ", "> Subject: x",
		"> ", "> ..", "> .", "< 250 2.6.0 Message stored as ", "> RCPT TO:<alice" P ">",
		"< 503 5.5.1", "> RSET now", "< 501", "> RSET", "< 250 2.0.0", "> VRFY alice",
		"< 252 2.5.0", "> EXPN all", "< 502 5.5.1", "> HELP", "< 214 2.0.0", "> NOOP x",
		"< 250 2.0.0", "> HELO x", "< 250 mx", "> QUIT", "< 221 2.0.0", "< EOF", NULL};

	(void)state;
	run(&smtp_mx_protocol, script);
	kit_await(&kit, KIT_ALICE, 1);
}

static void test_recipients(void **state)
{
	static const char *const script[] = {"<*", "> EHLO x", "<*", "> MAIL FROM:<a@b>", "< 250",
		"> RCPT TO:<all" P ">", "< 250", "> RCPT TO:<alice" P ">", "< 250",
		"> RCPT TO:<alice+1" P ">", "< 250", "> RCPT TO:<alice+2" P ">", "< 250",
		"> RCPT TO:<\"bob\"" P ">", "< 250", "> RCPT TO:<bob" P ">", "< 452 4.5.3",
		"> DATA", "< 354", "> ", "> .", "< 250 2.6.0", NULL};

	(void)state;
	run(&smtp_mx_protocol, script);
	kit_await(&kit, KIT_ALICE, 1);
	kit_await(&kit, KIT_BOB, 1);
	kit_await(&kit, KIT_CAROL, 1);
	kit_await_log_empty(&kit);
	kit_await(&kit, KIT_ALICE, 1);
}

static void test_lmtp(void **state)
{
	static const char *const script[] = {"< 220 mx.posthouse.example LMTP", "> EHLO x",
		"< 500 5.5.1", "> HELO x", "< 500 5.5.1", "> LHLO x", "<*", "> MAIL FROM:<>",
		"< 250", "> RCPT TO:<alice" P ">", "< 250", "> RCPT TO:<nobody" P ">",
		"< 550 5.1.1", "> RCPT TO:<team" P ">", "< 250", "> RCPT TO:<alice+x" P ">",
		"< 250", "> DATA", "< 354", "> Subject: x", "> ", "> .", "< 250 2.6.0",
		"< 250 2.6.0", "< 250 2.6.0", "> NOOP", "< 250 2.0.0", "> MAIL FROM:<>", "< 250",
		"> RCPT TO:<alice" P ">", "> RCPT TO:<bob" P ">", "> DATA", "< 250", "< 250",
		"< 354", "= a\nb\r\n.\r\n", "< 554 5.6.0", "< 554 5.6.0", "> QUIT", "< 221",
		"< EOF", NULL};

	(void)state;
	run(&smtp_lmtp_protocol, script);
	kit_await(&kit, KIT_BOB, 1);
	kit_await_log_empty(&kit);
	/* One by itself and as alice+x, one through the alias: those were separate deliveries. */
	kit_await(&kit, KIT_ALICE, 2);
}

static void test_bdat(void **state)
{
	static const char *const script[] = {"<*", "> EHLO x", "<*", "> BDAT 6", "= NOOP\r\n",
		"< 503 5.5.1", "> MAIL FROM:<a@b>", "> RCPT TO:<alice" P ">",
		"= BDAT 12\r\nSubject: x\r\n", "= BDAT 9\r\n\r\n.\r\nabcd", "< 250", "< 250",
		"< 250 2.0.0 12 octets", "< 250 2.0.0 9 octets", "> DATA", "< 503",
		"> RCPT TO:<bob" P ">", "< 503", "> BDAT 0 LAST", "< 250 2.6.0",
		"> MAIL FROM:<a@b>", "> RCPT TO:<alice" P ">", "= BDAT 3 LAST\r\na\nb", "< 250",
		"< 250", "< 554 5.6.0", "> BDAT x", "< 501 5.5.4", "> BDAT 5 x", "< 501 5.5.4",
		"< EOF", NULL};

	(void)state;
	run(&smtp_mx_protocol, script);
	kit_await(&kit, KIT_ALICE, 1);
}

static void test_smuggling(void **state)
{
	static const char *const ends[] = {
		"\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\r\n.\n", "\r.\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char body[128];
		const char *const script[] = {"<*", "> EHLO x", "<*", "> MAIL FROM:<a@b>",
			"> RCPT TO:<alice" P ">", "> DATA", "< 250", "< 250", "< 354", body,
			"< 554 5.6.0", "> NOOP", "< 250 2.0.0", NULL};

		snprintf(body, sizeof(body),
			"= x%sMAIL FROM:<evil@b>\r\nRCPT TO:<bob" P ">\r\n.\r\n", ends[i]);
		run(&smtp_mx_protocol, script);
	}
	assert_int_equal(kit_messages(&kit, KIT_ALICE), 0);
	assert_int_equal(kit_messages(&kit, KIT_BOB), 0);
}

static void test_lines(void **state)
{
	static const char *const before[] = {"<*", NULL};
	static const char *const after[] = {"< 500 5.5.2", "> NOOP", "< 250", "= NOOP\n",
		"< 501 5.5.2", "= NO\rOP\r\n", "< 501 5.5.2", "> ", "< 500 5.5.1", NULL};
	const struct slice line = {malloc(200000), 200000};
	struct client c;

	(void)state;
	assert_non_null(line.ptr);
	memset((char *)line.ptr, 'x', line.len);
	client_open(&c, &smtp_mx_protocol);
	talk(&c, before);
	client_send(&c, line);
	client_send(&c, slice_lit("\r\n"));
	talk(&c, after);
	close(c.fd);
	free((char *)line.ptr);
}

static void test_too_many_errors(void **state)
{
	struct client c;

	(void)state;
	client_open(&c, &smtp_mx_protocol);
	client_line(&c);
	for (int i = 0; i < 20; i++) {
		client_send(&c, slice_lit("NONSENSE\r\n"));
		client_line(&c);
		assert_int_equal(strncmp(c.line, "500 5.5.1", 9), 0);
	}
	client_line(&c);
	assert_int_equal(strncmp(c.line, "421 4.7.0", 9), 0);
	client_line(&c);
	assert_string_equal(c.line, "EOF");
	close(c.fd);
}

/* One byte beyond the limit, and far beyond it. */
static void test_size(void **state)
{
	static const char *const before[] = {"<*", "> EHLO x", "<*", "> MAIL FROM:<a@b>",
		"> RCPT TO:<alice" P ">", "> DATA", "< 250", "< 250", "< 354", NULL};
	static const char *const after[] = {"= .\r\n", "< 552 5.3.4", "> NOOP", "< 250", NULL};
	static const char *const away[] = {"< 552 5.3.4", "< EOF", NULL};

	(void)state;
	if (is_by_bytes)
		return;
	for (int i = 0; i < 2; i++) {
		struct client c;

		client_open(&c, &smtp_mx_protocol);
		talk(&c, before);
		for (size_t n = 0; n <= (i ? (4u << 20) : (1u << 20)); n += 64)
			client_send(&c, slice_lit("0123456789012345678901234567890123456789"
						  "0123456789012345678901\r\n"));
		talk(&c, i ? away : after);
		close(c.fd);
	}
	assert_int_equal(kit_messages(&kit, KIT_ALICE), 0);
}

static void test_submission_in_clear(void **state)
{
	static const char *const script[] = {"< 220", "> EHLO x", "<*", "> MAIL FROM:<alice" P ">",
		"< 530 5.7.0", "> AUTH PLAIN AGFsaWNlAHg=", "< 530 5.7.0", "> BDAT 4 LAST",
		"= QUIT", "< 530 5.7.0", "> QUIT", "< 221", "< EOF", NULL};

	(void)state;
	run(&smtp_submission_protocol, script);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_mx),
		EACH(test_recipients),
		EACH(test_lmtp),
		EACH(test_bdat),
		EACH(test_smuggling),
		EACH(test_lines),
		EACH(test_too_many_errors),
		EACH(test_size),
		EACH(test_submission_in_clear),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	is_by_bytes = true;
	failed += cmocka_run_group_tests(tests, NULL, NULL);
	return failed;
}
