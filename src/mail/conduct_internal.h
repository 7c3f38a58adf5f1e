/* conduct_internal.h - what conduct.c and conduct_stop.c share; only for these two. */
#ifndef MAIL_CONDUCT_INTERNAL_H
#define MAIL_CONDUCT_INTERNAL_H

#include "base/map.h"
#include "db/db.h"
#include "mail/conduct.h"

struct conduct_counts {
	uint64_t sent, answered, unknown, refused, complaints, scanned, bad, strange;
};

struct conduct_place {
	uint64_t network, country; /* hashes; 0: not known where */
	uint64_t first_s, last_s;
};

struct conduct_account {
	uint64_t account;
	uint64_t day; /* its number */
	struct conduct_counts now, before;
	uint64_t usual, good_days; /* usual in sixteenths */
	bool is_far;
	struct conduct_place places[CONDUCT_PLACES_MAX];
	size_t places_n;
	unsigned char known[CONDUCT_KNOWN];
	bool is_dirty;
	int64_t used_ms;
};

struct conduct {
	struct service *service;
	struct judge_settings judge;
	char *link;
	pthread_mutex_t db_lock, reader_lock;
	struct db *db;     /* under db_lock; a flush is */
	struct db *reader; /* under reader_lock: who asks waits for no flush; and these: */
	struct db_watch watch;
	uint64_t stopped_stamp; /* the state of the file that `stopped` is of; 0: of none */
	uint64_t *stopped;      /* accounts, sorted */
	size_t stopped_n;
	struct pool_timer timer;
	pthread_mutex_t lock; /* guards all below; taken before the two above */
	struct map accounts;
	int64_t timer_ms; /* when the timer is due; 0: not set */
	int64_t busy_ms;  /* mail was sent until then: its outcomes are asked for often */
	bool is_asking;
	bool has_untold; /* the courier is to be told something */
};

/* conduct.c */
void conduct_arm(struct conduct *conduct, int64_t delay_ms);
/* conduct_forget - what was counted. */
void conduct_forget(struct conduct *conduct, uint64_t account);

/* conduct_stop.c */
/* conduct_find_stop - 1: there is a row; is_stopped false: it may send again, and the courier does
 * not know yet. */
MUST_CHECK int conduct_find_stop(
	struct conduct *conduct, uint64_t account, struct conduct_state *out, struct err *err);
/* conduct_judged - it must stop. */
void conduct_judged(struct conduct *conduct, uint64_t account, const char *why);
/* conduct_tell_courier - what it has not heard. conduct_ask_courier - what came of what was sent.
 */
void conduct_tell_courier(struct conduct *conduct);
void conduct_ask_courier(struct conduct *conduct);

#endif
