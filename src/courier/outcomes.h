/*
 * outcomes.h - what became of each account's mail, for who judges accounts: how many recipients
 * there were an answer for, how many of them do not exist, how many refuse mail as spam.
 *
 * Counts gather in memory until a server asks for them, and are forgotten then; a courier that ends
 * forgets them, too. Bounds: OUTCOMES_ACCOUNTS_MAX accounts; others are not counted. Any thread.
 */
#ifndef COURIER_OUTCOMES_H
#define COURIER_OUTCOMES_H

#include "courier/desk.h"
#include "queue/queue.h"

enum { OUTCOMES_ACCOUNTS_MAX = 10000, OUTCOMES_BATCH = 1000 };

struct outcomes;

struct outcomes *outcomes_new(void);
void outcomes_free(struct outcomes **outcomes);

/* outcomes_note - an attempt's, for the account that sent the message. */
void outcomes_note(
	struct outcomes *outcomes, uint64_t account, const struct queue_recipient *recipient);

enum outcome_kind { OUTCOME_OTHER, OUTCOME_UNKNOWN, OUTCOME_SPAM };
/* outcome_kind_of - what a refusal says: the recipient does not exist; the message, or its sender,
 * is taken for spam. RFC 3463, and the words that hosts use. */
enum outcome_kind outcome_kind_of(struct slice reply);

/* The verb: ask/verbs.h. */
desk_fn desk_outcomes;

#endif
