/*
 * web.h - web sessions: a cookie that only its MAC is kept of, and what stands behind it.
 *
 * A session that does not stay ends after 4 hours unused, or a day; one that stays after 30 days
 * unused, or half a year; a pending one after ten minutes. Each rise (from pending to signed in,
 * from signed in to fresh) gives a new cookie, and the old one is nobody's from then on.
 */
#ifndef KEEPER_WEB_H
#define KEEPER_WEB_H

#include "keeper/enter.h"
#include "keeper/mint.h"

struct web {
	struct account account;
	uint64_t session, credential;
	bool is_pending, is_long;
	int64_t made_s, seen_s, fresh_until_s;
	struct place place; /* where it was last written to be used */
};

/* web_find - the session of a cookie, in force at this moment. -ERR_DENIED. */
MUST_CHECK int web_find(
	struct desk *desk, struct db *db, struct slice cookie, struct web *out, struct err *err);
/* web_find_in - and it is signed in (is_fresh: lately). -ERR_DENIED. */
MUST_CHECK int web_find_in(struct desk *desk, struct db *db, struct slice cookie, bool is_fresh,
	struct web *out, struct err *err);
/* web_may_manage - the account itself, one of the administrator's group, any for an operator. */
MUST_CHECK int web_may_manage(
	const struct web *web, struct db *db, uint64_t account, struct err *err);
/* web_rise - inside a change: a factor was given: signed in and fresh, with a new cookie. */
MUST_CHECK int web_rise(struct desk *desk, struct db *change, struct web *web,
	char cookie_out[MINT_TEXT], struct err *err);
/* web_insert - inside a change: a new session; all of *web but its number is given. */
struct web_client {
	struct slice peer, program;
};
MUST_CHECK int web_insert(struct desk *desk, struct db *change, const struct web_client *client,
	struct web *web, char cookie[MINT_TEXT], struct err *err);
/* web_check_factor - inside a change: who has the session gives a second factor (verb_factor.c). */
MUST_CHECK int web_check_factor(struct desk *desk, struct db *change, const struct web *web,
	enum keeper_factor factor, struct slice data, struct slice peer, struct err *err);
/* web_purge - inside a change: sessions that are over go. */
MUST_CHECK int web_purge(struct db *change, struct err *err);
/* web_put - the answer's struct keeper_web. cookie NULL: none was made. */
void web_put(struct task *t, const struct web *web, const char *cookie, bool is_new_place);

/* session_end_all - inside a change: the account's web sessions go but the one that is kept (0:
 * none), and the tokens of other programs; all else is noted as revoked, and servers are still to
 * be told (revoke.h). */
MUST_CHECK int session_end_all(
	struct db *change, const struct frame_session *what, uint64_t kept, struct err *err);

/* web_change - a task that is one change by whoever is signed in with field 0: `act` between the
 * look at the session and the commit, then the answer. */
typedef int web_act_fn(struct task *t, struct db *change, struct web *web, struct err *err);
void web_change(struct task *t, bool is_fresh, web_act_fn *act);
/* web_list - a task that lists something of an account: field 0 is the cookie, field 1 the account
 * (0: one's own), which must be one's own or be administered by who asks. */
typedef int web_list_fn(
	struct task *t, struct db *db, uint64_t account, uint64_t session, struct err *err);
void web_list(struct task *t, web_list_fn *put);
/* item_put - one more of a list's items in the answer. */
void item_put(struct task *t, const struct keeper_item *item);

task_fn verb_web_begin, verb_web_check, verb_web_factor, verb_web_end, verb_web_end_all,
	verb_list_sessions;

#endif
