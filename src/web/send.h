/*
 * send.h - a message that leaves the form: made, signed, handed over, kept. For this room only.
 *
 * mail_send.c makes the message twice (as it is sent, and as it is kept) and its envelope;
 * mail_handover.c has it signed and gives it to mail/accept; mail_keep.c writes what stays in the
 * user's folders. One that is being sent belongs to the visit and ends with it.
 */
#ifndef WEB_SEND_H
#define WEB_SEND_H

#include "mail/accept.h"
#include "mail/sign.h"
#include "web/write.h"

struct sending;

/* A bounded piece of long work on the message. */
typedef int send_step_fn(struct http *x, struct sending *s, bool *is_all, struct err *err);
typedef void send_fn(struct http *x, struct sending *s);

struct sending {
	struct write w;
	bool is_sent, is_later;   /* later: at a time that the form says */
	int64_t not_before_s;     /* when it is sent; 0: now */
	int64_t held_s;           /* kept back for so long, for it may be taken back; 0: not */
	uint64_t once, once_kept; /* delivery ids of what is sent, and of the copy that is kept */
	struct arena arena;       /* envelope: what aliases lead to may be much */
	struct mail_envelope env;
	struct incoming *in, *copy; /* what is sent, what is kept */
	struct mail_signing *signing;
	send_step_fn *step; /* what is being done, and what follows */
	send_fn *then;
};

/* mail_send.c: the form again, with the reason why it was not sent. */
void send_refuse(struct http *x, struct sending *s, int rc, const struct err *err);

/* mail_handover.c: signed, handed over, and then send_keep_sent(). */
void send_hand_over(struct http *x, struct sending *s);

/* mail_keep.c: the copy in Sent, the mark on what was answered and the draft's end; the draft; its
 * end alone. Each replies. */
void send_keep_sent(struct http *x, struct sending *s);
void send_keep_draft(struct http *x, struct sending *s);
void send_discard(struct http *x, const struct write *w);
/* send_find_role - the folder's id, 0: there is none. False: it has answered. */
bool send_find_role(struct http *x, enum mailbox_role role, uint64_t *id_out);

/* send_kept_id - the delivery id of the copy that is kept of what is sent with this one. */
static inline uint64_t send_kept_id(uint64_t once)
{
	return once ^ 1;
}

#endif
