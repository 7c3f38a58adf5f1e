/* visit.c - see visit.h for the contract. */
#include "web/visit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mail/country.h"
#include "web/csrf.h"
#include "web/templates.h"
#include "web/text.h"

enum { WRITE_MS = 10 * 60 * 1000, READER_MS = 20, LOCATION_MAX = 8000 };

const char visit_script_policy[] =
	"default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

bool visit_is_fresh(const struct visit *v)
{
	return v->session.fresh_until_s > clock_wall_s();
}

void *visit_keep(struct http *x, size_t size, void (*free_more)(void *more))
{
	struct visit *v = visit_of(x);

	v->more = arena_alloc(http_arena(x), size);
	if (v->more)
		v->free_more = free_more;
	return v->more;
}

/* ---- answers ---- */

/* Files under /static/ are kept for ever under the name of their content. */
static void set_versions(json_t *values)
{
	static const struct {
		const char *key, *path;
	} rows[] = {{"v_style", "/style.css"}, {"v_logo", "/logo.svg"}, {"v_key", "/key.js"}};

	for (size_t i = 0; i < web_static_n; i++) {
		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
			if (strcmp(web_static[i].path, rows[k].path) == 0)
				json_set_text(values, rows[k].key, web_static[i].etag);
		}
	}
}

/* What every page shows or needs: who is here, the token of its forms, the note of what was done.
 */
static void set_common(struct http *x, const struct visit *v, json_t *values)
{
	const bool is_in = v->session.account && !v->session.is_pending;
	char token[CSRF_TEXT + 1], key[64];
	const struct slice said = http_cookie(x, "said");

	if (v->cookie.len) {
		csrf_make(v->cookie, token);
		json_set_text(values, "token", token);
	}
	if (is_in) {
		json_set_slice(values, "who", v->account.address);
		json_set_when(values, "change_by", v->session.change_by_s);
	}
	json_object_set_new(
		values, "is_admin", json_boolean(is_in && v->session.role != ROLE_USER));
	json_object_set_new(
		values, "is_operator", json_boolean(is_in && v->session.role == ROLE_OPERATOR));
	json_object_set_new(values, "must_change", json_boolean(is_in && v->session.must_change));
	json_object_set_new(values, "has_change_date", json_boolean(v->session.change_by_s != 0));
	json_object_set_new(values, "is_insecure", json_boolean(v->host == HOST_STAY_INSECURE));
	json_object_set_new(values, "is_small", json_boolean(v->host == HOST_STAY_SMALL));
	json_set_slice(values, "service", v->web->config.domain);
	set_versions(values);
	if (said.len && said.len < sizeof(key) - 5) {
		struct slice more, name = slice_cut(said, '.', &more);

		snprintf(key, sizeof(key), "said_%.*s", SLICE_ARG(name));
		json_set_true(values, key);
		json_set_slice(values, "said_seconds", slice_cut(more, '.', &more));
		json_set_slice(values, "said_id", more);
		http_set_cookie(x, "said", (struct slice){0}, -1);
	}
}

/* A page that shows somebody's mail beside words of the request tells them by its compressed length
 * (BREACH), to whoever made the browser ask; so it is compressed only for one who asks from here.
 */
static bool may_compress(struct http *x, const struct visit *v)
{
	const struct slice site = http_header(x, "sec-fetch-site");

	return !v->session.account || slice_eq(site, slice_lit("same-origin")) ||
	       slice_eq(site, slice_lit("none"));
}

void visit_page(struct http *x, unsigned status, const char *template, json_t *values)
{
	struct visit *v = visit_of(x);
	json_t *all = values ? values : json_object();
	struct buf page AUTO(buf_done);
	struct err err;

	buf_init(&page, WEB_PAGE_MAX);
	set_common(x, v, all);
	if (page_book_render(v->web->pages, template, all, NULL, &page, &err) < 0) {
		log_error(http_log(x), "page", log_c("template", template), log_e(&err));
		http_reply(x, 500, "text/plain; charset=utf-8",
			slice_lit("This page cannot be made at the moment.\n"));
	} else {
		http_set(x, "Cache-Control",
			may_compress(x, v) ? slice_lit("no-store")
					   : slice_lit("no-store, no-transform"));
		http_reply_buf(x, status, "text/html; charset=utf-8", &page);
	}
	json_decref(all);
}

void visit_go(struct http *x, const char *format, ...)
{
	va_list ap;
	char text[LOCATION_MAX];
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(text))
		snprintf(text, sizeof(text), "/");
	http_set(x, "Cache-Control", slice_lit("no-store"));
	http_redirect(x, 303, slice_str(text));
}

struct slice visit_next(struct http *x, const char *otherwise)
{
	struct slice next = http_form(x, "next");

	if (!next.ptr)
		next = http_param(x, "next");
	return next.len <= VISIT_NEXT_MAX && text_is_path(next) ? next : slice_str(otherwise);
}

void visit_say(struct http *x, const char *key)
{
	http_set_cookie(x, "said", slice_str(key), 60);
}

static unsigned status_of(int rc)
{
	switch (-rc) {
	case ERR_SYNTAX:
		return 400;
	case ERR_TOOBIG:
		return 413;
	case ERR_NOTFOUND:
		return 404;
	case ERR_DENIED:
		return 403;
	case ERR_EXISTS:
	case ERR_CONFLICT:
		return 409;
	case ERR_QUOTA:
		return 507;
	case ERR_BUSY:
		return 503;
	default:
		return 500;
	}
}

void visit_fail(struct http *x, int rc, const struct err *err)
{
	const unsigned status = status_of(rc);

	if (status >= 500)
		log_error(http_log(x), "request", log_s("path", http_path(x)), log_e(err));
	http_fail(x, status);
}

void visit_failed(struct http *x, unsigned status)
{
	static const struct {
		unsigned status;
		const char *title, *text;
	} rows[] = {
		{400, "This request cannot be understood",
			"Something in the address or the form is wrong."},
		{403, "Not allowed", "You may not do this."},
		{404, "Not found",
			"There is nothing at this address. It may have been moved or deleted."},
		{405, "Not possible", "This address cannot be used in this way."},
		{409, "Changed meanwhile",
			"Somebody else, or you in another window, changed this. Look again."},
		{413, "Too large", "What was sent is larger than allowed."},
		{503, "Busy", "The service cannot answer just now. Please try again in a moment."},
		{507, "No room", "The mailbox is full. Delete something, and empty the trash."},
		{0, "Something went wrong",
			"The error is ours, and was logged. Please try again later."},
	};
	json_t *values = json_object();
	size_t i = 0;

	while (rows[i].status && rows[i].status != status)
		i++;
	json_set_text(values, "title", rows[i].title);
	json_set_text(values, "text", rows[i].text);
	json_object_set_new(values, "status", json_integer(status));
	visit_page(x, status, "failed", values);
}

/* ---- forms ---- */

/* What other rooms say begins small and ends without a full stop. */
static json_t *sentence(const char *text)
{
	const size_t len = strlen(text);
	const bool ends = len && strchr(".!?", text[len - 1]);

	if (len == 0)
		return json_string("");
	return json_sprintf("%c%s%s",
		text[0] >= 'a' && text[0] <= 'z' ? text[0] - 'a' + 'A' : text[0], text + 1,
		ends ? "" : ".");
}

void form_error(json_t *values, const char *field, const char *text)
{
	json_t *list = json_object_get(values, "errors"), *said = sentence(text);
	char key[64];

	if (!list) {
		list = json_array();
		json_object_set_new(values, "errors", list);
		json_set_true(values, "has_errors");
	}
	json_array_append_new(list, json_pack("{s:s, s:O}", "field", field, "text", said));
	snprintf(key, sizeof(key), "error_%s", field);
	json_object_set_new(values, key, said);
}

bool form_has_errors(const json_t *values)
{
	return json_object_get(values, "errors") != NULL;
}

void form_keep(struct http *x, json_t *values, const char *name)
{
	json_set_slice(values, name, http_form(x, name));
}

json_t *json_slice(struct slice s)
{
	json_t *text = json_stringn(s.len ? s.ptr : "", s.len);

	return text ? text : json_string("?");
}

void json_set_slice(json_t *object, const char *key, struct slice s)
{
	json_object_set_new(object, key, json_slice(s));
}

void json_set_text(json_t *object, const char *key, const char *text)
{
	json_set_slice(object, key, slice_str(text));
}

void json_set_true(json_t *object, const char *key)
{
	json_object_set_new(object, key, json_true());
}

void visit_put_peer(struct http *x, json_t *row, struct slice peer)
{
	struct buf name AUTO(buf_done);

	buf_init(&name, COUNTRY_NAME_MAX);
	country_put(visit_of(x)->service->country, peer, slice_lit("en"), &name);
	json_set_slice(row, "peer", peer);
	if (name.len)
		json_set_slice(row, "country", buf_slice(&name));
}

void json_set_id(json_t *object, const char *key, uint64_t id)
{
	char text[17];

	snprintf(text, sizeof(text), "%llx", (unsigned long long)id);
	json_set_text(object, key, text);
}

bool visit_id(struct slice text, uint64_t *id_out)
{
	uint64_t id = 0;

	if (text.len == 0 || text.len > 16)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const char c = text.ptr[i];

		if (c >= '0' && c <= '9')
			id = id << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			id = id << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*id_out = id;
	return true;
}

void json_set_size(json_t *object, const char *key, uint64_t bytes)
{
	char text[32];

	text_put_size(bytes, text, sizeof(text));
	json_set_text(object, key, text);
}

void json_set_when(json_t *object, const char *key, int64_t wall_s)
{
	char text[32], full[40], key_full[64];

	text_put_when(wall_s, clock_wall_s(), text, sizeof(text), full, sizeof(full));
	snprintf(key_full, sizeof(key_full), "%s_full", key);
	json_set_text(object, key, text);
	json_set_text(object, key_full, full);
}

/* ---- waiting ---- */

struct keeper_call visit_call(struct http *x, http_resume_fn *then)
{
	return (struct keeper_call){.keeper = visit_of(x)->service->keeper,
		.who = conn_ref(http_conn(x)),
		.ticket = http_park(x, VISIT_PARK_MS, then)};
}

void visit_answer_done(struct answer *answer)
{
	if (answer->data && answer->free_data)
		answer->free_data(answer->data);
	answer->data = NULL;
}

struct account *visit_store(struct http *x)
{
	struct visit *v = visit_of(x);
	struct err err;
	int rc = 0;

	if (!v->store)
		rc = store_account(
			v->service->store, v->account.id, v->account.quota_bytes, &v->store, &err);
	if (rc < 0)
		visit_fail(x, rc, &err);
	return v->store;
}

bool visit_mailboxes(struct http *x, struct mailbox_info **list_out, size_t *n_out)
{
	struct account *account = visit_store(x);
	struct err err;
	const int rc =
		account ? account_mailboxes(account, http_arena(x), list_out, n_out, &err) : 0;

	if (rc < 0)
		visit_fail(x, rc, &err);
	return account && rc == 0;
}

/* Both readers are in use by requests that have them for moments. */
static void on_reader_free(struct http *x, struct answer *answer);

struct reading {
	visit_read_fn *read;
	int64_t until_ms;
};

static void try_read(struct http *x, struct reading *reading)
{
	struct account_reader *reader = NULL;
	struct account *account = visit_store(x);
	struct err err;
	int rc;

	if (!account)
		return;
	rc = account_reader(account, conn_ref(http_conn(x)), &reader, &err);
	if (rc == -ERR_BUSY && clock_mono_ms() < reading->until_ms) {
		http_park(x, READER_MS, on_reader_free);
		return;
	}
	if (rc < 0) {
		visit_fail(x, rc, &err);
		return;
	}
	reading->read(x, reader);
	account_reader_free(&reader);
}

static void on_reader_free(struct http *x, struct answer *answer)
{
	visit_answer_done(answer);
	try_read(x, visit_of(x)->reading);
}

void visit_read(struct http *x, visit_read_fn *read)
{
	struct visit *v = visit_of(x);

	v->reading = arena_alloc(http_arena(x), sizeof(*v->reading));
	if (!v->reading) {
		http_fail(x, 413);
		return;
	}
	*v->reading = (struct reading){read, clock_mono_ms() + VISIT_PARK_MS};
	try_read(x, v->reading);
}

static void free_write(void *object)
{
	struct visit_write *w = object;

	if (w->free_kind)
		w->free_kind(w);
	account_free(&w->account);
	arena_done(&w->arena);
	free(w);
}

void visit_write_drop(struct visit_write *w)
{
	free_write(w);
}

static void on_written(struct account_write *item, int rc, const struct err *err)
{
	struct visit_write *w = (struct visit_write *)item;
	struct answer answer = {.rc = rc, .data = w, .free_data = free_write};

	if (rc < 0)
		answer.err = *err;
	pool_answer(w->pool, w->who, w->ticket, &answer);
}

void *visit_write_new(struct http *x, size_t size,
	int (*run)(struct account_write *item, struct account_tx *tx, struct err *err))
{
	struct visit_write *w = mem_zalloc(size);

	w->item.run = run;
	w->item.done = on_written;
	w->account = account_ref(visit_of(x)->store);
	w->pool = conn_pool(http_conn(x));
	w->who = conn_ref(http_conn(x));
	arena_init(&w->arena, 1 << 20);
	return w;
}

void visit_write(struct http *x, struct visit_write *w, http_resume_fn *then)
{
	w->ticket = http_park(x, WRITE_MS, then);
	account_submit(w->account, &w->item);
}
