/* test_help.h - what the store's tests share: a store in a directory of its own, and short ways to
 * change an account. Any error ends the test. */
#ifndef STORE_TEST_HELP_H
#define STORE_TEST_HELP_H

#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/check.h"
#include "store/internal.h"

void help_enter(void); /* make a fresh directory and go there */
void help_leave(void); /* remove it */
struct store *help_store(struct store_config config);
struct account *help_account(struct store *store, uint64_t id);
struct arena *help_arena(void); /* emptied by help_leave() */
/* help_jobs - how many the store has given to the pool so far. */
unsigned help_jobs(void);
void help_pass(int64_t ms); /* the clock moves on, the store's timer runs when it is due */
unsigned help_wakes(void);  /* pool_wake_many() calls so far */

struct incoming *help_message(struct store *store, const char *message_id, const char *refs,
	const char *subject, size_t size);

int help_try_message(struct store *store, const char *message_id, const char *refs,
	const char *subject, size_t size, struct incoming **in_out, struct err *err);

/* One write with any of the tx_* functions inside. */
struct step {
	enum { ADD, FLAGS, COPY, MOVE, EXPUNGE, CREATE, DELETE, RENAME, SUBSCRIBE, KEYWORD } what;
	uint64_t mailbox, to; /* CREATE writes the new id to mailbox */
	const uint32_t *uids;
	size_t n;
	uint64_t flags, unchanged_since, delivery;
	enum flag_change change;
	enum mailbox_role role;
	const char *name, *new_name;
	struct incoming *in;
	struct message_added added;
	uint32_t *new_uids;
	struct buf *failed;
	uint64_t modseq;
};

int help_run(struct account *account, struct step *step, struct err *err);
void help_do(struct account *account, struct step step);
struct message_added help_add(struct account *account, uint64_t mailbox, uint64_t flags);
uint64_t help_mailbox(struct account *account, const char *name);
/* A check of the account finds nothing. */
void help_check(struct account *account);
/* Flags, or -1 if there is no such uid in the mailbox. */
int64_t help_flags(struct account *account, uint64_t mailbox, uint32_t uid);

#define LIST(...) (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / 4

#endif
