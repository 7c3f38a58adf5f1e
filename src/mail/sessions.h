/*
 * sessions.h - who is signed in: the open sessions of each account, so that they can be ended when
 * the account is deleted or its login is no longer good.
 *
 * A session keeps one `struct mail_session` in its own memory (zeroed), enters it after a login and
 * leaves in done(). It enters before it looks whether the account still exists: whoever deletes the
 * account first takes it out of the directory and then revokes, so one of the two always notices.
 * Any thread.
 */
#ifndef MAIL_SESSIONS_H
#define MAIL_SESSIONS_H

#include <pthread.h>

#include "base/map.h"
#include "net/pool.h"

struct mail_session {
	uint64_t account; /* 0: not signed in */
	struct conn_ref who;
	struct mail_session *next, *before; /* of the same account */
};

struct mail_sessions {
	pthread_mutex_t lock;
	struct map accounts; /* account -> its first session */
};

void mail_sessions_init(struct mail_sessions *sessions);
void mail_sessions_done(struct mail_sessions *sessions);

/* mail_session_enter - session must stay where it is until it leaves; it is in no account yet. */
void mail_session_enter(struct mail_sessions *sessions, struct mail_session *session,
	uint64_t account, struct conn_ref who);
/* mail_session_leave - nothing if it has not entered. */
void mail_session_leave(struct mail_sessions *sessions, struct mail_session *session);
/* mail_sessions_revoke - the account's sessions say goodbye and close, without waiting for them;
 * returns how many there are. */
size_t mail_sessions_revoke(struct mail_sessions *sessions, struct pool *pool, uint64_t account);

#endif
