/* client_bridge.c - coming in by the main password alone: replaced by the verbs `enter` and `scram`
 * as soon as the keeper has them. */
#include <stdlib.h>

#include "base/mem.h"
#include "keeper/client_internal.h"

static void *read_entry(struct frame *f)
{
	struct keeper_entry *entry = mem_new(struct keeper_entry);

	entry->account = frame_u64(f);
	entry->seq = frame_u64(f);
	entry->scopes = SCOPE_ALL;
	return entry;
}

void keeper_enter(const struct keeper_call *call, const struct keeper_attempt *attempt)
{
	if (attempt->secret.len > FRAME_PASSWORD_MAX || attempt->is_token) {
		client_fail(call, ERR_DENIED, "wrong password");
		return;
	}
	client_ask(call, FRAME_VERIFY, read_entry, ask_n(attempt->account), ask_s(attempt->secret),
		ask_s(slice_lit("login")), ask_s(attempt->peer));
}

void keeper_scram_begin(const struct keeper_call *call, const struct keeper_scram *scram)
{
	(void)scram;
	client_fail(call, ERR_DENIED, "wrong password");
}

void keeper_scram_end(const struct keeper_call *call, uint64_t exchange, struct slice client_final)
{
	(void)exchange;
	(void)client_final;
	client_fail(call, ERR_DENIED, "wrong password");
}
