/*
 * submit.h - what submission does to the header of a message as it passes.
 *
 * Reads:  RFC 6409 8 (fix-ups), RFC 5322 3.6.
 * Does:   holds the header back until its end, then checks that every address in From and Sender
 *         belongs to the account, drops Bcc and Return-Path, adds Date, Message-ID and From where
 *         they are missing, and lets the rest pass untouched. Text that has no header gets one.
 * Bounds: SUBMIT_HEADER_MAX.
 * Errors: -ERR_DENIED (an address is somebody else's), -ERR_TOOBIG (header), those of the store
 *         and the directory.
 */
#ifndef MAIL_SUBMIT_H
#define MAIL_SUBMIT_H

#include "mail/mail.h"

enum { SUBMIT_HEADER_MAX = 1024 * 1024 };

struct mail_submit {
	struct service *service;
	uint64_t account;
	struct slice sender; /* envelope's; the From that is added; must outlive this */
	struct buf header;
	size_t line; /* start of the line being looked at */
	bool is_over;
};

void mail_submit_init(
	struct mail_submit *submit, struct service *service, uint64_t account, struct slice sender);
MUST_CHECK int mail_submit_append(
	struct mail_submit *submit, struct slice bytes, struct incoming *in, struct err *err);
/* mail_submit_finish - the message has ended; call before incoming_finish(). */
MUST_CHECK int mail_submit_finish(struct mail_submit *submit, struct incoming *in, struct err *err);
void mail_submit_done(struct mail_submit *submit);

#endif
