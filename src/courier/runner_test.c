/* runner_test.c - many senders, an operator, servers of three kinds, and an end in the midst of it:
 * each recipient has its mail. Runs under the thread sanitizer, too. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "courier/process.h"
#include "courier/runner_internal.h"
#include "queue/manage.h"
#include "queue/queue_kit.h"

enum {
	KINDS = 3, /* of servers: good ones, greylisting ones, those that go away */
	SENDERS = 4,
	EACH = 60, /* messages of a sender, to one recipient of each kind */
	ALL = SENDERS * EACH * KINDS,
	VANISH_EACH = 5,
	WAIT_MS = 120000,
};

/* ---- servers ---- */

struct receivers {
	int fds[KINDS];
	unsigned short port;
	pthread_t threads[KINDS];
	pthread_mutex_t lock; /* guards all below */
	unsigned got[ALL], seen[ALL];
	unsigned sessions; /* that are open */
	unsigned mails;
};

struct session {
	struct receivers *all;
	int fd, kind;
	FILE *in;
	unsigned numbers[KINDS], n; /* recipients of this transaction */
};

static void say(const struct session *s, const char *text)
{
	(void)!write(s->fd, text, strlen(text));
}

/* False: the connection is cut. */
static bool take_mail(struct session *s)
{
	bool is_cut;

	s->n = 0;
	pthread_mutex_lock(&s->all->lock);
	is_cut = s->kind == 2 && ++s->all->mails % VANISH_EACH == 0;
	pthread_mutex_unlock(&s->all->lock);
	if (!is_cut)
		say(s, "250 ok\r\n");
	return !is_cut;
}

static void take_rcpt(struct session *s, const char *line)
{
	struct slice rest;
	uint64_t number = ALL;
	bool is_new;

	assert_true(slice_to_u64(
		slice_cut(slice_str(line + strlen("RCPT TO:<r")), '@', &rest), ALL - 1, &number));
	pthread_mutex_lock(&s->all->lock);
	is_new = s->all->seen[number]++ == 0;
	pthread_mutex_unlock(&s->all->lock);
	if (s->kind == 1 && is_new) {
		say(s, "451 4.7.1 come back\r\n");
		return;
	}
	s->numbers[s->n++] = (unsigned)number;
	say(s, "250 ok\r\n");
}

static void take_text(struct session *s)
{
	char line[1024];

	say(s, "354 go\r\n");
	while (fgets(line, sizeof(line), s->in) && strcmp(line, ".\r\n") != 0)
		;
	pthread_mutex_lock(&s->all->lock);
	for (unsigned i = 0; i < s->n; i++)
		s->all->got[s->numbers[i]]++;
	pthread_mutex_unlock(&s->all->lock);
	say(s, "250 2.0.0 taken\r\n");
}

static bool command(struct session *s, const char *line)
{
	if (strncmp(line, "EHLO", 4) == 0)
		say(s, "250-hi\r\n250 PIPELINING\r\n");
	else if (strncmp(line, "MAIL", 4) == 0)
		return take_mail(s);
	else if (strncmp(line, "RCPT", 4) == 0)
		take_rcpt(s, line);
	else if (strncmp(line, "DATA", 4) == 0)
		take_text(s);
	else if (strncmp(line, "RSET", 4) == 0)
		say(s, "250 ok\r\n");
	else
		return false;
	return true;
}

static void *serve(void *context)
{
	struct session *s = context;
	char line[1024];

	say(s, "220 hi\r\n");
	while (fgets(line, sizeof(line), s->in) && command(s, line))
		;
	fclose(s->in);
	pthread_mutex_lock(&s->all->lock);
	s->all->sessions--;
	pthread_mutex_unlock(&s->all->lock);
	free(s);
	return NULL;
}

struct door {
	struct receivers *all;
	int kind;
};

static void *listen_to(void *context)
{
	const struct door door = *(struct door *)context;
	int fd;

	free(context);
	while ((fd = accept(door.all->fds[door.kind], NULL, NULL)) >= 0) {
		struct session *s = calloc(1, sizeof(*s));
		pthread_t thread;

		*s = (struct session){
			.all = door.all, .fd = fd, .kind = door.kind, .in = fdopen(fd, "r")};
		pthread_mutex_lock(&door.all->lock);
		door.all->sessions++;
		pthread_mutex_unlock(&door.all->lock);
		assert_int_equal(pthread_create(&thread, NULL, serve, s), 0);
		pthread_detach(thread);
	}
	return NULL;
}

/* 127.0.0.2 and so on, all on one port. */
static void open_receivers(struct receivers *all)
{
	*all = (struct receivers){.port = 0};
	pthread_mutex_init(&all->lock, NULL);
	for (int i = 0; i < KINDS; i++) {
		struct sockaddr_in in = {.sin_family = AF_INET,
			.sin_port = htons(all->port),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (unsigned)i)};
		struct door *door = malloc(sizeof(*door));
		socklen_t len = sizeof(in);

		*door = (struct door){all, i};
		all->fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(all->fds[i], (const struct sockaddr *)&in, sizeof(in)), 0);
		assert_int_equal(listen(all->fds[i], 100), 0);
		assert_int_equal(getsockname(all->fds[i], (struct sockaddr *)&in, &len), 0);
		all->port = ntohs(in.sin_port);
		assert_int_equal(pthread_create(&all->threads[i], NULL, listen_to, door), 0);
	}
}

static void close_receivers(struct receivers *all)
{
	bool is_open = true;

	for (int i = 0; i < KINDS; i++) {
		shutdown(all->fds[i], SHUT_RDWR);
		pthread_join(all->threads[i], NULL);
		close(all->fds[i]);
	}
	while (is_open) {
		pthread_mutex_lock(&all->lock);
		is_open = all->sessions > 0;
		pthread_mutex_unlock(&all->lock);
		usleep(1000);
	}
}

/* ---- the courier's part ---- */

static const char settings_text[] = "host_name = \"here.example\"; courier = { retry = \"1s\"; "
				    "connections = 12; per_destination = 4;"
				    " patience = \"30 s\"; connect = \"10 s\"; };";

static void open_courier(struct courier *courier, const struct receivers *all, bool is_first)
{
	const struct pool_config pool = {.threads = 4, .connections_max = 4};
	char name[32], target[64];
	struct err err;

	assert_int_equal(pool_new(&pool, &courier->pool, &err), 0);
	if (runner_open(courier, &courier->runner, &err) < 0)
		fail_msg("%s", err.msg);
	for (int i = 0; i < KINDS && is_first; i++) {
		snprintf(name, sizeof(name), "k%d.example", i);
		snprintf(target, sizeof(target), "[127.0.0.%d]:%u", 2 + i, all->port);
		assert_int_equal(queue_route_set(runner_queue(courier->runner), slice_str(name),
					 slice_str(target), &err),
			0);
	}
	assert_int_equal(pool_start(courier->pool, &err), 0);
	assert_int_equal(runner_start(courier->runner, &err), 0);
}

static void close_courier(struct courier *courier)
{
	runner_stop(courier->runner, WAIT_MS);
	pool_stop(&courier->pool);
	runner_close(&courier->runner);
}

/* ---- what goes in ---- */

struct sender {
	struct queue *queue;
	unsigned first; /* of its n numbers */
	unsigned n;
	atomic_uint *put;
	pthread_t thread;
};

static void on_put(void *context, int rc, const struct err *err)
{
	assert_int_equal(rc, 0);
	(void)err;
	atomic_fetch_add((atomic_uint *)context, 1);
}

static void *send_all(void *context)
{
	static const char text[] = "Subject: x\r\n\r\nhello\r\n";
	const struct queue_body body = {
		.fd = -1, .size = sizeof(text) - 1, .bytes = {text, sizeof(text) - 1}};
	const struct sender *s = context;

	for (unsigned i = 0; i < s->n; i += KINDS) {
		struct queue_message *m = queue_message_new();
		char address[KINDS][40];
		struct err err;

		for (unsigned k = 0; k < KINDS; k++) {
			struct queue_recipient to = {.address = {address[k], 0}};

			to.address.len = (size_t)snprintf(address[k], sizeof(address[k]),
				"r%u@k%u.example", s->first + i + k, k);
			assert_int_equal(queue_message_add(m, &to, &err), 0);
		}
		queue_put(s->queue, m, &body, on_put, s->put);
	}
	return NULL;
}

/* Half of what each sender has; returns when all is accepted. */
static void start_senders(
	struct sender *senders, struct queue *queue, unsigned half, atomic_uint *put)
{
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){.queue = queue,
			.n = EACH * KINDS / 2,
			.first = i * EACH * KINDS + half * EACH * KINDS / 2,
			.put = put};
		assert_int_equal(
			pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
	}
}

static void wait_for_senders(struct sender *senders, const atomic_uint *put, unsigned n)
{
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	while (atomic_load(put) < n)
		usleep(1000);
}

static void on_entry(void *context, const struct queue_entry *entry)
{
	*(size_t *)context += entry->address.len;
}

/* Everything that the operator may do to all of it, at any time. */
static void operate(struct courier *courier, unsigned turns)
{
	static const enum queue_change_kind kinds[] = {QUEUE_HOLD, QUEUE_RELEASE, QUEUE_RETRY};
	const struct queue_filter all = {.state = -1};
	struct queue *queue = runner_queue(courier->runner);

	for (unsigned i = 0; i < turns; i++) {
		struct runner_status status;
		size_t bytes = 0;
		uint64_t changed;
		struct err err;
		bool more;

		assert_int_equal(queue_change(queue, &all, kinds[i % 3], &changed, &err), 0);
		assert_int_equal(
			queue_list(queue, &all, 0, 0, 100, on_entry, &bytes, &more, &err), 0);
		runner_status(courier->runner, &status);
		runner_hurry(courier->runner);
	}
}

static void wait_for_end(struct courier *courier)
{
	const int64_t end_ms = clock_mono_ms() + WAIT_MS;
	struct queue_status status = {.messages = 1};
	struct err err;

	while (status.messages) {
		assert_true(clock_mono_ms() < end_ms);
		assert_int_equal(queue_status(runner_queue(courier->runner), &status, &err), 0);
		usleep(20000);
	}
}

static void test_all_at_once(void **state)
{
	static struct receivers receivers;
	struct sender senders[SENDERS];
	struct courier courier = {.event_fd = -1};
	struct config *settings = NULL;
	atomic_uint put = 0;
	struct err err;

	(void)state;
	kit_enter();
	open_receivers(&receivers);
	assert_int_equal(config_parse(slice_str(settings_text), "test", &settings, &err), 0);
	courier.settings = settings;
	open_courier(&courier, &receivers, true);
	start_senders(senders, runner_queue(courier.runner), 0, &put);
	operate(&courier, 30);
	wait_for_senders(senders, &put, SENDERS * EACH / 2);
	/* The end, in the midst of it; and another beginning. */
	close_courier(&courier);
	open_courier(&courier, &receivers, false);
	start_senders(senders, runner_queue(courier.runner), 1, &put);
	operate(&courier, 30);
	wait_for_senders(senders, &put, SENDERS * EACH);
	wait_for_end(&courier);
	close_courier(&courier);
	close_receivers(&receivers);
	for (unsigned i = 0; i < ALL; i++)
		assert_int_equal(receivers.got[i], 1);
	config_free(&settings);
	kit_leave();
}

static void ignore_host(void *context, struct slice host, const char *words)
{
	(void)context;
	(void)host;
	(void)words;
}

/* Threads that others need, too, wait for strangers: few of them at once. */
static void test_few_visits(void **state)
{
	struct runner r = {.visits = 0};
	struct err err;

	(void)state;
	for (int i = 0; i < RUNNER_VISITS_MAX; i++)
		assert_int_equal(runner_visit_begin(&r, &err), 0);
	assert_int_equal(runner_visit_begin(&r, &err), -ERR_BUSY);
	assert_int_equal(
		runner_look(&r, slice_lit("x.example"), ignore_host, NULL, &err), -ERR_BUSY);
	assert_int_equal(runner_test_external(&r, 1, &err), -ERR_BUSY);
	runner_visit_end(&r);
	assert_int_equal(runner_visit_begin(&r, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_at_once), cmocka_unit_test(test_few_visits)};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
