/* operator_account.c - what the operator does to accounts; see keeper.h for the contract. */
#include <stdlib.h>

#include "base/encode.h"
#include "base/io.h"
#include "base/mem.h"
#include "keeper/operator_internal.h"

int operator_ask(const char *socket_path, struct buf *request, struct buf *reply,
	struct frame *fields_out, struct err *err)
{
	return channel_ask_once(socket_path, request, CHANNEL_FOREVER, reply, fields_out, err);
}

/* A question of numbers, whose answer is empty. */
static int ask_numbers(const char *socket_path, enum frame_verb verb, const uint64_t *numbers,
	size_t n, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_CLI_MAX);
	frame_begin(&request, 1, (uint8_t)verb);
	for (size_t i = 0; i < n; i++)
		frame_put_u64(&request, numbers[i]);
	return operator_ask(socket_path, &request, &reply, &f, err);
}

int keeper_set_role(
	const char *socket_path, uint64_t account, unsigned role, uint64_t group, struct err *err)
{
	return ask_numbers(
		socket_path, FRAME_SET_ROLE, (const uint64_t[]){account, role, group}, 3, err);
}

static void put_accounts(struct buf *request, const uint64_t *accounts, size_t n)
{
	unsigned char *packed = mem_zalloc_array(n, 8);

	for (size_t i = 0; i < n; i++)
		be64_put(packed + 8 * i, accounts[i]);
	frame_put(request, (struct slice){(const char *)packed, 8 * n});
	free(packed);
}

/* A verb for many accounts, with a number before them or without, a frame for each thousand. */
static int ask_accounts(const char *socket_path, enum frame_verb verb, const uint64_t *number,
	const uint64_t *accounts, size_t n, struct err *err)
{
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < n; at += KEEPER_ACCOUNTS_MAX) {
		const size_t some = n - at < KEEPER_ACCOUNTS_MAX ? n - at : KEEPER_ACCOUNTS_MAX;
		struct buf request AUTO(buf_done), reply AUTO(buf_done);
		struct frame f;

		buf_init(&request, FRAME_CLI_MAX);
		buf_init(&reply, FRAME_CLI_MAX);
		frame_begin(&request, 1, (uint8_t)verb);
		if (number)
			frame_put_u64(&request, *number);
		put_accounts(&request, accounts + at, some);
		rc = operator_ask(socket_path, &request, &reply, &f, err);
	}
	return rc;
}

int keeper_log_out(const char *socket_path, const uint64_t *accounts, size_t n, struct err *err)
{
	return ask_accounts(socket_path, FRAME_LOG_OUT, NULL, accounts, n, err);
}

int keeper_ask_password(
	const char *socket_path, int64_t by_s, const uint64_t *accounts, size_t n, struct err *err)
{
	const uint64_t by = (uint64_t)by_s;

	return ask_accounts(socket_path, FRAME_ASK_PASSWORD, &by, accounts, n, err);
}

int keeper_list_pending(const char *socket_path, uint64_t after, struct keeper_pending *out,
	size_t max, size_t *n_out, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;
	size_t n = 0;
	int rc;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_ANSWER_MAX);
	frame_begin(&request, 1, FRAME_LIST_PENDING);
	frame_put_u64(&request, after);
	rc = operator_ask(socket_path, &request, &reply, &f, err);
	while (rc == 0 && f.rest.len && !f.is_bad && n < max) {
		out[n].account = frame_u64(&f);
		out[n++].by_s = (int64_t)frame_u64(&f);
	}
	if (rc == 0 && f.is_bad)
		rc = err_set(err, ERR_IO, "the keeper's answer makes no sense");
	if (rc == 0)
		*n_out = n;
	return rc;
}

int keeper_list_apps_of(const char *socket_path, uint64_t account, keeper_app_fn *each,
	void *context, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;
	int rc;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_ANSWER_MAX);
	frame_begin(&request, 1, FRAME_OPERATOR_APPS);
	frame_put_u64(&request, account);
	rc = operator_ask(socket_path, &request, &reply, &f, err);
	while (rc == 0 && f.rest.len && !f.is_bad) {
		struct keeper_app app = {.id = frame_u64(&f)};

		app.made_s = (int64_t)frame_u64(&f);
		app.seen_s = (int64_t)frame_u64(&f);
		app.is_certificate = frame_u64(&f) != 0;
		app.scopes = (unsigned)frame_u64(&f);
		(void)frame_u64(&f); /* this one */
		app.needs_factor = frame_u64(&f) != 0;
		app.is_before_change = frame_u64(&f) != 0;
		app.name = frame_bytes(&f);
		app.peer = frame_bytes(&f);
		app.program = frame_bytes(&f);
		if (!f.is_bad)
			each(context, &app);
	}
	if (rc == 0 && f.is_bad)
		rc = err_set(err, ERR_IO, "the keeper's answer makes no sense");
	return rc;
}

int keeper_add_certificate(const char *socket_path, uint64_t account, struct slice name,
	unsigned scopes, struct slice hash, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_CLI_MAX);
	frame_begin(&request, 1, FRAME_OPERATOR_APP_CERTIFICATE);
	frame_put_u64(&request, account);
	frame_put(&request, name);
	frame_put_u64(&request, scopes);
	frame_put(&request, hash);
	return operator_ask(socket_path, &request, &reply, &f, err);
}

int keeper_revoke_app(const char *socket_path, uint64_t account, uint64_t id, struct err *err)
{
	return ask_numbers(
		socket_path, FRAME_OPERATOR_APP_REMOVE, (const uint64_t[]){account, id}, 2, err);
}

int keeper_switch_services(
	const char *socket_path, uint64_t account, unsigned scopes, bool is_on, struct err *err)
{
	return ask_numbers(socket_path, FRAME_OPERATOR_SCOPES,
		(const uint64_t[]){account, scopes, is_on}, 3, err);
}
