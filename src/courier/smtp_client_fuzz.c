/* smtp_client_fuzz.c - a server that says anything: each recipient has its outcome, and what we
 * said are lines that end in CRLF alone. */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/temp.h"
#include "courier/smtp_internal.h"

enum { SAID_MAX = 1 << 20, ANSWERS_MAX = 32 << 10, WAIT_MS = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
	"Subject: x\r\nContent-Type: text/plain\r\n\r\n.gr\xc3\xbc\xc3\x9f\x65\n.\r.\r\n";

static int rc_of_put = 1;

static void on_put(void *context, int rc, const struct err *err)
{
	(void)context;
	(void)err;
	rc_of_put = rc;
}

static struct queue_message *message_new(void)
{
	static const struct queue_recipient to[] = {{.address = {"a@x.example", 11}, .notify = 12},
		{.address = {"b\xc3\xa9@x.example", 13}, .orcpt = {"rfc822;b@x.example", 18}},
		{.address = {"c@x.example> BODY=7BIT", 22}}};
	struct queue_message *m = queue_message_new();
	struct err err;

	m->sender = slice_lit("s@here.example");
	m->envid = slice_lit("e+1");
	m->ret = 'H';
	m->size = sizeof(text) - 1;
	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		if (queue_message_add(m, &to[i], &err) < 0)
			abort();
	}
	return m;
}

/* A queue with one message, in a folder that is gone at once. */
static struct queue *make_queue(void)
{
	const struct queue_config config = {.path = "queue.db", .lifetime_s = 3600};
	const struct queue_body body = {
		.fd = -1, .size = sizeof(text) - 1, .bytes = {text, sizeof(text) - 1}};
	char folder[TEMP_MAX];
	struct queue *queue;
	struct err err;

	if (!mkdtemp(temp_path(folder, "smtp-client-fuzz-XXXXXX")) || chdir(folder) < 0 ||
		queue_open(&config, &queue, &err) < 0)
		abort();
	queue_put(queue, message_new(), &body, on_put, NULL);
	if (rc_of_put != 0)
		abort();
	unlink("queue.db");
	unlink("queue.db-wal");
	unlink("queue.db-shm");
	rmdir(folder);
	return queue;
}

static void check_outcomes(const struct queue_message *m)
{
	for (size_t i = 0; i < m->recipients_n; i++) {
		const struct queue_recipient *r = &m->recipients[i];

		if (r->outcome < QUEUE_OUT_NONE || r->outcome > QUEUE_OUT_FAILED)
			abort();
		if (r->outcome != QUEUE_OUT_NONE && r->reply.len == 0)
			abort();
		for (size_t k = 0; k < r->reply.len; k++) {
			if (r->reply.ptr[k] < ' ' || r->reply.ptr[k] > '~')
				abort();
		}
	}
	/* An address that would be another parameter is never sent. */
	if (m->recipients[2].outcome != QUEUE_OUT_FAILED)
		abort();
}

static void check_said(int fd)
{
	struct buf said AUTO(buf_done);
	char bytes[4096];
	ssize_t n;

	buf_init(&said, SAID_MAX);
	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		buf_append(&said, (struct slice){bytes, (size_t)n});
	for (size_t i = 0; i < said.len; i++) {
		const bool has_cr = i > 0 && said.ptr[i - 1] == '\r';

		if ((said.ptr[i] == '\n') != has_cr)
			abort();
	}
	if (slice_find(buf_slice(&said), slice_lit("> BODY=7BIT")) != SIZE_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct smtp_client_config config = {
		.host_name = {"here.example", 12}, .patience_ms = WAIT_MS, .connect_ms = WAIT_MS};
	static struct queue *queue;
	struct queue_message *m;
	struct smtp_client *c;
	struct err err;
	int fds[2];

	if (!queue) {
		queue = make_queue();
		config.stop_fd = eventfd(0, EFD_CLOEXEC);
	}
	if (size < 1 || size > ANSWERS_MAX ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return 0;
	if (write(fds[1], data + 1, size - 1) < 0 || shutdown(fds[1], SHUT_WR) < 0)
		abort();
	m = message_new();
	m->id = 1;
	m->flags = data[0] >> 4;
	c = smtp_client_new(&config);
	c->peer = peer_new(fds[0], config.stop_fd);
	c->is_lmtp = data[0] & 1;
	if (smtp_greet(c, &err) == 0) {
		smtp_client_send(c, queue, m);
		check_outcomes(m);
		if (smtp_client_is_usable(c))
			smtp_client_send(c, queue, m);
	}
	smtp_client_close(&c);
	check_said(fds[1]);
	close(fds[1]);
	queue_message_free(&m);
	return 0;
}
