/*
 * verb.h - what the verbs of the control socket share; only for src/admin.
 *
 * A verb is one row in control.c and one function. It runs on the thread that owns the connection
 * and replies once, by verb_done() or verb_fail(), at once or later: after a task, or as the end of
 * a source.
 */
#ifndef ADMIN_VERB_H
#define ADMIN_VERB_H

#include <jansson.h>

#include "admin/control.h"

struct control_session {
	bool is_body;        /* chunks of a message come, not requests */
	struct incoming *in; /* that message */
	struct err body_err; /* why the rest of it is thrown away; code 0: it is not */
	struct arena *arena; /* of target and mailbox */
	struct mail_target target;
	struct slice mailbox;
	struct control_import *import; /* mail-import's, while it takes chunks; else NULL */
	json_t *trace; /* trace's arguments, while the courier is asked; else NULL */
	struct control_lookup *lookup; /* dns-lookup's, while it is parked; else NULL */
	struct control_advice *advice; /* the same of dns-check */
};

typedef void verb_fn(struct conn *c, const json_t *args);

verb_fn verb_account_sending, verb_domain_add, verb_domain_list, verb_account_add,
	verb_account_find, verb_account_name, verb_account_list, verb_case_notice,
	verb_account_delete, verb_account_import, verb_alias_add, verb_alias_list,
	verb_alias_delete, verb_certificate_list, verb_level_list, verb_level_set,
	verb_level_delete, verb_account_set, verb_group_list, verb_group_add, verb_group_set,
	verb_group_delete, verb_group_members, verb_group_join, verb_group_leave, verb_group_admin,
	verb_group_domain, verb_group_domains, verb_screen, verb_screen_set, verb_policy_status,
	verb_policy_users, verb_policy_ask, verb_policy_changed, verb_status, verb_check,
	verb_deliver, verb_fetch, verb_queue, verb_dns_lookup, verb_dns_check, verb_domain_mta_sts,
	verb_trace, verb_report_list, verb_report_show, verb_mail_import, verb_mail_export;

/* Replies. The json is given away; NULL means {}. */
void verb_row(struct buf *out, json_t *row);
void verb_done(struct buf *out, json_t *done);
void verb_fail(struct buf *out, const struct err *err);
/* verb_end - done or, with rc negative, fail. */
void verb_end(struct conn *c, int rc, const struct err *err);

/* Arguments. The slice lives as long as args. */
MUST_CHECK int verb_text(const json_t *args, const char *name, struct slice *out, struct err *err);
struct slice verb_text_or_empty(const json_t *args, const char *name);
uint64_t verb_number(const json_t *args, const char *name); /* 0 if it is not there */
json_t *verb_string(struct slice text); /* JSON text; bytes that are not UTF-8 show as '?' */

/* verb_queue_ask - park c until the courier has answered (courier/queue_desk.h); args are given
 * away. verb_queue_take - only in resume(): its answer, or NULL (answer->err). */
void verb_queue_ask(struct conn *c, json_t *args, int64_t wait_ms, conn_resume_fn *resume);
json_t *verb_queue_take(struct answer *answer);

/* verb_find_account - of this very "address". verb_account_json - as lists show it. */
MUST_CHECK int verb_find_account(struct conn *c, const json_t *args, struct arena *arena,
	struct directory_account *out, struct err *err);
json_t *verb_account_json(const struct directory_account *account);

/* verb_keep - a copy of a list's last key, behind which its next page begins. */
enum { VERB_KEY_MAX = 2 * DIRECTORY_ADDRESS_MAX };
void verb_keep(struct buf *after, struct slice key);

static inline struct service *verb_service(struct conn *c)
{
	return ((struct control *)conn_context(c))->service;
}

/* Work that takes long: done by a job on the pool while the connection is parked. Put first in a
 * struct of the verb's own. */
struct verb_task {
	int (*work)(struct verb_task *task, struct err *err);   /* on a bulk thread */
	void (*reply)(struct verb_task *task, struct buf *out); /* on success; NULL: {"done":{}} */
	void (*free)(struct verb_task *task);
	struct service *service;
	struct pool_job job;
	struct conn_ref who;
	uint64_t ticket;
};
void verb_task_run(struct conn *c, struct verb_task *task);

/* deliver's part of the connection: one chunk of the message. */
void verb_deliver_chunk(struct conn *c, struct slice chunk);
void verb_deliver_done(struct control_session *session);
/* mail-import's. */
void verb_import_chunk(struct conn *c, struct slice chunk);
void verb_import_done(struct control_session *session);
void verb_dns_done(struct control_session *session);
void verb_trace_done(struct control_session *session);
void verb_advice_done(struct control_session *session);

#endif
