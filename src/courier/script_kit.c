/* script_kit.c - see script_kit.h for the contract. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "courier/script_kit.h"

enum { HEARD_MAX = 1 << 20 };

static bool fill(struct script *s)
{
	char bytes[4096];
	const ssize_t n = read(s->fd, bytes, sizeof(bytes));

	if (n <= 0)
		return false;
	buf_append(&s->in, (struct slice){bytes, (size_t)n});
	return true;
}

static struct slice hear_line(struct script *s)
{
	size_t end;

	while ((end = slice_find(buf_slice(&s->in), slice_lit("\r\n"))) == SIZE_MAX) {
		if (!fill(s))
			return (struct slice){0};
	}
	return slice_head(buf_slice(&s->in), end + 2);
}

static void keep(struct script *s, struct slice bytes)
{
	buf_append(&s->heard, bytes);
	buf_consume(&s->in, bytes.len);
}

static void hear(struct script *s, const char *what)
{
	bool is_dot = false;

	if (what[0] == '#') {
		uint64_t n = 0;

		assert_true(slice_to_u64(slice_str(what + 1), HEARD_MAX, &n));
		while (s->in.len < n && fill(s))
			;
		keep(s, slice_head(buf_slice(&s->in), n));
	} else if (what[0] == '*') {
		while (!is_dot) {
			const struct slice line = hear_line(s);

			is_dot = !line.len || slice_eq(line, slice_lit(".\r\n"));
			keep(s, line);
		}
	} else {
		keep(s, hear_line(s));
	}
}

static void say(struct script *s, const char *text)
{
	for (; *text; text++) {
		const struct slice bytes =
			*text == '|' ? slice_lit("\r\n") : (struct slice){text, 1};

		(void)!write(s->fd, bytes.ptr, bytes.len);
	}
}

static void *serve(void *context)
{
	struct script *s = context;
	const char *const *step = s->script;

	for (; *step && **step != '!'; step++) {
		if (**step == '<')
			say(s, *step + 1);
		else
			hear(s, *step + 1);
	}
	if (*step)
		shutdown(s->fd, SHUT_RDWR);
	while (!*step && fill(s)) /* what follows is heard to its end */
		;
	keep(s, buf_slice(&s->in));
	return NULL;
}

int script_start(struct script *s, const char *const *script)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	*s = (struct script){.fd = fds[1], .script = script};
	buf_init(&s->in, HEARD_MAX);
	buf_init(&s->heard, HEARD_MAX);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	return fds[0];
}

void script_stop(struct script *s)
{
	pthread_join(s->thread, NULL);
	close(s->fd);
	buf_done(&s->in);
}
