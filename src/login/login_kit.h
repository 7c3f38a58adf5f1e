/*
 * login_kit.h - a keeper played for tests: who has an account may come in with "secret", or with
 * "reading" to read only; "later" cannot be checked now, "factor" is right but wants an app
 * password. A token without a user name belongs to login_kit_owner. SCRAM's proof is "proof", its
 * owner login_kit_owner; server-first-message tells how many bytes bind the channel.
 */
#ifndef LOGIN_LOGIN_KIT_H
#define LOGIN_LOGIN_KIT_H

#include "keeper/credentials.h"

extern struct pool *login_kit_pool; /* to be set first */
extern uint64_t login_kit_owner;

#endif
