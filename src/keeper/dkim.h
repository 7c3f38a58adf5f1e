/*
 * dkim.h - keys that sign mail, by domain and selector: made, listed and removed by the operator,
 * asked for by the servers. Signing itself is keys_sign().
 *
 * A domain has keys of both kinds. When they are replaced, the new ones are listed at once, so that
 * their records can be put into the DNS, and sign from a later time on, when everybody can see
 * them; the former ones sign until then, and stay listed until they are removed.
 */
#ifndef KEEPER_DKIM_H
#define KEEPER_DKIM_H

#include "keeper/desk.h"

enum { DKIM_AFTER_MAX_S = 90 * 86400, DKIM_KEYS_OF_DOMAIN_MAX = 16 };

task_fn dkim_add, dkim_list, dkim_remove; /* the operator's */
task_fn dkim_keys;                        /* the servers' */

#endif
