/* reset.c - a forgotten password: the link by mail, the new password; and cancelling a change of
 * the recovery address. What is said never tells whether an account exists. */
#include "notice/notice.h"
#include "policy/policy.h"
#include "web/note.h"
#include "web/pages.h"
#include "web/settings.h"

enum { LINK_MAX = 1024, ARENA_BYTES = 4 << 20 };

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
		snprintf(link, sizeof(link), "%.*s/reset/%s", SLICE_ARG(v->web->origin),
			reset->code);
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

static void show_link(struct http *x, json_t *values, unsigned status)
{
	json_set_slice(values, "code", http_segment(x, "code"));
	/* The link is a secret for some minutes: it is told to nobody. */
	http_set(x, "Referrer-Policy", slice_lit("no-referrer"));
	show(x, "reset-link", "New password", values, status);
}

void page_reset_link(struct http *x)
{
	show_link(x, json_object(), 200);
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
	form_keep(x, values, "user");
	form_error(values,
		answer->rc == -ERR_SYNTAX     ? "after"
		: answer->rc == -ERR_CONFLICT ? "factor"
					      : "user",
		settings_trouble(answer));
	show_link(x, values, settings_status(answer->rc));
	visit_answer_done(answer);
}

void page_reset_end(struct http *x)
{
	const struct slice after = http_form(x, "after"),
			   factor = slice_trim(http_form(x, "factor"));
	const struct slice kind = http_form(x, "kind"), user = slice_trim(http_form(x, "user"));
	json_t *values = json_object();
	struct keeper_call call;

	if (user.len == 0)
		form_error(values, "user", "Please type your address.");
	if (after.len == 0 || after.len > KEEPER_PASSWORD_MAX)
		form_error(values, "after", "Please type a new password.");
	else if (!slice_eq(after, http_form(x, "again")))
		form_error(values, "again", "This is not the same as above.");
	if (form_has_errors(values)) {
		form_keep(x, values, "user");
		show_link(x, values, 422);
		return;
	}
	json_decref(values);
	call = visit_call(x, on_ended);
	keeper_reset_end(&call, http_segment(x, "code"), user, after,
		factor.len == 0                         ? 0
		: slice_eq(kind, slice_lit("recovery")) ? FACTOR_RECOVERY
							: FACTOR_TOTP,
		factor, http_peer(x));
}

/* ---- "this was not me" ---- */

void page_recovery_cancel(struct http *x)
{
	json_t *values = json_object();

	json_set_slice(values, "code", http_param(x, "code"));
	http_set(x, "Referrer-Policy", slice_lit("no-referrer"));
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
