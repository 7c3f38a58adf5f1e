/* verb_queue.c - `queue`: the operator's wishes about the queue go to the courier, whose it is. */
#include <stdlib.h>

#include "admin/verb.h"
#include "ask/ask.h"

enum { WAIT_MS = 300000 };

void verb_queue_ask(struct conn *c, json_t *args, int64_t wait_ms, conn_resume_fn *resume)
{
	char *text = json_dumps(args, JSON_COMPACT);

	json_decref(args);
	ask_queue(verb_service(c)->ask, c, slice_str(text ? text : "{}"), wait_ms, resume);
	free(text);
}

json_t *verb_queue_take(struct answer *answer)
{
	json_t *reply = NULL;
	struct slice text;

	if (answer->rc == 0 && ask_queue_take(answer, &text)) {
		reply = json_loadb(text.ptr, text.len, 0, NULL);
		if (!reply)
			err_set(&answer->err, ERR_BUSY, "the courier's answer makes no sense");
	}
	free(answer->data);
	answer->data = NULL;
	return reply;
}

static void on_answer(struct conn *c, struct answer *answer)
{
	json_t *reply = verb_queue_take(answer);
	const json_t *rows = json_object_get(reply, "rows");

	if (!reply) {
		verb_fail(conn_out(c), &answer->err);
		return;
	}
	for (size_t i = 0; i < json_array_size(rows); i++)
		verb_row(conn_out(c), json_incref(json_array_get(rows, i)));
	json_object_del(reply, "rows");
	verb_done(conn_out(c), reply);
}

void verb_queue(struct conn *c, const json_t *args)
{
	verb_queue_ask(c, json_deep_copy(args), WAIT_MS, on_answer);
}
