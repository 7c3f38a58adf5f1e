/* verb_policy.c - verbs of the control socket: how an enforcement goes on, and asking for new
 * passwords. */
#include "admin/verb.h"
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

/* The keeper was told by the command line; here the users are. */
void verb_policy_ask(struct conn *c, const json_t *args)
{
	struct directory_account account;
	struct err err;
	const int rc = verb_find_account(c, args, conn_arena(c), &account, &err);

	if (rc == 0)
		policy_ask_password(verb_service(c), account.id, (int64_t)verb_number(args, "by"),
			verb_text_or_empty(args, "reason"));
	verb_end(c, rc, &err);
}

void verb_policy_changed(struct conn *c, const json_t *args)
{
	struct directory_account account;
	struct err err;
	const int rc = verb_find_account(c, args, conn_arena(c), &account, &err);

	if (rc == 0)
		policy_password_changed(verb_service(c), account.id);
	verb_end(c, rc, &err);
}
