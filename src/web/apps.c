/* apps.c - alternative logins: a secret for one program, for chosen services, shown once; or the
 * certificate of one, which needs no secret. */
#include "chain/chain.h"
#include "web/note.h"
#include "web/pages.h"
#include "web/settings.h"

struct apps {
	json_t *values;
	unsigned status;
};

static void free_apps(void *more)
{
	json_decref(((struct apps *)more)->values);
}

static void put_apps(struct http *x, json_t *values, const struct keeper_list *list)
{
	json_t *rows = json_array();

	json_object_set_new(values, "apps", rows);
	for (size_t i = 0; i < list->n; i++) {
		const struct keeper_item *item = &list->items[i];
		json_t *row = json_object();

		json_set_id(row, "id", item->id);
		json_set_slice(row, "name", item->name);
		json_set_when(row, "created", item->created_s);
		if (item->seen_s) {
			json_set_when(row, "seen", item->seen_s);
			visit_put_peer(x, row, item->peer);
		}
		settings_put_scope_names(row, item->scopes);
		json_object_set_new(row, "needs_factor", json_boolean(item->needs_factor));
		json_object_set_new(row, "is_certificate", json_boolean(item->kind != 0));
		json_object_set_new(row, "is_before", json_boolean(item->is_before_change));
		if (item->is_before_change)
			json_set_true(values, "has_before");
		json_array_append_new(rows, row);
	}
}

static void on_apps(struct http *x, struct answer *answer)
{
	struct apps *a = visit_of(x)->more;

	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
		visit_answer_done(answer);
		return;
	}
	put_apps(x, a->values, answer->data);
	visit_answer_done(answer);
	visit_page(x, a->status, "apps", json_incref(a->values));
}

/* The page: the form, and what there is. */
static void show(struct http *x, json_t *values, unsigned status)
{
	struct apps *a = visit_keep(x, sizeof(*a), free_apps);
	struct keeper_call call;

	if (!a) {
		json_decref(values);
		http_fail(x, 413);
		return;
	}
	*a = (struct apps){values, status};
	settings_put_scopes(values, SCOPE_IMAP | SCOPE_SMTP);
	json_object_set_new(values, "takes_certificates",
		json_boolean(visit_of(x)->service->takes_certificates));
	call = visit_call(x, on_apps);
	keeper_list_apps(&call, visit_of(x)->cookie, 0);
}

void page_apps(struct http *x)
{
	show(x, settings_values("apps", "Alternative logins"), 200);
}

/* The secret is in this one answer and nowhere else: it cannot be asked for again. */
static void on_added(struct http *x, struct answer *answer)
{
	const struct keeper_text *text = answer->data;
	json_t *values = settings_values("apps", "Alternative logins");

	if (answer->rc < 0) {
		form_keep(x, values, "name");
		form_error(values, "name", settings_trouble(answer));
	} else {
		json_set_slice(values, "secret", (struct slice){text->text, text->len});
		json_set_slice(values, "secret_name", http_form(x, "name"));
		note_event(x, visit_of(x)->account.id, "app-password-added", NULL);
		note_mail(x, visit_of(x)->account.id, "app-password-added", "app",
			http_form(x, "name"));
	}
	show(x, values, settings_status(answer->rc));
	visit_answer_done(answer);
}

static void add(struct http *x)
{
	const struct slice name = slice_trim(http_form(x, "name"));
	const unsigned scopes = settings_take_scopes(x);
	json_t *values = settings_values("apps", "Alternative logins");
	struct keeper_call call;

	if (name.len == 0 || name.len > 100)
		form_error(values, "name", "Please give it a name, such as the device's.");
	if (!scopes)
		form_error(values, "scope", "Please choose at least one service.");
	if (form_has_errors(values)) {
		form_keep(x, values, "name");
		show(x, values, 422);
		return;
	}
	json_decref(values);
	call = visit_call(x, on_added);
	keeper_app_add(
		&call, visit_of(x)->cookie, name, scopes, http_form(x, "factor").ptr != NULL);
}

/* ---- by a certificate ---- */

static void on_certificate_added(struct http *x, struct answer *answer)
{
	json_t *values;

	if (answer->rc < 0) {
		values = settings_values("apps", "Alternative logins");
		form_keep(x, values, "certificate_name");
		form_keep(x, values, "certificate");
		form_error(values, "certificate", settings_trouble(answer));
		show(x, values, settings_status(answer->rc));
	} else {
		note_event(x, visit_of(x)->account.id, "app-password-added", NULL);
		note_mail(x, visit_of(x)->account.id, "app-password-added", "app",
			http_form(x, "certificate_name"));
		visit_say(x, "certificate_added");
		visit_go(x, "/settings/apps");
	}
	visit_answer_done(answer);
}

static bool read_key(struct slice pem, unsigned char hash[CHAIN_KEY_HASH_LEN])
{
	struct chain chain;
	struct err err;
	bool is_read;

	if (chain_read(NULL, pem, &chain, &err) < 0)
		return false;
	is_read = chain_key_hash(X509_get0_pubkey(chain.leaf), hash, &err) == 0;
	chain_done(&chain);
	return is_read;
}

static void add_certificate(struct http *x)
{
	const struct slice name = slice_trim(http_form(x, "certificate_name"));
	const unsigned scopes = settings_take_scopes(x);
	json_t *values = settings_values("apps", "Alternative logins");
	unsigned char hash[CHAIN_KEY_HASH_LEN];
	struct keeper_call call;

	if (name.len == 0 || name.len > 100)
		form_error(
			values, "certificate_name", "Please give it a name, such as the device's.");
	if (!read_key(http_form(x, "certificate"), hash))
		form_error(values, "certificate", "This is no certificate in PEM form.");
	if (!scopes)
		form_error(values, "certificate_scope", "Please choose at least one service.");
	if (form_has_errors(values)) {
		form_keep(x, values, "certificate_name");
		form_keep(x, values, "certificate");
		show(x, values, 422);
		return;
	}
	json_decref(values);
	call = visit_call(x, on_certificate_added);
	keeper_app_certificate(&call, visit_of(x)->cookie, name, scopes,
		(struct slice){(const char *)hash, sizeof(hash)});
}

/* ---- */

static void on_removed(struct http *x, struct answer *answer)
{
	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
	} else {
		note_event(x, visit_of(x)->account.id, "app-password-removed", NULL);
		visit_say(x, "app_removed");
		visit_go(x, "/settings/apps");
	}
	visit_answer_done(answer);
}

void page_apps_change(struct http *x)
{
	const struct slice wish = http_form(x, "do");
	struct visit *v = visit_of(x);
	struct keeper_call call;
	uint64_t id;

	if (slice_eq(wish, slice_lit("add"))) {
		add(x);
	} else if (slice_eq(wish, slice_lit("certificate")) && v->service->takes_certificates) {
		add_certificate(x);
	} else if (!visit_id(http_form(x, "id"), &id)) {
		http_fail(x, 400);
	} else if (slice_eq(wish, slice_lit("remove"))) {
		call = visit_call(x, on_removed);
		keeper_app_remove(&call, v->cookie, id);
	} else {
		http_fail(x, 400);
	}
}
