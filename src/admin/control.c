/* control.c - see control.h for the contract. */
#include "admin/control.h"

#include <stdlib.h>
#include <string.h>

#include "admin/verb.h"
#include "base/mem.h"

enum { IDLE_MS = 600000, TASK_MS = 3600000, CHUNK_HEAD = 4 };

static const struct {
	const char *name;
	verb_fn *run;
} verbs[] = {
	{"domain-add", verb_domain_add},
	{"domain-list", verb_domain_list},
	{"account-add", verb_account_add},
	{"account-find", verb_account_find},
	{"account-name", verb_account_name},
	{"case-notice", verb_case_notice},
	{"account-list", verb_account_list},
	{"account-delete", verb_account_delete},
	{"account-import", verb_account_import},
	{"account-sending", verb_account_sending},
	{"alias-add", verb_alias_add},
	{"alias-list", verb_alias_list},
	{"alias-delete", verb_alias_delete},
	{"certificate-list", verb_certificate_list},
	{"dns-lookup", verb_dns_lookup},
	{"dns-check", verb_dns_check},
	{"level-list", verb_level_list},
	{"level-set", verb_level_set},
	{"level-delete", verb_level_delete},
	{"account-set", verb_account_set},
	{"group-list", verb_group_list},
	{"group-add", verb_group_add},
	{"group-set", verb_group_set},
	{"group-delete", verb_group_delete},
	{"group-members", verb_group_members},
	{"group-join", verb_group_join},
	{"group-leave", verb_group_leave},
	{"group-admin", verb_group_admin},
	{"group-domain", verb_group_domain},
	{"group-domains", verb_group_domains},
	{"domain-mta-sts", verb_domain_mta_sts},
	{"screen", verb_screen},
	{"screen-set", verb_screen_set},
	{"policy-status", verb_policy_status},
	{"policy-users", verb_policy_users},
	{"ask-password", verb_policy_ask},
	{"password-changed", verb_policy_changed},
	{"trace", verb_trace},
	{"report-list", verb_report_list},
	{"report-show", verb_report_show},
	{"status", verb_status},
	{"queue", verb_queue},
	{"fetch", verb_fetch},
	{"check", verb_check},
	{"deliver", verb_deliver},
	{"mail-import", verb_mail_import},
	{"mail-export", verb_mail_export},
};

void control_init(struct control *control, struct service *service)
{
	*control = (struct control){.service = service};
	pthread_mutex_init(&control->lock, NULL);
	buf_init(&control->processes, 64 << 10);
}

void control_done(struct control *control)
{
	pthread_mutex_destroy(&control->lock);
	buf_done(&control->processes);
}

void control_set_processes(struct control *control, struct slice json)
{
	pthread_mutex_lock(&control->lock);
	buf_clear(&control->processes);
	buf_append(&control->processes, json);
	pthread_mutex_unlock(&control->lock);
}

/* ---- replies ---- */

static void put_line(struct buf *out, const char *kind, json_t *value)
{
	json_t *line = json_pack("{s:o}", kind, value ? value : json_object());
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	buf_str(out, text ? text : "{\"error\":{\"code\":\"IO\",\"message\":\"no memory\"}}");
	buf_byte(out, '\n');
	free(text);
	json_decref(line);
}

void verb_keep(struct buf *after, struct slice key)
{
	buf_clear(after);
	buf_append(after, key);
}

json_t *verb_string(struct slice text)
{
	json_t *string = json_stringn(text.ptr ? text.ptr : "", text.len);
	char *copy;

	if (string)
		return string;
	copy = mem_str(text);
	for (char *p = copy; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	string = json_string(copy);
	free(copy);
	return string;
}

void verb_row(struct buf *out, json_t *row)
{
	put_line(out, "row", row);
}

void verb_done(struct buf *out, json_t *done)
{
	put_line(out, "done", done);
}

void verb_fail(struct buf *out, const struct err *err)
{
	put_line(out, "error",
		json_pack("{s:s, s:o}", "code", err_code_name(err->code), "message",
			verb_string(slice_str(err->msg))));
}

void verb_end(struct conn *c, int rc, const struct err *err)
{
	if (rc < 0)
		verb_fail(conn_out(c), err);
	else
		verb_done(conn_out(c), NULL);
}

/* ---- arguments ---- */

struct slice verb_text_or_empty(const json_t *args, const char *name)
{
	const json_t *value = json_object_get(args, name);

	return (struct slice){json_string_value(value), json_string_length(value)};
}

int verb_text(const json_t *args, const char *name, struct slice *out, struct err *err)
{
	const struct slice text = verb_text_or_empty(args, name);

	if (text.len == 0)
		return err_set(err, ERR_SYNTAX, "%s is missing", name);
	*out = text;
	return 0;
}

uint64_t verb_number(const json_t *args, const char *name)
{
	const json_int_t value = json_integer_value(json_object_get(args, name));

	return value > 0 ? (uint64_t)value : 0;
}

/* ---- tasks ---- */

static void task_free(void *data)
{
	struct verb_task *task = data;

	task->free(task);
}

static void task_work(struct pool_job *job)
{
	struct verb_task *task =
		(struct verb_task *)(void *)((char *)job - offsetof(struct verb_task, job));
	struct pool *pool = task->service->pool;
	struct answer answer = {.data = task, .free_data = task_free};

	answer.rc = task->work(task, &answer.err);
	pool_answer(pool, task->who, task->ticket, &answer);
}

static void task_resume(struct conn *c, struct answer *answer)
{
	struct verb_task *task = answer->data;

	if (answer->rc < 0 || !task || !task->reply)
		verb_end(c, answer->rc, &answer->err);
	else
		task->reply(task, conn_out(c));
	if (task)
		task->free(task);
}

void verb_task_run(struct conn *c, struct verb_task *task)
{
	task->service = verb_service(c);
	task->job.run = task_work;
	task->who = conn_ref(c);
	task->ticket = conn_park(c, TASK_MS, task_resume);
	pool_run(task->service->pool, POOL_BULK, &task->job);
}

/* ---- the protocol ---- */

static void on_greet(struct conn *c)
{
	const struct control *control = conn_context(c);
	struct err err;
	uint32_t uid;

	if (!conn_peer_uid(c, &uid) || (uid != 0 && uid != control->owner_uid)) {
		err_set(&err, ERR_DENIED, "only root and the owner of this instance may do that");
		verb_fail(conn_out(c), &err);
		conn_close(c);
		return;
	}
	conn_set_timeout(c, IDLE_MS);
}

static size_t on_frame(struct conn *c, struct slice in, bool is_full)
{
	const struct control_session *session = conn_session(c);
	size_t n;

	(void)is_full;
	if (!session->is_body) {
		n = slice_chr(in, '\n');
		return n == SIZE_MAX ? 0 : n + 1;
	}
	if (in.len < CHUNK_HEAD)
		return 0;
	n = be32_get((const unsigned char *)in.ptr);
	if (n > CONTROL_CHUNK_MAX)
		n = 0; /* refused by the handler, with the connection */
	return in.len < CHUNK_HEAD + n ? 0 : CHUNK_HEAD + n;
}

static int run_verb(struct conn *c, const json_t *request, struct err *err)
{
	struct slice name;
	int rc = verb_text(request, "verb", &name, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (slice_eq(name, slice_str(verbs[i].name))) {
			verbs[i].run(c, request);
			return 0;
		}
	}
	return err_set(err, ERR_SYNTAX, "there is no verb %.*s", SLICE_ARG(slice_head(name, 40)));
}

static void on_execute(struct conn *c, struct slice unit)
{
	const struct control_session *session = conn_session(c);
	json_error_t why;
	json_t *request;
	struct err err;

	if (session->is_body) {
		if (be32_get((const unsigned char *)unit.ptr) != unit.len - CHUNK_HEAD) {
			err_set(&err, ERR_TOOBIG, "chunk larger than %d", CONTROL_CHUNK_MAX);
			verb_fail(conn_out(c), &err);
			conn_close(c);
			return;
		}
		if (session->import)
			verb_import_chunk(c, slice_from(unit, CHUNK_HEAD));
		else
			verb_deliver_chunk(c, slice_from(unit, CHUNK_HEAD));
		return;
	}
	request = json_loadb(unit.ptr, unit.len, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(request)) {
		err_set(&err, ERR_SYNTAX, "not a JSON object");
		verb_fail(conn_out(c), &err);
	} else if (run_verb(c, request, &err) < 0) {
		verb_fail(conn_out(c), &err);
	}
	json_decref(request);
}

static void on_goodbye(struct conn *c, enum conn_goodbye why)
{
	static const char *const reasons[] = {
		[GOODBYE_IDLE] = "nothing came for ten minutes",
		[GOODBYE_SHUTDOWN] = "this server is going away",
		[GOODBYE_REVOKED] = "not allowed any more",
		[GOODBYE_OVERLOAD] = "too many connections",
	};
	struct err err;

	err_set(&err, ERR_BUSY, "%s", reasons[why]);
	verb_fail(conn_out(c), &err);
}

static void on_done(struct conn *c)
{
	verb_deliver_done(conn_session(c));
	verb_import_done(conn_session(c));
	verb_dns_done(conn_session(c));
	verb_trace_done(conn_session(c));
	verb_advice_done(conn_session(c));
}

const struct protocol control_protocol = {
	.name = "control",
	.session_size = sizeof(struct control_session),
	.unit_max = CONTROL_LINE_MAX,
	.greet = on_greet,
	.frame = on_frame,
	.execute = on_execute,
	.goodbye = on_goodbye,
	.done = on_done,
};
