/* login_kit.c - see login_kit.h for the contract. */
#include "login/login_kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

struct pool *login_kit_pool;
uint64_t login_kit_owner;

enum { EXCHANGE = 77 };

static void answer_with(const struct keeper_call *call, struct answer *answer, void *data)
{
	answer->data = data;
	answer->free_data = free;
	pool_answer(login_kit_pool, call->who, call->ticket, answer);
}

/* 0, or why not. */
static int judge(uint64_t account, struct slice secret, unsigned *scopes, struct err *err)
{
	*scopes = SCOPE_ALL;
	if (slice_eq(secret, slice_lit("later")))
		return err_set(err, ERR_BUSY, "away");
	if (slice_eq(secret, slice_lit("factor")))
		return err_set(err, ERR_CONFLICT, "Use an app password");
	if (slice_eq(secret, slice_lit("reading")))
		*scopes = SCOPE_IMAP_READ;
	else if (!account || !slice_eq(secret, slice_lit("secret")))
		return err_set(err, ERR_DENIED, "wrong");
	return 0;
}

void keeper_enter(const struct keeper_call *call, const struct keeper_attempt *attempt)
{
	struct keeper_entry *entry = mem_new(struct keeper_entry);
	struct answer answer = {0};

	entry->account = attempt->account;
	if (attempt->kind == SECRET_TOKEN && !entry->account)
		entry->account = login_kit_owner;
	entry->seq = 1;
	answer.rc = judge(entry->account, attempt->secret, &entry->scopes, &answer.err);
	answer_with(call, &answer, entry);
}

void keeper_scram_begin(const struct keeper_call *call, const struct keeper_scram *scram)
{
	struct keeper_scram_reply *reply = mem_new(struct keeper_scram_reply);
	struct answer answer = {0};

	reply->exchange = EXCHANGE;
	reply->entry.account = scram->account;
	reply->message_len = (size_t)snprintf(
		reply->message, sizeof(reply->message), "first %zu", scram->binding.len);
	answer_with(call, &answer, reply);
}

void keeper_scram_end(const struct keeper_call *call, uint64_t exchange, struct slice client_final)
{
	struct keeper_scram_reply *reply = mem_new(struct keeper_scram_reply);
	struct answer answer = {0};

	reply->exchange = exchange;
	reply->entry =
		(struct keeper_entry){.account = login_kit_owner, .seq = 1, .scopes = SCOPE_ALL};
	reply->message_len = (size_t)snprintf(reply->message, sizeof(reply->message), "final");
	if (exchange != EXCHANGE || !slice_eq(client_final, slice_lit("proof")))
		answer.rc = err_set(&answer.err, ERR_DENIED, "wrong");
	answer_with(call, &answer, reply);
}
