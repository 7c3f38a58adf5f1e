/* sessions.c - see sessions.h for the contract. */
#include "mail/sessions.h"

#include <assert.h>

#include "base/clock.h"

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

static bool fits(const struct keeper_revocation *what, uint64_t account, uint64_t seq,
	uint64_t credential, unsigned scope)
{
	return (what->account == 0 || what->account == account) && seq < what->seq &&
	       (what->scopes & scope) && (what->credential == 0 || what->credential == credential);
}

/* What was overwritten may have fitted: whoever is older than that asks the keeper again. */
static bool was_revoked_locked(
	const struct mail_sessions *sessions, const struct mail_arrival *arrival)
{
	const size_t n = sessions->recent_n < MAIL_REVOCATIONS_MAX ? sessions->recent_n
								   : MAIL_REVOCATIONS_MAX;

	if (arrival->seq < sessions->forgotten_seq)
		return true;
	for (size_t i = 0; i < n; i++) {
		if (fits(&sessions->recent[i], arrival->account, arrival->seq, arrival->credential,
			    arrival->scope))
			return true;
	}
	return false;
}

/* The map's key is the first session's own: with another first goes the key. */
static void add_locked(struct mail_sessions *sessions, struct mail_session *session)
{
	session->next = map_del(&sessions->accounts, map_key_u64(&session->account));
	if (session->next)
		session->next->before = session;
	map_put(&sessions->accounts, map_key_u64(&session->account), session);
}

static void remove_locked(struct mail_sessions *sessions, struct mail_session *session)
{
	if (session->before) {
		session->before->next = session->next;
	} else {
		map_del(&sessions->accounts, map_key_u64(&session->account));
		if (session->next)
			map_put(&sessions->accounts, map_key_u64(&session->next->account),
				session->next);
	}
	if (session->next)
		session->next->before = session->before;
}

bool mail_session_enter(struct mail_sessions *sessions, struct mail_session *session,
	const struct mail_arrival *arrival)
{
	bool is_good;

	assert(arrival->account && !session->account);
	*session = (struct mail_session){.account = arrival->account,
		.seq = arrival->seq,
		.credential = arrival->credential,
		.scope = arrival->scope,
		.since_s = clock_wall_s(),
		.service = arrival->service,
		.peer = arrival->peer,
		.program = arrival->program,
		.who = arrival->who};
	pthread_mutex_lock(&sessions->lock);
	is_good = !was_revoked_locked(sessions, arrival);
	if (is_good)
		add_locked(sessions, session);
	pthread_mutex_unlock(&sessions->lock);
	if (!is_good)
		*session = (struct mail_session){0};
	return is_good;
}

void mail_session_leave(struct mail_sessions *sessions, struct mail_session *session)
{
	if (!session->account)
		return;
	pthread_mutex_lock(&sessions->lock);
	remove_locked(sessions, session);
	pthread_mutex_unlock(&sessions->lock);
	*session = (struct mail_session){0};
}

void mail_session_name(
	struct mail_sessions *sessions, struct mail_session *session, const char *program)
{
	pthread_mutex_lock(&sessions->lock);
	session->program = program;
	pthread_mutex_unlock(&sessions->lock);
}

static void remember_locked(struct mail_sessions *sessions, const struct keeper_revocation *what)
{
	struct keeper_revocation *at = &sessions->recent[sessions->recent_n % MAIL_REVOCATIONS_MAX];

	if (sessions->recent_n >= MAIL_REVOCATIONS_MAX && sessions->forgotten_seq < at->seq)
		sessions->forgotten_seq = at->seq;
	*at = *what;
	sessions->recent_n++;
}

static size_t revoke_list(
	const struct mail_session *first, struct pool *pool, const struct keeper_revocation *what)
{
	size_t n = 0;

	for (const struct mail_session *s = first; s; s = s->next) {
		if (!fits(what, s->account, s->seq, s->credential, s->scope))
			continue;
		pool_revoke(pool, s->who);
		n++;
	}
	return n;
}

size_t mail_sessions_revoke(
	struct mail_sessions *sessions, struct pool *pool, const struct keeper_revocation *what)
{
	const struct mail_session *first;
	size_t n = 0, at = 0;

	pthread_mutex_lock(&sessions->lock);
	remember_locked(sessions, what);
	if (what->account)
		n = revoke_list(
			map_get(&sessions->accounts, map_key_u64(&what->account)), pool, what);
	else
		while ((first = map_next(&sessions->accounts, &at)))
			n += revoke_list(first, pool, what);
	pthread_mutex_unlock(&sessions->lock);
	return n;
}

size_t mail_sessions_end(struct mail_sessions *sessions, struct pool *pool, uint64_t account)
{
	const struct keeper_revocation all = {
		.account = account, .seq = UINT64_MAX, .scopes = SCOPE_ALL};
	size_t n;

	pthread_mutex_lock(&sessions->lock);
	n = revoke_list(map_get(&sessions->accounts, map_key_u64(&account)), pool, &all);
	pthread_mutex_unlock(&sessions->lock);
	return n;
}

static uint64_t id_of(struct conn_ref who)
{
	return (uint64_t)who.slot << 32 | who.generation;
}

size_t mail_sessions_list(struct mail_sessions *sessions, uint64_t account, size_t max,
	struct arena *arena, struct mail_session_info **list_out)
{
	struct mail_session_info *list = arena_array(arena, struct mail_session_info, max);
	const struct mail_session *s;
	size_t n = 0;

	pthread_mutex_lock(&sessions->lock);
	s = map_get(&sessions->accounts, map_key_u64(&account));
	for (; list && s && n < max; s = s->next)
		list[n++] = (struct mail_session_info){.id = id_of(s->who),
			.credential = s->credential,
			.since_s = s->since_s,
			.service = s->service,
			.peer = arena_dup(arena, slice_str(s->peer)),
			.program = arena_dup(arena, slice_str(s->program))};
	pthread_mutex_unlock(&sessions->lock);
	*list_out = list;
	return n;
}

bool mail_session_end(
	struct mail_sessions *sessions, struct pool *pool, uint64_t account, uint64_t id)
{
	const struct mail_session *s;

	pthread_mutex_lock(&sessions->lock);
	s = map_get(&sessions->accounts, map_key_u64(&account));
	while (s && id_of(s->who) != id)
		s = s->next;
	if (s)
		pool_revoke(pool, s->who);
	pthread_mutex_unlock(&sessions->lock);
	return s != NULL;
}

void mail_sessions_each(struct mail_sessions *sessions, keeper_say_live_fn *say, void *to)
{
	const struct mail_session *s;
	size_t at = 0;

	pthread_mutex_lock(&sessions->lock);
	while ((s = map_next(&sessions->accounts, &at)))
		for (; s; s = s->next)
			say(to, s->account, s->seq, s->credential, s->scope);
	pthread_mutex_unlock(&sessions->lock);
}
