/*
 * conduct.h - how accounts send, and stopping one that turns into a spammer [ops.7].
 *
 * What each account sends is counted, with what comes of it: the courier tells which recipients do
 * not exist or refuse mail as spam. judge.h says what it comes to. An account that is stopped may
 * not send; its messages in the queue are held, none is lost; it goes on to receive and to read.
 * Its owner and the operator are told. An operator stops accounts and lets them go on, too: then
 * what was counted before is forgotten.
 *
 * Counts are in memory, written to conduct.db within a second (a crash forgets that second), and
 * read when they are needed. Stops are on disk before they count, and looked up there, because two
 * servers may run. The courier is told until it has heard. Any thread.
 *
 * Bounds: CONDUCT_PLACES_MAX places of one account; recipients are known by bits in CONDUCT_KNOWN
 * bytes, so that some new ones look known.
 */
#ifndef MAIL_CONDUCT_H
#define MAIL_CONDUCT_H

#include "mail/judge.h"
#include "mail/mail.h"

enum { CONDUCT_PLACES_MAX = 12, CONDUCT_KNOWN = 256, CONDUCT_LINK_MAX = 100 };

struct conduct_config {
	struct judge_settings judge; /* mark 0: nobody is stopped but by an operator */
	struct slice link;           /* for who is stopped; may be empty */
};

/* conduct_open - conduct.db in the current directory; sets service->conduct. conduct_start - when
 * service->ask is there. */
MUST_CHECK int conduct_open(
	struct service *service, const struct conduct_config *config, struct err *err);
void conduct_start(struct service *service);
void conduct_close(struct service *service);

/* conduct_check - -ERR_DENIED, with a text for the user: sending is stopped. */
MUST_CHECK int conduct_check(struct service *service, uint64_t account, struct err *err);

/* What happened. sent: a submission was accepted, from envelope->peer. */
void conduct_sent(struct service *service, const struct mail_envelope *envelope);
void conduct_scanned(struct service *service, uint64_t account, bool is_bad);
void conduct_complained(struct service *service, uint64_t account);
void conduct_answered(struct service *service, uint64_t account, uint64_t answered,
	uint64_t unknown, uint64_t refused);

struct conduct_state {
	bool is_stopped, is_by_operator;
	int64_t since_s;
	char why[JUDGE_WHY_MAX];
	struct judge_facts facts;
	struct judge_verdict verdict;
};
/* conduct_show - what is known of an account. conduct_stop, conduct_allow - an operator's wish.
 * -ERR_EXISTS, -ERR_NOTFOUND: it is stopped already, or was not. */
MUST_CHECK int conduct_show(
	struct service *service, uint64_t account, struct conduct_state *out, struct err *err);
MUST_CHECK int conduct_stop(
	struct service *service, uint64_t account, const char *why, struct err *err);
MUST_CHECK int conduct_allow(struct service *service, uint64_t account, struct err *err);

#endif
