/* operator_internal.h - what the operator's calls share; nobody else includes it. */
#ifndef KEEPER_OPERATOR_INTERNAL_H
#define KEEPER_OPERATOR_INTERNAL_H

#include "keeper/channel.h"
#include "keeper/keeper.h"

/* operator_ask - one question (begun, not finished) on a connection of its own, without a deadline:
 * hashing may take its time. */
MUST_CHECK int operator_ask(const char *socket_path, struct buf *request, struct buf *reply,
	struct frame *fields_out, struct err *err);
/* operator_wipe - for AUTO(): overwritten before it is given back. */
void operator_wipe(struct buf *b);

#endif
