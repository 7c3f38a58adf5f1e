/* verb_grant.h - what can be asked about tokens for other programs; the work is grant.h's. */
#ifndef KEEPER_VERB_GRANT_H
#define KEEPER_VERB_GRANT_H

#include "keeper/desk.h"

task_fn verb_grant_code, verb_grant_exchange, verb_grant_refresh, verb_device_begin,
	verb_device_find, verb_device_decide, verb_device_poll, verb_token_revoke,
	verb_token_remove, verb_list_tokens;

#endif
