/*
 * guesses.h - who may try, how often: limits on guessing, and the places an account comes from.
 *
 * A place is an account and a network (IPv4 /24, IPv6 /48; what is no address is a network of its
 * own). Failures are counted by place, by network, by account, and of all together; above a bound
 * attempts are "busy" until the count fades. A place that the account came from before has ten
 * times the bound and does not suffer from what others do, so that nobody is locked out of where
 * he is known; nor do others suffer from a device there that goes on trying an old password. Known
 * places are kept in secrets.db, for half a year after they were last seen. Any thread.
 */
#ifndef KEEPER_GUESSES_H
#define KEEPER_GUESSES_H

#include "keeper/secrets.h"

enum {
	/* Failures in ten minutes. */
	GUESSES_PLACE_MAX = 10, /* of an account from a network */
	GUESSES_KNOWN_MAX = 100,
	GUESSES_SHUT_MAX =
		1000, /* of a known place: not even what was right a moment ago is looked at */
	GUESSES_NETWORK_MAX = 100,
	GUESSES_ACCOUNT_MAX = 200, /* from all networks that it is not known in */
	GUESSES_ALL_MAX = 20000,   /* above it, a new place has one try */

	PLACE_LEN = 8 + 7,
	PLACES_MAX = 200, /* known ones of an account */
};

struct place {
	char bytes[PLACE_LEN];
};
struct place place_of(uint64_t account, struct slice peer);
uint64_t place_account(const struct place *place);

struct guesses;

MUST_CHECK int guesses_new(struct secrets *secrets, struct guesses **out, struct err *err);
void guesses_free(struct guesses **guesses);

bool guesses_is_known(struct guesses *guesses, const struct place *place);
bool guesses_is_limited(struct guesses *guesses, const struct place *place);
bool guesses_is_shut(struct guesses *guesses, const struct place *place);
void guesses_failed(struct guesses *guesses, const struct place *place);
/* guesses_good - it was right. True: the place is to be written down (guesses_note()). */
bool guesses_good(struct guesses *guesses, const struct place *place);
/* guesses_note - inside a change: the account came from there. is_new_out: it is known in other
 * places, and not in this one. */
MUST_CHECK int guesses_note(struct guesses *guesses, struct db *change, const struct place *place,
	bool *is_new_out, struct err *err);

#endif
