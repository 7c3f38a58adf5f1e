/*
 * sessions.h - who is signed in: the open sessions of each account, so that they can be shown to
 * their owner, and ended when what they were let in by is no longer good.
 *
 * A session keeps one `struct mail_session` in its own memory (zeroed), enters it after a login and
 * leaves in done(). A revocation that was told between the keeper's verdict and the entry is
 * remembered here: such a session is not let in (keeper/credentials.h has the rule). Any thread.
 */
#ifndef MAIL_SESSIONS_H
#define MAIL_SESSIONS_H

#include <pthread.h>

#include "base/map.h"
#include "keeper/credentials.h"

/* What a session was let in by, and who is at the other end. */
struct mail_session {
	uint64_t account; /* 0: not signed in */
	uint64_t seq, credential;
	unsigned scope;
	int64_t since_s;
	const char *service;        /* lives for ever */
	const char *peer, *program; /* the owner's */
	struct conn_ref who;
	struct mail_session *next, *before; /* of the same account */
};

enum { MAIL_REVOCATIONS_MAX = 256 }; /* remembered ones */

struct mail_sessions {
	pthread_mutex_t lock;
	struct map accounts; /* account -> its first session */
	struct keeper_revocation recent[MAIL_REVOCATIONS_MAX];
	size_t recent_n;        /* ever told; the newest overwrite the oldest */
	uint64_t forgotten_seq; /* of the newest that was overwritten */
};

void mail_sessions_init(struct mail_sessions *sessions);
void mail_sessions_done(struct mail_sessions *sessions);

struct mail_arrival {
	uint64_t account, seq, credential;
	unsigned scope;
	const char *service, *peer, *program;
	struct conn_ref who;
};
/* mail_session_enter - session must stay where it is until it leaves, and the arrival's texts as
 * they are; it is in no account yet.
 * False: its login was revoked meanwhile. */
MUST_CHECK bool mail_session_enter(struct mail_sessions *sessions, struct mail_session *session,
	const struct mail_arrival *arrival);
/* mail_session_leave - nothing if it has not entered. */
void mail_session_leave(struct mail_sessions *sessions, struct mail_session *session);
/* mail_session_name - the client has said what it is called; the former text is no longer used. */
void mail_session_name(
	struct mail_sessions *sessions, struct mail_session *session, const char *program);

/* mail_sessions_revoke - those that fit say goodbye and close, without waiting for them; returns
 * how many there are. */
size_t mail_sessions_revoke(
	struct mail_sessions *sessions, struct pool *pool, const struct keeper_revocation *what);

/* mail_sessions_end - all of an account that exists no longer. */
size_t mail_sessions_end(struct mail_sessions *sessions, struct pool *pool, uint64_t account);

/* One of an account's sessions, as it is shown. */
struct mail_session_info {
	uint64_t id; /* for mail_session_end() */
	uint64_t credential;
	int64_t since_s;
	const char *service;
	struct slice peer, program;
};
/* mail_sessions_list - at most max of them, in the arena. */
size_t mail_sessions_list(struct mail_sessions *sessions, uint64_t account, size_t max,
	struct arena *arena, struct mail_session_info **list_out);
/* mail_session_end - that one says goodbye and closes; false: it is not there (any more). */
bool mail_session_end(
	struct mail_sessions *sessions, struct pool *pool, uint64_t account, uint64_t id);

/* mail_sessions_each - all of them, under the lock: see keeper_live_fn. */
void mail_sessions_each(struct mail_sessions *sessions, keeper_say_live_fn *say, void *to);

#endif
