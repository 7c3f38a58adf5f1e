/*
 * internal.h - what the files of http/ share; nobody else includes it.
 *
 * A struct http is made when a head has come and freed when its reply is sent or given up. HTTP/1
 * (http1.c) has one at a time, HTTP/2 (http2.c) one for each stream; the files between them and the
 * site (exchange.c, form.c, reply.c, route.c) do not know which it is.
 */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "base/spool.h"
#include "http/http.h"
#include "wire/http/chunk.h"
#include "wire/http/head.h"
#include "wire/http/multipart.h"
#include "wire/http/url.h"

enum {
	HTTP_ARENA_MAX = 8 << 20,
	HTTP_OWN_MAX = 1 << 20,
	HTTP_REPLY_FIELDS_MAX = 48,
	HTTP_UNIT_MAX = 64 * 1024,
	HTTP_GZIP_MIN = 1024,
	HTTP_REPLY_MAX = 16 << 20, /* in memory */
	HTTP_PIECE = 32 * 1024,    /* of a reply from memory */
	HTTP_BODY_RATE = 512,      /* bytes a second that a body must come with in the end */
	HTTP_EMPTY_LINES_MAX = 4,
};

struct http2;
struct http2_stream;

struct http {
	struct conn *conn;
	const struct http_site *site;
	struct arena arena;
	struct arena own; /* what we need ourselves: no request can fill it */
	struct log_ctx log;
	int64_t start_ms;

	struct http_head head;
	enum http_method method;
	bool is_head; /* HEAD */
	struct slice path;
	const struct http_row *row;
	unsigned allowed; /* methods of rows whose path fits */
	struct spool *body;
	struct slice body_bytes;
	int64_t body_start_ms;
	struct http_pair *params, *form;
	size_t params_n, form_n;
	struct http_part *parts;
	size_t parts_n;

	struct http_field *fields; /* of the reply */
	size_t fields_n;
	unsigned status; /* 0: no reply yet */
	struct buf memory;
	struct source *source; /* the reply's body; NULL: `memory` */
	int64_t length;        /* -1: not known */
	uint64_t sent;
	bool has_body;   /* the reply's is sent: not for HEAD, 204, 304 */
	bool must_close; /* what follows on the connection cannot be understood */
	bool is_parked, is_sent;

	struct http2_stream *stream; /* NULL: HTTP/1 */
	http_resume_fn *resume;
	void *kept;
	void (*free_kept)(void *kept);
};

enum http1_state { HTTP1_HEAD, HTTP1_BODY, HTTP1_CHUNKED };

/* The session of a connection. */
struct http_session {
	struct http *x;   /* HTTP/1: the request under way */
	struct http2 *h2; /* HTTP/2 */
	enum http1_state state;
	bool is_timed; /* the clock of a head runs */
	unsigned empty_lines;
	size_t seen; /* of a head, see http_head_end() */
	struct http_chunks chunks;
	uint64_t left; /* of a body with a length */
};

/* exchange.c */
struct http *http_new(struct conn *c);
/* http_end - the reply is out or given up: log it and free everything. */
void http_end(struct http *x);
/* http_begin - the head is there: method, path, row. 0 or the status to fail with. */
MUST_CHECK unsigned http_begin(struct http *x, struct err *err);
/* http_body_append - more of the body. 0 or the status. */
MUST_CHECK unsigned http_body_append(struct http *x, struct slice bytes, struct err *err);
/* http_body_due_ms - when the body should be whole, judged by what has come. */
int64_t http_body_due_ms(const struct http *x);
/* http_body_status - 413 if the row takes less than what is announced, else 0. */
unsigned http_body_status(struct http *x);
/* http_run - the request is whole: forms are parsed, the site's function runs. */
void http_run(struct http *x);
/* http_run_resumed - what it was parked for is there. */
void http_run_resumed(struct http *x, struct answer *answer);
/* http_refuse - the site's page for the status, or, for what is no request, one line. */
void http_refuse(struct http *x, unsigned status, const struct err *err);

/* form.c */
MUST_CHECK int http_parse_form(struct http *x, struct err *err);

/* route.c */
const struct http_row *http_find_row(const struct http_site *site, struct slice path,
	enum http_method method, unsigned *allowed_out);

/* gzip.c */
/* http_gzip - in as a gzip file in out; false: it did not become smaller. */
bool http_gzip(struct slice in, struct buf *out);
struct source *http_gzip_source(struct source *inner); /* owns inner */

/* source.c */
struct source *http_slice_source(struct slice bytes); /* static ones */
struct source *http_buf_source(struct buf *bytes);    /* given away; wiped at the end */

/* http1.c */
void http1_send(struct http *x);
uint64_t http1_park(struct http *x, int64_t timeout_ms);
size_t http1_frame(struct conn *c, struct slice in, bool is_full);
void http1_execute(struct conn *c, struct slice unit);
void http1_goodbye(struct conn *c, enum conn_goodbye why);

/* http2.c, http2_reply.c */
void http2_greet(struct conn *c);
void http2_execute(struct conn *c, struct slice unit);
void http2_notify(struct conn *c);
bool http2_more(struct conn *c);
void http2_goodbye(struct conn *c);
void http2_done(struct conn *c);
void http2_send(struct http *x);
uint64_t http2_park(struct http *x, int64_t timeout_ms);

/* status.c */
const char *http_status_text(unsigned status);

#endif
