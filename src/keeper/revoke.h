/*
 * revoke.h - telling the servers whose sessions are no longer good, and knowing that they heard.
 *
 * What is revoked is written in the change that revokes it (revoke_note()), so that a server whose
 * connection was lost is told what it missed. After the commit revoke_tell() sends it to every
 * server that subscribed; the work that waits goes on when all have closed those sessions, or when
 * one that does not answer has been cut off. Any thread.
 */
#ifndef KEEPER_REVOKE_H
#define KEEPER_REVOKE_H

#include "keeper/desk.h"

enum {
	REVOKE_DEADLINE_MS = 5000,
	REVOKE_MAX = 1000, /* in one telling */
};

MUST_CHECK int revoker_new(struct secrets *secrets, struct revoker **out, struct err *err);
void revoker_free(struct revoker **revoker); /* after the loop: nobody waits any more */

/* revoke_note - inside a change: sessions of the account (0: of everybody) with a lower number end,
 * if one of their scopes is among these, and their credential is this one (0: any). */
MUST_CHECK int revoke_note(struct db *change, const struct frame_session *what, struct err *err);
/* revoke_purge - inside a change: what no server needs to be told any more. */
MUST_CHECK int revoke_purge(struct db *change, struct err *err);
/* revoke_tell - after the commit, the caches dropped: publishes their numbers, then tells. then is
 * run when that has been heard, on this or another thread. */
void revoke_tell(
	struct revoker *revoker, const struct frame_session *list, size_t n, struct crew_job *then);
/* task_revoke - the same, and then the task is done. */
void task_revoke(struct task *t, const struct frame_session *list, size_t n);

/* What a server says; the caller is given away. */
void revoker_subscribe(struct revoker *revoker, struct caller caller);
void revoker_closed(struct revoker *revoker, struct caller caller, uint64_t telling);
/* revoker_replay - tells a subscriber again what was revoked after that number. */
void revoker_replay(struct task *t);
/* revoker_live - answers which of a server's sessions are no more. */
void revoker_live(struct task *t);

void revoker_gone(struct revoker *revoker, const struct peer *peer);
/* revoker_tick - cuts off who is late. Once a second. */
void revoker_tick(struct revoker *revoker);

#endif
