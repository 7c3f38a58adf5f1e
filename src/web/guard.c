/*
 * guard.c - what happens before a page: whose name was asked for, who asks, is the form ours.
 *
 * The order matters: a request for another name is sent away before any cookie is looked at, and a
 * POST is believed only after its session and token were.
 */
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/random.h"
#include "policy/policy.h"
#include "web/csrf.h"
#include "web/text.h"
#include "web/visit.h"

enum { LOCATION_MAX = 16 << 10, COOKIE_BYTES = 16 };

static const char session_cookie[] = "session", before_cookie[] = "before";

static void free_visit(void *kept)
{
	struct visit *v = kept;

	if (v->free_more)
		v->free_more(v->more);
	if (v->store)
		account_free(&v->store);
	mem_wipe(&v->session, sizeof(v->session));
}

/* Also of requests that are refused before they come to guard_before(). */
struct visit *visit_of(struct http *x)
{
	struct visit *v = http_keep(x, sizeof(struct visit), free_visit);

	if (!v->web) {
		v->web = http_context(x);
		v->service = v->web->service;
	}
	return v;
}

/* ---- names ---- */

/* True: it has been sent elsewhere. */
static bool guard_host(struct http *x, struct visit *v)
{
	struct buf location AUTO(buf_done);
	struct host_config names = v->web->host;

	names.has_insecure = names.has_insecure && policy_may_cleartext(v->service, "web");
	buf_init(&location, LOCATION_MAX);
	v->host = host_decide(&names, http_is_tls(x), http_host(x), http_target(x), &location);
	if (v->host != HOST_REDIRECT)
		return false;
	if (location.failed)
		http_fail(x, 414);
	else
		http_redirect(x, http_method(x) == HTTP_GET ? 301 : 303, buf_slice(&location));
	return true;
}

/* ---- forms ---- */

/* What a browser must name as the origin of our forms: the host it was given itself. A page of
 * another site has another Origin whatever Host it makes the browser send. */
static bool is_own_origin(struct http *x)
{
	struct slice host = http_header(x, "host");
	struct buf own AUTO(buf_done);

	if (!host.ptr)
		host = http_host(x);
	buf_init(&own, LOCATION_MAX);
	buf_str(&own, http_is_tls(x) ? "https://" : "http://");
	buf_append(&own, host);
	return csrf_is_same_origin(
		http_header(x, "sec-fetch-site"), http_header(x, "origin"), buf_slice(&own));
}

static bool is_form_good(struct http *x, const struct visit *v)
{
	return is_own_origin(x) && csrf_check(v->cookie, http_form(x, "token"));
}

static void refuse_form(struct http *x)
{
	log_warn(http_log(x), "form_refused", log_s("path", http_path(x)),
		log_s("origin", http_header(x, "origin")));
	visit_page(x, 403, "expired", NULL);
}

void guard_start(struct http *x)
{
	struct visit *v = visit_of(x);
	unsigned char bytes[COOKIE_BYTES];
	struct buf text AUTO(buf_done);

	buf_init(&text, 2 * sizeof(bytes));
	if (v->cookie.len)
		return;
	random_bytes(bytes, sizeof(bytes));
	hex_encode(&text, (struct slice){(const char *)bytes, sizeof(bytes)});
	v->cookie = arena_dup(http_arena(x), buf_slice(&text));
	http_set_cookie(x, before_cookie, v->cookie, 0);
}

/* ---- sessions ---- */

static void to_sign_in(struct http *x)
{
	struct buf next AUTO(buf_done);

	buf_init(&next, LOCATION_MAX);
	if (http_method(x) != HTTP_GET) {
		visit_go(x, "/");
		return;
	}
	text_put_query(&next, http_target(x));
	if (next.failed || next.len > VISIT_NEXT_MAX)
		visit_go(x, "/");
	else
		visit_go(x, "/?next=%.*s", SLICE_ARG(buf_slice(&next)));
}

/* And back: to the page itself, with what was asked of it. */
static void to_confirm(struct http *x)
{
	const struct slice here = http_method(x) == HTTP_GET ? http_target(x) : http_path(x);
	struct buf next AUTO(buf_done);

	buf_init(&next, LOCATION_MAX);
	text_put_query(&next, here);
	visit_go(x, "/settings/confirm?next=%.*s", SLICE_ARG(buf_slice(&next)));
}

static bool has_role(const struct visit *v, unsigned flags)
{
	if (flags & ROW_OPERATOR)
		return v->session.role == ROLE_OPERATOR;
	return !(flags & ROW_ADMIN) || v->session.role != ROLE_USER;
}

/* The session is known, or that there is none: everything else that the row demands. */
static void check_row(struct http *x)
{
	const unsigned flags = http_row(x)->flags;
	struct visit *v = visit_of(x);
	const bool is_in = v->session.account && !v->session.is_pending;

	if ((flags & ROW_SESSION) && !v->session.account)
		to_sign_in(x);
	else if ((flags & ROW_SESSION) && v->session.is_pending && !(flags & ROW_PENDING))
		visit_go(x, "/signin/factor");
	else if (!has_role(v, flags))
		http_fail(x, 404);
	else if (http_method(x) != HTTP_GET && !(flags & ROW_OPEN) && !is_form_good(x, v))
		refuse_form(x);
	else if ((flags & ROW_FRESH) && is_in && !visit_is_fresh(v))
		to_confirm(x);
	else
		http_continue(x);
}

/* The account may have been deleted while its cookie lives on. */
static int find_account(struct http *x, struct visit *v, struct err *err)
{
	const int rc = directory_account(
		v->service->directory, v->session.account, http_arena(x), &v->account, err);

	if (rc == 0 && !v->account.is_disabled)
		http_log(x)->account = v->account.address;
	return rc;
}

static void on_checked(struct http *x, struct answer *answer)
{
	struct visit *v = visit_of(x);
	int rc = answer->rc;

	if (rc == 0)
		v->session = *(struct keeper_web *)answer->data;
	if (rc == 0 && v->session.account)
		rc = find_account(x, v, &answer->err);
	visit_answer_done(answer);
	if (rc == -ERR_DENIED || rc == -ERR_NOTFOUND || v->account.is_disabled) {
		v->session = (struct keeper_web){0};
		v->cookie = (struct slice){0};
		http_set_cookie(x, session_cookie, (struct slice){0}, -1);
		check_row(x);
	} else if (rc < 0) {
		visit_fail(x, rc, &answer->err);
	} else {
		check_row(x);
	}
}

bool guard_before(struct http *x, const struct http_row *row)
{
	struct visit *v = visit_of(x);
	const unsigned looked_up = ROW_SESSION | ROW_KNOWS;
	struct slice cookie;
	struct keeper_call call;

	if (known_answer(x))
		return true;
	if (row && row->flags & ROW_PLACE)
		return false;
	if (guard_host(x, v))
		return true;
	if (!row)
		return false;
	cookie = http_cookie(x, session_cookie);
	if (!(row->flags & looked_up) || !cookie.len || cookie.len >= KEEPER_COOKIE_MAX) {
		v->cookie = http_cookie(x, before_cookie);
		check_row(x);
		return true;
	}
	v->cookie = cookie;
	call = visit_call(x, on_checked);
	keeper_web_check(&call, cookie, http_peer(x));
	return true;
}
