/* step.c - a second factor, being asked again for something fresh, and passkeys. */
#include "base/mem.h"
#include "web/note.h"
#include "web/pages.h"
#include "web/sign.h"

/* ---- a second factor, and being asked again ---- */

static void put_factors(json_t *values, unsigned factors)
{
	static const struct {
		unsigned factor;
		const char *key;
	} rows[] = {{FACTOR_TOTP, "has_totp"}, {FACTOR_WEBAUTHN, "has_key"},
		{FACTOR_SMS, "has_sms"}, {FACTOR_RECOVERY, "has_codes"},
		{FACTOR_PASSWORD, "has_password"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		json_object_set_new(values, rows[i].key, json_boolean(factors & rows[i].factor));
	json_object_set_new(values, "has_code",
		json_boolean(factors & (FACTOR_TOTP | FACTOR_SMS | FACTOR_RECOVERY)));
}

/* With a security key among them the page needs a challenge for its small script; without that
 * script the other factors are there. */
struct asking {
	json_t *values;
	const char *template;
	unsigned status;
};

static void free_asking(void *more)
{
	json_decref(((struct asking *)more)->values); /* NULL if it was not needed */
}

static void on_challenge(struct http *x, struct answer *answer)
{
	struct asking *a = visit_of(x)->more;
	const struct keeper_text *text = answer->data;

	if (answer->rc == 0)
		json_set_slice(a->values, "challenge", (struct slice){text->text, text->len});
	visit_answer_done(answer);
	visit_page(x, a->status, a->template, json_incref(a->values));
}

static void ask(struct http *x, json_t *values, const char *template, unsigned status)
{
	struct visit *v = visit_of(x);
	struct asking *a;
	struct keeper_call call;
	unsigned factors = v->session.factors;

	/* Who is in and has no second factor types the password again. */
	if (!v->session.is_pending)
		factors |= FACTOR_PASSWORD;
	if (!v->session.is_pending && (v->session.factors & ~(unsigned)FACTOR_RECOVERY))
		factors &= ~(unsigned)FACTOR_PASSWORD;
	put_factors(values, factors);
	json_set_slice(
		values, "next", visit_next(x, v->session.is_pending ? "/mail" : "/settings"));
	json_set_text(values, "title", v->session.is_pending ? "Second step" : "Please confirm");
	json_set_text(
		values, "action", v->session.is_pending ? "/signin/factor" : "/settings/confirm");
	a = visit_keep(x, sizeof(*a), free_asking);
	if (!a || !(factors & FACTOR_WEBAUTHN)) {
		visit_page(x, status, template, values);
		return;
	}
	http_set(x, "Content-Security-Policy", slice_str(visit_script_policy));
	*a = (struct asking){values, template, status};
	call = visit_call(x, on_challenge);
	keeper_web_challenge(&call, v->cookie, FACTOR_WEBAUTHN);
}

void page_factor(struct http *x)
{
	if (!visit_of(x)->session.is_pending)
		visit_go(x, "%.*s", SLICE_ARG(visit_next(x, "/mail")));
	else
		ask(x, json_object(), "factor", 200);
}

void page_confirm(struct http *x)
{
	ask(x, json_object(), "confirm", 200);
}

static void on_given(struct http *x, struct answer *answer)
{
	struct visit *v = visit_of(x);
	const bool was_pending = v->session.is_pending;
	const struct keeper_web *web = answer->data;
	json_t *values;

	if (answer->rc == 0) {
		sign_set_session(x, web, http_form(x, "long").ptr != NULL);
		log_info(http_log(x), "factor");
		note_event(x, v->session.account, "factor", NULL);
		if (was_pending)
			sign_note_login(x, web);
		visit_go(x, "%.*s", SLICE_ARG(visit_next(x, was_pending ? "/mail" : "/settings")));
		visit_answer_done(answer);
		return;
	}
	values = json_object();
	log_warn(http_log(x), "factor_failed", log_e(&answer->err));
	note_event(x, v->session.account, "factor-failed", NULL);
	form_error(values, "code",
		answer->rc == -ERR_DENIED || answer->rc == -ERR_SYNTAX
			? "This is not right. Codes change every half minute and work once."
			: "This cannot be checked just now. Please try again in a moment.");
	visit_answer_done(answer);
	ask(x, values, was_pending ? "factor" : "confirm", answer->rc == -ERR_BUSY ? 503 : 403);
}

enum keeper_factor sign_factor(struct http *x)
{
	const struct slice kind = http_form(x, "kind");

	if (slice_eq(kind, slice_lit("key")))
		return FACTOR_WEBAUTHN;
	if (slice_eq(kind, slice_lit("sms")))
		return FACTOR_SMS;
	if (slice_eq(kind, slice_lit("recovery")))
		return FACTOR_RECOVERY;
	return slice_eq(kind, slice_lit("password")) ? FACTOR_PASSWORD : FACTOR_TOTP;
}

static void give(struct http *x)
{
	const enum keeper_factor factor = sign_factor(x);
	const struct slice data = http_form(x, factor == FACTOR_WEBAUTHN ? "assertion" : "code");
	struct visit *v = visit_of(x);
	struct keeper_call call;
	json_t *values;

	if (data.len == 0 || (factor != FACTOR_WEBAUTHN && data.len > KEEPER_PASSWORD_MAX)) {
		values = json_object();
		form_error(values, "code", "Please type it in.");
		ask(x, values, v->session.is_pending ? "factor" : "confirm", 422);
		return;
	}
	call = visit_call(x, on_given);
	keeper_web_factor(&call, v->cookie, factor,
		factor == FACTOR_PASSWORD ? data : slice_trim(data), http_peer(x));
}

void page_factor_give(struct http *x)
{
	if (visit_of(x)->session.is_pending)
		give(x);
	else
		visit_go(x, "/mail");
}

void page_confirm_give(struct http *x)
{
	give(x);
}

static void on_sms(struct http *x, struct answer *answer)
{
	struct visit *v = visit_of(x);
	const struct keeper_text *text = answer->data;
	json_t *values = json_object();

	if (answer->rc == 0) {
		json_set_true(values, "sms_sent");
		json_set_slice(values, "sms_number", (struct slice){text->text, text->len});
	} else {
		form_error(values, "code", "No message could be sent just now.");
	}
	visit_answer_done(answer);
	ask(x, values, v->session.is_pending ? "factor" : "confirm", answer->rc == 0 ? 200 : 503);
}

void page_factor_sms(struct http *x)
{
	struct keeper_call call = visit_call(x, on_sms);

	keeper_web_challenge(&call, visit_of(x)->cookie, FACTOR_SMS);
}

/* ---- a passkey instead of all that: the challenge is bound to the cookie of before ---- */

static void on_passkey_challenge(struct http *x, struct answer *answer)
{
	const struct keeper_text *text = answer->data;
	json_t *values = json_object();

	json_set_text(values, "title", "Sign in with a passkey");
	json_set_slice(values, "next", visit_next(x, "/mail"));
	if (answer->rc == 0)
		json_set_slice(values, "challenge", (struct slice){text->text, text->len});
	visit_answer_done(answer);
	http_set(x, "Content-Security-Policy", slice_str(visit_script_policy));
	visit_page(x, answer->rc == 0 ? 200 : 503, "passkey", values);
}

void page_passkey(struct http *x)
{
	struct keeper_call call;

	guard_start(x);
	call = visit_call(x, on_passkey_challenge);
	keeper_web_passkey(
		&call, visit_of(x)->cookie, (struct slice){0}, http_peer(x), sign_program(x));
}

void page_passkey_give(struct http *x)
{
	const struct slice assertion = http_form(x, "assertion");
	struct keeper_call call;

	/* Empty, it would ask the keeper for another challenge. */
	if (assertion.len == 0) {
		http_fail(x, 400);
		return;
	}
	call = visit_call(x, sign_on_begun);
	keeper_web_passkey(&call, visit_of(x)->cookie, assertion, http_peer(x), sign_program(x));
}
