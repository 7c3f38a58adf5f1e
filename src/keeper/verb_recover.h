/* verb_recover.h - what can be asked about recovery addresses and forgotten passwords. */
#ifndef KEEPER_VERB_RECOVER_H
#define KEEPER_VERB_RECOVER_H

#include "keeper/desk.h"

task_fn verb_recovery_set, verb_recovery_confirm, verb_recovery_cancel, verb_recovery_by_mail,
	verb_recovery_address, verb_reset_begin, verb_reset_challenge, verb_reset_end;

#endif
