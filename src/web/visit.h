/*
 * visit.h - one request as the pages see it: who asks, what every page shows, and the helpers by
 * which a page is a few lines. For this room only.
 */
#ifndef WEB_VISIT_H
#define WEB_VISIT_H

#include <jansson.h>
#include <pthread.h>

#include "base/tally.h"
#include "keeper/credentials.h"
#include "page/page.h"
#include "web/host.h"
#include "web/web.h"

enum { VISIT_PARK_MS = 30 * 1000, VISIT_NEXT_MAX = 2048 };

/* Flags of the rows. */
enum {
	ROW_SESSION = 1, /* signed in, or sent to the sign-in page */
	ROW_PENDING = 2, /* with ROW_SESSION: also while the second factor is missing */
	ROW_KNOWS = 4,   /* a session is looked up if there is a cookie, but not demanded */
	ROW_FRESH = 8,   /* a password or factor was given within KEEPER_FRESH_S */
	ROW_ADMIN = 16,  /* of a group, or the operator */
	ROW_OPERATOR = 32,
	ROW_OPEN = 64,   /* a POST from programs, not from our forms: no token */
	ROW_PLACE = 128, /* answered by whatever name it was asked of: no redirect, no session */
};

struct reading;

struct web {
	struct service *service;
	struct http_site site;
	struct host_config host;
	struct web_config config;
	struct slice origin; /* "https://www.P[:port]" */
	struct arena arena;  /* of the texts above */
	struct page_book *pages;
	pthread_mutex_t uploaders_lock;
	struct tally uploaders; /* sessions that may send large files: data.c */
};

struct visit {
	struct web *web;
	struct service *service;
	enum host_kind host;
	struct slice cookie;       /* the session's, or that of before it; empty: none */
	struct keeper_web session; /* account 0: nobody is signed in */
	struct directory_account account;
	struct account *store;   /* see visit_store() */
	struct reading *reading; /* see visit_read() */
	void *more;              /* of the function, from http_arena() */
	void (*free_more)(void *more);
};

struct visit *visit_of(struct http *x);

/* guard.c: http_site.before */
bool guard_before(struct http *x, const struct http_row *row);
/* guard_start - give the browser a cookie of before the session if it has none, for the token. */
void guard_start(struct http *x);

/* known.c: what a CA asks for, before any row and redirect. True: it has replied. */
bool known_answer(struct http *x);

/* ---- answers ---- */

/* visit_page - render a template; values is given away (NULL: none). Every page also sees: who,
 * token, domain, is_admin, is_operator, must_change, and so on (see visit.c). */
void visit_page(struct http *x, unsigned status, const char *template, json_t *values);
/* visit_go - 303 to a path of ours. */
void visit_go(struct http *x, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* visit_next - the parameter or field `next` if it is a path of ours, else otherwise. */
struct slice visit_next(struct http *x, const char *otherwise);
/* visit_fail - the page for an error; logs those that are ours. */
void visit_fail(struct http *x, int rc, const struct err *err);
void visit_failed(struct http *x, unsigned status); /* http_site.failed */
/* visit_say - at the next page that is shown: a short note that all went well. key names it in the
 * templates' list (notes.html); two values may follow, "key.SECONDS.ID". */
void visit_say(struct http *x, const char *key);

/* visit_script_policy - Content-Security-Policy of a page that asks for a security key: the only
 * thing that cannot be done without a script. */
extern const char visit_script_policy[];

/* ---- forms ---- */

/* form_error - a mistake in a field: shown at the field, and in the summary at the top. */
void form_error(json_t *values, const char *field, const char *text);
bool form_has_errors(const json_t *values);
/* form_keep - what was typed comes back: values[name] = the field. */
void form_keep(struct http *x, json_t *values, const char *name);

json_t *json_slice(struct slice s); /* a string; what is not UTF-8 becomes "?" */
void json_set_slice(json_t *object, const char *key, struct slice s);
void json_set_text(json_t *object, const char *key, const char *text);
void json_set_true(json_t *object, const char *key);
/* json_set_id - as hexadecimal digits, for URLs. visit_id - back; false if it is none. */
void json_set_id(json_t *object, const char *key, uint64_t id);
bool visit_id(struct slice text, uint64_t *id_out);
void json_set_size(json_t *object, const char *key, uint64_t bytes); /* "1.5 MB" */
/* visit_put_peer - "peer", an address, and "country", where it is if that is known. */
void visit_put_peer(struct http *x, json_t *row, struct slice peer);
/* json_set_when - "14:05", "Mon 14:05", "3 Nov 2026" and key_full with all of it. */
void json_set_when(json_t *object, const char *key, int64_t wall_s);

/* ---- waiting ---- */

/* visit_call - parks; then() is called with the keeper's answer, which visit_answer_done() frees.
 */
struct keeper_call visit_call(struct http *x, http_resume_fn *then);
void visit_answer_done(struct answer *answer);

/* visit_store - the account's store, for this request; NULL and an answer given if it fails. */
struct account *visit_store(struct http *x);
/* visit_mailboxes - the account's, levels without a mailbox too; false: an answer is given. */
bool visit_mailboxes(struct http *x, struct mailbox_info **list_out, size_t *n_out);

/* visit_read - run read() with one of the account's readers, now or when one is free. It answers
 * the request, after account_reader_free() if it parks. */
typedef void visit_read_fn(struct http *x, struct account_reader *reader);
void visit_read(struct http *x, visit_read_fn *read);

/*
 * A change of the account on its way through its queue. It outlives the request if the browser goes
 * away: whoever is last frees it. Each kind embeds it as its first member; strings that run() needs
 * are copied into its arena.
 */
struct visit_write {
	struct account_write item;
	struct account *account;
	struct pool *pool;
	struct conn_ref who;
	uint64_t ticket;
	struct arena arena;
	void (*free_kind)(struct visit_write *w); /* what the kind owns; may be NULL */
};
/* visit_write_new - size bytes, zeroed. visit_write - submit; then() gets the object as
 * answer.data, and ends with visit_answer_done(). */
void *visit_write_new(struct http *x, size_t size,
	int (*run)(struct account_write *item, struct account_tx *tx, struct err *err));
void visit_write(struct http *x, struct visit_write *w, http_resume_fn *then);
void visit_write_drop(struct visit_write *w); /* instead of submitting it */

/* visit_keep - zeroed memory in the request's arena that visit_of(x)->more points to. */
void *visit_keep(struct http *x, size_t size, void (*free_more)(void *more));

bool visit_is_fresh(const struct visit *v);

#endif
