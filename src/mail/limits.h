/*
 * limits.h - what an account may send, and what happens when it is full.
 *
 * Sending is counted in recipients, per hour and per day, against the account's service level: what
 * was sent in the present hour, and of the hour before as much as is not an hour ago yet (the same
 * for days). A full account's mail is deferred for the grace time and refused then; its user is
 * told at 90 and at 100 %, once for each crossing. The operator may bound the messages an hour of
 * each account, and the messages and recipients an hour of each domain's accounts together.
 *
 * Counts are in memory and written to limits.db within a second: a crash forgets that second. Any
 * thread.
 */
#ifndef MAIL_LIMITS_H
#define MAIL_LIMITS_H

#include "mail/mail.h"

enum { LIMITS_WARN_PERCENT = 90, LIMITS_CALM_PERCENT = 85 };

/* mail_limits_open - limits.db in the current directory; sets service->sending. */
MUST_CHECK int mail_limits_open(struct service *service, struct err *err);
void mail_limits_close(struct service *service);

/* mail_limits_check - the account may send so many bytes to so many recipients more. err.msg is for
 * the user: -ERR_TOOBIG (the message), -ERR_DENIED (never), -ERR_BUSY (later). */
MUST_CHECK int mail_limits_check(struct service *service, uint64_t account, uint64_t bytes,
	size_t recipients, struct err *err);
/* mail_limits_take - the same, and they are counted. mail_limits_give - it came to nothing. */
MUST_CHECK int mail_limits_take(struct service *service, uint64_t account, uint64_t bytes,
	size_t recipients, struct err *err);
void mail_limits_give(struct service *service, uint64_t account, size_t recipients);

/* mail_undo_s - how long what the account sends is kept back, so that it can be taken back. */
int64_t mail_undo_s(struct service *service, uint64_t account, bool is_web);

/* mail_quota_stored - so much is in the account now. mail_quota_defers - it had no room for a
 * message: true while that is to be tried again later. */
void mail_quota_stored(
	struct service *service, uint64_t account, uint64_t bytes, uint64_t quota_bytes);
bool mail_quota_defers(struct service *service, const struct mail_target *target);

#endif
