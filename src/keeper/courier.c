/* courier.c - see courier.h for the contract. */
#include "keeper/courier.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "keeper/channel.h"

enum { ANSWER_MS = 15000, SMS_MS = 60000 };

static int ask(const char *path, enum frame_verb verb, const struct slice *fields, size_t n,
	int64_t wait_ms, struct buf *reply, struct frame *f, struct err *err)
{
	struct buf request AUTO(buf_done);

	buf_init(&request, FRAME_SERVER_MAX);
	frame_begin(&request, 1, verb);
	for (size_t i = 0; i < n; i++)
		frame_put(&request, fields[i]);
	return channel_ask_once(path, &request, clock_mono_ms() + wait_ms, reply, f, err);
}

static int senseless(struct err *err)
{
	return err_set(err, ERR_IO, "the keeper's answer makes no sense");
}

static int take_text(struct frame *f, char *out, size_t size, struct err *err)
{
	const struct slice text = frame_bytes(f);

	if (f->is_bad || text.len >= size)
		return senseless(err);
	snprintf(out, size, "%.*s", SLICE_ARG(text));
	return 0;
}

static int take_last(struct frame *f, struct buf *out, struct err *err)
{
	const struct slice bytes = frame_bytes(f);

	if (!frame_end(f))
		return senseless(err);
	buf_append(out, bytes);
	return buf_check(out, "the keeper's answer", err);
}

/* Questions whose answer is one field. */
#define ask_for_one(path, verb, out, err, ...)                                                     \
	ask_for_one_of(path, verb, (const struct slice[]){__VA_ARGS__},                            \
		sizeof((const struct slice[]){__VA_ARGS__}) / sizeof(struct slice), out, err)

static int ask_for_one_of(const char *path, enum frame_verb verb, const struct slice *fields,
	size_t n, struct buf *out, struct err *err)
{
	struct buf reply AUTO(buf_done);
	struct frame f;
	int rc;

	buf_init(&reply, FRAME_ANSWER_MAX);
	rc = ask(path, verb, fields, n, ANSWER_MS, &reply, &f, err);
	return rc < 0 ? rc : take_last(&f, out, err);
}

int keeper_acme_key(
	const char *socket_path, struct slice name, struct keeper_acme_key *out, struct err *err)
{
	struct buf reply AUTO(buf_done);
	struct frame f;
	int rc;

	buf_init(&reply, FRAME_ANSWER_MAX);
	rc = ask(socket_path, FRAME_ACME_KEY, &name, 1, ANSWER_MS, &reply, &f, err);
	if (rc == 0)
		rc = take_text(&f, out->name, sizeof(out->name), err);
	if (rc == 0)
		rc = take_text(&f, out->thumbprint, sizeof(out->thumbprint), err);
	return rc;
}

int keeper_acme_sign(const char *socket_path, const struct keeper_acme_header *header,
	struct slice payload, struct buf *out, struct err *err)
{
	return ask_for_one(socket_path, FRAME_ACME_SIGN, out, err, header->key, header->url,
		header->nonce, header->kid, payload);
}

int keeper_acme_bind(const char *socket_path, struct slice key, struct slice url, struct buf *out,
	struct err *err)
{
	return ask_for_one(socket_path, FRAME_ACME_BIND, out, err, key, url);
}

int keeper_acme_roll(const char *socket_path, const struct keeper_acme_header *header,
	struct slice next_key, struct buf *out, struct err *err)
{
	return ask_for_one(socket_path, FRAME_ACME_ROLL, out, err, header->key, next_key,
		header->url, header->nonce, header->kid);
}

int keeper_acme_request(const char *socket_path, struct slice order, struct slice key,
	char key_out[KEEPER_NAME_MAX + 1], struct buf *out, struct err *err)
{
	const struct slice fields[] = {order, key};
	struct buf reply AUTO(buf_done);
	struct frame f;
	int rc;

	buf_init(&reply, FRAME_ANSWER_MAX);
	rc = ask(socket_path, FRAME_ACME_REQUEST, fields, 2, ANSWER_MS, &reply, &f, err);
	if (rc == 0)
		rc = take_text(&f, key_out, KEEPER_NAME_MAX + 1, err);
	return rc < 0 ? rc : take_last(&f, out, err);
}

int keeper_acme_answer(const char *socket_path, struct slice order, struct slice key,
	struct slice host, struct slice digest, struct buf *out, struct err *err)
{
	return ask_for_one(socket_path, FRAME_ACME_ANSWER, out, err, order, key, host, digest);
}

int keeper_acme_store(
	const char *socket_path, struct slice order, struct slice chain, struct err *err)
{
	const struct slice fields[] = {order, chain};
	struct buf reply AUTO(buf_done);
	struct frame f;

	buf_init(&reply, FRAME_ANSWER_MAX);
	return ask(socket_path, FRAME_ACME_STORE, fields, 2, ANSWER_MS, &reply, &f, err);
}

int keeper_sms_take(const char *socket_path, int stop_fd, struct keeper_sms *out, struct err *err)
{
	int fd AUTO(io_close) = channel_open(socket_path, err);
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;
	int rc = fd;

	buf_init(&request, FRAME_SERVER_MAX);
	buf_init(&reply, FRAME_ANSWER_MAX);
	frame_finish(&request, frame_begin(&request, 1, FRAME_SMS_TAKE));
	if (fd >= 0)
		rc = channel_await(fd, buf_slice(&request), stop_fd, SMS_MS, &reply, &f, err);
	if (rc == 0 && frame_end(&f))
		rc = err_set(err, ERR_NOTFOUND, "no text message is waiting");
	if (rc == 0)
		rc = take_text(&f, out->number, sizeof(out->number), err);
	if (rc == 0)
		rc = take_text(&f, out->text, sizeof(out->text), err);
	if (reply.ptr)
		mem_wipe(reply.ptr, reply.cap);
	return rc;
}
