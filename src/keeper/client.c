/*
 * client.c - the blocking calls: signatures and ticket keys; see client.h for the contract.
 *
 * Each calling thread takes a connection from a short list, or makes one, and gives it back. The
 * questions can be asked twice without harm, so a connection that broke is replaced at once.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "keeper/client_internal.h"

enum { RETRY_MS = 20 };

_Static_assert((int)KEEPER_PASSWORD_MAX == (int)FRAME_PASSWORD_MAX, "one bound, two names");

int keeper_new(const char *socket_path, struct keeper **keeper_out, struct err *err)
{
	struct keeper *k;

	if (socket_path[0] == '\0')
		return err_set(err, ERR_SYNTAX, "the path of the keeper's socket is empty");
	k = mem_new(struct keeper);
	k->path = mem_str(slice_str(socket_path));
	pthread_mutex_init(&k->lock, NULL);
	k->line = client_line_new(k);
	*keeper_out = k;
	return 0;
}

void keeper_stop(struct keeper *keeper)
{
	line_stop(keeper->line);
}

void keeper_free(struct keeper **keeper)
{
	struct keeper *k = *keeper;

	if (!k)
		return;
	line_free(&k->line);
	while (k->free_n)
		io_close(&k->free_fds[--k->free_n]);
	pthread_mutex_destroy(&k->lock);
	free(k->path);
	free(k);
	*keeper = NULL;
}

/* A connection that nobody uses, or a new one. */
static int take_connection(struct keeper *k, struct err *err)
{
	int fd = -1;

	pthread_mutex_lock(&k->lock);
	if (k->free_n)
		fd = k->free_fds[--k->free_n];
	pthread_mutex_unlock(&k->lock);
	return fd >= 0 ? fd : channel_open(k->path, err);
}

static void give_back(struct keeper *k, int *fd)
{
	pthread_mutex_lock(&k->lock);
	if (k->free_n < CLIENT_FREE_MAX) {
		k->free_fds[k->free_n++] = *fd;
		*fd = -1;
	}
	pthread_mutex_unlock(&k->lock);
}

/* Asks until there is an answer or the deadline has passed (-ERR_BUSY). */
static int ask(struct keeper *k, struct slice request, struct buf *reply, struct frame *fields,
	struct err *err)
{
	const int64_t deadline = clock_mono_ms() + KEEPER_SIGN_TIMEOUT_MS;

	for (;;) {
		int fd AUTO(io_close) = take_connection(k, err);
		bool answered = false;
		int rc = fd;

		if (fd >= 0)
			rc = channel_ask(fd, request, deadline, reply, fields, &answered, err);
		if (answered) {
			give_back(k, &fd);
			return rc;
		}
		if (clock_mono_ms() + RETRY_MS >= deadline)
			return err_set(err, ERR_BUSY, "the keeper does not answer");
		if (rc != -ERR_IO) /* nobody is there: the supervisor starts another */
			poll(NULL, 0, RETRY_MS);
	}
}

int keeper_sign(void *signer, struct slice key_name, enum tls_algorithm algorithm,
	enum tls_hash hash, struct slice digest, struct buf *out, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct slice signature;
	struct frame f;
	int rc;

	buf_init(&request, FRAME_SERVER_MAX);
	buf_init(&reply, FRAME_SERVER_MAX);
	if (key_name.len > FRAME_KEY_NAME_MAX)
		return err_set(err, ERR_NOTFOUND, "no key has so long a name");
	frame_begin(&request, 1, FRAME_SIGN);
	frame_put(&request, key_name);
	frame_put_u64(&request, FRAME_PURPOSE_TLS);
	frame_put_u64(&request, algorithm);
	frame_put_u64(&request, hash);
	frame_put(&request, digest);
	frame_finish(&request, 0);
	rc = ask(signer, buf_slice(&request), &reply, &f, err);
	if (rc < 0)
		return rc;
	signature = frame_bytes(&f);
	if (!frame_end(&f))
		return err_set(err, ERR_IO, "the keeper's answer makes no sense");
	buf_append(out, signature);
	return buf_check(out, "a signature", err);
}

int keeper_ticket_keys(struct keeper *keeper, unsigned char (*keys)[48], size_t max, size_t *n_out,
	struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;
	size_t n = 0;
	int rc;

	buf_init(&request, FRAME_SERVER_MAX);
	buf_init(&reply, FRAME_SERVER_MAX);
	frame_finish(&request, frame_begin(&request, 1, FRAME_TICKET_KEYS));
	rc = ask(keeper, buf_slice(&request), &reply, &f, err);
	while (rc == 0 && !frame_end(&f)) {
		const struct slice key = frame_bytes(&f);

		if (key.len != sizeof(keys[0]))
			rc = err_set(err, ERR_IO, "the keeper's answer makes no sense");
		else if (n < max)
			memcpy(keys[n++], key.ptr, sizeof(keys[0]));
	}
	mem_wipe(reply.ptr, reply.cap);
	if (rc == 0)
		*n_out = n;
	return rc;
}

static int ask_about(
	struct keeper *keeper, enum frame_verb verb, struct slice name, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;

	buf_init(&request, FRAME_SERVER_MAX);
	buf_init(&reply, FRAME_SERVER_MAX);
	frame_begin(&request, 1, verb);
	frame_put(&request, name);
	frame_finish(&request, 0);
	return ask(keeper, buf_slice(&request), &reply, &f, err);
}

int keeper_has_key(struct keeper *keeper, struct slice key_name, struct err *err)
{
	return ask_about(keeper, FRAME_HAS_KEY, key_name, err);
}

int keeper_unwant(struct keeper *keeper, struct slice name, struct err *err)
{
	return ask_about(keeper, FRAME_CERTIFICATE_UNWANT, name, err);
}

int keeper_want(struct keeper *keeper, struct slice name, const struct slice *hosts, size_t n,
	struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;

	buf_init(&request, FRAME_SERVER_MAX);
	buf_init(&reply, FRAME_SERVER_MAX);
	frame_begin(&request, 1, FRAME_CERTIFICATE_WANT);
	frame_put(&request, name);
	frame_put_u64(&request, 0);
	frame_put_u64(&request, 0);
	for (size_t i = 0; i < n; i++)
		frame_put(&request, hosts[i]);
	frame_finish(&request, 0);
	return ask(keeper, buf_slice(&request), &reply, &f, err);
}
