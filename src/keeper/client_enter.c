/* client_enter.c - coming in: the server's side of it; see credentials.h for the contract. */
#include <stdlib.h>

#include "base/mem.h"
#include "keeper/client_internal.h"

static void *read_verdict(struct frame *f)
{
	struct keeper_verdict *verdict = mem_new(struct keeper_verdict);

	verdict->account = frame_u64(f);
	verdict->epoch = frame_u64(f);
	return verdict;
}

void keeper_verify(struct keeper *keeper, struct conn_ref who, uint64_t ticket,
	const struct keeper_login *login)
{
	const struct keeper_call call = {keeper, who, ticket};

	if (login->password.len > FRAME_PASSWORD_MAX) {
		client_fail(&call, ERR_DENIED, "no password is so long");
		return;
	}
	client_ask(&call, FRAME_VERIFY, read_verdict, ask_n(login->account), ask_s(login->password),
		ask_s(login->service), ask_s(login->peer));
}
