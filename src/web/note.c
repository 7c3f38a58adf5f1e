/* note.c - see note.h; and the page that shows an account's security log [acct.12]. */
#include "web/note.h"

#include "notice/notice.h"
#include "policy/policy.h"
#include "web/pages.h"
#include "web/settings.h"
#include "web/sign.h"
#include "web/text.h"

enum { LOG_PAGE = 100, PROGRAM_MAX = 120 };

void note_event(struct http *x, uint64_t account, const char *kind, const char *detail)
{
	char program[PROGRAM_MAX];
	struct security_event event = {.kind = slice_str(kind),
		.service = slice_lit("web"),
		.peer = http_peer(x),
		.detail = detail ? slice_str(detail) : (struct slice){0}};
	struct security_log *log = visit_of(x)->service->security_log;

	text_put_program(sign_program(x), program, sizeof(program));
	event.program = slice_str(program);
	if (account && log)
		security_log_add(log, account, &event);
}

void note_mail(
	struct http *x, uint64_t account, const char *template, const char *key, struct slice value)
{
	json_t *values = json_object();
	char program[PROGRAM_MAX];

	text_put_program(sign_program(x), program, sizeof(program));
	json_set_slice(values, "peer", http_peer(x));
	json_set_text(values, "program", program);
	json_set_text(values, "protocol", "web");
	if (key)
		json_set_slice(values, key, value);
	notice_send(visit_of(x)->service, account, template, values, (struct slice){0});
}

void note_policy(struct http *x, uint64_t account)
{
	struct service *service = visit_of(x)->service;
	char program[PROGRAM_MAX];

	text_put_program(sign_program(x), program, sizeof(program));
	if (http_is_tls(x))
		policy_tls_login(service, "web", account, slice_str(program));
	else
		policy_cleartext_login(service, "web", account, slice_str(program), http_peer(x));
}

/* ---- the page ---- */

static const struct {
	const char *kind, *text;
} kinds[] = {
	{"login", "Signed in"},
	{"login-failed", "Wrong password"},
	{"login-refused", "Refused"},
	{"logout", "Signed out"},
	{"logout-all", "Everything else was signed out"},
	{"session-ended", "A session was signed out"},
	{"factor", "Second factor given"},
	{"factor-failed", "Wrong second factor"},
	{"factor-added", "Second factor added"},
	{"factor-removed", "Second factor removed"},
	{"recovery-codes", "New recovery codes"},
	{"password-changed", "Password changed"},
	{"password-by-operator", "Password set by an administrator"},
	{"app-password-added", "Alternative login made"},
	{"app-password-removed", "Alternative login removed"},
	{"token-added", "A program was given access"},
	{"token-removed", "A program's access was taken away"},
	{"services", "Services changed"},
	{"export", "Mail was exported"},
	{"import", "Mail was imported"},
	{"personality", "Personality changed"},
	{"personality-proven", "Server of a personality took the login"},
	{"personality-removed", "Personality removed"},
	{"bring-started", "Mail is brought from another provider"},
	{"recovery-set", "New recovery address asked for"},
	{"recovery-changed", "Recovery address changed"},
	{"recovery-switched", "Resetting by mail switched"},
	{"reset-asked", "Reset of the password asked for"},
	{"reset", "Password reset"},
	{"sending-stopped", "Sending was stopped"},
	{"sending-allowed", "Sending is allowed again"},
};

static void set_kind(json_t *row, struct slice kind)
{
	json_set_slice(row, "what", kind);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (slice_eq(kind, slice_str(kinds[i].kind)))
			json_set_text(row, "what", kinds[i].text);
	}
}

static void put_event(struct http *x, json_t *rows, const struct security_event *event)
{
	json_t *row = json_object();

	set_kind(row, event->kind);
	json_set_slice(row, "door", event->service);
	visit_put_peer(x, row, event->peer);
	json_set_slice(row, "program", event->program);
	json_set_slice(row, "detail", event->detail);
	json_set_when(row, "last", event->last_s);
	if (event->count > 1)
		json_object_set_new(row, "times", json_integer((json_int_t)event->count));
	json_array_append_new(rows, row);
}

void page_log(struct http *x)
{
	const struct visit *v = visit_of(x);
	struct security_event *list;
	json_t *values, *rows;
	uint64_t before = 0;
	struct err err;
	size_t n = 0;
	int rc;

	slice_to_u64(http_param(x, "before"), INT64_MAX, &before);
	rc = security_log_list(v->service->security_log, v->account.id, before, LOG_PAGE,
		http_arena(x), &list, &n, &err);
	if (rc < 0) {
		visit_fail(x, rc, &err);
		return;
	}
	values = settings_values("log", "Security log");
	rows = json_array();
	json_object_set_new(values, "events", rows);
	for (size_t i = 0; i < n; i++)
		put_event(x, rows, &list[i]);
	if (n == LOG_PAGE)
		json_object_set_new(values, "before", json_integer((json_int_t)list[n - 1].id));
	visit_page(x, 200, "log", values);
}
