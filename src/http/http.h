/*
 * http.h - requests and replies, the same over HTTP/1.1 and HTTP/2 (RFC 9110, 9112, 9113).
 *
 * A site is a table of rows: method, path and a function, like a protocol's commands. A request is
 * given to its function when it has come whole; the function is plain top-to-bottom C on the thread
 * that owns the connection, and replies once: from memory, or by a source that is pulled as the
 * client reads. Waiting for anybody else is http_park(). Requests of one connection are executed
 * one after another, also in HTTP/2; their replies flow side by side.
 *
 * The head is parsed strictly by wire/http (smuggling and malformed input are refused there and
 * never reach a function). Bodies up to 64 KiB stay in memory, larger ones are spooled to a file
 * without a name in http_site.spool_dirfd; a row says how much it takes, more is 413.
 *
 * Added by itself: Date, Content-Length or chunks, HSTS over TLS, the site's security headers,
 * HEAD without body, gzip (text of 1 KiB or more, for clients that take it), 304 for If-None-Match
 * of the reply's ETag, ranges for replies that allow them, the access log.
 *
 * Pointers and slices that a request gives out live until its reply is sent.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "net/pool.h"

struct spool;
struct http; /* one request and its reply */

enum http_method {
	HTTP_GET = 1, /* HEAD is answered by GET's row */
	HTTP_POST = 2,
	HTTP_PUT = 4,
	HTTP_DELETE = 8,
	HTTP_OPTIONS = 16,
	HTTP_OTHER = 32, /* any other token: http_method_name() */
};

typedef void http_fn(struct http *x);

struct http_row {
	unsigned methods; /* bits of enum http_method */
	const char *path; /* "/mail/:folder"; ":name" is one segment, "*name" all that follows */
	http_fn *run;
	size_t body_max; /* bytes; 0: no body */
	unsigned flags;  /* the site's own meaning, see http_row_flags() */
};

struct http_site {
	const char *name; /* in logs: "https" */
	const struct http_row *rows;
	size_t rows_n;
	/* before - sees every request first, also those that no row fits; true: it has replied (or
	 * parked). May be NULL. Then the row runs; no row: 404 or 405 by failed. */
	bool (*before)(struct http *x, const struct http_row *row);
	/* body_max - how large the request's body may be; asked when its head is there, and at most
	 * what the row says. NULL: what the row says. */
	size_t (*body_max)(struct http *x);
	/* failed - the page for `status` (404, 405, 413, 400, …); NULL: one line of text. */
	void (*failed)(struct http *x, unsigned status);
	const char *const *headers; /* "Name: value" for every reply, NULL at the end */
	int spool_dirfd;            /* folder for large bodies */
	void *context;              /* http_context() */
	struct {
		int64_t head_ms, body_ms, idle_ms; /* slow heads and bodies are cut off */
		size_t head_max;                   /* bytes of a request's head */
	} limits;
};

/* The protocols of a listener whose context is the struct http_site: HTTP/2 is chosen by ALPN
 * (see tls.h), everything else is HTTP/1.1. */
extern const struct protocol http_protocol;

/* ---- the request ---- */
void *http_context(struct http *x);
struct conn *http_conn(struct http *x);
struct arena *http_arena(struct http *x); /* until the reply is sent */
struct log_ctx *http_log(struct http *x);
const struct http_row *http_row(struct http *x);

enum http_method http_method(struct http *x);
struct slice http_method_name(struct http *x);
struct slice http_path(struct http *x);   /* decoded, without dot segments */
struct slice http_query(struct http *x);  /* as sent, without "?" */
struct slice http_target(struct http *x); /* path and query as sent */
struct slice http_host(struct http *x);   /* lower case, no port, no dot at the end */
bool http_is_tls(struct http *x);
bool http_is_version_2(struct http *x);
struct slice http_peer(struct http *x); /* the client's address */

struct slice http_header(struct http *x, const char *name); /* ptr NULL: not there */
/* http_cookie - as set by http_set_cookie(): over TLS it must have the prefix `__Host-`. */
struct slice http_cookie(struct http *x, const char *name);
struct slice http_segment(struct http *x, const char *name); /* of the row's path, decoded */
/* A parameter of the query, or of a form (urlencoded or multipart), decoded, UTF-8 or refused
 * with 400 before the function ran. ptr NULL: not there. */
struct slice http_param(struct http *x, const char *name);
struct slice http_form(struct http *x, const char *name);
/* http_form_next - all values of a name that comes several times: *at is 0 first. */
bool http_form_next(struct http *x, const char *name, size_t *at, struct slice *value_out);

/* A file of a multipart form. */
struct http_file {
	struct slice name; /* as the client calls it, last path segment only */
	struct slice type;
	struct slice bytes;
};
bool http_file_next(struct http *x, const char *name, size_t *at, struct http_file *out);
struct slice http_body(struct http *x);
/* http_body_hold - a reference, the caller's, by which the bytes of body and files outlive the
 * request; NULL: there are none. */
struct spool *http_body_hold(struct http *x);

/* ---- the reply: headers first, then exactly one of the functions below them ---- */
/* http_set - a header of the reply (at most 8 KiB): replaces the one before, except Set-Cookie.
 * Control bytes of the value become "_". name lives as long as x, usually a literal. */
void http_set(struct http *x, const char *name, struct slice value);
void http_set_f(struct http *x, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* http_set_cookie - `__Host-` NAME, Path=/, Secure, HttpOnly, SameSite=Lax; max_age_s 0: until the
 * browser ends; negative: delete. Without TLS (the insecure host) no prefix and no Secure. */
void http_set_cookie(struct http *x, const char *name, struct slice value, int64_t max_age_s);
/* http_set_filename - Content-Disposition with the name under which to save (RFC 6266). */
void http_set_filename(struct http *x, bool is_attachment, struct slice name);

void http_reply(struct http *x, unsigned status, const char *type, struct slice body); /* copies */
/* http_reply_buf - give away a buffer that was filled (wiped after sending). */
void http_reply_buf(struct http *x, unsigned status, const char *type, struct buf *body);
/* http_reply_source - length in bytes, or -1 when it is not known. Owned by the reply. */
void http_reply_source(
	struct http *x, unsigned status, const char *type, struct source *source, int64_t length);
/* http_reply_ranges - the same for something whose parts can be asked for: open is called with the
 * range to send. */
typedef struct source *http_open_fn(void *context, uint64_t from, uint64_t length);
void http_reply_ranges(
	struct http *x, const char *type, uint64_t length, http_open_fn *open, void *context);
void http_redirect(
	struct http *x, unsigned status, struct slice location); /* 301 302 303 307 308 */
void http_fail(struct http *x, unsigned status);                 /* the site's page for it */

/* ---- waiting ---- */
typedef void http_resume_fn(struct http *x, struct answer *answer);
/* http_park - as conn_park(). The ticket goes with conn_ref(http_conn(x)) to whoever answers. */
uint64_t http_park(struct http *x, int64_t timeout_ms, http_resume_fn *resume);
/* http_continue - run the row, or fail with 404 or 405: for a `before` that had to park. */
void http_continue(struct http *x);
/* http_keep - zeroed memory of this request that a resumed function finds again; the first call
 * says the size. free_kept may be NULL and is called when the request is over. */
void *http_keep(struct http *x, size_t size, void (*free_kept)(void *kept));

/* ---- files that are part of the program ---- */
/* A file as the build embeds it: its ETag is a hash, gzip may be empty. */
struct http_static {
	const char *path, *type, *etag;
	struct slice bytes, gzip; /* gzip: empty if it would not be smaller */
};
/* http_reply_static - with a year's caching if the request has the parameter v=ETAG. */
void http_reply_static(struct http *x, const struct http_static *file);

#endif
