/*
 * pending.h - what is good for some minutes, and kept in memory only: challenges that wait for
 * their answer, codes on their way to a telephone, exchanges that are half done.
 *
 * An item has a kind and a name, and is taken once: who takes it has the only one. Bounded: when it
 * is full the oldest goes, so that somebody who begins much and ends nothing costs those who end
 * quickly nothing. A restart forgets all, and the people concerned begin again. Any thread.
 */
#ifndef KEEPER_PENDING_H
#define KEEPER_PENDING_H

#include "base/buf.h"

enum {
	PENDING_NAME_MAX = 64,
	PENDING_VALUE_MAX = 4096,
};

enum pending_kind {
	PENDING_TOTP,        /* by web session: a secret that is being set up */
	PENDING_CREATION,    /* by web session: the challenge for a new key */
	PENDING_REQUEST,     /* by web session or link: the challenge for a known one */
	PENDING_SMS,         /* by web session or link: the code that was sent */
	PENDING_PASSKEY,     /* by challenge: it was used */
	PENDING_SCRAM,       /* by number: both first messages */
	PENDING_GRANT,       /* by MAC: an authorization code */
	PENDING_DEVICE,      /* by MAC: a device code */
	PENDING_DEVICE_USER, /* by user code: the MAC of its device code */
};

struct pending;

struct pending *pending_new(size_t max);
void pending_free(struct pending **pending);

/* pending_put - in place of an item of that kind and name. The name is cut at PENDING_NAME_MAX. */
void pending_put(struct pending *p, enum pending_kind kind, struct slice name, struct slice value,
	int64_t seconds);
/* pending_take - the value, which is there no more; false (and *out untouched) if there is none.
 * left_out may be NULL: the seconds that it had left, to put it back. */
bool pending_take(struct pending *p, enum pending_kind kind, struct slice name, struct buf *out,
	int64_t *left_out);
/* pending_read - the same, and it stays. */
bool pending_read(struct pending *p, enum pending_kind kind, struct slice name, struct buf *out);

#endif
