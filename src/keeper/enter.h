/* enter.h - may this secret open that for the account: the one place that decides. */
#ifndef KEEPER_ENTER_H
#define KEEPER_ENTER_H

#include "keeper/credentials.h"
#include "keeper/desk.h"
#include "keeper/guesses.h"

/* What an account may do; the row that all decisions read. */
struct account {
	uint64_t id, member_of;
	unsigned scopes, factors;
	enum keeper_role role;
	bool must_change;
	int64_t change_by_s, changed_s;
};
/* account_get - -ERR_NOTFOUND. */
MUST_CHECK int account_get(struct db *db, uint64_t id, struct account *out, struct err *err);

/* An attempt, and what came of it. */
struct entering {
	struct keeper_attempt attempt; /* slices into the task's bytes */
	struct place place;
	struct account account;
	struct keeper_entry entry;
	bool needs_factor; /* the app password wants one */
	bool is_web;       /* a second factor may follow: the main password is not refused */
	uint64_t epoch;    /* of the main password that was right */
	bool wants_scram;  /* the main password is to get a verifier (scram_login.h) */
	task_fn *then;     /* on the reader's or the clerk's thread, only after success */
};
/* enter_begin - a task's fields 0 to 5 are an attempt. t->state becomes a struct entering. */
void enter_begin(struct task *t, bool is_web, task_fn *then);

/* enter_found - for other kinds of credentials, on the reader's thread: it is the account's, opens
 * these scopes, and was good at that number. Decides the rest, and goes on. */
void enter_found(struct task *t, uint64_t credential, unsigned scopes, uint64_t seq);

/* entry_put - the answer's struct keeper_entry. */
void entry_put(struct task *t, const struct keeper_entry *entry);

task_fn verb_enter;

#endif
