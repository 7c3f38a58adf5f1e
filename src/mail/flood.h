/*
 * flood.h - a flood of subscription confirmations and list welcomes is gathered in one folder
 * [acct.13].
 *
 * Such a flood is made by somebody who enters an address into hundreds of forms, so that its owner
 * does not see the one mail that matters. Each of these messages is harmless alone and comes from a
 * place of its own; together they are known by what they say of themselves.
 *
 * flood_look() tells by the subject (in several languages) and by the marks of machines what a
 * message is; it is pure, and all that other mail costs. FLOOD_SENDERS domains within
 * FLOOD_WINDOW_S make a flood. Those of the window that are still in the inbox, and those that
 * follow, go to the folder, until there was none for FLOOD_QUIET_S. What sounds like a security
 * notice, a payment or an order is never gathered, and flagged while the flood lasts.
 *
 * Bounds: an account remembers FLOOD_REMEMBERED messages and nothing once the flood is over.
 */
#ifndef MAIL_FLOOD_H
#define MAIL_FLOOD_H

#include "store/account.h"

enum {
	FLOOD_SENDERS = 10,
	FLOOD_WINDOW_S = 3600,
	FLOOD_QUIET_S = 6 * 3600,
	FLOOD_REMEMBERED = 32,
	FLOOD_SUBJECT_MAX = 1000, /* bytes that are looked at */
	FLOOD_LANGUAGE_MAX = 16,
};

enum flood_kind { FLOOD_NOTHING, FLOOD_ENROLMENT, FLOOD_SECURITY };

struct flood_look {
	enum flood_kind kind;
	uint64_t sender; /* of an enrolment: stands for the domain in From */
};

/* flood_look - at wire/mime/prepare.h's blob of a message. */
struct flood_look flood_look(struct slice prepared);

/* One delivery to an inbox. */
struct flood {
	struct flood_look look;
	char language[FLOOD_LANGUAGE_MAX]; /* of the folder's name, when it is made */
	struct account *account;
	uint64_t inbox, delivery_id;
	struct incoming *in;
	bool has_begun; /* by this message: its owner should be told */
};

/* flood_add - tx_add() to the inbox, or to the folder where that is right. */
MUST_CHECK int flood_add(
	struct account_tx *tx, struct flood *flood, struct message_added *out, struct err *err);

/* flood_folder - its name in that language. */
struct slice flood_folder(struct slice language);

#endif
