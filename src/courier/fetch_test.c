/* fetch_test.c - where a request goes, and where it must not. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "courier/fetch.h"

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";

/* A socket that listens on loopback; *port_out is where. */
static int listen_here(unsigned *port_out)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port_out = ntohs(at.sin_port);
	return fd;
}

static void *answer_one(void *context)
{
	const int fd = accept(*(int *)context, NULL, NULL);
	char head[4096];

	if (fd < 0 || read(fd, head, sizeof(head)) <= 0 ||
		write(fd, answer, sizeof(answer) - 1) < 0)
		return NULL;
	close(fd);
	return NULL;
}

static int ask(const char *host, unsigned port, bool is_public_only, struct buf *body)
{
	const struct fetch_config config = {
		.must_stop = &(const atomic_bool){false}, .is_public_only = is_public_only};
	struct fetch_request request = {.method = "GET", .body_max = 100, .timeout_ms = 10000};
	struct fetch *fetch AUTO(fetch_free) = NULL;
	struct fetch_reply reply AUTO(fetch_reply_done);
	char url[100];
	struct err err;
	int rc;

	snprintf(url, sizeof(url), "http://%s:%u/", host, port);
	request.url = slice_str(url);
	fetch_reply_init(&reply);
	assert_int_equal(fetch_new(&config, &fetch, &err), 0);
	rc = fetch_do(fetch, &request, &reply, &err);
	buf_append(body, buf_slice(&reply.body));
	return rc;
}

static void test_private_addresses(void **state)
{
	static const char *const hosts[] = {
		"127.0.0.1", "[::ffff:127.0.0.1]", "0x7f000001", "[::1]", "10.0.0.1"};
	struct buf body AUTO(buf_done);
	unsigned port;
	int fd = listen_here(&port);
	pthread_t thread;

	(void)state;
	buf_init(&body, 100);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		assert_int_equal(ask(hosts[i], port, true, &body), -ERR_BUSY);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(accept(fd, NULL, NULL), -1); /* nobody came */
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, answer_one, &fd), 0);
	assert_int_equal(ask(hosts[0], port, false, &body), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(slice_eq(buf_slice(&body), slice_lit("hi")));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_private_addresses)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
