/* factors.c - second factors: what there is, adding one in two steps, recovery codes. */
#include <qrencode.h>

#include "base/encode.h"
#include "web/note.h"
#include "web/pages.h"
#include "web/settings.h"
#include "web/sign.h"
#include "web/text.h"

enum { SVG_MAX = 256 << 10, MARGIN = 4 };

struct factors {
	json_t *values;
	unsigned status;
	enum keeper_factor adding;
};

static void free_factors(void *more)
{
	json_decref(((struct factors *)more)->values);
}

static const char *kind_name(unsigned kind)
{
	switch (kind) {
	case FACTOR_TOTP:
		return "Authenticator app";
	case FACTOR_WEBAUTHN:
		return "Security key or passkey";
	case FACTOR_SMS:
		return "Text message";
	default:
		return "Recovery codes";
	}
}

static void on_factors(struct http *x, struct answer *answer)
{
	struct factors *f = visit_of(x)->more;
	const struct keeper_list *list = answer->data;
	json_t *rows = json_array();

	json_object_set_new(f->values, "factors", rows);
	json_object_set_new(f->values, "has_sms", json_boolean(visit_of(x)->web->config.has_sms));
	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
		visit_answer_done(answer);
		return;
	}
	for (size_t i = 0; i < list->n; i++) {
		json_t *row = json_object();

		json_set_id(row, "id", list->items[i].id);
		json_set_slice(row, "name", list->items[i].name);
		json_set_text(row, "kind", kind_name(list->items[i].kind));
		json_set_when(row, "created", list->items[i].created_s);
		if (list->items[i].seen_s)
			json_set_when(row, "seen", list->items[i].seen_s);
		json_array_append_new(rows, row);
	}
	json_object_set_new(f->values, "has_factors", json_boolean(list->n > 0));
	visit_answer_done(answer);
	visit_page(x, f->status, "factors", json_incref(f->values));
}

static void show(struct http *x, json_t *values, unsigned status)
{
	struct factors *f =
		visit_of(x)->more ? visit_of(x)->more : visit_keep(x, sizeof(*f), free_factors);
	struct keeper_call call;

	if (!f) {
		json_decref(values);
		http_fail(x, 413);
		return;
	}
	json_decref(f->values);
	f->values = values;
	f->status = status;
	call = visit_call(x, on_factors);
	keeper_list_factors(&call, visit_of(x)->cookie, 0);
}

void page_factors(struct http *x)
{
	show(x, settings_values("factors", "Second factors"), 200);
}

/* ---- adding ---- */

/* A picture that the page carries in itself: the secret is at no address of its own. */
static void put_qr(json_t *values, struct slice uri)
{
	struct buf svg AUTO(buf_done), data AUTO(buf_done);
	char text[KEEPER_SECRET_MAX * 8];
	QRcode *code;

	buf_init(&svg, SVG_MAX);
	buf_init(&data, 2 * SVG_MAX);
	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(uri));
	code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
	if (!code)
		return;
	buf_printf(&svg,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path "
		"d=\"",
		code->width + 2 * MARGIN, code->width + 2 * MARGIN, code->width + 2 * MARGIN,
		code->width + 2 * MARGIN);
	for (int i = 0; i < code->width * code->width; i++) {
		if (code->data[i] & 1)
			buf_printf(&svg, "M%d %dh1v1h-1z", i % code->width + MARGIN,
				i / code->width + MARGIN);
	}
	buf_lit(&svg, "\"/></svg>");
	QRcode_free(code);
	buf_lit(&data, "data:image/svg+xml;base64,");
	base64_encode(&data, buf_slice(&svg));
	if (!svg.failed && !data.failed)
		json_set_slice(values, "qr", buf_slice(&data));
}

/* What is typed by hand where no picture can be read: "secret=" of the URI. */
static void put_secret(json_t *values, struct slice uri)
{
	const struct slice name = slice_lit("secret=");
	const size_t at = slice_find(uri, name);
	struct slice rest;

	if (at != SIZE_MAX)
		json_set_slice(
			values, "secret", slice_cut(slice_from(uri, at + name.len), '&', &rest));
}

static void show_adding(
	struct http *x, enum keeper_factor factor, struct slice text, json_t *values)
{
	json_set_true(values, "is_adding");
	json_set_true(values, factor == FACTOR_TOTP  ? "adds_totp"
			      : factor == FACTOR_SMS ? "adds_sms"
						     : "adds_key");
	if (factor == FACTOR_TOTP) {
		put_qr(values, text);
		put_secret(values, text);
		json_set_slice(values, "uri", text);
	}
	if (factor == FACTOR_WEBAUTHN)
		json_set_slice(values, "challenge", text);
	http_set(x, "Content-Security-Policy", slice_str(visit_script_policy));
	show(x, values, 200);
}

static void on_begun(struct http *x, struct answer *answer)
{
	const struct keeper_text *text = answer->data;
	json_t *values = settings_values("factors", "Second factors");

	if (answer->rc < 0) {
		form_error(values,
			sign_factor(x) == FACTOR_SMS && visit_of(x)->web->config.has_sms ? "number"
											 : "add",
			settings_trouble(answer));
		form_keep(x, values, "number");
		show(x, values, settings_status(answer->rc));
	} else {
		show_adding(x, sign_factor(x), (struct slice){text->text, text->len}, values);
	}
	visit_answer_done(answer);
}

/* The first factor comes with codes on paper, which are shown now and never again. */
static void show_codes(struct http *x, const struct keeper_text *text)
{
	json_t *values = settings_values("factors", "Recovery codes"), *codes = json_array();
	struct slice rest = {text->text, text->len};

	while (rest.len) {
		const struct slice line = slice_trim(slice_cut(rest, '\n', &rest));

		if (line.len)
			json_array_append_new(codes, json_slice(line));
	}
	json_object_set_new(values, "new_codes", codes);
	json_set_true(values, "has_new_codes");
	json_set_true(values, "is_adding");
	show(x, values, 200);
}

static void on_confirmed(struct http *x, struct answer *answer)
{
	const struct keeper_text *text = answer->data;
	json_t *values;

	if (answer->rc == 0) {
		note_event(x, visit_of(x)->account.id, "factor-added", kind_name(sign_factor(x)));
		note_mail(x, visit_of(x)->account.id, "factor-added", "factor",
			slice_str(kind_name(sign_factor(x))));
	}
	if (answer->rc == 0 && text && text->len) {
		show_codes(x, text);
	} else if (answer->rc == 0) {
		visit_say(x, "factor_added");
		visit_go(x, "/settings/factors");
	} else {
		values = settings_values("factors", "Second factors");
		form_error(values, "code", settings_trouble(answer));
		json_set_true(values, sign_factor(x) == FACTOR_SMS ? "adds_sms" : "retries");
		json_set_true(values, "is_adding");
		show(x, values, settings_status(answer->rc));
	}
	visit_answer_done(answer);
}

static void on_removed(struct http *x, struct answer *answer)
{
	json_t *values;

	if (answer->rc == 0) {
		note_event(x, visit_of(x)->account.id, "factor-removed", NULL);
		note_mail(x, visit_of(x)->account.id, "factor-removed", "factor", slice_lit("-"));
		visit_say(x, "factor_removed");
		visit_go(x, "/settings/factors");
	} else {
		values = settings_values("factors", "Second factors");
		form_error(values, "add", settings_trouble(answer));
		show(x, values, settings_status(answer->rc));
	}
	visit_answer_done(answer);
}

static void on_codes(struct http *x, struct answer *answer)
{
	if (answer->rc < 0)
		visit_fail(x, answer->rc, &answer->err);
	else {
		note_event(x, visit_of(x)->account.id, "recovery-codes", NULL);
		show_codes(x, answer->data);
	}
	visit_answer_done(answer);
}

void page_factors_change(struct http *x)
{
	const struct slice wish = http_form(x, "do");
	const enum keeper_factor factor = sign_factor(x);
	struct visit *v = visit_of(x);
	struct slice name = slice_trim(http_form(x, "name"));
	struct keeper_call call;
	uint64_t id;

	if (name.len == 0)
		name = slice_str(kind_name(factor));
	if (slice_eq(wish, slice_lit("add"))) {
		call = visit_call(x, on_begun);
		keeper_factor_begin(&call, v->cookie, factor, slice_trim(http_form(x, "number")),
			v->account.address);
	} else if (slice_eq(wish, slice_lit("confirm"))) {
		call = visit_call(x, on_confirmed);
		keeper_factor_confirm(&call, v->cookie, factor, slice_head(name, 100),
			factor == FACTOR_WEBAUTHN ? http_form(x, "assertion")
						  : slice_trim(http_form(x, "code")));
	} else if (slice_eq(wish, slice_lit("codes"))) {
		call = visit_call(x, on_codes);
		keeper_recovery_codes(&call, v->cookie);
	} else if (slice_eq(wish, slice_lit("remove")) && visit_id(http_form(x, "id"), &id)) {
		call = visit_call(x, on_removed);
		keeper_factor_remove(&call, v->cookie, id);
	} else {
		http_fail(x, 400);
	}
}
