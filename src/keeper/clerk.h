/*
 * clerk.h - what the operator asks for: passwords are set and taken away.
 *
 * Done by the clerk, because each ends with a flush. Clear passwords are hashed by the hashers, one
 * a turn, so that a large import does not keep logins waiting.
 */
#ifndef KEEPER_CLERK_H
#define KEEPER_CLERK_H

#include "keeper/desk.h"

task_fn clerk_set_passwords, clerk_delete_account;

#endif
