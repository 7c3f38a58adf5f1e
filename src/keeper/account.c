/* account.c - passwords are changed, accounts come and go; see account.h and credentials.h. */
#include "keeper/account.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keeper/factor.h"
#include "keeper/logins.h"
#include "keeper/password.h"
#include "keeper/revoke.h"

void change_revoke(struct task *t, int rc, const struct frame_session *what, struct err *err)
{
	rc = secrets_change_end(t->desk->secrets, rc, err);
	/* Even after a failed commit the password may be another: only the file knows. */
	logins_forget(t->desk->logins, what->account);
	if (rc < 0)
		task_fail(t, err);
	else
		task_revoke(t, what, 1);
}

int account_remove(struct db *change, uint64_t account, struct err *err)
{
	int rc = secrets_remove(change, account, err);

	return rc < 0 ? rc : factor_remove_all(change, account, err);
}

/* A new password on its way: who asks, for whom, and what becomes of it. */
struct setting {
	uint64_t account, epoch, member_of;
	struct slice cookie, password;
	bool is_fresh; /* wanted */
	char hash[HASH_MAX];
	task_fn *then; /* the clerk's part */
};

static void hash_it(struct task *t)
{
	struct setting *s = t->state;
	struct err err;

	if (hash_make(s->password, t->desk->cost, s->hash, &err) < 0)
		task_fail(t, &err);
	else
		task_next(t, TASK_CLERK, s->then);
}

static void on_before(void *context, const struct logins_verdict *verdict)
{
	struct task *t = context;
	struct setting *s = t->state;
	struct err err;

	if (verdict->rc == 0) {
		s->epoch = verdict->epoch;
		task_next(t, TASK_HASHER, hash_it);
		return;
	}
	err_set(&err, (enum err_code) - verdict->rc, "%s",
		verdict->rc == -ERR_DENIED ? "The present password is wrong" : verdict->reason);
	task_fail(t, &err);
}

/* ---- one's own ---- */

static int put_own(struct task *t, struct db *change, struct frame_session *what, struct err *err)
{
	const struct setting *s = t->state;
	struct secret secret = {.account = s->account};
	int64_t epoch = 0;
	struct web web;
	int rc = web_find_in(t->desk, change, s->cookie, s->is_fresh, &web, err);

	if (rc == 0)
		rc = db_get_int(change, &epoch, err, "SELECT epoch FROM secret WHERE account = ?",
			db_i((int64_t)s->account));
	if (rc == 0 && (uint64_t)epoch != s->epoch)
		rc = err_set(err, ERR_CONFLICT, "the password has been changed meanwhile");
	if (rc == 0)
		rc = secrets_take_seq(change, &what->seq, err);
	if (rc < 0)
		return rc;
	secret.epoch = what->seq;
	memcpy(secret.hash, s->hash, HASH_MAX);
	rc = secrets_put(change, &secret, err);
	return rc < 0 ? rc : session_end_all(change, what, web.session, err);
}

static void change_own(struct task *t)
{
	const struct setting *s = t->state;
	struct frame_session what = {.account = s->account, .scopes = SCOPE_ALL};
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	rc = put_own(t, change, &what, &err);
	if (rc == 0)
		log_info(NULL, "password_changed", log_n("account", (int64_t)s->account));
	change_revoke(t, rc, &what, &err);
}

/* Fields: cookie, address, before, after. */
void verb_change_password(struct task *t)
{
	struct setting *s = task_keep(t, sizeof(*s));
	struct db *db = secrets_read(t->desk->secrets);
	struct web web = {0};
	struct err err;
	int rc = web_find_in(t->desk, db, t->f[0].s, false, &web, &err);

	secrets_read_end(t->desk->secrets);
	*s = (struct setting){.account = web.account.id,
		.cookie = t->f[0].s,
		.password = t->f[3].s,
		.is_fresh = web.account.factors != 0,
		.then = change_own};
	if (rc == 0 && s->is_fresh && clock_wall_s() >= web.fresh_until_s)
		rc = err_set(&err, ERR_DENIED, "give the second factor again first");
	if (rc == 0)
		rc = password_check(s->password, t->f[1].s, &err);
	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	logins_check(t->desk->logins, &web.place, t->f[2].s, on_before, t);
}

/* ---- others' ---- */

static int put_other(struct task *t, struct db *change, struct frame_session *what, struct err *err)
{
	const struct setting *s = t->state;
	struct secret secret = {.account = s->account};
	struct account account;
	struct web web;
	int rc = web_find_in(t->desk, change, s->cookie, true, &web, err);

	if (rc == 0)
		rc = account_get(change, s->account, &account, err);
	if (rc == 0)
		rc = web_may_manage(&web, change, s->account, err);
	if (rc == 0 && web.account.id == s->account)
		rc = err_set(err, ERR_DENIED, "change your own password with the present one");
	if (rc == 0)
		rc = secrets_take_seq(change, &what->seq, err);
	if (rc < 0)
		return rc;
	secret.epoch = what->seq;
	memcpy(secret.hash, s->hash, HASH_MAX);
	rc = secrets_put(change, &secret, err);
	if (rc == 0)
		rc = db_do(change, err, "UPDATE account SET must_change = 1 WHERE id = ?",
			db_i((int64_t)s->account));
	return rc < 0 ? rc : session_end_all(change, what, 0, err);
}

static void reset_other(struct task *t)
{
	const struct setting *s = t->state;
	struct frame_session what = {.account = s->account, .scopes = SCOPE_ALL};
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc < 0)
		task_fail(t, &err);
	else
		change_revoke(t, put_other(t, change, &what, &err), &what, &err);
}

/* Who asks is looked at before the work of hashing is done, and again with the change. */
static int check_manager(
	struct task *t, const struct setting *s, struct slice address, bool is_new, struct err *err)
{
	struct db *db = secrets_read(t->desk->secrets);
	struct web web;
	int rc = web_find_in(t->desk, db, s->cookie, true, &web, err);

	if (rc == 0 && is_new && web.account.role == ROLE_USER)
		rc = err_set(err, ERR_DENIED, "only an administrator adds accounts");
	else if (rc == 0 && !is_new)
		rc = web_may_manage(&web, db, s->account, err);
	secrets_read_end(t->desk->secrets);
	return rc < 0 ? rc : password_check(s->password, address, err);
}

/* Fields: cookie, account, address, after. */
void verb_reset_password(struct task *t)
{
	struct setting *s = task_keep(t, sizeof(*s));
	struct err err;

	*s = (struct setting){.account = t->f[1].n,
		.cookie = t->f[0].s,
		.password = t->f[3].s,
		.then = reset_other};
	if (check_manager(t, s, t->f[2].s, false, &err) < 0)
		task_fail(t, &err);
	else
		task_next(t, TASK_HASHER, hash_it);
}

static int put_new(struct task *t, struct db *change, struct err *err)
{
	const struct setting *s = t->state;
	struct secret secret = {.account = s->account};
	uint64_t member_of = s->member_of;
	int64_t known = 0;
	struct web web;
	int rc = web_find_in(t->desk, change, s->cookie, true, &web, err);

	if (rc == 0 && web.account.role == ROLE_GROUP_ADMIN) {
		if (member_of && member_of != web.account.member_of)
			return err_set(err, ERR_DENIED, "not your group");
		member_of = web.account.member_of;
	} else if (rc == 0 && web.account.role != ROLE_OPERATOR) {
		return err_set(err, ERR_DENIED, "only an administrator adds accounts");
	}
	if (rc == 0)
		rc = db_get_int(change, &known, err,
			"SELECT count(*) FROM secret WHERE account = ?", db_i((int64_t)s->account));
	if (rc == 0 && known)
		rc = err_set(err, ERR_EXISTS, "the account has a password already");
	if (rc == 0)
		rc = secrets_take_seq(change, &secret.epoch, err);
	memcpy(secret.hash, s->hash, HASH_MAX);
	if (rc == 0)
		rc = secrets_put(change, &secret, err);
	if (rc == 0)
		rc = db_do(change, err, "UPDATE account SET member_of = ? WHERE id = ?",
			db_i((int64_t)member_of), db_i((int64_t)s->account));
	return rc;
}

static void add_new(struct task *t)
{
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0)
		rc = secrets_change_end(t->desk->secrets, put_new(t, change, &err), &err);
	task_end(t, rc, &err);
}

/* Fields: cookie, account, group, address, password. */
void verb_account_new(struct task *t)
{
	struct setting *s = task_keep(t, sizeof(*s));
	struct err err;

	*s = (struct setting){.account = t->f[1].n,
		.member_of = t->f[2].n,
		.cookie = t->f[0].s,
		.password = t->f[4].s,
		.then = add_new};
	if (check_manager(t, s, t->f[3].s, true, &err) < 0)
		task_fail(t, &err);
	else
		task_next(t, TASK_HASHER, hash_it);
}

/* Fields: cookie, account. */
void verb_account_gone(struct task *t)
{
	struct frame_session what = {.account = t->f[1].n, .scopes = SCOPE_ALL};
	struct db *change;
	struct web web;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc < 0) {
		task_fail(t, &err);
		return;
	}
	rc = web_find_in(t->desk, change, t->f[0].s, true, &web, &err);
	if (rc == 0)
		rc = web_may_manage(&web, change, what.account, &err);
	if (rc == 0)
		rc = secrets_take_seq(change, &what.seq, &err);
	if (rc == 0)
		rc = session_end_all(change, &what, 0, &err);
	if (rc == 0)
		rc = account_remove(change, what.account, &err);
	change_revoke(t, rc, &what, &err);
}
