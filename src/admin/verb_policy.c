/* verb_policy.c - verbs of the control socket: how an enforcement goes on, and asking for new
 * passwords. */
#include <stdlib.h>

#include "admin/verb.h"
#include "base/mem.h"
#include "policy/policy.h"

static void reply_list(struct conn *c, int rc, json_t *list, const struct err *err)
{
	if (rc < 0) {
		verb_fail(conn_out(c), err);
		return;
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		verb_row(conn_out(c), json_incref(json_array_get(list, i)));
	verb_done(conn_out(c), NULL);
	json_decref(list);
}

void verb_policy_status(struct conn *c, const json_t *args)
{
	json_t *list = NULL;
	struct err err;
	const int rc = policy_status(verb_service(c), &list, &err);

	(void)args;
	reply_list(c, rc, list, &err);
}

void verb_policy_users(struct conn *c, const json_t *args)
{
	json_t *list = NULL;
	struct err err;
	const int rc =
		policy_users(verb_service(c), verb_text_or_empty(args, "service"), &list, &err);

	reply_list(c, rc, list, &err);
}

/* ---- new passwords: the keeper was told by the command line, the users are here ---- */

struct ask_task {
	struct verb_task task;
	int64_t by_s;
	uint64_t *ids; /* a single 0: all accounts */
	size_t n;
};

enum { PAGE = 500, ARENA_BYTES = 4 << 20 };

static int ask_all(struct ask_task *ask, struct err *err)
{
	struct service *service = ask->task.service;
	struct arena arena AUTO(arena_done);
	struct buf after AUTO(buf_done);
	struct directory_account *list;
	size_t n = 0;

	arena_init(&arena, ARENA_BYTES);
	buf_init(&after, VERB_KEY_MAX);
	do {
		int rc;

		arena_reset(&arena);
		rc = directory_accounts(
			service->directory, buf_slice(&after), PAGE, &arena, &list, &n, err);
		if (rc < 0)
			return rc;
		for (size_t i = 0; i < n; i++)
			policy_ask_password(service, list[i].id, ask->by_s, (struct slice){0});
		if (n)
			verb_keep(&after, list[n - 1].address);
	} while (n == PAGE);
	return 0;
}

static int ask_work(struct verb_task *task, struct err *err)
{
	struct ask_task *ask = (struct ask_task *)(void *)task;

	if (ask->n == 1 && ask->ids[0] == 0)
		return ask_all(ask, err);
	for (size_t i = 0; i < ask->n; i++)
		policy_ask_password(task->service, ask->ids[i], ask->by_s, (struct slice){0});
	return 0;
}

static void ask_free(struct verb_task *task)
{
	struct ask_task *ask = (struct ask_task *)(void *)task;

	free(ask->ids);
	free(ask);
}

void verb_policy_ask(struct conn *c, const json_t *args)
{
	const json_t *ids = json_object_get(args, "ids");
	struct ask_task *ask = mem_new(struct ask_task);

	*ask = (struct ask_task){.task = {.work = ask_work, .free = ask_free},
		.by_s = (int64_t)verb_number(args, "by"),
		.n = json_array_size(ids)};
	ask->ids = mem_zalloc_array(ask->n + 1, sizeof(*ask->ids));
	for (size_t i = 0; i < ask->n; i++)
		ask->ids[i] = (uint64_t)json_integer_value(json_array_get(ids, i));
	verb_task_run(c, &ask->task);
}

void verb_policy_changed(struct conn *c, const json_t *args)
{
	policy_password_changed(verb_service(c), verb_number(args, "id"));
	verb_end(c, 0, NULL);
}
