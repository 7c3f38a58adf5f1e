/* reset.c - a forgotten password: the link by mail, the new password; and cancelling a change of
 * the recovery address. What is said never tells whether an account exists. */
#include "notice/notice.h"
#include "policy/policy.h"
#include "web/note.h"
#include "web/pages.h"
#include "web/settings.h"
#include "web/sign.h"

enum { LINK_MAX = KEEPER_SECRET_MAX + 32, ARENA_BYTES = 4 << 20 };

static void show(
	struct http *x, const char *template, const char *title, json_t *values, unsigned status)
{
	guard_start(x);
	json_set_text(values, "title", title);
	visit_page(x, status, template, values);
}

void page_reset(struct http *x)
{
	show(x, "reset", "Forgotten password", json_object(), 200);
}

/* ---- asking for the link ---- */

static void on_asked(struct http *x, struct answer *answer)
{
	const struct visit *v = visit_of(x);
	const struct keeper_reset *reset = answer->data;
	const uint64_t *account = v->more;
	json_t *values = json_object();
	char link[LINK_MAX];

	if (answer->rc == -ERR_BUSY || answer->rc == -ERR_IO) {
		form_error(values, "user", settings_trouble(answer));
		show(x, "reset", "Forgotten password", values, 503);
		visit_answer_done(answer);
		return;
	}
	if (answer->rc == 0 && reset->to[0]) {
		snprintf(link, sizeof(link), "/reset/new?code=%s", reset->code);
		note_event(x, *account, "reset-asked", NULL);
		notice_send(v->service, *account, "reset-link",
			json_pack("{s:s, s:o}", "link", link, "peer", json_slice(http_peer(x))),
			slice_str(reset->to));
	}
	visit_answer_done(answer);
	json_set_true(values, "is_asked");
	show(x, "reset", "Forgotten password", values, 200);
}

void page_reset_ask(struct http *x)
{
	const struct slice user = slice_trim(http_form(x, "user"));
	uint64_t *account = visit_keep(x, sizeof(*account), NULL);
	struct directory_entry entry;
	struct keeper_call call;
	struct err err;
	json_t *values;

	if (!account || user.len == 0 || slice_chr(user, '@') == SIZE_MAX) {
		values = json_object();
		form_keep(x, values, "user");
		form_error(values, "user", "Please type your whole address.");
		show(x, "reset", "Forgotten password", values, 422);
		return;
	}
	if (directory_find(visit_of(x)->service->directory, user, http_arena(x), &entry, &err) ==
			0 &&
		entry.kind == DIRECTORY_ACCOUNT && !entry.is_catch_all)
		*account = entry.account.id;
	call = visit_call(x, on_asked);
	keeper_reset_begin(&call, *account, http_peer(x));
}

/* ---- following it ---- */

/* The code is at no path: paths are logged. */
static struct slice link_code(struct http *x)
{
	const struct slice form = http_form(x, "code");

	return slice_trim(form.ptr ? form : http_param(x, "code"));
}

static void show_form(struct http *x, json_t *values, unsigned status)
{
	json_set_slice(values, "code", link_code(x));
	json_set_true(values, sign_factor(x) == FACTOR_SMS        ? "is_sms"
			      : sign_factor(x) == FACTOR_RECOVERY ? "is_recovery"
								  : "is_totp");
	show(x, "reset-link", "New password", values, status);
}

struct asking {
	json_t *values;
	unsigned status;
};

static void free_asking(void *more)
{
	json_decref(((struct asking *)more)->values);
}

static void on_challenge(struct http *x, struct answer *answer)
{
	const struct asking *a = visit_of(x)->more;
	const struct keeper_text *text = answer->data;
	const bool is_key = sign_factor(x) == FACTOR_WEBAUTHN;
	unsigned status = a->status;

	if (answer->rc == 0) {
		json_set_true(a->values, is_key ? "asks_key" : "sms_sent");
		json_set_slice(a->values, is_key ? "challenge" : "sms_number",
			(struct slice){text->text, text->len});
	} else if (!form_has_errors(a->values)) {
		form_error(a->values, "factor",
			answer->rc == -ERR_NOTFOUND ? "This account has no such second factor."
						    : settings_trouble(answer));
		status = settings_status(answer->rc);
	}
	if (is_key)
		http_set(x, "Content-Security-Policy", slice_str(visit_script_policy));
	visit_answer_done(answer);
	show_form(x, json_incref(a->values), status);
}

/* A security key answers a question, and a message is sent before its code can be typed. */
static void show_challenge(struct http *x, json_t *values, unsigned status)
{
	struct asking *a = visit_keep(x, sizeof(*a), free_asking);
	struct keeper_call call;

	if (!a) {
		json_decref(values);
		http_fail(x, 413);
		return;
	}
	*a = (struct asking){values, status};
	call = visit_call(x, on_challenge);
	keeper_reset_challenge(&call, link_code(x), sign_factor(x));
}

/* What was wrong; who used a key needs another question to it. */
static void show_again(struct http *x, json_t *values, unsigned status)
{
	form_keep(x, values, "user");
	if (sign_factor(x) == FACTOR_WEBAUTHN)
		show_challenge(x, values, status);
	else
		show_form(x, values, status);
}

void page_reset_link(struct http *x)
{
	show_form(x, json_object(), 200);
}

void page_reset_factor(struct http *x)
{
	const enum keeper_factor factor = sign_factor(x);

	if (factor == FACTOR_SMS || factor == FACTOR_WEBAUTHN)
		show_challenge(x, json_object(), 200);
	else
		http_fail(x, 400);
}

/* The user of the form, whom the keeper has just found right. */
static void tell_changed(struct http *x)
{
	const struct visit *v = visit_of(x);
	struct directory_entry entry;
	struct arena arena AUTO(arena_done);
	struct err err;

	arena_init(&arena, ARENA_BYTES);
	if (directory_find(v->service->directory, slice_trim(http_form(x, "user")), &arena, &entry,
		    &err) < 0 ||
		entry.kind != DIRECTORY_ACCOUNT)
		return;
	note_event(x, entry.account.id, "password-changed", NULL);
	note_mail(x, entry.account.id, "password-changed", NULL, (struct slice){0});
	policy_password_changed(v->service, entry.account.id);
}

static void on_ended(struct http *x, struct answer *answer)
{
	json_t *values;

	if (answer->rc == 0) {
		tell_changed(x);
		visit_say(x, "reset");
		visit_go(x, "/");
		visit_answer_done(answer);
		return;
	}
	if (answer->rc == -ERR_CONFLICT)
		notice_operator(visit_of(x)->service, "reset-flagged",
			json_pack("{s:o, s:o}", "peer", json_slice(http_peer(x)), "account",
				json_slice(http_form(x, "user"))),
			(struct slice){0});
	values = json_object();
	form_error(values,
		answer->rc == -ERR_SYNTAX     ? "after"
		: answer->rc == -ERR_CONFLICT ? "factor"
					      : "user",
		settings_trouble(answer));
	show_again(x, values, settings_status(answer->rc));
	visit_answer_done(answer);
}

void page_reset_end(struct http *x)
{
	const enum keeper_factor factor = sign_factor(x);
	const struct slice after = http_form(x, "after"), user = slice_trim(http_form(x, "user"));
	const struct slice given =
		slice_trim(http_form(x, factor == FACTOR_WEBAUTHN ? "assertion" : "factor"));
	json_t *values = json_object();
	struct keeper_call call;

	if (user.len == 0)
		form_error(values, "user", "Please type your address.");
	if (after.len == 0 || after.len > KEEPER_PASSWORD_MAX)
		form_error(values, "after", "Please type a new password.");
	else if (!slice_eq(after, http_form(x, "again")))
		form_error(values, "again", "This is not the same as above.");
	if (form_has_errors(values)) {
		show_again(x, values, 422);
		return;
	}
	json_decref(values);
	call = visit_call(x, on_ended);
	keeper_reset_end(
		&call, link_code(x), user, after, given.len ? factor : 0, given, http_peer(x));
}

/* ---- "this was not me" ---- */

void page_recovery_cancel(struct http *x)
{
	json_t *values = json_object();

	json_set_slice(values, "code", http_param(x, "code"));
	show(x, "recovery-cancel", "Stop a change", values, 200);
}

static void on_cancelled(struct http *x, struct answer *answer)
{
	json_t *values = json_object();

	json_set_true(values, answer->rc == 0 ? "is_done" : "is_refused");
	show(x, "recovery-cancel", "Stop a change", values, settings_status(answer->rc));
	visit_answer_done(answer);
}

void page_recovery_cancel_give(struct http *x)
{
	struct keeper_call call = visit_call(x, on_cancelled);

	keeper_recovery_cancel(&call, slice_trim(http_form(x, "code")));
}
