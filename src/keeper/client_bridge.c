/* client_bridge.c - SCRAM is refused until the keeper has the verbs for it. */
#include "keeper/client_internal.h"

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
