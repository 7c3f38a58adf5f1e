/*
 * kit.h - for tests: a server's side of the keeper: a pool, the client, and a registry of sessions
 * as a server has one. Each question is asked parked on a connection and waited for.
 */
#ifndef KEEPER_KIT_H
#define KEEPER_KIT_H

#include <pthread.h>
#include <semaphore.h>

#include "keeper/credentials.h"
#include "keeper/fixture.h"

enum { KIT_SESSIONS_MAX = 4096, KIT_REVOKED_MAX = 4096 };

struct kit_session {
	uint64_t account, seq, credential;
	unsigned scope;
	bool is_open;
};

struct kit {
	struct fixture fixture;
	struct pool *pool;
	struct keeper *keeper;
	int fd;               /* the connection that questions are parked on */
	pthread_mutex_t lock; /* guards all below */
	struct kit_session sessions[KIT_SESSIONS_MAX];
	size_t sessions_n;
	struct keeper_revocation revoked[KIT_REVOKED_MAX];
	size_t revoked_n;
};

void kit_start(struct kit *kit, const struct keeper_config *config);
void kit_done(struct kit *kit);

/* A question: `ask` calls a function of credentials.h; the rest is for it to use. */
struct kit_ask {
	void (*ask)(const struct keeper_call *call, const struct kit_ask *with);
	uint64_t a, b;
	struct slice s[5];
	unsigned n;
	bool flag;
	struct keeper_attempt attempt;
	struct answer answer;
	sem_t done;
	struct kit *kit;
};
/* kit_ask - waits; the answer's code. The data is in q->answer, to be freed. */
int kit_ask(struct kit *kit, struct kit_ask *q);
/* kit_open, kit_send, kit_wait - the same in pieces, on a connection of its own. */
int kit_open(void);
void kit_send(struct kit *kit, int fd, struct kit_ask *q);
int kit_wait(struct kit_ask *q);

/* The questions that most tests ask. An answer's struct is copied out, if out is not NULL. */
int kit_enter(struct kit *kit, uint64_t account, const char *secret, unsigned scope,
	const char *peer, struct keeper_entry *out);
/* kit_enter_by_key - EXTERNAL; account 0: whoever's it is. */
int kit_enter_by_key(struct kit *kit, uint64_t account, struct slice hash, unsigned scope,
	struct keeper_entry *out);
int kit_sign_in(struct kit *kit, uint64_t account, const char *secret, const char *peer,
	bool is_long, struct keeper_web *out);
int kit_check(struct kit *kit, const char *cookie, struct keeper_web *out);
/* kit_run - the keeper again after it ended; returns when the server has noticed both: until then a
 * question may go to the one that ended. */
void kit_run(struct kit *kit);
/* kit_factor - a factor for a session. */
int kit_factor(struct kit *kit, const char *cookie, enum keeper_factor factor, const char *data,
	struct keeper_web *out);
int kit_change_password(struct kit *kit, const char *cookie, const char *before, const char *after);
/* kit_app_add - secret_out: KEEPER_SECRET_MAX bytes. */
int kit_app_add(
	struct kit *kit, const char *cookie, unsigned scopes, bool needs_factor, char *secret_out);
int kit_app_certificate(struct kit *kit, const char *cookie, unsigned scopes, struct slice hash);

/* kit_register - as a server does after a login: false if it has been revoked meanwhile. The
 * session's number in kit->sessions is given out. kit_is_open - is it still? */
bool kit_register(
	struct kit *kit, const struct keeper_entry *entry, unsigned scope, size_t *at_out);
bool kit_is_open(struct kit *kit, size_t at);

#endif
