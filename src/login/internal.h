/* internal.h - what login.c and exchange.c share; nobody else includes it. */
#ifndef LOGIN_INTERNAL_H
#define LOGIN_INTERNAL_H

#include "login/login.h"

static inline struct login *login_of(struct conn *c)
{
	return conn_session(c);
}

static inline struct service *login_mail(struct conn *c)
{
	return conn_context(c);
}

/* login_find - the account of a login name; 0: there is none. */
MUST_CHECK int login_find(struct conn *c, struct slice user, uint64_t *id_out, struct err *err);
/* login_ask - the keeper about a secret. */
void login_ask(struct conn *c, uint64_t account, struct slice secret, enum keeper_secret_kind kind,
	conn_resume_fn *resume);
struct keeper_call login_park(struct conn *c, conn_resume_fn *resume);
/* login_enter - the keeper said yes: the session is registered, or not. */
void login_enter(struct conn *c, const struct keeper_entry *entry);
/* login_refuse - by the keeper's answer. */
void login_refuse(struct conn *c, uint64_t account, const struct answer *answer);
/* login_end - tell the session; without LOGIN_CHALLENGE the exchange is over. */
void login_end(
	struct conn *c, enum login_result result, struct slice message, const struct err *err);

#endif
