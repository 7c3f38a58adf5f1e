/*
 * external.h - mail from addresses elsewhere, which leaves by the user's own server there
 * (directory/personality.h).
 *
 * Such mail goes to that server for every recipient, those who are here too: what comes back is
 * checked like any stranger's. It keeps its address in MAIL; reports about it come to the account.
 * The courier has the passwords; what is deleted here is forgotten there, however long it was away.
 */
#ifndef MAIL_EXTERNAL_H
#define MAIL_EXTERNAL_H

#include "ask/ask.h"
#include "directory/personality.h"
#include "mail/letter.h"

/* mail_external_start - begins to look for passwords to be forgotten, when the pool runs;
 * mail_external_stop - after pool_stop(). mail_external_hurry - look now. */
void mail_external_start(struct service *service);
void mail_external_stop(struct service *service);
void mail_external_hurry(struct service *service);

/* mail_external_envelope - the envelope as it is accepted; *out has the same recipients, all
 * elsewhere, if its sender is. Memory is the arena's. */
MUST_CHECK int mail_external_envelope(struct service *service, const struct mail_envelope *envelope,
	struct arena *arena, struct mail_envelope *out, struct err *err);

/* How the courier is to send a letter. */
struct mail_way {
	struct slice sender; /* who hears of it */
	struct slice path;   /* what MAIL says; empty: the sender */
	struct slice route;  /* the queue's destination of all; empty: each one's own */
};
/* mail_external_way - route is empty for mail that leaves from here. */
MUST_CHECK int mail_external_way(struct service *service, const struct letter *letter,
	struct arena *arena, struct mail_way *out, struct err *err);

/* mail_external_set, mail_external_test - the courier is told of a personality's server (password
 * empty: as it was), or asked to log in there. */
void mail_external_set(struct service *service, const struct directory_personality *p,
	struct slice password, ask_done_fn *done, void *context);
void mail_external_test(struct service *service, const struct directory_personality *p,
	ask_done_fn *done, void *context);

#endif
