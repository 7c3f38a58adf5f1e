/* conn_fds.c - descriptors that go from process to process beside the bytes (SCM_RIGHTS). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/io.h"
#include "base/mem.h"
#include "net/internal.h"

enum { FDS_AT_ONCE = 64 }; /* the kernel takes 253 */

/* Both as arrays of int. */
struct conn_fds {
	struct buf out, in;
};

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))];
};

static struct conn_fds *fds_of(struct conn *c)
{
	if (!c->fds) {
		c->fds = mem_new(struct conn_fds);
		buf_init(&c->fds->out, CONN_FDS_MAX * sizeof(int));
		buf_init(&c->fds->in, CONN_FDS_MAX * sizeof(int));
	}
	return c->fds;
}

static void put(struct buf *fds, int fd)
{
	buf_append(fds, (struct slice){(const char *)&fd, sizeof(fd)});
	if (fds->failed)
		io_close(&fd);
}

static int take(struct buf *fds)
{
	int fd = -1;

	if (fds->len < sizeof(fd))
		return -1;
	memcpy(&fd, fds->ptr, sizeof(fd));
	buf_consume(fds, sizeof(fd));
	return fd;
}

void conn_send_fd(struct conn *c, int fd)
{
	struct buf *out = &fds_of(c)->out;

	put(out, fd);
	if (out->failed)
		c->out.failed = true;
}

int conn_take_fd(struct conn *c)
{
	return c->fds ? take(&c->fds->in) : -1;
}

bool conn_has_fds_to_send(const struct conn *c)
{
	return c->fds && c->fds->out.len > 0;
}

ssize_t conn_fds_write(struct conn *c, const char *p, size_t n)
{
	struct buf *out = &c->fds->out;
	const size_t len =
		out->len < FDS_AT_ONCE * sizeof(int) ? out->len : FDS_AT_ONCE * sizeof(int);
	const size_t is_last = len == out->len;
	union control control = {.bytes = {0}};
	struct iovec bytes = {(void *)(uintptr_t)p, is_last ? n : 1};
	struct msghdr message = {.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(len)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	ssize_t sent;

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(head), out->ptr, len);
	sent = sendmsg(c->fd, &message, MSG_NOSIGNAL);
	for (size_t i = 0; sent > 0 && i < len / sizeof(int); i++) {
		int fd = take(out);

		io_close(&fd);
	}
	return sent;
}

ssize_t conn_fds_read(struct conn *c, char *p, size_t n)
{
	struct buf *in = &fds_of(c)->in;
	union control control;
	struct iovec bytes = {p, n};
	struct msghdr message = {.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	const ssize_t got = recvmsg(c->fd, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *head = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	for (; head; head = CMSG_NXTHDR(&message, head)) {
		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; CMSG_LEN(at) < head->cmsg_len; at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(head) + at, sizeof(fd));
			put(in, fd);
		}
	}
	if (got > 0 && (in->failed || (message.msg_flags & MSG_CTRUNC))) {
		errno = EPROTO;
		return -1;
	}
	return got;
}

void conn_fds_done(struct conn *c)
{
	int fd;

	if (!c->fds)
		return;
	while ((fd = take(&c->fds->out)) >= 0 || (fd = take(&c->fds->in)) >= 0)
		io_close(&fd);
	buf_done(&c->fds->out);
	buf_done(&c->fds->in);
	free(c->fds);
	c->fds = NULL;
}
