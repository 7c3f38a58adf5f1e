/* bring.c - see bring.h for the contract. */
#include "mail/bring.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/pool.h"

enum { FRAME_BYTES = 8192 };

/* A name in the DNS; whose it is shows when it is looked up. */
static bool is_host(struct slice host)
{
	const struct slice part = slice_cut(host, '.', &(struct slice){0});

	for (size_t i = 0; i < host.len; i++) {
		const unsigned char c = ascii_lower((unsigned char)host.ptr[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.')
			return false;
	}
	return part.len && part.len < host.len && host.len <= BRING_TEXT_MAX;
}

int mail_source_check(const struct mail_source *s, struct err *err)
{
	if (!is_host(s->host))
		return err_set(err, ERR_SYNTAX, "the server needs its full name");
	if (s->port == 0 || s->port > UINT16_MAX)
		return err_set(err, ERR_SYNTAX, "the port is a number up to 65535");
	if (s->login.len == 0 || s->login.len > BRING_TEXT_MAX)
		return err_set(err, ERR_SYNTAX, "the user name is missing, or too long");
	if (s->password.len == 0 || s->password.len > BRING_PASSWORD_MAX)
		return err_set(err, ERR_SYNTAX, "the password is missing, or too long");
	return 0;
}

void mail_bring_start(struct ask *ask, uint64_t account, const struct mail_source *source,
	ask_done_fn *done, void *context)
{
	struct buf frame;

	buf_init(&frame, FRAME_BYTES);
	buf_reserve(&frame, FRAME_BYTES); /* growing would leave copies behind */
	frame_begin(&frame, 0, ASK_BRING_START);
	frame_put_u64(&frame, account);
	frame_put(&frame, source->host);
	frame_put_u64(&frame, source->port);
	frame_put_u64(&frame, source->is_starttls);
	frame_put(&frame, source->login);
	frame_put(&frame, source->password);
	ask_call(ask, &frame, -1, BRING_ASK_MS, done, context);
}

void mail_bring_ask(struct ask *ask, enum ask_bring what, uint64_t account, uint64_t id,
	ask_done_fn *done, void *context)
{
	struct buf frame;

	buf_init(&frame, FRAME_BYTES);
	frame_begin(&frame, 0, ASK_BRING);
	frame_put_u64(&frame, what);
	frame_put_u64(&frame, account);
	frame_put_u64(&frame, id);
	ask_call(ask, &frame, -1, BRING_ASK_MS, done, context);
}

struct mail_bring_wait {
	struct pool *pool;
	struct conn_ref who;
	uint64_t ticket;
};

struct mail_bring_wait *mail_bring_wait(struct conn *c, uint64_t ticket)
{
	struct mail_bring_wait *wait = mem_new(struct mail_bring_wait);

	*wait = (struct mail_bring_wait){
		.pool = conn_pool(c), .who = conn_ref(c), .ticket = ticket};
	return wait;
}

void mail_bring_answered(void *context, struct frame *f, int rc, const struct err *err)
{
	struct mail_bring_wait *wait = context;
	struct answer answer = {.rc = rc, .free_data = free};

	if (rc < 0)
		answer.err = *err;
	else if (f->rest.len)
		answer.data = mem_str(frame_bytes(f));
	pool_answer(wait->pool, wait->who, wait->ticket, &answer);
	free(wait);
}
