/*
 * session_fuzz.c - any bytes as all that a client says in one session, of port 25 or of LMTP: over
 * a real connection of the pool, to its end. Each line of what comes back must be a reply's.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mail/mail_kit.h"
#include "smtp/smtp.h"

enum { INPUT_MAX = 32 * 1024, CODE_LEN = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mail_kit kit;

static void close_kit(void)
{
	kit_close(&kit);
}

static void open_once(void)
{
	if (kit.service.pool)
		return;
	/* Here, not in a thread of the pool: so that it goes after the kit. */
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	kit_open(&kit);
	kit_start(&kit);
	atexit(close_kit);
}

/* RFC 5321 4.2: three digits, then a blank, a hyphen or nothing; CRLF. */
static void check_replies(struct slice said)
{
	while (said.len) {
		const size_t lf = slice_chr(said, '\n');
		const struct slice line = slice_head(said, lf);

		if (lf == SIZE_MAX || !slice_ends(line, slice_lit("\r")) || line.len <= CODE_LEN)
			abort();
		if (line.ptr[0] < '2' || line.ptr[0] > '5' || !strchr(" -\r", line.ptr[CODE_LEN]))
			abort();
		said = slice_from(said, lf + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf said AUTO(buf_done);
	char piece[4096];
	struct conn_ref ref;
	struct err err;
	ssize_t n;
	int fds[2];

	buf_init(&said, 16 << 20);
	if (size == 0 || size > INPUT_MAX)
		return 0;
	open_once();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ||
		pool_attach(kit.service.pool, fds[1],
			data[0] & 1 ? &smtp_lmtp_protocol : &smtp_mx_protocol, &kit.service, &ref,
			&err) < 0)
		abort();
	(void)!send(
		fds[0], data + 1, size - 1, MSG_NOSIGNAL); /* who is sent away early hears why */
	shutdown(fds[0], SHUT_WR);
	while ((n = read(fds[0], piece, sizeof(piece))) > 0)
		buf_append(&said, (struct slice){piece, (size_t)n});
	close(fds[0]);
	check_replies(buf_slice(&said));
	return 0;
}
