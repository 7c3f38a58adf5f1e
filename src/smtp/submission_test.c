/* submission_test.c - over TLS: STARTTLS on port 25, AUTH and the sender's checks on port 465. The
 * keeper is played by this test. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "login/login_kit.h"
#include "mail/mail_kit.h"
#include "net/net_kit.h"
#include "smtp/smtp.h"

#define P "@posthouse.example"

static struct mail_kit kit;
static struct kit_ring ring;
static struct tls *tls;
static SSL_CTX *ctx;

static uint16_t listen_on(const struct protocol *protocol, bool is_implicit)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	struct pool_listener l = {
		.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
		.protocol = protocol,
		.context = &kit.service,
		.tls = tls,
		.is_implicit_tls = is_implicit,
		.class = POOL_INTERACTIVE};
	struct err err;

	assert_int_equal(bind(l.fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(l.fd, 16), 0);
	assert_int_equal(getsockname(l.fd, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(pool_listen(kit.service.pool, &l, &err), 0);
	return ntohs(at.sin_port);
}

static int setup(void **state)
{
	(void)state;
	kit_open(&kit);
	kit_start(&kit);
	login_kit_pool = kit.service.pool;
	login_kit_owner = kit.ids[KIT_ALICE];
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kit_close(&kit);
	return 0;
}

static int setup_tls(void **state)
{
	struct err err;

	(void)state;
	ring.keys[0] = kit_key_ec("P-256", "mx.posthouse.example", 3600);
	ring.names[0] = "key";
	assert_int_equal(tls_new(kit_sign, &ring, &tls, &err), 0);
	kit_use(tls, &ring.keys[0], "key");
	ctx = SSL_CTX_new(TLS_client_method());
	return 0;
}

static int teardown_tls(void **state)
{
	(void)state;
	SSL_CTX_free(ctx);
	tls_free(&tls);
	kit_key_done(&ring.keys[0]);
	return 0;
}

/* "> text" is sent with CRLF, "< text" is the front of the next line, "<*" the rest of a reply. */
static void talk(struct peer *p, const char *const *script)
{
	for (; *script; script++) {
		const char *s = *script, *line;

		if (s[0] == '>') {
			peer_send(p, s + 2);
			peer_send(p, "\r\n");
			continue;
		}
		do
			line = peer_line(p);
		while (s[1] == '*' && line && line[3] == '-');
		if (s[1] != '*' && strncmp(line ? line : "EOF", s + 2, strlen(s + 2)) != 0)
			fail_msg("got <%s>, want <%s>", line ? line : "EOF", s + 2);
	}
}

static void run(uint16_t port, const char *const *script)
{
	struct peer p;

	peer_connect(&p, port);
	assert_true(peer_tls(&p, ctx, "mx.posthouse.example"));
	talk(&p, script);
	peer_close(&p);
}

static void test_auth(void **state)
{
	static const char *const script[] = {"< 220", "> AUTH PLAIN", "< 503", "> EHLO x",
		"< 250-mx", "< 250-PIPELINING", "< 250-ENHANCED",
		"< 250-AUTH PLAIN LOGIN OAUTHBEARER XOAUTH2", "<*", "> MAIL FROM:<alice" P ">",
		"< 530 5.7.0", "> AUTH X", "< 504 5.5.4", "> AUTH PLAIN", "< 334 ", "> *",
		"< 501 5.7.0", "> AUTH PLAIN ???", "< 501 5.5.2", "> AUTH PLAIN AGFsaWNl",
		"< 501 5.5.2",
		/* \0alice@posthouse.example\0later, then wrong, then in two steps */
		"> AUTH PLAIN AGFsaWNlQHBvc3Rob3VzZS5leGFtcGxlAGxhdGVy", "< 454 4.7.0",
		"> AUTH PLAIN AGFsaWNlQHBvc3Rob3VzZS5leGFtcGxlAHdyb25n", "< 535 5.7.8",
		"> AUTH LOGIN", "< 334 VXNlcm5hbWU6",
		"> YWxpY2VAcG9zdGhvdXNlLmV4YW1wbGU=", "< 334 UGFzc3dvcmQ6", "> c2VjcmV0",
		"< 235 2.7.0", "> AUTH PLAIN", "< 503 5.5.1", "> QUIT", "< 221", NULL};
	static const char *const away[] = {"<*", "> EHLO x", "<*", "> AUTH PLAIN AGEAYg==", "< 535",
		"> AUTH PLAIN AGEAYg==", "< 535", "> AUTH PLAIN AGEAYg==", "< 535", "< 421 4.7.0",
		"< EOF", NULL};
	const uint16_t port = listen_on(&smtp_submission_protocol, true);

	(void)state;
	run(port, script);
	run(port, away);
}

/* Each mechanism to its end, and the ways to fail on the way. */
static void test_mechanisms(void **state)
{
	static const char *const plain[] = {"<*", "> EHLO x", "<*",
		"> AUTH PLAIN AGFsaWNlQHBvc3Rob3VzZS5leGFtcGxlAGZhY3Rvcg==",
		"< 535 5.7.8 Use an app password",
		"> AUTH PLAIN Ym9iAGFsaWNlAHg=", "< 535 5.7.8 Nobody may act", NULL};
	/* n,,<1>auth=Bearer secret<1><1>, then with a wrong token, then for nobody */
	static const char *const bearer[] = {"<*", "> EHLO x", "<*",
		"> AUTH OAUTHBEARER biwsAWF1dGg9QmVhcmVyIHNlY3JldAEB", "< 235", NULL};
	static const char *const wrong[] = {"<*", "> EHLO x", "<*",
		"> AUTH OAUTHBEARER biwsAWF1dGg9QmVhcmVyIHdyb25nAQE=",
		"< 334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=", "> AQ==", "< 535 5.7.8",
		"> AUTH OAUTHBEARER biwsAWF1dGg9AQE=", "< 501 5.5.2",
		"> AUTH XOAUTH2 dXNlcj1uby1vbmUBYXV0aD1CZWFyZXIgc2VjcmV0AQE=", "< 334 eyJ",
		"> AQ==", "< 535 5.7.8",
		"> AUTH XOAUTH2 dXNlcj1hbGljZUBwb3N0aG91c2UuZXhhbXBsZQFhdXRoPUJlYXJlciBzZWNyZXQBAQ"
		"==",
		"< 235", NULL};
	/* n,,n=alice@posthouse.example,r=x, then "proof"; y where binding is offered */
	static const char *const scram[] = {"<*", "> EHLO x", "<*",
		"> AUTH SCRAM-SHA-256 biwsbj1hbGljZUBwb3N0aG91c2UuZXhhbXBsZSxyPXg=",
		"< 334 Zmlyc3QgMA==", "> cHJvb2Y=", "< 334 ZmluYWw=", "> ", "< 235", NULL};
	static const char *const bad[] = {"<*", "> EHLO x", "<*",
		"> AUTH SCRAM-SHA-256 biwsbj1hbGljZUBwb3N0aG91c2UuZXhhbXBsZSxyPXg=", "< 334",
		"> bm9uZQ==", "< 535", "> AUTH SCRAM-SHA-256", "< 334 ", "> *", "< 501",
		"> AUTH SCRAM-SHA-256 eSwsbj1hLHI9eA==", "< 501",
		"> AUTH SCRAM-SHA-256-PLUS biwsbj1hLHI9eA==", "< 501",
		/* p=tls-unique, then p=tls-exporter, whose 32 bytes reach the keeper */
		"> AUTH SCRAM-SHA-256-PLUS cD10bHMtdW5pcXVlLCxuPWEscj14", "< 501",
		"> AUTH SCRAM-SHA-256-PLUS cD10bHMtZXhwb3J0ZXIsLG49YSxyPXg=", "< 334 Zmlyc3QgMzI=",
		"> *", "< 501",
		"> AUTH SCRAM-SHA-256-PLUS cD10bHMtc2VydmVyLWVuZC1wb2ludCwsbj1hLHI9eA==",
		"< 334 Zmlyc3QgMzI=", NULL};
	static const char *const *const scripts[] = {plain, bearer, wrong, scram, bad};
	const uint16_t port = listen_on(&smtp_submission_protocol, true);

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		run(port, scripts[i]);
}

static void test_submission(void **state)
{
	static const char *const script[] = {"<*", "> EHLO x", "<*",
		"> AUTH PLAIN AGFsaWNlQHBvc3Rob3VzZS5leGFtcGxlAHNlY3JldA==", "< 235",
		"> MAIL FROM:<bob" P ">", "< 553 5.7.1", "> MAIL FROM:<team" P ">", "< 250",
		"> RSET", "< 250", "> MAIL FROM:<alice" P ">", "< 250", "> RCPT TO:<nobody" P ">",
		"< 550 5.1.1", "> RCPT TO:<bob" P ">", "< 250", "> RCPT TO:<x@elsewhere.example>",
		"< 250", "> DATA", "< 354", "> From: alice" P, "> Bcc: secret@elsewhere.example",
		"> ", "> hi", "> .", "< 250 2.6.0", "> MAIL FROM:<alice" P ">", "< 250",
		"> RCPT TO:<bob" P ">", "< 250", "> DATA", "< 354", "> From: bob" P, "> ", "> .",
		"< 550 5.7.1 bob" P, "> QUIT", "< 221", NULL};
	struct kit_queued status;

	(void)state;
	run(listen_on(&smtp_submission_protocol, true), script);
	kit_await(&kit, KIT_BOB, 1);
	kit_await_log_empty(&kit);
	status = kit_queued(&kit);
	assert_int_equal(status.recipients, 1);
}

static void test_starttls(void **state)
{
	static const char *const before[] = {"<*", "> EHLO x", "<*", "> MAIL FROM:<a@b>", "< 250",
		"> STARTTLS", "< 220 2.0.0", NULL};
	static const char *const after[] = {"> MAIL FROM:<a@b>", "< 503", "> EHLO x", "< 250-mx",
		"< 250-PIPELINING", "< 250-ENHANCED", "< 250-8BITMIME", "<*", "> STARTTLS", "< 503",
		"> QUIT", "< 221", "< EOF", NULL};
	static const char *const injected[] = {
		"<*", "> EHLO x", "<*", "> STARTTLS\r\nMAIL FROM:<evil@b>", "< 503", "< EOF", NULL};
	const uint16_t port = listen_on(&smtp_mx_protocol, false);
	struct peer p;

	(void)state;
	peer_connect(&p, port);
	talk(&p, before);
	assert_true(peer_tls(&p, ctx, "mx.posthouse.example"));
	talk(&p, after);
	peer_close(&p);
	peer_connect(&p, port);
	talk(&p, injected);
	peer_close(&p);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_auth),
		EACH(test_mechanisms),
		EACH(test_submission),
		EACH(test_starttls),
	};

	return cmocka_run_group_tests(tests, setup_tls, teardown_tls);
}
