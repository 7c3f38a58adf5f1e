/*
 * arc_trust.h - whose word counts about a message that changed on its way.
 *
 * Does:   in a chain that passes, the newest seals that are those of trusted domains (or of domains
 *         below them) are asked, from the newest back to the first that is not trusted: who sealed
 *         later may have put in anything. One of them has to say, in its ARC-Authentication-
 *         Results, that the message came to it with DMARC passed for this author; or, if it says
 *         nothing of DMARC, with a DKIM signature or SPF that passed for the author's own domain.
 * Bounds: those of arc.h and authres_read.h. Pure.
 */
#ifndef MAILAUTH_ARC_TRUST_H
#define MAILAUTH_ARC_TRUST_H

#include "mailauth/arc.h"

/* arc_trust_voucher - trusted: domains with blanks between. Which set (from 1) speaks for the
 * author; 0: none does. */
size_t arc_trust_voucher(
	const struct arc *arc, struct slice trusted, struct slice author, struct arena *arena);

#endif
