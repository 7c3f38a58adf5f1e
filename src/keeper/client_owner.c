/* client_owner.c - telling an account's owner something; see credentials.h for the contract. */
#include "keeper/client_internal.h"

void keeper_recovery_address(const struct keeper_call *call, uint64_t account)
{
	client_ask(call, FRAME_RECOVERY_ADDRESS, client_read_text, ask_n(account));
}
