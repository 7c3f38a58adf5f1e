/* line_test.c - descriptors that go with requests, in order; and what becomes of calls at the end.
 */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/temp.h"
#include "line/line.h"

enum { VERB_READ = 1, VERB_ECHO = 2, REQUESTS = 300, FRAME_MAX = 1 << 16 };

/* ---- the other process: answers with the number that stands in the descriptor ---- */

static size_t on_frame(struct conn *c, struct slice in, bool is_full)
{
	struct err err;

	(void)c;
	(void)is_full;
	return (size_t)frame_length(in, FRAME_MAX, &err);
}

static void on_execute(struct conn *c, struct slice unit)
{
	struct frame f;
	uint64_t n;
	size_t begin;

	frame_open(unit, &f);
	n = frame_u64(&f);
	if (f.verb == VERB_READ) {
		const int fd = conn_take_fd(c);

		assert_true(fd >= 0);
		assert_int_equal(pread(fd, &n, sizeof(n), 0), sizeof(n));
		close(fd);
	}
	begin = frame_begin(conn_out(c), f.id, 0);
	frame_put_u64(conn_out(c), n);
	frame_finish(conn_out(c), begin);
}

static void on_goodbye(struct conn *c, enum conn_goodbye why)
{
	(void)c;
	(void)why;
}

static const struct protocol other = {.name = "other",
	.unit_max = FRAME_MAX,
	.takes_fds = true,
	.frame = on_frame,
	.execute = on_execute,
	.goodbye = on_goodbye};

static struct pool *new_pool(void)
{
	struct pool *pool;
	struct err err;

	assert_int_equal(
		pool_new(&(struct pool_config){.threads = 2, .connections_max = 10}, &pool, &err),
		0);
	return pool;
}

static void listen_at(struct pool *pool, const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct pool_listener listener = {
		.protocol = &other, .class = POOL_INTERACTIVE, .is_trusted = true};
	struct err err;

	memcpy(at.sun_path, path, strlen(path));
	listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener.fd, 8), 0);
	assert_int_equal(pool_listen(pool, &listener, &err), 0);
	assert_int_equal(pool_start(pool, &err), 0);
}

/* ---- ours ---- */

static atomic_size_t answered;
static _Atomic uint64_t sum;

static void on_own(void *context, struct frame *f)
{
	(void)context;
	atomic_fetch_add(&sum, frame_u64(f));
	atomic_fetch_add(&answered, 1);
}

static int file_with(uint64_t n)
{
	const int fd = memfd_create("n", MFD_CLOEXEC);

	assert_int_equal(write(fd, &n, sizeof(n)), sizeof(n));
	return fd;
}

/* Every third has a descriptor, whose number is what is answered: the frame's own is wrong. */
static void ask(struct line *line, uint64_t n)
{
	struct line_request r = {.fd = -1, .own = on_own, .deadline_ms = clock_mono_ms() + 60000};

	buf_init(&r.frame, FRAME_MAX);
	if (n % 3 == 0)
		r.fd = file_with(n);
	frame_begin(&r.frame, 0, n % 3 ? VERB_ECHO : VERB_READ);
	frame_put_u64(&r.frame, n % 3 ? n : 0);
	line_ask(line, &r);
}

static void test_descriptors(void **state)
{
	char folder[TEMP_MAX], path[TEMP_MAX + 2];
	struct pool *theirs = new_pool(), *ours = new_pool();
	struct line *line;
	uint64_t want = 0;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(temp_path(folder, "line-test-XXXXXX")));
	snprintf(path, sizeof(path), "%s/s", folder);
	line = line_new(&(struct line_config){
		.name = "other", .path = path, .answer_max = FRAME_MAX, .sent_max = 100});
	line_start(line, ours); /* nobody listens yet */
	assert_int_equal(pool_start(ours, &err), 0);
	for (uint64_t n = 1; n <= REQUESTS; n++) {
		ask(line, n);
		want += n;
	}
	listen_at(theirs, path);
	while (atomic_load(&answered) < REQUESTS)
		usleep(1000);
	assert_true(atomic_load(&sum) == want);
	ask(line, 3); /* not answered any more: freed with the line */
	pool_stop(&theirs);
	pool_stop(&ours);
	line_free(&line);
	unlink(path);
	rmdir(folder);
}

/* ---- calls at the end ---- */

static void on_call(void *context, struct frame *f, int rc, const struct err *err)
{
	size_t *told = context;

	assert_null(f);
	assert_int_equal(rc, -ERR_BUSY);
	assert_int_equal(err->code, ERR_BUSY);
	++*told;
}

static void call(struct line *line, size_t *told)
{
	struct line_request r = {.fd = -1,
		.done = on_call,
		.done_context = told,
		.deadline_ms = clock_mono_ms() + 60000};

	buf_init(&r.frame, FRAME_MAX);
	frame_begin(&r.frame, 0, VERB_ECHO);
	frame_put_u64(&r.frame, 1);
	line_ask(line, &r);
}

/* Two are sent to somebody who never answers, the rest is not sent; all are told, once, and so is
 * who asks afterwards. */
static void test_calls_at_the_end(void **state)
{
	char folder[TEMP_MAX], path[TEMP_MAX + 2];
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	const int mute = socket(AF_UNIX, SOCK_STREAM, 0);
	struct pool *ours = new_pool();
	struct line *line;
	size_t told = 0;
	char byte;
	int fd;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(temp_path(folder, "line-test-XXXXXX")));
	snprintf(path, sizeof(path), "%s/s", folder);
	memcpy(at.sun_path, path, strlen(path));
	assert_int_equal(bind(mute, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(mute, 1), 0);
	line = line_new(&(struct line_config){
		.name = "mute", .path = path, .answer_max = FRAME_MAX, .sent_max = 2});
	line_start(line, ours);
	assert_int_equal(pool_start(ours, &err), 0);
	for (int i = 0; i < 5; i++)
		call(line, &told);
	fd = accept(mute, NULL, NULL);
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(told, 0);
	line_stop(line);
	assert_int_equal(told, 5);
	call(line, &told);
	assert_int_equal(told, 6);
	pool_stop(&ours);
	line_free(&line);
	assert_int_equal(told, 6);
	close(fd);
	close(mute);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors), cmocka_unit_test(test_calls_at_the_end)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
