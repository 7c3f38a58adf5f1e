/*
 * policy.h - changing what users do, in stages: connections without TLS, and passwords that the
 * operator wants to be changed.
 *
 * For each service that may be used without TLS the operator sets `cleartext.SERVICE` to allow,
 * notify or closed, and a date (posthouse.conf(5)). Until the date a login without TLS works; each
 * one is recorded. In `notify` the user is told at once, again after each interval while it goes
 * on, and a last time POLICY_LAST_DAYS before the date. On the date the service is closed by
 * itself. Who has changed is told nothing more:
 *
 *   a user is affected while a program of theirs came without TLS and has not come with TLS since;
 *   a program not seen for POLICY_GONE_DAYS counts as changed when another one came with TLS.
 *
 * Names of services are those of config_services[]: "imap", "submission", "web". Any thread; a
 * record shares its flush with others that come together.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <jansson.h>

#include "base/config.h"
#include "mail/mail.h"

enum { POLICY_LAST_DAYS = 5, POLICY_GONE_DAYS = 3, POLICY_KEEP_DAYS = 90 };

/* policy_open - policy.db in the current directory; sets service->policy. on_change is called on
 * a thread of the pool when a service opened or closed: its listeners follow. */
typedef void policy_changed_fn(void *context);
MUST_CHECK int policy_open(struct service *service, const struct config *config,
	policy_changed_fn *on_change, void *context, struct err *err);
void policy_close(struct service *service);
/* policy_start - begins to look at the clock, when the pool runs. policy_apply - new settings. */
void policy_start(struct service *service);
void policy_apply(struct service *service, const struct config *config);

/* policy_may_cleartext - a login without TLS is possible now. False for unknown services. */
bool policy_may_cleartext(struct service *service, const char *name);
/* policy_cleartext_login - there was one. policy_tls_login - and there was one with TLS: also to be
 * told, so that who has changed is left in peace. */
void policy_cleartext_login(struct service *service, const char *name, uint64_t account,
	struct slice program, struct slice peer);
void policy_tls_login(
	struct service *service, const char *name, uint64_t account, struct slice program);
/* policy_cleartext_program - the program of that login said its name after it. */
void policy_cleartext_program(
	struct service *service, const char *name, uint64_t account, struct slice program);
/* policy_port - what new connections on the port of the service that begins without TLS are to
 * meet: its protocol, the refusal, or NULL: the port is to be closed. */
struct protocol;
const struct protocol *policy_port(
	struct service *service, const char *name, const struct protocol *protocol);
/* policy_refusal - what a client that may not log in without TLS is told: one line of text with the
 * help page's address. */
void policy_refusal(struct service *service, const char *name, struct buf *out);

/* policy_status - for each service: {"service", "mode", "date", "affected", "logins_day", "told",
 * "warned"}. policy_users - {"address", "service", "program", "peer", "logins", "last", "told"} of
 * those still affected. */
MUST_CHECK int policy_status(struct service *service, json_t **list_out, struct err *err);
MUST_CHECK int policy_users(
	struct service *service, struct slice name, json_t **list_out, struct err *err);

/* policy_ask_password - the operator asks the account for a new password by a date (0: none): a
 * mail now and, while it has not changed, POLICY_LAST_DAYS and one day before.
 * policy_password_changed - it has: nothing more is sent. */
void policy_ask_password(
	struct service *service, uint64_t account, int64_t by_s, struct slice reason);
void policy_password_changed(struct service *service, uint64_t account);

#endif
