/*
 * bring.h - mail is brought into an account from mailboxes of other providers. The courier does it
 * (courier/bring.h); here is how it is asked.
 */
#ifndef MAIL_BRING_H
#define MAIL_BRING_H

#include "ask/ask.h"
#include "ask/verbs.h"

enum {
	BRING_ASK_MS = 20000,
	BRING_TEXT_MAX = 253,
	BRING_PASSWORD_MAX = 1000,
	BRING_PORT = 993, /* TLS from the first byte on */
	BRING_PORT_STARTTLS = 143,
};

/* A mailbox elsewhere. */
struct mail_source {
	struct slice host, login, password;
	unsigned port;
	bool is_starttls;
};

/* mail_source_check - -ERR_SYNTAX, for the user. */
MUST_CHECK int mail_source_check(const struct mail_source *source, struct err *err);

/* mail_bring_start - begin, or begin again for what is new. The answer is its number; -ERR_EXISTS:
 * it is being done. The source is a good one. */
void mail_bring_start(struct ask *ask, uint64_t account, const struct mail_source *source,
	ask_done_fn *done, void *context);
/* mail_bring_ask - about one of the account's (or anybody's: 0) mailboxes elsewhere, or all (0).
 * The answer of LIST is one field of JSON. -ERR_NOTFOUND. */
void mail_bring_ask(struct ask *ask, enum ask_bring what, uint64_t account, uint64_t id,
	ask_done_fn *done, void *context);

/* mail_bring_wait, mail_bring_answered - context and done of both for a connection that has parked:
 * its answer's data is the JSON, NUL-terminated, or NULL; free() it. */
struct mail_bring_wait;
struct mail_bring_wait *mail_bring_wait(struct conn *c, uint64_t ticket);
void mail_bring_answered(void *wait, struct frame *f, int rc, const struct err *err);

#endif
