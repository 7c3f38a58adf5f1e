/* sessions.c - see sessions.h for the contract. */
#include "mail/sessions.h"

#include <assert.h>

void mail_sessions_init(struct mail_sessions *sessions)
{
	*sessions = (struct mail_sessions){0};
	pthread_mutex_init(&sessions->lock, NULL);
}

void mail_sessions_done(struct mail_sessions *sessions)
{
	size_t at = 0;

	assert(!map_next(&sessions->accounts, &at));
	map_done(&sessions->accounts);
	pthread_mutex_destroy(&sessions->lock);
}

void mail_session_enter(struct mail_sessions *sessions, struct mail_session *session,
	uint64_t account, struct conn_ref who)
{
	assert(account && !session->account);
	*session = (struct mail_session){.account = account, .who = who};
	pthread_mutex_lock(&sessions->lock);
	session->next = map_get(&sessions->accounts, map_key_u64(&account));
	if (session->next) {
		session->next->before = session;
		map_del(&sessions->accounts, map_key_u64(&account));
	}
	map_put(&sessions->accounts, map_key_u64(&session->account), session);
	pthread_mutex_unlock(&sessions->lock);
}

/* The map's key is the first session's own: with the first goes its key. */
static void leave_as_first(struct mail_sessions *sessions, struct mail_session *session)
{
	map_del(&sessions->accounts, map_key_u64(&session->account));
	if (session->next)
		map_put(&sessions->accounts, map_key_u64(&session->next->account), session->next);
}

void mail_session_leave(struct mail_sessions *sessions, struct mail_session *session)
{
	if (!session->account)
		return;
	pthread_mutex_lock(&sessions->lock);
	if (session->before)
		session->before->next = session->next;
	else
		leave_as_first(sessions, session);
	if (session->next)
		session->next->before = session->before;
	pthread_mutex_unlock(&sessions->lock);
	*session = (struct mail_session){0};
}

size_t mail_sessions_revoke(struct mail_sessions *sessions, struct pool *pool, uint64_t account)
{
	const struct mail_session *session;
	size_t n = 0;

	pthread_mutex_lock(&sessions->lock);
	session = map_get(&sessions->accounts, map_key_u64(&account));
	for (; session; session = session->next, n++)
		pool_revoke(pool, session->who);
	pthread_mutex_unlock(&sessions->lock);
	return n;
}
