/* verb_sending.c - `account-sending`: how an account sends, and whether it may. */
#include "admin/verb.h"
#include "mail/conduct.h"

static json_t *facts_json(const struct judge_facts *f)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "sent",
		(json_int_t)f->sent, "usual", (json_int_t)f->usual, "good_days",
		(json_int_t)f->good_days, "answered", (json_int_t)f->answered, "unknown",
		(json_int_t)f->unknown, "refused", (json_int_t)f->refused, "complaints",
		(json_int_t)f->complaints, "scanned", (json_int_t)f->scanned, "bad",
		(json_int_t)f->bad, "strange", (json_int_t)f->strange);
}

static int act(struct service *service, uint64_t account, struct slice wish, struct err *err)
{
	if (slice_eq(wish, slice_lit("stop")))
		return conduct_stop(service, account, "by an operator", err);
	if (slice_eq(wish, slice_lit("allow")))
		return conduct_allow(service, account, err);
	if (slice_eq(wish, slice_lit("complaint")))
		conduct_complained(service, account);
	else if (!slice_eq(wish, slice_lit("show")))
		return err_set(err, ERR_SYNTAX, "say show, stop, allow or complaint");
	return 0;
}

void verb_account_sending(struct conn *c, const json_t *args)
{
	struct service *service = verb_service(c);
	struct directory_account account;
	struct conduct_state state;
	struct err err;
	json_t *done;
	int rc = verb_find_account(c, args, conn_arena(c), &account, &err);

	if (rc == 0)
		rc = act(service, account.id, verb_text_or_empty(args, "do"), &err);
	if (rc == 0)
		rc = conduct_show(service, account.id, &state, &err);
	if (rc < 0) {
		verb_fail(conn_out(c), &err);
		return;
	}
	done = facts_json(&state.facts);
	json_object_set_new(done, "address", verb_string(account.address));
	json_object_set_new(done, "stopped", json_boolean(state.is_stopped));
	json_object_set_new(
		done, "since", json_integer(state.is_stopped ? (json_int_t)state.since_s : 0));
	json_object_set_new(done, "why", verb_string(slice_str(state.is_stopped ? state.why : "")));
	json_object_set_new(done, "points", json_integer(state.verdict.points));
	json_object_set_new(done, "signs", verb_string(slice_str(state.verdict.why)));
	verb_done(conn_out(c), done);
}
