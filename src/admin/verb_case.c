/* verb_case.c - verbs of the control socket: who an account is, and the notices of recovery cases.
 */
#include "admin/verb.h"
#include "notice/notice.h"

static int find_by_id(
	struct conn *c, const json_t *args, struct directory_account *out, struct err *err)
{
	return directory_account(
		verb_service(c)->directory, verb_number(args, "id"), conn_arena(c), out, err);
}

void verb_account_name(struct conn *c, const json_t *args)
{
	struct directory_account account;
	struct err err;

	if (find_by_id(c, args, &account, &err) < 0)
		verb_fail(conn_out(c), &err);
	else
		verb_done(conn_out(c), json_pack("{s:o}", "address", verb_string(account.address)));
}

/* To the account itself and to each address in `to`: what staff do with it is never silent. */
void verb_case_notice(struct conn *c, const json_t *args)
{
	const json_t *to = json_object_get(args, "to"), *one;
	const struct slice text = verb_text_or_empty(args, "text"),
			   link = verb_text_or_empty(args, "link");
	struct directory_account account;
	struct err err;
	size_t i;
	int rc = find_by_id(c, args, &account, &err);

	if (rc == 0)
		notice_send(verb_service(c), account.id, "recovery-case",
			json_pack(
				"{s:o, s:o}", "text", verb_string(text), "link", verb_string(link)),
			(struct slice){0});
	json_array_foreach(to, i, one)
	{
		const struct slice address =
			slice_str(json_is_string(one) ? json_string_value(one) : "");

		if (rc == 0 && address.len)
			notice_send(verb_service(c), account.id, "recovery-case",
				json_pack("{s:o, s:o}", "text", verb_string(text), "link",
					verb_string(link)),
				address);
	}
	verb_end(c, rc, &err);
}
