/* verb_fetch.c - `fetch`: mail is brought from mailboxes of other providers. The courier does it.
 */
#include "admin/verb.h"
#include "mail/bring.h"

enum { WAIT_MS = 25000, ARENA_BYTES = 4096 };

static json_t *take(struct conn *c, struct answer *answer)
{
	json_t *reply = answer->rc == 0 && answer->data ? json_loads(answer->data, 0, NULL) : NULL;

	if (answer->rc < 0)
		verb_fail(conn_out(c), &answer->err);
	else if (!reply)
		reply = json_object();
	if (answer->data)
		answer->free_data(answer->data);
	answer->data = NULL;
	return reply;
}

static void put_address(struct conn *c, json_t *row)
{
	const json_int_t id = json_integer_value(json_object_get(row, "account"));
	struct directory_account account;
	struct arena arena AUTO(arena_done);
	struct err err;

	arena_init(&arena, ARENA_BYTES);
	if (directory_account(verb_service(c)->directory, (uint64_t)id, &arena, &account, &err) ==
		0)
		json_object_set_new(row, "address", verb_string(account.address));
}

static void on_answer(struct conn *c, struct answer *answer)
{
	json_t *reply = take(c, answer), *row;
	size_t i;

	if (!reply)
		return;
	json_array_foreach(json_object_get(reply, "rows"), i, row)
	{
		put_address(c, row);
		verb_row(conn_out(c), json_incref(row));
	}
	json_object_del(reply, "rows");
	verb_done(conn_out(c), reply);
}

static struct mail_bring_wait *park(struct conn *c)
{
	return mail_bring_wait(c, conn_park(c, WAIT_MS, on_answer));
}

static void start(struct conn *c, const json_t *args)
{
	struct directory_account account;
	struct mail_source source = {.port = (unsigned)verb_number(args, "port"),
		.is_starttls = json_is_true(json_object_get(args, "starttls"))};
	struct err err;
	int rc = verb_find_account(c, args, conn_arena(c), &account, &err);

	if (rc == 0)
		rc = verb_text(args, "host", &source.host, &err);
	if (rc == 0)
		rc = verb_text(args, "login", &source.login, &err);
	if (rc == 0)
		rc = verb_text(args, "password", &source.password, &err);
	if (rc == 0)
		rc = mail_source_check(&source, &err);
	if (rc < 0)
		verb_fail(conn_out(c), &err);
	else
		mail_bring_start(
			verb_service(c)->ask, account.id, &source, mail_bring_answered, park(c));
}

/* Of one account, or of all. */
static void list(struct conn *c, const json_t *args)
{
	struct directory_account account = {.id = 0};
	struct err err;

	if (json_object_get(args, "address") &&
		verb_find_account(c, args, conn_arena(c), &account, &err) < 0)
		verb_fail(conn_out(c), &err);
	else
		mail_bring_ask(verb_service(c)->ask, ASK_BRING_LIST, account.id,
			verb_number(args, "id"), mail_bring_answered, park(c));
}

void verb_fetch(struct conn *c, const json_t *args)
{
	const struct slice wish = verb_text_or_empty(args, "do");
	const uint64_t id = verb_number(args, "id");
	const bool is_stop = slice_eq(wish, slice_lit("stop"));
	struct err err;

	if (slice_eq(wish, slice_lit("start"))) {
		start(c, args);
	} else if (slice_eq(wish, slice_lit("list"))) {
		list(c, args);
	} else if (id && (is_stop || slice_eq(wish, slice_lit("forget")))) {
		mail_bring_ask(verb_service(c)->ask, is_stop ? ASK_BRING_STOP : ASK_BRING_FORGET, 0,
			id, mail_bring_answered, park(c));
	} else {
		err_set(&err, ERR_SYNTAX, "say start, list, stop or forget, and which");
		verb_fail(conn_out(c), &err);
	}
}
