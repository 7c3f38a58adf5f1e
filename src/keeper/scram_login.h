/*
 * scram_login.h - coming in by SCRAM: which verifiers an account has, and the two steps.
 *
 * Each app password has a verifier. The main password has one only with the setting
 * `passwords.scram_main`: a verifier is a much faster way to try passwords than argon2id, for
 * whoever gets hold of the keeper's files. The salt is one for the account, and for a name that is
 * nobody's it is derived from the name, so that nobody learns who exists.
 */
#ifndef KEEPER_SCRAM_LOGIN_H
#define KEEPER_SCRAM_LOGIN_H

#include "keeper/desk.h"

/* scram_store - inside a change: the verifier of an app password, or (0) of the main one. */
MUST_CHECK int scram_store(struct desk *desk, struct db *change, uint64_t account,
	uint64_t credential, struct slice password, struct err *err);
/* scram_wants_main - the setting is on, and the account's main password has no verifier yet. */
bool scram_wants_main(struct desk *desk, struct db *db, uint64_t account);

task_fn verb_scram_begin, verb_scram_end;

#endif
