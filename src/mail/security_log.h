/*
 * security_log.h - what happened to an account's security, for its owner to read [acct.12]:
 * security.db, owned by the server.
 *
 * Adding never waits and costs no flush of its own: events gather in memory and are written
 * together within a second; a kill in that second loses them. The same event again within a day
 * (same kind, service, address, program and detail) is counted in its row. An account keeps
 * SECURITY_LOG_ROWS_MAX rows, the newest, for SECURITY_LOG_DAYS. Never a secret. Any thread.
 */
#ifndef MAIL_SECURITY_LOG_H
#define MAIL_SECURITY_LOG_H

#include "base/arena.h"
#include "net/pool.h"

struct security_log;

enum {
	SECURITY_LOG_ROWS_MAX = 1000,
	SECURITY_LOG_DAYS = 180,
	SECURITY_LOG_WAITING_MAX =
		20000, /* events in memory; more are dropped, and that is logged */
};

MUST_CHECK int security_log_open(
	const char *path, struct pool *pool, struct security_log **out, struct err *err);
/* security_log_close - writes what waits; after the pool has stopped. */
void security_log_close(struct security_log **log);

struct security_event {
	/* "login", "login-failed", "password-changed", "factor-added", … */
	struct slice kind;
	struct slice service, peer, program, detail; /* may be empty */
	/* When read: */
	uint64_t id;
	int64_t first_s, last_s;
	uint64_t count;
};

void security_log_add(
	struct security_log *log, uint64_t account, const struct security_event *event);
/* security_log_list - newest first, those whose id is below `before` (0: all), at most max. What
 * waits is written first. */
MUST_CHECK int security_log_list(struct security_log *log, uint64_t account, uint64_t before,
	size_t max, struct arena *arena, struct security_event **list_out, size_t *n_out,
	struct err *err);
/* security_log_forget - the account is deleted. */
MUST_CHECK int security_log_forget(struct security_log *log, uint64_t account, struct err *err);

#endif
