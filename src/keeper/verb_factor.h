/* verb_factor.h - what can be asked about second factors; the work is factor.h's. */
#ifndef KEEPER_VERB_FACTOR_H
#define KEEPER_VERB_FACTOR_H

#include "keeper/desk.h"

task_fn verb_factor_begin, verb_factor_confirm, verb_factor_remove, verb_recovery_codes,
	verb_list_factors, verb_web_challenge, verb_web_passkey;

#endif
