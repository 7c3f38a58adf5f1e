/* bring_internal.h - what the parts of bring_*.c share; nobody else includes it. */
#ifndef COURIER_BRING_INTERNAL_H
#define COURIER_BRING_INTERNAL_H

#include <pthread.h>

#include "courier/bring.h"
#include "courier/bring_book.h"
#include "courier/imap_client.h"
#include "db/db.h"

struct bring_book {
	pthread_mutex_t lock; /* guards the other */
	struct db *db;
};

/* What one turn of bringing a mailbox needs; a thread's own. */
struct bring_turn {
	const struct config *settings;
	struct dns *dns;
	struct bring_book *book;
	struct imap_client_config imap;
	const char *socket_path; /* of the server's LMTP for us */
	int stop_fd;
	int spool_dir;
	struct bring_job job;
	int64_t until_ms;               /* then others may want to have a turn */
	bool (*is_wanted)(void *bring); /* others do */
	void *bring;
};

/* bring_turn_is_stopped - its stop_fd says so. */
bool bring_turn_is_stopped(const struct bring_turn *turn);

/* bring_run - what there is to be brought, until it is all here or something is in the way; then it
 * is written down in the book what comes next. */
void bring_run(struct bring_turn *turn);

#endif
