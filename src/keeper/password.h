/*
 * password.h - which passwords are refused: short, common, or made of the address.
 *
 * Common is what a guesser tries first: a known word with digits or signs around it and letters
 * replaced by look-alikes, a row of keys or of the alphabet, a short piece repeated. Pure.
 */
#ifndef KEEPER_PASSWORD_H
#define KEEPER_PASSWORD_H

#include "base/err.h"
#include "base/slice.h"

enum { PASSWORD_CHARS_MIN = 10 };

/* password_check - 0 or -ERR_SYNTAX with the reason for the user. address may be empty. */
MUST_CHECK int password_check(struct slice password, struct slice address, struct err *err);

#endif
