/* sign.c - coming in with a password, and going out. What comes after it is in step.c. */
#include "web/sign.h"
#include "base/clock.h"
#include "base/mem.h"
#include "directory/group.h"
#include "web/note.h"
#include "web/pages.h"
#include "web/text.h"

enum { LONG_S = 30 * 86400 };

static const char session_cookie[] = "session";

/* ---- the login screen ---- */

/* A domain of this service that the page was asked for: its own login screen, if it has one. */
static void put_screen(struct http *x, json_t *values, struct slice domain)
{
	struct directory *dir = visit_of(x)->service->directory;
	struct directory_domain found = {0};
	struct directory_screen screen;
	struct err err;

	if (domain.len == 0 || directory_domain(dir, domain, &found, &err) < 0 || !found.is_ours)
		return;
	json_set_slice(values, "domain", domain);
	if (!found.has_screen || directory_screen(dir, domain, http_arena(x), &screen, &err) < 0)
		return;
	json_set_true(values, "has_screen");
	json_set_slice(values, "screen_name", screen.name);
	json_set_slice(values, "screen_text", screen.text);
	json_set_id(values, "screen_version", screen.version);
	json_object_set_new(values, "has_logo", json_boolean(screen.logo.len > 0));
}

static struct slice asked_domain(struct http *x)
{
	const struct slice form = http_form(x, "domain");

	return form.ptr ? form : http_param(x, "domain");
}

static void show_sign_in(struct http *x, json_t *values, unsigned status)
{
	guard_start(x);
	put_screen(x, values, asked_domain(x));
	json_set_slice(values, "next", visit_next(x, "/mail"));
	json_set_text(values, "title", "Sign in");
	json_set_true(values, "is_front");
	visit_page(x, status, "sign-in", values);
}

void page_front(struct http *x)
{
	const struct visit *v = visit_of(x);

	if (v->session.account && v->session.is_pending)
		visit_go(x, "/signin/factor");
	else if (v->session.account)
		visit_go(x, "%.*s", SLICE_ARG(visit_next(x, "/mail")));
	else
		show_sign_in(x, json_object(), 200);
}

/* ---- the password ---- */

static void show_refusal(struct http *x, const char *field, const char *text, unsigned status)
{
	json_t *values = json_object();

	form_keep(x, values, "user");
	json_object_set_new(values, "is_long", json_boolean(http_form(x, "long").ptr != NULL));
	form_error(values, field, text);
	show_sign_in(x, values, status);
}

/* Of a form that was refused: its owner shall see it in the log. */
static uint64_t claimed_account(struct http *x)
{
	const uint64_t *account = visit_of(x)->more;

	return account ? *account : 0;
}

static void refuse(struct http *x, const struct answer *answer)
{
	/* Right, but this secret does not open the web: the keeper says which one does. */
	if (answer->rc == -ERR_CONFLICT) {
		note_event(x, claimed_account(x), "login-refused", answer->err.msg);
		show_refusal(x, "password", answer->err.msg, 403);
		return;
	}
	if (answer->rc == -ERR_DENIED || answer->rc == -ERR_SYNTAX) {
		log_warn(http_log(x), "login_failed", log_s("user", http_form(x, "user")));
		note_event(x, claimed_account(x), "login-failed", NULL);
		show_refusal(x, "password", "Address or password is wrong.", 403);
		return;
	}
	log_error(http_log(x), "login", log_e(&answer->err));
	show_refusal(x, "password",
		"This cannot be checked just now. Please try again in a moment.", 503);
}

static bool may_use_web(struct http *x, uint64_t account)
{
	struct err err;
	bool may = false;

	return directory_may_use(
		       visit_of(x)->service->directory, account, DIRECTORY_WEB, &may, &err) == 0 &&
	       may;
}

void sign_note_login(struct http *x, const struct keeper_web *web)
{
	note_event(x, web->account, "login", NULL);
	note_policy(x, web->account);
	if (web->is_new_place)
		note_mail(x, web->account, "new-place", NULL, (struct slice){0});
}

/* A new cookie each time: one that somebody planted before is worth nothing (session fixation). */
void sign_set_session(struct http *x, const struct keeper_web *web, bool is_long)
{
	if (web->cookie[0])
		http_set_cookie(x, session_cookie, slice_str(web->cookie), is_long ? LONG_S : 0);
	http_set_cookie(x, "before", (struct slice){0}, -1);
}

void sign_on_begun(struct http *x, struct answer *answer)
{
	const struct keeper_web *web = answer->data;

	if (answer->rc < 0) {
		refuse(x, answer);
	} else if (!may_use_web(x, web->account)) {
		note_event(x, web->account, "login-refused", "no web");
		show_refusal(x, "user", "The pages are not open to this account.", 403);
	} else {
		sign_set_session(x, web, http_form(x, "long").ptr != NULL);
		log_info(http_log(x), "login", log_n("pending", web->is_pending));
		if (!web->is_pending)
			sign_note_login(x, web);
		if (web->is_pending)
			visit_go(x, "/signin/factor?next=%.*s", SLICE_ARG(visit_next(x, "/mail")));
		else if (web->must_change)
			visit_go(x, "/settings/password");
		else
			visit_go(x, "%.*s", SLICE_ARG(visit_next(x, "/mail")));
	}
	visit_answer_done(answer);
}

/* A name without a domain is one at the domain that the page was asked for, else at ours. */
static struct slice full_address(struct http *x, struct slice user)
{
	struct buf text AUTO(buf_done);
	const struct slice domain = asked_domain(x);

	user = slice_trim(user);
	buf_init(&text, DIRECTORY_ADDRESS_MAX + 1);
	buf_append(&text, user);
	if (slice_chr(user, '@') == SIZE_MAX) {
		buf_byte(&text, '@');
		buf_append(&text, domain.len ? domain : visit_of(x)->web->config.domain);
	}
	return arena_dup(http_arena(x), buf_slice(&text));
}

/* 0 and *id_out 0: nobody, which the keeper takes as long to refuse. */
static int find_account(struct http *x, struct slice user, uint64_t *id_out, struct err *err)
{
	struct directory_entry entry;
	const int rc = directory_find(
		visit_of(x)->service->directory, full_address(x, user), http_arena(x), &entry, err);

	*id_out = 0;
	if (rc == 0 && entry.kind == DIRECTORY_ACCOUNT && !entry.is_catch_all &&
		!entry.account.is_disabled)
		*id_out = entry.account.id;
	return rc;
}

struct slice sign_program(struct http *x)
{
	return slice_head(http_header(x, "user-agent"), 200);
}

void page_sign_in(struct http *x)
{
	const struct slice user = http_form(x, "user"), password = http_form(x, "password");
	struct keeper_attempt attempt = {.secret = password,
		.scope = SCOPE_WEB,
		.peer = http_peer(x),
		.program = sign_program(x)};
	struct keeper_call call;
	uint64_t *claimed;
	struct err err;

	if (slice_trim(user).len == 0) {
		show_refusal(x, "user", "Please type your address.", 422);
	} else if (password.len == 0) {
		show_refusal(x, "password", "Please type your password.", 422);
	} else if (password.len > KEEPER_PASSWORD_MAX) {
		show_refusal(x, "password", "Address or password is wrong.", 403);
	} else if (find_account(x, user, &attempt.account, &err) < 0) {
		log_error(http_log(x), "login", log_e(&err));
		show_refusal(x, "password", "This cannot be checked just now.", 503);
	} else if (!(claimed = visit_keep(x, sizeof(*claimed), NULL))) {
		http_fail(x, 413);
	} else {
		*claimed = attempt.account;
		call = visit_call(x, sign_on_begun);
		keeper_web_begin(&call, &attempt, http_form(x, "long").ptr != NULL);
	}
}

/* ---- going out ---- */

static void on_ended(struct http *x, struct answer *answer)
{
	if (answer->rc < 0 && answer->rc != -ERR_DENIED) {
		visit_fail(x, answer->rc, &answer->err);
	} else {
		http_set_cookie(x, session_cookie, (struct slice){0}, -1);
		http_set(x, "Clear-Site-Data", slice_lit("\"cache\""));
		note_event(x, visit_of(x)->session.account, "logout", NULL);
		visit_say(x, "signed_out");
		visit_go(x, "/");
	}
	visit_answer_done(answer);
}

void page_sign_out(struct http *x)
{
	struct keeper_call call = visit_call(x, on_ended);

	keeper_web_end(&call, visit_of(x)->cookie, 0);
}
