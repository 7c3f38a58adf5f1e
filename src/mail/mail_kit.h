/* mail_kit.h - what this room's tests share: a service on a folder of its own. */
#ifndef MAIL_KIT_H
#define MAIL_KIT_H

#include "base/temp.h"
#include "mail/mail.h"
#include "mail/queue.h"

enum kit_account { KIT_ALICE, KIT_BOB, KIT_CAROL, KIT_ACCOUNTS };

/* What the courier would have: letters in queue.db. */
struct kit_queue {
	struct mail_queue face;
	struct db *db;
	pthread_mutex_t lock;
};

struct kit_queued {
	int64_t messages, recipients;
};

struct mail_kit {
	struct kit_queue queue;
	struct service service;
	char path[TEMP_MAX];
	int home; /* the folder we were in before */
	uint64_t ids[KIT_ACCOUNTS];
};

/* kit_open - alice, bob and carol @posthouse.example and some aliases, in a new folder that is
 * the current one until kit_close(). The pool does not run yet. */
void kit_open(struct mail_kit *kit);
void kit_start(struct mail_kit *kit);
/* kit_stop, kit_resume - all but the files goes, and comes again with a pool that does not run. */
void kit_stop(struct mail_kit *kit);
void kit_resume(struct mail_kit *kit);
void kit_close(struct mail_kit *kit);

/* kit_incoming - a finished message of this text. */
struct incoming *kit_incoming(struct mail_kit *kit, const char *text);

/* kit_submit - mail_accept_submit() to recipients (NULL ends them), waiting for its answer. */
int kit_submit(struct mail_kit *kit, const char *sender, const char *const *recipients,
	struct incoming *in);

/* kit_queued - what has been handed to the courier. */
struct kit_queued kit_queued(struct mail_kit *kit);

uint64_t kit_messages(struct mail_kit *kit, enum kit_account who);
/* kit_await - until this account has n messages; fails after some seconds. */
void kit_await(struct mail_kit *kit, enum kit_account who, uint64_t n);
/* kit_await_log_empty - until nothing is left in the delivery log. */
void kit_await_log_empty(struct mail_kit *kit);

#endif
