/* verb_deliver.c - `deliver`: a message comes in chunks and goes into one account's mailbox. */
#include <stdlib.h>
#include <string.h>

#include "admin/verb.h"
#include "base/mem.h"

enum { ARENA_MAX = 1 << 20, DELIVER_MS = 600000 };

/* The one account that this address means. */
static int find_target(
	struct conn *c, struct slice address, struct mail_target *out, struct err *err)
{
	struct control_session *session = conn_session(c);
	struct mail_resolved resolved;
	int rc = mail_resolve(verb_service(c)->directory, address, session->arena, &resolved, err);

	if (rc == 0 && (resolved.n != 1 || resolved.targets[0].account == 0))
		rc = err_set(err, ERR_NOTFOUND, "%.*s is not one account here", SLICE_ARG(address));
	if (rc == 0)
		*out = resolved.targets[0];
	return rc;
}

void verb_deliver(struct conn *c, const json_t *args)
{
	struct control_session *session = conn_session(c);
	struct store *store = verb_service(c)->store;
	struct slice address;
	struct err err;
	int rc = verb_text(args, "address", &address, &err);

	verb_deliver_done(session);
	session->arena = mem_new(struct arena);
	arena_init(session->arena, ARENA_MAX);
	if (rc == 0)
		rc = find_target(c, address, &session->target, &err);
	if (rc < 0) {
		verb_fail(conn_out(c), &err);
		return;
	}
	session->mailbox = arena_dup(session->arena, verb_text_or_empty(args, "mailbox"));
	session->in = incoming_new(store_spool_dir(store), store_message_max(store));
	session->body_err.code = 0;
	session->is_body = true;
	conn_set_busy(c, true);
	buf_lit(conn_out(c), "{\"send\":{}}\n");
}

void verb_deliver_done(struct control_session *session)
{
	if (session->in)
		incoming_free(&session->in);
	if (session->arena)
		arena_done(session->arena);
	free(session->arena);
	session->arena = NULL;
	session->is_body = false;
}

/* ---- when the message is whole ---- */

struct delivery {
	struct pool *pool;
	struct conn_ref who;
	uint64_t ticket;
};

static void on_delivered(
	void *context, int rc, const struct message_added *added, const struct err *err)
{
	struct delivery *delivery = context;
	struct answer answer = {.rc = rc};

	if (rc < 0) {
		answer.err = *err;
	} else {
		struct message_added *copy = mem_new(struct message_added);

		*copy = *added;
		answer.data = copy;
		answer.free_data = free;
	}
	pool_answer(delivery->pool, delivery->who, delivery->ticket, &answer);
	free(delivery);
}

static void on_answer(struct conn *c, struct answer *answer)
{
	const struct message_added *added = answer->data;

	if (answer->rc < 0 || !added)
		verb_end(c, answer->rc, &answer->err);
	else
		verb_done(conn_out(c),
			json_pack("{s:I, s:I, s:I}", "uid", (json_int_t)added->uid, "mailbox",
				(json_int_t)added->mailbox, "message", (json_int_t)added->message));
	free(answer->data);
	verb_deliver_done(conn_session(c));
	conn_set_busy(c, false);
}

static void deliver(struct conn *c, struct control_session *session)
{
	struct delivery *delivery = mem_new(struct delivery);

	delivery->pool = conn_pool(c);
	delivery->who = conn_ref(c);
	delivery->ticket = conn_park(c, DELIVER_MS, on_answer);
	mail_deliver(verb_service(c), &session->target, session->mailbox, session->in, 0,
		on_delivered, delivery);
}

void verb_deliver_chunk(struct conn *c, struct slice chunk)
{
	struct control_session *session = conn_session(c);
	struct err *err = &session->body_err;

	if (chunk.len) { /* after an error the rest is read and forgotten */
		if (err->code == 0 && incoming_append(session->in, chunk, err) == 0)
			err->code = 0;
		return;
	}
	session->is_body = false;
	if (err->code != 0 || incoming_finish(session->in, err) < 0) {
		verb_fail(conn_out(c), err);
		verb_deliver_done(session);
		conn_set_busy(c, false);
		return;
	}
	deliver(c, session);
}
