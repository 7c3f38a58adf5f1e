/* verb_recover.c - see verb_recover.h; the fields of each verb stand in verbs.c. */
#include "keeper/verb_recover.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "keeper/account.h"
#include "keeper/case.h"
#include "keeper/factor.h"
#include "keeper/guesses.h"
#include "keeper/password.h"
#include "keeper/recover.h"

/* ---- the address ---- */

static int act_set(struct task *t, struct db *change, struct web *web, struct err *err)
{
	struct keeper_recovery_sent sent;
	int rc = recover_set(t->desk->factors, change, web->account.id, t->f[1].s, &sent, err);

	if (rc < 0)
		return rc;
	task_put(t, slice_str(sent.confirm));
	task_put(t, slice_str(sent.cancel));
	task_put(t, slice_str(sent.old_address));
	mem_wipe(&sent, sizeof(sent));
	return 0;
}

void verb_recovery_set(struct task *t)
{
	web_change(t, true, act_set);
}

static int act_confirm(struct task *t, struct db *change, struct web *web, struct err *err)
{
	return recover_confirm(t->desk->factors, change, web->account.id, t->f[1].s, err);
}

void verb_recovery_confirm(struct task *t)
{
	web_change(t, true, act_confirm);
}

/* A notice's link says that something is not to go on: a new recovery address, or a case. */
static int cancel(struct task *t, struct db *change, struct err *err)
{
	struct case_row row;
	uint64_t account = 0;
	int rc = recover_cancel(t->desk->factors, change, t->f[0].s, &account, err);

	if (rc == 0) {
		log_warn(NULL, "recovery_cancelled", log_n("account", (int64_t)account));
	} else if (rc == -ERR_DENIED) {
		rc = case_stop(t->desk->factors, change, t->f[0].s, &row, err);
		if (rc == 0)
			log_warn(NULL, "case_stopped", log_n("case", (int64_t)row.id));
	}
	return rc;
}

void verb_recovery_cancel(struct task *t)
{
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0)
		rc = secrets_change_end(t->desk->secrets, cancel(t, change, &err), &err);
	task_end(t, rc, &err);
}

static int act_by_mail(struct task *t, struct db *change, struct web *web, struct err *err)
{
	return recover_allow_mail(change, web->account.id, t->f[1].n != 0, err);
}

void verb_recovery_by_mail(struct task *t)
{
	web_change(t, true, act_by_mail);
}

/* Where an account's owner is told what the mailbox alone might hide; empty: nowhere. */
void verb_recovery_address(struct task *t)
{
	struct recovery recovery;
	struct err err;
	const int rc = recover_get(secrets_read(t->desk->secrets), t->f[0].n, &recovery, &err);

	secrets_read_end(t->desk->secrets);
	if (rc == 0)
		task_put(t, slice_str(recovery.address));
	task_end(t, rc, &err);
}

/* ---- the reset ---- */

void verb_reset_begin(struct task *t)
{
	const struct place network = place_of(0, t->f[1].s);
	struct keeper_reset reset = {.to = ""};
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = recover_reset(t->desk->factors, change, t->f[0].n,
			(struct slice){network.bytes, PLACE_LEN}, &reset, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	if (rc == 0) {
		task_put(t, slice_str(reset.to));
		task_put(t, slice_str(reset.to[0] ? reset.code : ""));
	}
	mem_wipe(&reset, sizeof(reset));
	task_end(t, rc, &err);
}

static struct factor_who who_of(const struct recover_link *link)
{
	return (struct factor_who){
		.account = link->account, .place = {(const char *)link->mac, MINT_MAC_LEN}};
}

/* Options for the browser, or the number's last digits, for whoever has the link. */
void verb_reset_challenge(struct task *t)
{
	struct buf out AUTO(buf_done);
	struct recover_link link;
	struct factor_who who;
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	buf_init(&out, WEBAUTHN_OPTIONS_MAX);
	if (rc == 0) {
		rc = recover_open(t->desk->factors, change, t->f[0].s, &link, &err);
		who = who_of(&link);
		if (rc == 0)
			rc = factor_challenge(t->desk->factors, change, &who,
				(enum keeper_factor)t->f[1].n, &out, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	task_put(t, buf_slice(&out));
	task_end(t, rc, &err);
}

struct resetting {
	struct recover_link link;
	char hash[HASH_MAX];
};

/* Fields: code, address, password, factor, data, peer. */
static int put_password(
	struct task *t, struct db *change, struct frame_session *what, struct err *err)
{
	const struct resetting *r = t->state;
	struct secret secret = {.account = r->link.account};
	int rc = recover_use(change, &r->link, err);

	if (rc == 0)
		rc = secrets_take_seq(change, &what->seq, err);
	if (rc < 0)
		return rc;
	secret.epoch = what->seq;
	memcpy(secret.hash, r->hash, HASH_MAX);
	rc = secrets_put(change, &secret, err);
	mem_wipe(&secret, sizeof(secret));
	return rc < 0 ? rc : session_end_all(change, what, 0, err);
}

static void reset(struct task *t)
{
	const struct resetting *r = t->state;
	struct frame_session what = {.account = r->link.account, .scopes = SCOPE_ALL};
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	rc = put_password(t, change, &what, &err);
	if (rc == 0)
		log_info(NULL, "password_reset", log_n("account", (int64_t)what.account));
	change_revoke(t, rc, &what, &err);
}

static void hash_it(struct task *t)
{
	struct resetting *r = t->state;
	struct err err;

	if (hash_make(t->f[2].s, t->desk->cost, r->hash, &err) < 0)
		task_fail(t, &err);
	else
		task_next(t, TASK_CLERK, reset);
}

/* With a second factor a reset without it is refused, and the operator told: somebody who reads the
 * recovery address's mail tries to get around the factor. */
static int check_factor(
	struct task *t, struct db *change, const struct recover_link *link, struct err *err)
{
	const struct place place = place_of(link->account, t->f[5].s);
	struct factor_who who = who_of(link);
	struct account account;
	int rc = account_get(change, link->account, &account, err);

	if (rc < 0 || !account.factors)
		return rc;
	if (t->f[3].n == 0) {
		log_warn(NULL, "reset_without_factor", log_n("account", (int64_t)link->account),
			log_s("peer", t->f[5].s));
		rc = recover_flag(change, link->account, t->f[5].s, err);
		return rc < 0 ? rc
			      : err_set(err, ERR_CONFLICT,
					"this account's second factor is wanted too");
	}
	if (guesses_is_known(t->desk->guesses, &place))
		who.home = (struct slice){place.bytes, PLACE_LEN};
	return factor_check(
		t->desk->factors, change, &who, (enum keeper_factor)t->f[3].n, t->f[4].s, err);
}

/* The try is counted also when the factor was wrong. */
void verb_reset_end(struct task *t)
{
	struct resetting *r = task_keep(t, sizeof(*r));
	struct db *change;
	struct err err, ignored;
	int rc = password_check(t->f[2].s, t->f[1].s, &err), done;

	if (rc == 0)
		rc = secrets_change(t->desk->secrets, &change, &err);
	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	rc = recover_open(t->desk->factors, change, t->f[0].s, &r->link, &err);
	done = rc;
	if (rc == 0)
		rc = check_factor(t, change, &r->link, &err);
	done = secrets_change_end(t->desk->secrets, done, rc < 0 ? &ignored : &err);
	if (rc < 0 || done < 0)
		task_fail(t, &err);
	else
		task_next(t, TASK_HASHER, hash_it);
}
