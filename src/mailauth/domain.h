/*
 * domain.h - names of domains as the checks of senders compare them. Pure functions; in all but the
 * first names are ASCII, of any case.
 */
#ifndef MAILAUTH_DOMAIN_H
#define MAILAUTH_DOMAIN_H

#include "base/arena.h"

/* domain_normal - in lower case, without a dot at the end, what is UTF-8 as A-labels (RFC 8616).
 * False: it is none, or the arena is full. */
bool domain_normal(struct slice text, struct arena *arena, struct slice *out);

/* domain_is_within - equal, or below it. */
bool domain_is_within(struct slice domain, struct slice above);

/* domain_parent - without its first label; empty if it has only one. */
struct slice domain_parent(struct slice domain);

size_t domain_labels(struct slice domain);

/* domain_is_public - below this name anybody may register (the Public Suffix List). */
bool domain_is_public(struct slice domain);

/* domain_registrable - by that list: the public suffix and one label more; empty if there is none.
 */
struct slice domain_registrable(struct slice domain);

#endif
