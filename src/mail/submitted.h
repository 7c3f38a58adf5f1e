/*
 * submitted.h - which account sent a message: found by its Message-ID in the history, where
 * submissions are noted (mail_track_key()), for as long as that is kept. Any thread.
 */
#ifndef MAIL_SUBMITTED_H
#define MAIL_SUBMITTED_H

#include "mail/mail.h"

struct mail_submitted {
	uint64_t account;
	uint64_t number; /* the message's; 0: not known, the account is the only one it can be */
};

/* mail_submitted_find - whoever may write as the author and sent the message with this header; an
 * id alone anybody may make up. -ERR_NOTFOUND. */
MUST_CHECK int mail_submitted_find(struct service *service, struct slice header,
	struct slice author, struct mail_submitted *out, struct err *err);

/* mail_submitted_went_to - that message had this recipient. */
bool mail_submitted_went_to(struct service *service, uint64_t number, struct slice address);

#endif
