/* desk_test.c - servers older and newer than the courier: what they ask is answered, or put off. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ask/verbs.h"
#include "base/config.h"
#include "courier/desk.h"
#include "courier/runner.h"
#include "queue/queue_kit.h"

enum { ANSWER_BYTES = 4096, NUMBERS = 10, SUBMITTER_AT = 3, STOPPED = 5 };

static const char settings_text[] = "host_name = \"here.example\";";
static const char text[] = "Subject: x\r\n\r\nhello\r\n";
static const char socket_name[] = "s";

static struct courier courier;
static struct config *settings;

static int set_up(void **state)
{
	const struct pool_config pool = {.threads = 2, .connections_max = 4};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un here = {.sun_family = AF_UNIX};
	struct err err;

	(void)state;
	kit_enter();
	memcpy(here.sun_path, socket_name, sizeof(socket_name));
	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(config_parse(slice_str(settings_text), "test", &settings, &err), 0);
	courier = (struct courier){.settings = settings};
	assert_int_equal(pool_new(&pool, &courier.pool, &err), 0);
	assert_int_equal(runner_open(&courier, &courier.runner, &err), 0);
	assert_int_equal(desk_open(&courier, fd, &err), 0);
	assert_int_equal(pool_start(courier.pool, &err), 0);
	return queue_stop(runner_queue(courier.runner), STOPPED, &err); /* nothing is sent */
}

static int tear_down(void **state)
{
	(void)state;
	runner_stop(courier.runner, 0);
	pool_stop(&courier.pool);
	runner_close(&courier.runner);
	config_free(&settings);
	unlink(socket_name);
	kit_leave();
	return 0;
}

/* ---- a server ---- */

static int server_connect(void)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un there = {.sun_family = AF_UNIX};

	memcpy(there.sun_path, socket_name, sizeof(socket_name));
	assert_int_equal(connect(fd, (struct sockaddr *)&there, sizeof(there)), 0);
	return fd;
}

/* The answer's verb: 0, or the code of an error; its first number in *n_out. */
static int ask(int fd, struct buf *frame, uint64_t *n_out)
{
	char in[ANSWER_BYTES];
	size_t got = 0;
	struct frame f;
	struct err err;

	frame_finish(frame, 0);
	assert_int_equal(write(fd, frame->ptr, frame->len), frame->len);
	buf_done(frame);
	while (frame_length((struct slice){in, got}, sizeof(in), &err) == 0) {
		const ssize_t n = read(fd, in + got, sizeof(in) - got);

		assert_true(n > 0);
		got += (size_t)n;
	}
	frame_open((struct slice){in, got}, &f);
	*n_out = f.verb ? 0 : frame_u64(&f);
	return f.verb;
}

static int say_form(int fd, uint64_t form, uint64_t *known_out)
{
	struct buf frame;

	buf_init(&frame, ASK_REQUEST_MAX);
	frame_begin(&frame, 7, ASK_FORMS);
	frame_put_u64(&frame, form);
	return ask(fd, &frame, known_out);
}

/* A letter as form 1 has it, and every one since. */
static int put_letter(int fd)
{
	struct buf frame;
	uint64_t ignored;

	buf_init(&frame, ASK_REQUEST_MAX);
	frame_begin(&frame, 8, ASK_ENQUEUE);
	for (int i = 0; i < NUMBERS; i++)
		frame_put_u64(&frame, i == SUBMITTER_AT ? STOPPED : 0);
	frame_put(&frame, slice_lit("sender@here.example"));
	for (int i = 0; i < 3; i++)
		frame_put(&frame, (struct slice){0});
	frame_put_u64(&frame, sizeof(text) - 1);
	frame_put_u64(&frame, 0);
	frame_put(&frame, slice_str(text));
	frame_put_u64(&frame, 1);
	frame_put(&frame, slice_lit("a@there.example"));
	frame_put(&frame, (struct slice){0});
	frame_put(&frame, (struct slice){0});
	frame_put_u64(&frame, 0);
	frame_put_u64(&frame, 0);
	return ask(fd, &frame, &ignored);
}

static uint64_t queued(void)
{
	struct queue_status status;
	struct err err;

	assert_int_equal(queue_status(runner_queue(courier.runner), &status, &err), 0);
	return status.messages;
}

/* ---- */

static const struct {
	uint64_t form; /* 0: no number is said */
	int want;      /* of a letter */
} cases[] = {
	{0, 0},
	{ASK_FORM_UNSAID, 0},
	{ASK_FORM_NOW, 0},
	{ASK_FORM_NOW + 1, ERR_BUSY},
	{UINT64_MAX, ERR_BUSY},
};

static void test_forms(void **state)
{
	uint64_t known, before = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const int fd = server_connect();

		if (cases[i].form) {
			assert_int_equal(say_form(fd, cases[i].form, &known), 0);
			assert_int_equal(known, ASK_FORM_NOW);
		}
		if (put_letter(fd) != cases[i].want)
			fail_msg("form %llu", (unsigned long long)cases[i].form);
		assert_int_equal(queued(), before + (cases[i].want == 0));
		before = queued();
		close(fd);
	}
}

/* A server that knows the older forms too may write those. */
static void test_an_older_form_instead(void **state)
{
	const int fd = server_connect();
	const uint64_t before = queued();
	uint64_t known;

	(void)state;
	assert_int_equal(say_form(fd, ASK_FORM_NOW + 1, &known), 0);
	assert_int_equal(put_letter(fd), ERR_BUSY);
	assert_int_equal(say_form(fd, known, &known), 0);
	assert_int_equal(put_letter(fd), 0);
	assert_int_equal(queued(), before + 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_an_older_form_instead),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
