/* settings.c - password, services, what is signed in, the security log. */
#include "web/settings.h"
#include "base/mem.h"
#include "mail/sessions.h"
#include "policy/policy.h"
#include "web/note.h"
#include "web/pages.h"
#include "web/text.h"

static const struct {
	unsigned scope;
	const char *name, *label, *hint;
} services[] = {
	{SCOPE_IMAP, "imap", "IMAP", "mail programs that read mail here"},
	{SCOPE_POP, "pop", "POP3", "mail programs that fetch mail"},
	{SCOPE_SMTP, "smtp", "SMTP", "mail programs that send mail"},
	{SCOPE_DAV, "dav", "CalDAV, CardDAV, WebDAV", "calendars, address books, files"},
	{SCOPE_LDAP, "ldap", "LDAP", "address books in mail programs"},
	{SCOPE_XMPP, "xmpp", "XMPP", "chat"},
	{SCOPE_JMAP, "jmap", "JMAP", "newer mail programs"},
	{SCOPE_SIEVE, "sieve", "ManageSieve", "editors of mail rules"},
};

json_t *settings_values(const char *page, const char *title)
{
	json_t *values = json_object();
	char key[32];

	snprintf(key, sizeof(key), "at_%s", page);
	json_set_true(values, key);
	json_set_true(values, "is_settings");
	json_set_text(values, "title", title);
	return values;
}

const char *settings_trouble(const struct answer *answer)
{
	if (answer->rc == -ERR_DENIED || answer->rc == -ERR_SYNTAX || answer->rc == -ERR_EXISTS ||
		answer->rc == -ERR_CONFLICT)
		return answer->err.msg;
	return "This cannot be done just now. Please try again in a moment.";
}

unsigned settings_status(int rc)
{
	if (rc == 0)
		return 200;
	return rc == -ERR_DENIED ? 403 : rc == -ERR_BUSY || rc == -ERR_IO ? 503 : 422;
}

void settings_put_scopes(json_t *values, unsigned scopes)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		json_t *row = json_object();

		json_set_text(row, "name", services[i].name);
		json_set_text(row, "label", services[i].label);
		json_set_text(row, "hint", services[i].hint);
		json_object_set_new(row, "is_on", json_boolean(scopes & services[i].scope));
		json_array_append_new(list, row);
	}
	json_object_set_new(values, "services", list);
}

unsigned settings_take_scopes(struct http *x)
{
	unsigned scopes = 0;
	struct slice value;
	size_t at = 0;

	while (http_form_next(x, "scope", &at, &value)) {
		for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
			if (slice_eq(value, slice_str(services[i].name)))
				scopes |= services[i].scope;
		}
		if (slice_eq(value, slice_lit("web")))
			scopes |= SCOPE_WEB;
		if (slice_eq(value, slice_lit("imap-read")))
			scopes |= SCOPE_IMAP_READ;
	}
	return scopes;
}

void settings_put_scope_names(json_t *row, unsigned scopes)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, 512);
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		if (scopes & services[i].scope)
			buf_printf(&text, "%s%s", text.len ? ", " : "", services[i].label);
	}
	if ((scopes & SCOPE_IMAP_READ) && !(scopes & SCOPE_IMAP))
		buf_printf(&text, "%sIMAP (reading only)", text.len ? ", " : "");
	if (scopes & SCOPE_WEB)
		buf_printf(&text, "%sthe web", text.len ? ", " : "");
	json_set_slice(row, "scopes", buf_slice(&text));
}

/* ---- overview ---- */

static void on_overview(struct http *x, struct answer *answer)
{
	const struct keeper_settings *s = answer->data;
	json_t *values;

	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
		visit_answer_done(answer);
		return;
	}
	values = settings_values("overview", "Settings");
	json_object_set_new(values, "has_factors",
		json_boolean(s->factors & ~(unsigned)(FACTOR_RECOVERY | FACTOR_PASSWORD)));
	json_object_set_new(values, "codes", json_integer(s->recovery_codes));
	json_set_text(values, "recovery", s->recovery_address);
	json_set_text(values, "recovery_pending", s->recovery_address_pending);
	if (s->password_changed_s)
		json_set_when(values, "changed", s->password_changed_s);
	visit_answer_done(answer);
	visit_page(x, 200, "settings", values);
}

void page_settings(struct http *x)
{
	struct keeper_call call = visit_call(x, on_overview);

	keeper_get_settings(&call, visit_of(x)->cookie);
}

/* ---- password ---- */

void page_password(struct http *x)
{
	visit_page(x, 200, "password", settings_values("password", "Password"));
}

static void on_password(struct http *x, struct answer *answer)
{
	const struct keeper_web *web = answer->data;
	const struct visit *v = visit_of(x);
	json_t *values;

	if (answer->rc == 0) {
		if (web && web->cookie[0])
			http_set_cookie(x, "session", slice_str(web->cookie), 0);
		log_info(http_log(x), "password_changed");
		note_event(x, v->account.id, "password-changed", NULL);
		note_mail(x, v->account.id, "password-changed", NULL, (struct slice){0});
		policy_password_changed(v->service, v->account.id);
		visit_say(x, "password");
		visit_go(x, "/settings/apps");
		visit_answer_done(answer);
		return;
	}
	values = settings_values("password", "Password");
	form_error(
		values, answer->rc == -ERR_DENIED ? "before" : "after", settings_trouble(answer));
	visit_page(x, settings_status(answer->rc), "password", values);
	visit_answer_done(answer);
}

void page_password_change(struct http *x)
{
	const struct slice before = http_form(x, "before"), after = http_form(x, "after");
	const struct visit *v = visit_of(x);
	json_t *values = settings_values("password", "Password");
	struct keeper_call call;

	if (before.len == 0 || before.len > KEEPER_PASSWORD_MAX)
		form_error(values, "before", "Please type your present password.");
	if (after.len == 0)
		form_error(values, "after", "Please type a new password.");
	else if (after.len > KEEPER_PASSWORD_MAX)
		form_error(values, "after", "This password is too long.");
	else if (!slice_eq(after, http_form(x, "again")))
		form_error(values, "again", "This is not the same as above.");
	if (form_has_errors(values)) {
		visit_page(x, 422, "password", values);
		return;
	}
	json_decref(values);
	call = visit_call(x, on_password);
	keeper_change_password(&call, v->cookie, v->account.address, before, after);
}

/* ---- services ---- */

static void on_services(struct http *x, struct answer *answer)
{
	const struct keeper_settings *s = answer->data;
	json_t *values;

	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
	} else {
		values = settings_values("services", "Services");
		settings_put_scopes(values, s->scopes);
		visit_page(x, 200, "services", values);
	}
	visit_answer_done(answer);
}

void page_services(struct http *x)
{
	struct keeper_call call = visit_call(x, on_services);

	keeper_get_settings(&call, visit_of(x)->cookie);
}

/* Whatever was asked for is done, or the page for the error. */
static void done_or_fail(
	struct http *x, struct answer *answer, const char *kind, const char *said, const char *path)
{
	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
	} else {
		note_event(x, visit_of(x)->account.id, kind, NULL);
		visit_say(x, said);
		visit_go(x, "%s", path);
	}
	visit_answer_done(answer);
}

static void on_services_set(struct http *x, struct answer *answer)
{
	done_or_fail(x, answer, "services", "services", "/settings/services");
}

void page_services_change(struct http *x)
{
	struct keeper_call call = visit_call(x, on_services_set);

	/* The web itself cannot be turned off from the web. */
	keeper_set_scopes(
		&call, visit_of(x)->cookie, settings_take_scopes(x) | SCOPE_WEB | SCOPE_IMAP_READ);
}

/* ---- what is signed in ---- */

enum { CLIENTS_MAX = 500 };

static void put_clients(struct http *x, json_t *values)
{
	const struct visit *v = visit_of(x);
	json_t *rows = json_array();
	struct mail_session_info *list;
	const size_t n = mail_sessions_list(
		&v->service->sessions, v->account.id, CLIENTS_MAX, http_arena(x), &list);

	json_object_set_new(values, "clients", rows);
	for (size_t i = 0; i < n; i++) {
		json_t *row = json_object();

		json_set_id(row, "id", list[i].id);
		json_set_text(row, "service_name", list[i].service);
		json_set_slice(row, "program", list[i].program);
		visit_put_peer(x, row, list[i].peer);
		json_set_when(row, "since", list[i].since_s);
		json_object_set_new(row, "is_app", json_boolean(list[i].credential != 0));
		json_array_append_new(rows, row);
	}
	json_object_set_new(values, "clients_n", json_integer((json_int_t)n));
}

static void on_sessions(struct http *x, struct answer *answer)
{
	const struct keeper_list *list = answer->data;
	json_t *values, *rows;
	char program[200];

	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
		visit_answer_done(answer);
		return;
	}
	values = settings_values("sessions", "Logged-in sessions");
	rows = json_array();
	json_object_set_new(values, "sessions", rows);
	for (size_t i = 0; i < list->n; i++) {
		json_t *row = json_object();

		json_set_id(row, "id", list->items[i].id);
		text_put_program(list->items[i].program, program, sizeof(program));
		json_set_text(row, "program", program);
		visit_put_peer(x, row, list->items[i].peer);
		json_set_when(row, "since", list->items[i].created_s);
		json_set_when(row, "seen", list->items[i].seen_s);
		json_object_set_new(row, "is_this", json_boolean(list->items[i].is_this));
		json_array_append_new(rows, row);
	}
	visit_answer_done(answer);
	put_clients(x, values);
	visit_page(x, 200, "sessions", values);
}

void page_sessions(struct http *x)
{
	struct keeper_call call = visit_call(x, on_sessions);

	keeper_list_sessions(&call, visit_of(x)->cookie, 0);
}

static void on_session_ended(struct http *x, struct answer *answer)
{
	done_or_fail(x, answer, "session-ended", "session_ended", "/settings/sessions");
}

static void on_all_ended(struct http *x, struct answer *answer)
{
	done_or_fail(x, answer, "logout-all", "all_ended", "/settings/sessions");
}

void page_sessions_end(struct http *x)
{
	struct visit *v = visit_of(x);
	struct keeper_call call;
	uint64_t id;

	if (slice_eq(http_form(x, "do"), slice_lit("all"))) {
		call = visit_call(x, on_all_ended);
		keeper_web_end_all(&call, v->cookie);
	} else if (visit_id(http_form(x, "session"), &id) && id) {
		call = visit_call(x, on_session_ended);
		keeper_web_end(&call, v->cookie, id);
	} else if (visit_id(http_form(x, "client"), &id)) {
		mail_session_end(&v->service->sessions, v->service->pool, v->account.id, id);
		note_event(x, v->account.id, "session-ended", NULL);
		visit_say(x, "session_ended");
		visit_go(x, "/settings/sessions");
	} else {
		http_fail(x, 400);
	}
}
