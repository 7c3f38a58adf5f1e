/* account.h - what changes an account: its password, its services, its being there. */
#ifndef KEEPER_ACCOUNT_H
#define KEEPER_ACCOUNT_H

#include "keeper/keeper.h"
#include "keeper/web.h"

task_fn verb_change_password, verb_reset_password, verb_account_new, verb_account_gone,
	verb_set_scopes, verb_get_settings;
/* Alternative logins. */
task_fn verb_app_add, verb_app_certificate, verb_app_remove, verb_list_apps;
task_fn verb_operator_app_certificate;
/* The operator's. */
task_fn verb_set_role, verb_log_out, verb_ask_password, verb_list_pending, verb_operator_apps,
	verb_operator_app_remove, verb_operator_scopes;

/* account_remove - inside a change, after session_end_all(): all there is of it. -ERR_NOTFOUND. */
MUST_CHECK int account_remove(struct db *change, uint64_t account, struct err *err);

/* change_revoke - the end of a task that did a change: commits if rc is 0, drops what is remembered
 * of the account's password, tells the servers, and answers. */
void change_revoke(struct task *t, int rc, const struct frame_session *what, struct err *err);

#endif
