/*
 * sink.c - a mail server for benches that takes everything, keeps nothing, and says how fast it
 * came.
 *
 *   sink PORT COUNT [SECONDS]
 *
 * Listens on every address of loopback, so that there may be as many destinations as one likes.
 * After COUNT recipients, or SECONDS without any, it prints one JSON object and ends. One thread:
 * a few microseconds a command, which is to be nothing beside the server that is measured.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "client.h"

enum { READ_SIZE = 64 << 10, LINE_MAX_SIZE = 4096, EVENTS = 256, END_LEN = 5 };

struct session {
	int fd;
	bool is_text;
	long rcpts;
	size_t end_n; /* of the end of the text, seen so far */
	size_t len;   /* of the line that is not whole */
	char line[LINE_MAX_SIZE];
};

static long wanted, recipients, messages, connections;
static uint64_t bytes;
static double first_s, last_s, seconds = 60;
static const char end_mark[] = "\r\n.\r\n";

static void report(void)
{
	printf("{\"recipients\": %ld, \"messages\": %ld, \"connections\": %ld, \"bytes\": %llu,"
	       " \"seconds\": %.6f}\n",
		recipients, messages, connections, (unsigned long long)bytes, last_s - first_s);
	exit(0);
}

static void say(struct session *s, const char *text)
{
	/* What does not fit into a socket's buffer is more than anybody asked. */
	if (send(s->fd, text, strlen(text), MSG_NOSIGNAL) < 0 && errno == EAGAIN)
		bench_die("a client does not read its answers");
}

static void take_message(struct session *s)
{
	messages++;
	recipients += s->rcpts;
	s->rcpts = 0;
	last_s = bench_now();
	say(s, "250 2.0.0 taken\r\n");
	if (recipients >= wanted)
		report();
}

/* False: goodbye. */
static bool take_line(struct session *s, struct slice line)
{
	if (first_s == 0)
		first_s = bench_now();
	if (slice_starts_nocase(line, slice_lit("EHLO")))
		say(s, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n");
	else if (slice_starts_nocase(line, slice_lit("DATA")))
		say(s, "354 go\r\n");
	else if (slice_starts_nocase(line, slice_lit("QUIT")))
		say(s, "221 2.0.0 bye\r\n");
	else
		say(s, "250 2.0.0 ok\r\n");
	s->rcpts += slice_starts_nocase(line, slice_lit("RCPT"));
	s->is_text = slice_starts_nocase(line, slice_lit("DATA"));
	s->end_n = 2; /* the line before has ended */
	return !slice_starts_nocase(line, slice_lit("QUIT"));
}

/* The bytes of text at the front. */
static size_t take_text(struct session *s, struct slice in)
{
	for (size_t i = 0; i < in.len; i++) {
		if (s->end_n == 0 && in.ptr[i] != '\r') {
			const char *next = memchr(in.ptr + i, '\r', in.len - i);

			if (!next)
				return in.len;
			i = (size_t)(next - in.ptr);
		}
		if (in.ptr[i] == end_mark[s->end_n])
			s->end_n++;
		else
			s->end_n = in.ptr[i] == '\r';
		if (s->end_n == END_LEN) {
			s->is_text = false;
			take_message(s);
			return i + 1;
		}
	}
	return in.len;
}

static bool take(struct session *s, struct slice in)
{
	while (in.len) {
		size_t end;

		if (s->is_text) {
			in = slice_from(in, take_text(s, in));
			continue;
		}
		end = slice_chr(in, '\n');
		end = end == SIZE_MAX ? in.len : end + 1;
		if (s->len + end > sizeof(s->line))
			bench_die("a line is too long");
		memcpy(s->line + s->len, in.ptr, end);
		s->len += end;
		in = slice_from(in, end);
		if (s->line[s->len - 1] == '\n') {
			const struct slice line = {s->line, s->len};

			s->len = 0;
			if (!take_line(s, line))
				return false;
		}
	}
	return true;
}

static void drop(struct session *s)
{
	close(s->fd);
	free(s);
}

static void on_readable(struct session *s)
{
	static char in[READ_SIZE];
	const ssize_t n = recv(s->fd, in, sizeof(in), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	bytes += n > 0 ? (uint64_t)n : 0;
	if (n <= 0 || !take(s, (struct slice){in, (size_t)n}))
		drop(s);
}

static void on_connect(int listen_fd, int poll_fd)
{
	const int one = 1, fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};
	struct session *s;

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	s = mem_new(struct session);
	s->fd = fd;
	event.data.ptr = s;
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
	connections++;
	say(s, "220 sink ESMTP\r\n");
}

static int listen_on(int port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	const int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* Every address of 127/8 needs INADDR_ANY; a bench's machine has no guests. */
	sa.sin_addr.s_addr = htonl(INADDR_ANY);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 4096) < 0)
		bench_die("cannot listen on port %d", port);
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS], event = {.events = EPOLLIN};
	int listen_fd, poll_fd;

	if (argc < 3)
		bench_die("see the head of sink.c for the arguments");
	wanted = atol(argv[2]);
	if (argc > 3)
		seconds = atof(argv[3]);
	listen_fd = listen_on(atoi(argv[1]));
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, listen_fd, &event);
	for (int n; (n = epoll_wait(poll_fd, events, EVENTS, (int)(seconds * 1000))) > 0;) {
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				on_readable(events[i].data.ptr);
			else
				on_connect(listen_fd, poll_fd);
		}
	}
	report();
}
