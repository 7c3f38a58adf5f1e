/* child.c - see child.h for the contract. */
#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

extern char **environ;

const char *role_name(enum role role)
{
	static const char *const names[] = {[ROLE_KEEPER] = "keeper",
		[ROLE_SETUP] = "setup",
		[ROLE_SERVER] = "server",
		[ROLE_COURIER] = "courier"};

	return names[role];
}

/* In the new process. Only calls that are safe after fork. */
_Noreturn static void child_exec(enum role role, int program_fd, const struct handover *handover)
{
	static const int ignored[] = {SIGINT, SIGHUP, SIGPIPE, SIGUSR2};
	static const char *const arguments[] = {[ROLE_KEEPER] = "@keeper",
		[ROLE_SETUP] = "@setup",
		[ROLE_SERVER] = "@server",
		[ROLE_COURIER] = "@courier"};
	char text[HANDOVER_MAX][HANDOVER_TEXT_MAX];
	char *argv[HANDOVER_MAX + 3];
	sigset_t none;

	for (size_t i = 0; i < handover->n; i++) {
		if (handover->items[i].is_fd)
			fcntl((int)handover->items[i].value, F_SETFD, 0);
	}
	/* The terminal's Ctrl-C reaches the whole group; only the supervisor acts on it. */
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	handover_args(handover, arguments[role], text, argv);
	execveat(program_fd, "", argv, environ, AT_EMPTY_PATH);
	dprintf(STDERR_FILENO, "posthouse: cannot start the %s: %s\n", role_name(role),
		strerror(errno));
	_exit(1);
}

int child_start(struct child *child, enum role role, int program_fd,
	const struct handover *handover, bool with_bus, struct err *err)
{
	struct handover all = *handover;
	int pair[2] = {-1, -1};
	int theirs AUTO(io_close) = -1, ours AUTO(io_close) = -1;
	pid_t pid;

	if (with_bus &&
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return err_errno(err, "cannot make the bus");
	ours = pair[0];
	theirs = pair[1];
	if (with_bus)
		handover_add_fd(&all, "bus", theirs);
	handover_add(&all, "parent", getpid());
	pid = fork();
	if (pid < 0)
		return err_errno(err, "cannot start the %s", role_name(role));
	if (pid == 0)
		child_exec(role, program_fd, &all);
	*child = (struct child){.pid = pid,
		.role = role,
		.started_s = clock_wall_s(),
		.started_ms = clock_mono_ms(),
		.bus = ours};
	ours = -1;
	buf_init(&child->in, BUS_LINE_MAX);
	buf_init(&child->out, BUS_OUT_MAX);
	return 0;
}

void child_stop(struct child *child, int64_t kill_after_ms)
{
	child->is_asked = true;
	child->kill_ms = clock_mono_ms() + kill_after_ms;
	kill(child->pid, SIGTERM);
}

void child_done(struct child *child)
{
	io_close(&child->bus);
	buf_done(&child->in);
	buf_done(&child->out);
}

void child_send(struct child *child, const char *fmt, ...)
{
	char small[128];
	va_list ap;
	int n;

	if (child->bus < 0)
		return;
	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(small)) {
		buf_append(&child->out, (struct slice){small, (size_t)n});
	} else if (n > 0) {
		char *room = buf_reserve(&child->out, (size_t)n + 1);

		va_start(ap, fmt);
		if (room && vsnprintf(room, (size_t)n + 1, fmt, ap) == n)
			child->out.len += (size_t)n;
		va_end(ap);
	}
	child_flush(child);
}

void child_flush(struct child *child)
{
	while (child->bus >= 0 && child->out.len) {
		const ssize_t n = send(
			child->bus, child->out.ptr, child->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n <= 0)
			return; /* full, or gone: its end is told by waitpid() */
		buf_consume(&child->out, (size_t)n);
	}
}

bool child_read(struct child *child)
{
	char *room = buf_reserve(&child->in, 16 << 10);
	ssize_t n;

	if (!room)
		return false; /* a line longer than any of ours */
	n = recv(child->bus, room, 16 << 10, MSG_DONTWAIT);
	if (n > 0)
		child->in.len += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

bool child_line(const struct child *child, size_t *at, struct slice *line_out)
{
	const struct slice rest = slice_from(buf_slice(&child->in), *at);
	const size_t end = slice_chr(rest, '\n');

	if (end == SIZE_MAX)
		return false;
	*line_out = slice_head(rest, end);
	*at += end + 1;
	return true;
}

void child_taken(struct child *child, size_t at)
{
	buf_consume(&child->in, at);
}
