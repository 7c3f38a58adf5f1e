/* client_internal.h - what client.c and client_verify.c share; nobody else includes it. */
#ifndef KEEPER_CLIENT_INTERNAL_H
#define KEEPER_CLIENT_INTERNAL_H

#include <pthread.h>

#include "base/map.h"
#include "keeper/channel.h"
#include "keeper/client.h"

enum { CLIENT_FREE_MAX = 64 };

struct request;

/* The one connection for verify, and what goes over it. */
struct verify {
	pthread_mutex_t lock; /* guards all below */
	struct pool *pool;
	struct map requests;           /* by id: all that are not answered */
	struct request *first, **last; /* those that are not sent yet, oldest first */
	size_t sent;                   /* how many are not in that list */
	uint32_t last_id;
	bool is_connected; /* conn is good: from its greet() to its done() */
	struct conn_ref conn;
	struct pool_timer retry;
	int64_t retry_ms; /* until the next try, growing */
};

struct keeper {
	char *path;
	struct verify verify;
	pthread_mutex_t lock; /* guards the list */
	int free_fds[CLIENT_FREE_MAX];
	size_t free_n;
};

void verify_init(struct verify *v);
void verify_done(struct verify *v);

#endif
