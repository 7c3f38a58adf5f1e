/* recovery.c - the contact address: set, confirmed from inside, cancelled from the old address. */
#include "notice/notice.h"
#include "web/note.h"
#include "web/pages.h"
#include "web/settings.h"
#include "web/text.h"
#include "wire/smtp/addr.h"

enum { LINK_MAX = KEEPER_SECRET_MAX + 32 };

struct recovery {
	json_t *values;
	unsigned status;
};

static void free_recovery(void *more)
{
	json_decref(((struct recovery *)more)->values);
}

static void on_settings(struct http *x, struct answer *answer)
{
	struct recovery *r = visit_of(x)->more;
	const struct keeper_settings *s = answer->data;

	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
		visit_answer_done(answer);
		return;
	}
	json_set_text(r->values, "recovery", s->recovery_address);
	json_set_text(r->values, "recovery_pending", s->recovery_address_pending);
	json_object_set_new(r->values, "may_confirm",
		json_boolean(s->recovery_address_pending[0] ||
			     json_object_get(r->values, "error_code") ||
			     json_string_length(json_object_get(r->values, "code"))));
	json_object_set_new(r->values, "by_mail", json_boolean(s->may_reset_by_mail));
	json_object_set_new(r->values, "has_factors",
		json_boolean(s->factors & ~(unsigned)(FACTOR_RECOVERY | FACTOR_PASSWORD)));
	visit_answer_done(answer);
	visit_page(x, r->status, "recovery", json_incref(r->values));
}

static void show(struct http *x, json_t *values, unsigned status)
{
	struct recovery *r = visit_keep(x, sizeof(*r), free_recovery);
	struct keeper_call call;

	if (!r) {
		json_decref(values);
		http_fail(x, 413);
		return;
	}
	*r = (struct recovery){values, status};
	call = visit_call(x, on_settings);
	keeper_get_settings(&call, visit_of(x)->cookie);
}

void page_recovery(struct http *x)
{
	json_t *values = settings_values("recovery", "Recovery");

	json_set_slice(values, "code", http_param(x, "code"));
	show(x, values, 200);
}

/* ---- a new address ---- */

/* The confirmation goes to the new address, the way to stop it to the old one. */
static void send_links(
	struct http *x, const struct keeper_recovery_sent *sent, struct slice address)
{
	const struct visit *v = visit_of(x);
	char link[LINK_MAX];

	snprintf(link, sizeof(link), "/settings/recovery?code=%s", sent->confirm);
	notice_send(v->service, v->account.id, "recovery-confirm",
		json_pack("{s:s, s:o}", "link", link, "recovery", json_slice(address)), address);
	if (!sent->cancel[0])
		return;
	snprintf(link, sizeof(link), "/recovery/cancel?code=%s", sent->cancel);
	notice_send(v->service, v->account.id, "recovery-cancel",
		json_pack("{s:s, s:o}", "link", link, "recovery", json_slice(address)),
		slice_str(sent->old_address));
}

static void show_trouble(struct http *x, const struct answer *answer, const char *field)
{
	json_t *values = settings_values("recovery", "Recovery");

	form_keep(x, values, "address");
	form_keep(x, values, "code");
	form_error(values, field, settings_trouble(answer));
	show(x, values, settings_status(answer->rc));
}

static void on_set(struct http *x, struct answer *answer)
{
	if (answer->rc < 0) {
		show_trouble(x, answer, "address");
	} else {
		note_event(x, visit_of(x)->account.id, "recovery-set", NULL);
		send_links(x, answer->data, slice_trim(http_form(x, "address")));
		visit_say(x, "recovery");
		visit_go(x, "/settings/recovery");
	}
	visit_answer_done(answer);
}

static void set_address(struct http *x)
{
	const struct slice address = slice_trim(http_form(x, "address"));
	struct smtp_addr addr;
	struct keeper_call call;
	struct err err;
	json_t *values;

	if (smtp_addr_parse(address, http_arena(x), &addr, &err) < 0 || addr.domain.len == 0 ||
		slice_eq_nocase(addr.text, visit_of(x)->account.address)) {
		values = settings_values("recovery", "Recovery");
		form_keep(x, values, "address");
		form_error(values, "address", "Please give another address of yours, elsewhere.");
		show(x, values, 422);
		return;
	}
	call = visit_call(x, on_set);
	keeper_recovery_set(&call, visit_of(x)->cookie, addr.text);
}

static void on_confirmed(struct http *x, struct answer *answer)
{
	const struct visit *v = visit_of(x);

	if (answer->rc < 0) {
		show_trouble(x, answer, "code");
	} else {
		note_event(x, v->account.id, "recovery-changed", NULL);
		note_mail(x, v->account.id, "recovery-changed", "recovery", (struct slice){0});
		visit_say(x, "recovery");
		visit_go(x, "/settings/recovery");
	}
	visit_answer_done(answer);
}

static void on_switched(struct http *x, struct answer *answer)
{
	if (answer->rc < 0) {
		show_trouble(x, answer, "by_mail");
	} else {
		note_event(x, visit_of(x)->account.id, "recovery-switched", NULL);
		visit_say(x, "recovery");
		visit_go(x, "/settings/recovery");
	}
	visit_answer_done(answer);
}

void page_recovery_change(struct http *x)
{
	const struct slice wish = http_form(x, "do");
	struct visit *v = visit_of(x);
	struct keeper_call call;

	if (slice_eq(wish, slice_lit("set"))) {
		set_address(x);
	} else if (slice_eq(wish, slice_lit("confirm"))) {
		call = visit_call(x, on_confirmed);
		keeper_recovery_confirm(&call, v->cookie, slice_trim(http_form(x, "code")));
	} else if (slice_eq(wish, slice_lit("switch"))) {
		call = visit_call(x, on_switched);
		keeper_recovery_by_mail(&call, v->cookie, http_form(x, "by_mail").ptr != NULL);
	} else {
		http_fail(x, 400);
	}
}
