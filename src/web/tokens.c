/*
 * tokens.c - access for other programs: the page where a user allows it, the page where a device's
 * code is typed, and what programs themselves ask (RFC 6749, 7636, 8628, 7009, 8414).
 */
#include "web/note.h"
#include "web/oauth.h"
#include "web/pages.h"
#include "web/settings.h"
#include "web/text.h"

enum { LOCATION_MAX = 6000, STATE_MAX = 1000, CHALLENGE_LEN = 43 };

static struct slice clients_of(struct http *x)
{
	return visit_of(x)->web->config.clients;
}

/* ---- the page that asks the user ---- */

struct request {
	struct slice client, redirect, state, challenge;
	unsigned scopes;
};

/* A field of the form, or before it of the query. */
static struct slice given(struct http *x, const char *name)
{
	const struct slice form = http_form(x, name);

	return form.ptr ? form : http_param(x, name);
}

/* Back to the program, with one answer and what it asked to have back. */
static void go_back(struct http *x, const struct request *r, const char *name, struct slice value)
{
	struct buf to AUTO(buf_done);

	buf_init(&to, LOCATION_MAX);
	buf_append(&to, r->redirect);
	buf_byte(&to, slice_chr(r->redirect, '?') == SIZE_MAX ? '?' : '&');
	buf_printf(&to, "%s=", name);
	text_put_query(&to, value);
	if (r->state.len) {
		buf_lit(&to, "&state=");
		text_put_query(&to, r->state);
	}
	buf_lit(&to, "&iss=");
	text_put_query(&to, visit_of(x)->web->origin);
	http_set(x, "Cache-Control", slice_lit("no-store"));
	http_redirect(x, 303, buf_slice(&to));
}

/* Until the client and its redirect are known to be good, mistakes are shown here and sent nowhere
 * (RFC 6749 4.1.2.1). False: it has answered. */
static bool take_request(struct http *x, struct request *r)
{
	const struct slice type = given(x, "response_type"),
			   method = given(x, "code_challenge_method");

	*r = (struct request){.client = given(x, "client_id"),
		.redirect = given(x, "redirect_uri"),
		.state = given(x, "state"),
		.challenge = given(x, "code_challenge"),
		.scopes = oauth_scopes(given(x, "scope"))};
	if (!oauth_may_redirect(clients_of(x), r->client, r->redirect) ||
		r->state.len > STATE_MAX) {
		http_fail(x, 400);
		return false;
	}
	if (!slice_eq(type, slice_lit("code")))
		go_back(x, r, "error", slice_lit("unsupported_response_type"));
	else if (!slice_eq(method, slice_lit("S256")) || r->challenge.len != CHALLENGE_LEN)
		go_back(x, r, "error", slice_lit("invalid_request"));
	else if (!r->scopes)
		go_back(x, r, "error", slice_lit("invalid_scope"));
	else
		return true;
	return false;
}

void page_authorize(struct http *x)
{
	struct buf origin AUTO(buf_done);
	struct request r;
	json_t *values;

	buf_init(&origin, OAUTH_ORIGIN_MAX);
	if (!take_request(x, &r))
		return;
	values = json_object();
	json_set_text(values, "title", "Give access");
	json_set_slice(values, "client", r.client);
	json_set_slice(values, "redirect", r.redirect);
	json_set_slice(values, "state", r.state);
	json_set_slice(values, "challenge", r.challenge);
	json_set_slice(values, "scope", given(x, "scope"));
	oauth_origin(r.redirect, &origin);
	json_set_slice(values, "origin", buf_slice(&origin));
	settings_put_scope_names(values, r.scopes);
	/* Browsers hold the redirect after a form to this as well. */
	http_set_f(x, "Content-Security-Policy",
		"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' %.*s; "
		"frame-ancestors 'none'; base-uri 'none'",
		SLICE_ARG(buf_slice(&origin)));
	visit_page(x, 200, "authorize", values);
}

static void on_code(struct http *x, struct answer *answer)
{
	const struct keeper_text *text = answer->data;
	struct request r;

	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
	} else if (take_request(x, &r)) {
		note_event(x, visit_of(x)->account.id, "token-added", NULL);
		go_back(x, &r, "code", (struct slice){text->text, text->len});
	}
	visit_answer_done(answer);
}

void page_authorize_give(struct http *x)
{
	struct keeper_call call;
	struct request r;

	if (!take_request(x, &r))
		return;
	if (!slice_eq(http_form(x, "do"), slice_lit("allow"))) {
		go_back(x, &r, "error", slice_lit("access_denied"));
		return;
	}
	call = visit_call(x, on_code);
	keeper_grant_code(&call, visit_of(x)->cookie, r.client, r.redirect, r.scopes, r.challenge);
}

/* ---- a device's code ---- */

static void show_device(struct http *x, json_t *values, unsigned status)
{
	json_set_text(values, "title", "Connect a device");
	visit_page(x, status, "device", values);
}

void page_device(struct http *x)
{
	json_t *values = json_object();

	json_set_slice(values, "code", http_param(x, "user_code"));
	show_device(x, values, 200);
}

static void refuse_device(struct http *x, const struct answer *answer)
{
	json_t *values = json_object();

	form_keep(x, values, "code");
	form_error(values, "code",
		answer->rc == -ERR_NOTFOUND ? "There is no such code, or it is too old."
					    : settings_trouble(answer));
	show_device(x, values, settings_status(answer->rc));
}

static void on_found(struct http *x, struct answer *answer)
{
	const struct keeper_list *list = answer->data;
	json_t *values;

	if (answer->rc < 0 || list->n == 0) {
		refuse_device(x, answer);
	} else {
		values = json_object();
		form_keep(x, values, "code");
		json_set_true(values, "is_found");
		json_set_slice(values, "client", list->items[0].name);
		settings_put_scope_names(values, list->items[0].scopes);
		show_device(x, values, 200);
	}
	visit_answer_done(answer);
}

static void on_decided(struct http *x, struct answer *answer)
{
	const bool is_allowed = slice_eq(http_form(x, "do"), slice_lit("allow"));
	json_t *values;

	if (answer->rc < 0) {
		refuse_device(x, answer);
	} else {
		values = json_object();
		json_set_true(values, is_allowed ? "is_allowed" : "is_denied");
		if (is_allowed)
			note_event(x, visit_of(x)->account.id, "token-added", NULL);
		show_device(x, values, 200);
	}
	visit_answer_done(answer);
}

void page_device_give(struct http *x)
{
	const struct slice wish = http_form(x, "do"), code = slice_trim(http_form(x, "code"));
	struct visit *v = visit_of(x);
	struct keeper_call call;

	if (slice_eq(wish, slice_lit("find"))) {
		call = visit_call(x, on_found);
		keeper_device_find(&call, v->cookie, slice_head(code, KEEPER_SECRET_MAX));
		return;
	}
	call = visit_call(x, on_decided);
	keeper_device_decide(&call, v->cookie, slice_head(code, KEEPER_SECRET_MAX),
		slice_eq(wish, slice_lit("allow")));
}

/* ---- what programs ask ---- */

static void reply_json(struct http *x, unsigned status, json_t *values)
{
	char *text = json_dumps(values, JSON_COMPACT);

	json_decref(values);
	http_set(x, "Cache-Control", slice_lit("no-store"));
	http_reply(x, status, "application/json", slice_str(text ? text : "{}"));
	free(text);
}

static void reply_error(struct http *x, const char *error)
{
	reply_json(x, 400, json_pack("{s:s}", "error", error));
}

/* RFC 6749 5.2, RFC 8628 3.5. */
static void reply_trouble(struct http *x, const struct answer *answer)
{
	static const char *const waiting[] = {
		"authorization_pending", "slow_down", "access_denied", "expired_token"};

	for (size_t i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++) {
		if (slice_eq(slice_str(answer->err.msg), slice_str(waiting[i]))) {
			reply_error(x, waiting[i]);
			return;
		}
	}
	if (answer->rc == -ERR_BUSY || answer->rc == -ERR_IO)
		reply_json(x, 503, json_pack("{s:s}", "error", "temporarily_unavailable"));
	else
		reply_error(x, "invalid_grant");
}

static void on_tokens(struct http *x, struct answer *answer)
{
	const struct keeper_tokens *t = answer->data;
	struct buf scopes AUTO(buf_done);

	buf_init(&scopes, 256);
	if (answer->rc < 0) {
		reply_trouble(x, answer);
	} else {
		oauth_put_scopes(t->scopes, &scopes);
		reply_json(x, 200,
			json_pack("{s:s, s:s, s:I, s:s, s:o}", "access_token", t->access,
				"token_type", "Bearer", "expires_in", (json_int_t)t->expires_in_s,
				"refresh_token", t->refresh, "scope",
				json_slice(buf_slice(&scopes))));
	}
	visit_answer_done(answer);
}

void token_issue(struct http *x)
{
	const struct slice type = http_form(x, "grant_type"), client = http_form(x, "client_id");
	struct keeper_call call;

	if (!oauth_has_client(clients_of(x), client)) {
		reply_error(x, "invalid_client");
	} else if (slice_eq(type, slice_lit("authorization_code"))) {
		call = visit_call(x, on_tokens);
		keeper_grant_exchange(&call, client, http_form(x, "redirect_uri"),
			http_form(x, "code"), http_form(x, "code_verifier"));
	} else if (slice_eq(type, slice_lit("refresh_token"))) {
		call = visit_call(x, on_tokens);
		keeper_grant_refresh(&call, client, http_form(x, "refresh_token"));
	} else if (slice_eq(type, slice_lit("urn:ietf:params:oauth:grant-type:device_code"))) {
		call = visit_call(x, on_tokens);
		keeper_device_poll(&call, client, http_form(x, "device_code"));
	} else {
		reply_error(x, "unsupported_grant_type");
	}
}

static json_t *below(struct http *x, const char *path)
{
	return json_sprintf("%.*s%s", SLICE_ARG(visit_of(x)->web->origin), path);
}

static void on_device(struct http *x, struct answer *answer)
{
	const struct keeper_device *d = answer->data;
	const struct slice origin = visit_of(x)->web->origin;

	if (answer->rc < 0) {
		reply_trouble(x, answer);
	} else {
		reply_json(x, 200,
			json_pack("{s:s, s:s, s:o, s:o, s:I, s:I}", "device_code", d->device_code,
				"user_code", d->user_code, "verification_uri", below(x, "/device"),
				"verification_uri_complete",
				json_sprintf("%.*s/device?user_code=%s", SLICE_ARG(origin),
					d->user_code),
				"expires_in", (json_int_t)d->expires_in_s, "interval",
				(json_int_t)d->interval_s));
	}
	visit_answer_done(answer);
}

void token_device(struct http *x)
{
	const struct slice client = http_form(x, "client_id");
	const unsigned scopes = oauth_scopes(http_form(x, "scope"));
	struct keeper_call call;

	if (!oauth_has_client(clients_of(x), client)) {
		reply_error(x, "invalid_client");
	} else if (!scopes) {
		reply_error(x, "invalid_scope");
	} else {
		call = visit_call(x, on_device);
		keeper_device_begin(&call, client, scopes);
	}
}

/* RFC 7009 2.2: a token that is none is as good as revoked. */
static void on_revoked(struct http *x, struct answer *answer)
{
	if (answer->rc == -ERR_BUSY || answer->rc == -ERR_IO)
		reply_json(x, 503, json_pack("{s:s}", "error", "temporarily_unavailable"));
	else
		reply_json(x, 200, json_object());
	visit_answer_done(answer);
}

void token_revoke(struct http *x)
{
	struct keeper_call call = visit_call(x, on_revoked);

	keeper_token_revoke(&call, http_form(x, "token"));
}

/* RFC 8414 2. */
void token_discovery(struct http *x)
{
	reply_json(x, 200,
		json_pack("{s:o, s:o, s:o, s:o, s:o, s:[s], s:[s, s, s], s:[s], s:[s], s:[s, s, s, "
			  "s, s, "
			  "s, s, s, s, s], s:b}",
			"issuer", below(x, ""), "authorization_endpoint",
			below(x, "/oauth/authorize"), "token_endpoint", below(x, "/oauth/token"),
			"device_authorization_endpoint", below(x, "/oauth/device"),
			"revocation_endpoint", below(x, "/oauth/revoke"),
			"response_types_supported", "code", "grant_types_supported",
			"authorization_code", "refresh_token",
			"urn:ietf:params:oauth:grant-type:device_code",
			"code_challenge_methods_supported", "S256",
			"token_endpoint_auth_methods_supported", "none", "scopes_supported", "imap",
			"imap-read", "pop", "smtp", "dav", "ldap", "xmpp", "jmap", "sieve",
			"offline_access", "authorization_response_iss_parameter_supported", 1));
}

/* ---- what has been given ---- */

static void on_listed(struct http *x, struct answer *answer)
{
	const struct keeper_list *list = answer->data;
	json_t *values, *rows;

	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
		visit_answer_done(answer);
		return;
	}
	values = settings_values("programs", "Programs with access");
	rows = json_array();
	json_object_set_new(values, "programs", rows);
	for (size_t i = 0; i < list->n; i++) {
		json_t *row = json_object();

		json_set_id(row, "id", list->items[i].id);
		json_set_slice(row, "name", list->items[i].name);
		json_set_when(row, "created", list->items[i].created_s);
		if (list->items[i].seen_s)
			json_set_when(row, "seen", list->items[i].seen_s);
		settings_put_scope_names(row, list->items[i].scopes);
		json_array_append_new(rows, row);
	}
	visit_answer_done(answer);
	visit_page(x, 200, "programs", values);
}

void page_programs(struct http *x)
{
	struct keeper_call call = visit_call(x, on_listed);

	keeper_list_tokens(&call, visit_of(x)->cookie, 0);
}

static void on_removed(struct http *x, struct answer *answer)
{
	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
	} else {
		note_event(x, visit_of(x)->account.id, "token-removed", NULL);
		visit_say(x, "saved");
		visit_go(x, "/settings/programs");
	}
	visit_answer_done(answer);
}

void page_programs_change(struct http *x)
{
	struct keeper_call call;
	uint64_t id;

	if (!visit_id(http_form(x, "id"), &id)) {
		http_fail(x, 400);
		return;
	}
	call = visit_call(x, on_removed);
	keeper_token_remove(&call, visit_of(x)->cookie, id);
}
