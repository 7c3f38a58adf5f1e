/*
 * sms.h - text messages on their way to the courier, who has the gateway.
 *
 * The server never sees them: the courier asks on its own socket and waits until there is one. A
 * message is handed out once and not kept; one that is lost on the way is asked for again by the
 * person who waits for it. Limits: SMS_OF_ACCOUNT and SMS_OF_NUMBER an hour, so that nobody's
 * telephone is flooded and nobody's gateway emptied. Any thread.
 */
#ifndef KEEPER_SMS_H
#define KEEPER_SMS_H

#include "keeper/loop.h"

enum {
	SMS_NUMBER_MAX = 16, /* E.164: "+" and 15 digits */
	SMS_TEXT_MAX = 160,
	SMS_OF_ACCOUNT = 5,
	SMS_OF_NUMBER = 5,
	SMS_WAITING_MAX = 1000, /* messages that no courier takes */
	SMS_KEEP_S = 120,       /* after that nobody waits for it any more */
	SMS_POLL_S = 25,        /* how long a courier's question waits */
};

struct sms;

struct sms *sms_new(void);
void sms_free(struct sms **sms); /* after the loop */

/* sms_read_number - blanks, hyphens and brackets are left out. -ERR_SYNTAX. */
MUST_CHECK int sms_read_number(struct slice text, char out[SMS_NUMBER_MAX + 1], struct err *err);

/* sms_send - -ERR_QUOTA: above a limit; -ERR_BUSY: the courier takes none. */
MUST_CHECK int sms_send(
	struct sms *sms, uint64_t account, const char *number, struct slice text, struct err *err);

/* sms_take - a courier asks; it is answered with number and text, or after SMS_POLL_S with no
 * fields. sms_gone - its connection is closed. sms_tick - once a second. */
void sms_take(struct sms *sms, struct caller caller);
void sms_gone(struct sms *sms, const struct peer *peer);
void sms_tick(struct sms *sms);

#endif
