/* channel.c - see channel.h for the contract. */
#include "keeper/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/io.h"

enum { READ_BYTES = 4096, WAIT_MAX_MS = 60000 };

int channel_open(const char *path, struct err *err)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd AUTO(io_close) = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int connected;

	if (strlen(path) >= sizeof(to.sun_path))
		return err_set(err, ERR_TOOBIG, "the path of the keeper's socket is too long");
	memcpy(to.sun_path, path, strlen(path) + 1);
	if (fd < 0)
		return err_errno(err, "cannot make a socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return err_set(err, ERR_BUSY, "the keeper does not answer: %s", strerror(errno));
	connected = fd;
	fd = -1;
	return connected;
}

/* Until the socket is ready. -ERR_BUSY: the deadline passed first. */
static int wait_for(int fd, short events, int64_t deadline_ms, struct err *err)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		const int64_t left = deadline_ms - clock_mono_ms();
		const int n =
			left <= 0 ? 0 : poll(&p, 1, left < WAIT_MAX_MS ? (int)left : WAIT_MAX_MS);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_errno(err, "cannot wait for the keeper");
		if (left <= 0)
			return err_set(err, ERR_BUSY, "the keeper takes too long");
	}
}

static int send_all(int fd, struct slice bytes, int64_t deadline_ms, struct err *err)
{
	while (bytes.len) {
		const ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int rc;

		if (n >= 0) {
			bytes = slice_from(bytes, (size_t)n);
			continue;
		}
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(err, "the keeper's connection broke");
		rc = wait_for(fd, POLLOUT, deadline_ms, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_frame(int fd, int64_t deadline_ms, struct buf *in, struct err *err)
{
	int64_t length;

	while ((length = frame_length(buf_slice(in), FRAME_ANSWER_MAX, err)) == 0) {
		char *space = buf_reserve(in, READ_BYTES);
		int rc = wait_for(fd, POLLIN, deadline_ms, err);
		ssize_t n;

		if (rc < 0)
			return rc;
		if (!space)
			return buf_check(in, "the keeper's answer", err);
		n = recv(fd, space, READ_BYTES, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			continue;
		if (n < 0)
			return err_errno(err, "the keeper's connection broke");
		if (n == 0)
			return err_set(err, ERR_IO, "the keeper closed the connection");
		in->len += (size_t)n;
	}
	if (length < 0 || (size_t)length != in->len)
		return err_set(err, ERR_IO, "the keeper's answer makes no sense");
	return 0;
}

static int read_answer(uint32_t id, const struct buf *reply, struct frame *fields_out,
	bool *answered_out, struct err *err)
{
	frame_open(buf_slice(reply), fields_out);
	if (fields_out->id != id)
		return err_set(err, ERR_IO, "the keeper answered another question");
	*answered_out = true;
	return fields_out->verb ? frame_take_error(fields_out, err) : 0;
}

int channel_ask(int fd, struct slice request, int64_t deadline_ms, struct buf *reply,
	struct frame *fields_out, bool *answered_out, struct err *err)
{
	struct frame asked;
	int rc;

	*answered_out = false;
	buf_clear(reply);
	frame_open(request, &asked);
	rc = send_all(fd, request, deadline_ms, err);
	if (rc == 0)
		rc = read_frame(fd, deadline_ms, reply, err);
	return rc < 0 ? rc : read_answer(asked.id, reply, fields_out, answered_out, err);
}

int channel_await(int fd, struct slice request, int stop_fd, int64_t wait_ms, struct buf *reply,
	struct frame *fields_out, struct err *err)
{
	const int64_t deadline = clock_mono_ms() + wait_ms;
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
	struct frame asked;
	bool answered;
	int rc = send_all(fd, request, deadline, err);

	frame_open(request, &asked);
	if (rc < 0)
		return rc;
	if (poll(fds, 2, (int)wait_ms) <= 0 || fds[1].revents)
		return err_set(err, ERR_BUSY, "nobody waits for the keeper any more");
	rc = read_frame(fd, deadline, reply, err);
	return rc < 0 ? rc : read_answer(asked.id, reply, fields_out, &answered, err);
}

int channel_ask_once(const char *path, struct buf *request, int64_t deadline_ms, struct buf *reply,
	struct frame *fields_out, struct err *err)
{
	int fd AUTO(io_close) = -1;
	bool answered;
	int rc = buf_check(request, "the request", err);

	if (rc < 0)
		return rc;
	frame_finish(request, 0);
	fd = channel_open(path, err);
	return fd < 0 ? fd
		      : channel_ask(fd, buf_slice(request), deadline_ms, reply, fields_out,
				&answered, err);
}
