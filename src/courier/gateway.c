/* gateway.c - see gateway.h for the contract: taking messages, and telling the gateway. */
#include "courier/gateway.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "courier/fetch.h"
#include "courier/process.h"
#include "keeper/courier.h"

enum { AWAY_MS = 2000, AGAIN_MS = 3000, REPLY_MAX = 64 << 10, SECRET_MAX = 1024, SHOWN = 3 };

static const char keeper_path[] = "../run/keeper-courier.sock";
static const char system_ca[] = "/etc/ssl/certs/ca-certificates.crt";

struct gateway {
	struct courier *courier;
	struct buf ca_pem;
	pthread_t threads[GATEWAY_THREADS];
	size_t started;
};

int gateway_new(struct courier *courier, struct gateway **out, struct err *err)
{
	struct gateway *g;
	int rc;

	*out = NULL;
	if (!courier->settings->sms_url.len)
		return 0;
	g = mem_new(struct gateway);
	g->courier = courier;
	buf_init(&g->ca_pem, REPLY_MAX << 6);
	rc = io_read_file(AT_FDCWD, system_ca, &g->ca_pem, err);
	if (rc < 0 && !slice_starts(courier->settings->sms_url, slice_lit("http:"))) {
		gateway_free(&g);
		return rc;
	}
	*out = g;
	return 0;
}

/* The operator may change it at any time. */
static void read_secret(struct buf *out)
{
	struct err err;

	if (io_read_file(AT_FDCWD, "sms.secret", out, &err) < 0 && err.code != ERR_NOTFOUND)
		log_error(NULL, "sms-secret", log_e(&err));
}

static void wipe_buf(struct buf *b)
{
	if (b->ptr)
		mem_wipe(b->ptr, b->cap);
	buf_done(b);
}

/* 0; -ERR_BUSY: worth another try; else it is not. */
static int send_once(const struct courier *courier, struct fetch *fetch,
	const struct gateway_values *values, struct err *err)
{
	const struct config *settings = courier->settings;
	struct buf url AUTO(wipe_buf), body AUTO(wipe_buf), header AUTO(wipe_buf);
	/* A message has no business in a header, where a line's end could do harm. */
	const struct gateway_values in_header = {.secret = values->secret};
	struct fetch_reply reply AUTO(fetch_reply_done);
	char type[300], method[16];
	const char *fields[] = {type, NULL, NULL};
	struct fetch_request request = {.method = method,
		.fields = fields,
		.body_max = REPLY_MAX,
		.timeout_ms = GATEWAY_WAIT_MS};
	int rc;

	fetch_reply_init(&reply);
	buf_init(&url, FETCH_URL_MAX);
	buf_init(&body, GATEWAY_TEXT_MAX);
	buf_init(&header, GATEWAY_TEXT_MAX);
	gateway_fill(settings->sms_url, values, GATEWAY_PERCENT, &url);
	gateway_fill(settings->sms_body, values, gateway_coding_of(settings->sms_type), &body);
	gateway_fill(settings->sms_header, &in_header, GATEWAY_PLAIN, &header);
	buf_byte(&header, '\0');
	if (url.failed || body.failed || header.failed)
		return err_set(err, ERR_TOOBIG, "the request to the gateway is too long");
	snprintf(type, sizeof(type), "Content-Type: %.*s", SLICE_ARG(settings->sms_type));
	snprintf(method, sizeof(method), "%.*s", SLICE_ARG(settings->sms_method));
	fields[1] = settings->sms_header.len ? header.ptr : NULL;
	request.url = buf_slice(&url);
	request.body = buf_slice(&body);
	rc = fetch_do(fetch, &request, &reply, err);
	if (rc < 0)
		return rc;
	if (reply.status >= 200 && reply.status < 300)
		return 0;
	return err_set(err,
		reply.status >= 500 || reply.status == 429 || reply.status == 408 ? ERR_BUSY
										  : ERR_DENIED,
		"the gateway answers %u", reply.status);
}

static void send_message(
	const struct courier *courier, struct fetch *fetch, const struct keeper_sms *message)
{
	struct buf secret AUTO(wipe_buf);
	const struct slice number = slice_str(message->number);
	const struct slice end = slice_from(number, number.len > SHOWN ? number.len - SHOWN : 0);
	struct gateway_values values = {.number = number, .text = slice_str(message->text)};
	struct err err;
	int rc = -ERR_BUSY;

	buf_init(&secret, SECRET_MAX);
	read_secret(&secret);
	values.secret = slice_trim(buf_slice(&secret));
	for (int i = 0; i < GATEWAY_TRIES && (rc == -ERR_BUSY || rc == -ERR_NOTFOUND); i++) {
		if (i && !courier_pause((struct courier *)(uintptr_t)courier, i * AGAIN_MS))
			break;
		rc = send_once(courier, fetch, &values, &err);
	}
	if (rc < 0)
		log_error(NULL, "sms-failed", log_s("number_ends", end), log_e(&err));
	else
		log_info(NULL, "sms-sent", log_s("number_ends", end));
}

/* The keeper answers when there is a message, or after a while with none. */
static void *work(void *context)
{
	struct gateway *g = context;
	struct courier *courier = g->courier;
	const struct fetch_config config = {.dns = courier->dns,
		.ca_pem = buf_slice(&g->ca_pem),
		.must_stop = &courier->must_stop};
	struct keeper_sms message;
	struct fetch *fetch;
	struct err err;

	if (fetch_new(&config, &fetch, &err) < 0) {
		log_error(NULL, "sms", log_e(&err));
		return NULL;
	}
	while (!atomic_load(&courier->must_stop)) {
		const int rc = keeper_sms_take(keeper_path, courier->event_fd, &message, &err);

		if (rc == 0)
			send_message(courier, fetch, &message);
		else if (rc != -ERR_NOTFOUND)
			courier_pause(courier, AWAY_MS);
		mem_wipe(&message, sizeof(message));
	}
	fetch_free(&fetch);
	return NULL;
}

void gateway_start(struct gateway *g)
{
	for (; g && g->started < GATEWAY_THREADS; g->started++) {
		if (pthread_create(&g->threads[g->started], NULL, work, g) != 0)
			return;
	}
}

void gateway_free(struct gateway **gateway)
{
	struct gateway *s = *gateway;

	if (!s)
		return;
	for (size_t i = 0; i < s->started; i++)
		pthread_join(s->threads[i], NULL);
	buf_done(&s->ca_pem);
	free(s);
	*gateway = NULL;
}
