/* smtp_internal.h - what the parts of the SMTP client share; only for smtp_*.c. */
#ifndef COURIER_SMTP_INTERNAL_H
#define COURIER_SMTP_INTERNAL_H

#include "courier/smtp_client.h"
#include "wire/mime/downgrade.h"
#include "wire/smtp/answer.h"

struct smtp_client {
	const struct smtp_client_config *config;
	struct peer *peer;
	struct smtp_offer offer;
	enum peer_trust trust;
	bool is_sure;
	bool is_lmtp, is_broken;
	bool is_greeting; /* what is offered is in the answer */
	bool is_dirty;    /* the last transaction has not come to its end */
	unsigned transactions;
	/* of the message that is being sent, if the server cannot take it as it is */
	struct mime_message *parts;
	struct mime_downgrade *sevenbit;
	char host[DNS_NAME_MAX + IP_TEXT_MAX + 8]; /* "mx.example [192.0.2.1]" */
	/* the last answer */
	unsigned code;
	struct buf text; /* "550 5.1.1 …" */
};

/* smtp_client_new - not connected. smtp_greet - over its peer: whether the server is there for
 * mail. */
struct smtp_client *smtp_client_new(const struct smtp_client_config *config);
MUST_CHECK int smtp_greet(struct smtp_client *c, struct err *err);

/* smtp_say - a command. smtp_hear - its answer, into code and text. Errors break the connection. */
MUST_CHECK int smtp_say(struct smtp_client *c, struct slice bytes, struct err *err);
MUST_CHECK int smtp_hear(struct smtp_client *c, int64_t wait_ms, struct err *err);
MUST_CHECK int smtp_ask(struct smtp_client *c, struct slice command, struct err *err);

/* smtp_put_mail, smtp_put_rcpt - the commands with the parameters that this server knows. */
void smtp_put_mail(const struct smtp_client *c, const struct queue_message *m, struct buf *out);
void smtp_put_rcpt(const struct smtp_client *c, const struct queue_recipient *r, struct buf *out);
/* smtp_check_fits - whether this server can take the message, made ASCII if it must be; if not,
 * why: "5.3.4 …". */
MUST_CHECK int smtp_check_fits(struct smtp_client *c, struct queue *queue,
	const struct queue_message *m, const char **why_out, struct err *err);
/* smtp_log_in - -ERR_CONFLICT: refused for good. */
MUST_CHECK int smtp_log_in(struct smtp_client *c, const struct smtp_login *login, struct err *err);
bool smtp_wants_utf8(const struct smtp_client *c, const struct queue_message *m);

#endif
