/* client.c - see client.h for the contract. */
#include "client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	READ_SIZE = 64 * 1024,
	COMMAND_MAX = 4096,
	TAG_MAX = 16,
	TAIL_KEPT = 1024,
	SUBMIT_MAX = 4 << 20
};

void bench_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("bench: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	exit(1);
}

double bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void client_open(struct client *c, const struct target *t, int port, bool is_tls)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int one = 1;

	*c = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	inet_pton(AF_INET, t->host, &sa.sin_addr);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		bench_die("cannot connect to port %d", port);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!is_tls)
		return;
	c->ssl = SSL_new(t->tls);
	SSL_set_fd(c->ssl, c->fd);
	if (SSL_connect(c->ssl) != 1)
		bench_die("the TLS handshake on port %d failed", port);
}

void client_close(struct client *c)
{
	if (c->ssl) {
		SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	close(c->fd);
	free(c->in);
	*c = (struct client){.fd = -1};
}

void client_send(struct client *c, struct slice bytes)
{
	while (bytes.len) {
		const ssize_t n = c->ssl ? SSL_write(c->ssl, bytes.ptr, (int)bytes.len)
					 : send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (n <= 0)
			bench_die("the server closed while we wrote");
		bytes = slice_from(bytes, (size_t)n);
	}
}

static void fill(struct client *c)
{
	ssize_t n;

	if (c->start) {
		memmove(c->in, c->in + c->start, c->end - c->start);
		c->end -= c->start;
		c->start = 0;
	}
	if (c->cap - c->end < READ_SIZE) {
		c->cap = c->end + 2 * READ_SIZE;
		c->in = mem_realloc(c->in, c->cap);
	}
	n = c->ssl ? SSL_read(c->ssl, c->in + c->end, READ_SIZE)
		   : recv(c->fd, c->in + c->end, READ_SIZE, 0);
	if (n <= 0)
		bench_die("the server closed while we read");
	c->end += (size_t)n;
	c->received += (uint64_t)n;
}

struct slice client_line(struct client *c)
{
	size_t seen = 0;

	for (;;) {
		const struct slice have = {c->in + c->start + seen, c->end - c->start - seen};
		const size_t at = slice_chr(have, '\n');

		if (at != SIZE_MAX) {
			const struct slice line = {c->in + c->start, seen + at};

			c->start += seen + at + 1;
			return slice_trim(line);
		}
		seen = c->end - c->start;
		fill(c);
	}
}

static void skip(struct client *c, uint64_t n)
{
	while (n) {
		const size_t have = c->end - c->start;
		const size_t part = have < n ? have : (size_t)n;

		c->start += part;
		n -= part;
		if (n)
			fill(c);
	}
}

/* The size of the literal that a line announces at its end; false if it announces none. */
static bool literal_size(struct slice line, uint64_t *size_out)
{
	const size_t open = slice_rchr(line, '{');

	return open != SIZE_MAX && slice_ends(line, slice_lit("}")) &&
	       slice_to_u64((struct slice){line.ptr + open + 1, line.len - open - 2}, UINT32_MAX,
		       size_out);
}

static void count_untagged(struct slice line, struct client_reply *r)
{
	struct slice rest, word = slice_cut(slice_from(line, 2), ' ', &rest);
	uint64_t n;

	if (slice_to_u64(word, UINT32_MAX, &n)) {
		r->fetches += slice_starts(rest, slice_lit("FETCH"));
		if (slice_starts(rest, slice_lit("EXISTS")))
			r->exists = (long)n;
	} else if (slice_eq(word, slice_lit("SEARCH"))) {
		for (size_t i = 0; i < rest.len; i++)
			r->hits += rest.ptr[i] == ' ';
		r->hits += rest.len > 0;
	}
}

/* Reads to the tagged reply; is_continued: a "+" ends it too. */
static void read_reply(struct client *c, const char *tag, bool is_continued, struct client_reply *r)
{
	bool is_inside = false; /* behind a literal, still in the same reply */

	for (;;) {
		const struct slice line = client_line(c);
		uint64_t n;

		if (!is_inside && slice_starts(line, slice_str(tag))) {
			if (!slice_starts_nocase(slice_from(line, strlen(tag)), slice_lit(" OK")))
				bench_die("%.*s", SLICE_ARG(line));
			return;
		}
		if (!is_inside && is_continued && slice_starts(line, slice_lit("+")))
			return;
		if (!is_inside && slice_starts(line, slice_lit("* ")))
			count_untagged(line, r);
		is_inside = literal_size(line, &n);
		if (is_inside) {
			r->literal_bytes += n;
			skip(c, n);
		}
	}
}

/* Sends a command under the next tag. */
static void send_command(struct client *c, char *tag, size_t tag_size, const char *fmt, va_list ap)
{
	char command[COMMAND_MAX];
	int n;

	snprintf(tag, tag_size, "a%u", ++c->tag);
	n = snprintf(command, sizeof(command), "%s ", tag);
	n += vsnprintf(command + n, sizeof(command) - (size_t)n - 2, fmt, ap);
	memcpy(command + n, "\r\n", 2);
	client_send(c, (struct slice){command, (size_t)n + 2});
}

struct client_reply client_command(struct client *c, const char *fmt, ...)
{
	struct client_reply r = {.exists = -1};
	char tag[TAG_MAX];
	va_list ap;

	va_start(ap, fmt);
	send_command(c, tag, sizeof(tag), fmt, ap);
	va_end(ap);
	read_reply(c, tag, strncmp(fmt, "IDLE", 4) == 0, &r);
	return r;
}

/* The last line of what is there; empty if it is not whole. */
static struct slice last_line(const struct client *c)
{
	const struct slice all = {c->in + c->start, c->end - c->start};
	size_t at;

	if (!slice_ends(all, slice_lit("\r\n")))
		return (struct slice){"", 0};
	at = slice_rchr(slice_head(all, all.len - 2), '\n');
	return slice_from(all, at == SIZE_MAX ? 0 : at + 1);
}

void client_drain(struct client *c, const char *fmt, ...)
{
	char tag[TAG_MAX];
	va_list ap;

	va_start(ap, fmt);
	send_command(c, tag, sizeof(tag), fmt, ap);
	va_end(ap);
	for (;;) {
		const struct slice line = last_line(c);

		if (slice_starts(line, slice_str(tag))) {
			if (!slice_starts(slice_from(line, strlen(tag)), slice_lit(" OK")))
				bench_die("%.*s", SLICE_ARG(line));
			break;
		}
		if (c->end - c->start > READ_SIZE) /* all but the line that may be unfinished */
			c->start = c->end - TAIL_KEPT;
		fill(c);
	}
	c->start = c->end;
}

void client_append(struct client *c, const char *mailbox, struct slice message)
{
	struct client_reply r = {0};
	char command[COMMAND_MAX], tag[16];
	int n;

	snprintf(tag, sizeof(tag), "a%u", ++c->tag);
	n = snprintf(command, sizeof(command), "%s APPEND %s {%zu}\r\n", tag, mailbox, message.len);
	client_send(c, (struct slice){command, (size_t)n});
	read_reply(c, tag, true, &r);
	client_send(c, message);
	client_send(c, slice_lit("\r\n"));
	read_reply(c, tag, false, &r);
}

void client_wait_for(struct client *c, const char *text)
{
	while (slice_find(client_line(c), slice_str(text)) == SIZE_MAX)
		;
}

static void format_user(char *out, size_t size, const struct target *t, int n)
{
	const char *at = strchr(t->user, '%');
	int width = at ? atoi(at + 1) : 0;

	if (at)
		snprintf(out, size, "%.*s%0*d%s", (int)(at - t->user), t->user, width, n,
			strchr(at, 'd') + 1);
	else
		snprintf(out, size, "%s", t->user);
}

void client_login(struct client *c, const struct target *t, int n)
{
	char user[200];

	client_open(c, t, t->imaps, true);
	if (!slice_starts(client_line(c), slice_lit("* OK")))
		bench_die("no IMAP greeting");
	format_user(user, sizeof(user), t, n);
	client_command(c, "LOGIN \"%s\" \"%s\"", user, t->password);
}

static void expect(struct client *c, const char *code)
{
	struct slice line;

	do {
		line = client_line(c);
		if (!slice_starts(line, slice_str(code)))
			bench_die("expected %s, got %.*s", code, SLICE_ARG(line));
	} while (line.len > 3 && line.ptr[3] == '-');
}

void client_lmtp(struct client *c, const struct target *t)
{
	client_open(c, t, t->lmtp, false);
	expect(c, "220");
	client_send(c, slice_lit("LHLO bench.example\r\n"));
	expect(c, "250");
}

void client_deliver(
	struct client *c, const struct target *t, const int *rcpts, size_t n, struct slice message)
{
	struct buf out AUTO(buf_done);
	char user[200];

	buf_init(&out, 64 * 1024);
	buf_lit(&out, "MAIL FROM:<sender@elsewhere.example>\r\n");
	for (size_t i = 0; i < n; i++) {
		format_user(user, sizeof(user), t, rcpts[i]);
		buf_printf(&out, "RCPT TO:<%s>\r\n", user);
	}
	buf_lit(&out, "DATA\r\n");
	client_send(c, buf_slice(&out));
	for (size_t i = 0; i < n + 1; i++)
		expect(c, "250");
	expect(c, "354");
	client_send(c, message); /* no line of ours starts with a dot */
	client_send(c, slice_lit(".\r\n"));
	for (size_t i = 0; i < n; i++)
		expect(c, "250");
}

/* ---- submission ---- */

static void send_auth(struct client *c, const char *user, const char *password)
{
	char text[256], packed[400];
	const int n = snprintf(text, sizeof(text), "%c%s%c%s", '\0', user, '\0', password);
	struct buf out AUTO(buf_done);

	EVP_EncodeBlock((unsigned char *)packed, (const unsigned char *)text, n);
	buf_init(&out, COMMAND_MAX);
	buf_printf(&out, "AUTH PLAIN %s\r\n", packed);
	client_send(c, buf_slice(&out));
	expect(c, "235");
}

void client_submission(struct client *c, const struct target *t, int n)
{
	char user[200];

	client_open(c, t, t->submissions, true);
	expect(c, "220");
	client_send(c, slice_lit("EHLO client.bench.example\r\n"));
	expect(c, "250");
	format_user(user, sizeof(user), t, n);
	if (t->password[0])
		send_auth(c, user, t->password);
}

void client_submit(struct client *c, const struct target *t, int user, int rcpts, long job,
	int domain, struct slice message)
{
	struct buf out AUTO(buf_done);
	char sender[200];

	format_user(sender, sizeof(sender), t, user);
	buf_init(&out, SUBMIT_MAX);
	buf_printf(&out, "MAIL FROM:<%s>\r\n", sender);
	for (int i = 0; i < rcpts; i++)
		buf_printf(&out, "RCPT TO:<r%ld.%d@d%d.bench.test>\r\n", job, i, domain);
	buf_lit(&out, "DATA\r\n");
	client_send(c, buf_slice(&out));
	for (int i = 0; i < rcpts + 1; i++)
		expect(c, "250");
	expect(c, "354");
	/* With the sender's own address, as submission demands it: what stands before To is left
	 * out. */
	buf_clear(&out);
	buf_printf(&out, "From: <%s>\r\n", sender);
	buf_append(&out, slice_from(message, slice_find(message, slice_lit("To: "))));
	buf_lit(&out, ".\r\n");
	client_send(c, buf_slice(&out));
	expect(c, "250");
}
