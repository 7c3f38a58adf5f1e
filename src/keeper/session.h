/* session.h - what ends a session, in the database; used inside changes. */
#ifndef KEEPER_SESSION_H
#define KEEPER_SESSION_H

#include "keeper/desk.h"

/* session_end_all - the account's web sessions go, and all others are noted as revoked; those of
 * servers are still to be told (revoke.h). */
MUST_CHECK int session_end_all(
	struct db *change, const struct frame_session *what, struct err *err);

#endif
