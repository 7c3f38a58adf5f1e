/* exchange.c - the life of a request, and what its function asks about it. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/internal.h"
#include "wire/http/chars.h"
#include "wire/http/field.h"

struct http *http_new(struct conn *c)
{
	struct http *x = mem_new(struct http);

	x->conn = c;
	x->site = conn_context(c);
	x->start_ms = clock_mono_ms();
	x->log = *conn_log(c);
	x->log.service = x->site->name;
	arena_init(&x->arena, HTTP_ARENA_MAX);
	arena_init(&x->own, HTTP_OWN_MAX);
	buf_init(&x->memory, HTTP_REPLY_MAX);
	return x;
}

static void log_access(const struct http *x)
{
	log_info(&x->log, "request", log_s("method", x->head.method), log_s("host", x->head.host),
		log_s("path", x->path), log_n("status", x->status),
		log_n("bytes", (int64_t)x->sent), log_n("ms", clock_mono_ms() - x->start_ms));
}

void http_end(struct http *x)
{
	if (!x->stream)
		((struct http_session *)conn_session(x->conn))->x = NULL;
	if (x->status)
		log_access(x);
	if (x->free_kept)
		x->free_kept(x->kept);
	if (x->source && x->source->free)
		x->source->free(x->source);
	if (x->memory.ptr)
		mem_wipe(x->memory.ptr, x->memory.cap);
	buf_done(&x->memory);
	spool_free(&x->body);
	arena_done(&x->arena);
	arena_done(&x->own);
	free(x);
}

static enum http_method method_of(struct slice name)
{
	static const struct {
		struct slice name;
		enum http_method method;
	} rows[] = {{{"GET", 3}, HTTP_GET}, {{"HEAD", 4}, HTTP_GET}, {{"POST", 4}, HTTP_POST},
		{{"PUT", 3}, HTTP_PUT}, {{"DELETE", 6}, HTTP_DELETE},
		{{"OPTIONS", 7}, HTTP_OPTIONS}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (slice_eq(rows[i].name, name))
			return rows[i].method;
	}
	return HTTP_OTHER;
}

unsigned http_begin(struct http *x, struct err *err)
{
	x->method = method_of(x->head.method);
	x->is_head = slice_eq(x->head.method, slice_lit("HEAD"));
	if (slice_eq(x->head.path, slice_lit("*")))
		x->path = x->head.path;
	else if (http_path_parse(x->head.path, &x->arena, &x->path, err) < 0)
		return 400;
	if (http_params_parse(x->head.query, &x->arena, &x->params, &x->params_n, err) < 0)
		return 400;
	x->row = http_find_row(x->site, x->path, x->method, &x->allowed);
	return 0;
}

/* ---- body ---- */

static uint64_t body_max(struct http *x)
{
	const size_t of_row = x->row ? x->row->body_max : 0;
	const size_t max = of_row && x->site->body_max ? x->site->body_max(x) : of_row;

	return max < of_row ? max : of_row;
}

unsigned http_body_status(struct http *x)
{
	return x->head.body == HTTP_BODY_LENGTH && x->head.length > body_max(x) ? 413 : 0;
}

struct spool *http_body_hold(struct http *x)
{
	return x->body ? spool_ref(x->body) : NULL;
}

unsigned http_body_append(struct http *x, struct slice bytes, struct err *err)
{
	int rc;

	if (!x->body) {
		x->body = spool_new(x->site->spool_dirfd, body_max(x));
		x->body_start_ms = clock_mono_ms();
	}
	rc = spool_append(x->body, bytes, err);
	if (rc == 0)
		return 0;
	if (rc == -ERR_TOOBIG)
		return 413;
	log_error(&x->log, "body-not-spooled", log_e(err));
	return rc == -ERR_QUOTA ? 507 : 500;
}

int64_t http_body_due_ms(const struct http *x)
{
	const int64_t size = x->body ? (int64_t)spool_size(x->body) : 0;
	const int64_t start = x->body ? x->body_start_ms : clock_mono_ms();

	return start + x->site->limits.body_ms + size / HTTP_BODY_RATE * 1000;
}

/* ---- running ---- */

/* The function has returned: it has replied, or waits. */
static void after_run(struct http *x)
{
	assert(x->status || x->is_parked);
	if (x->is_sent)
		http_end(x);
}

void http_refuse(struct http *x, unsigned status, const struct err *err)
{
	log_debug(&x->log, "refused", log_n("status", status), log_e(err));
	x->must_close = true;
	if (x->path.ptr)
		http_fail(x, status);
	else
		http_reply(x, status, "text/plain", slice_str(http_status_text(status)));
	after_run(x);
}

void http_continue(struct http *x)
{
	if (x->row)
		x->row->run(x);
	else if (x->allowed)
		http_fail(x, 405);
	else
		http_fail(x, 404);
}

void http_run(struct http *x)
{
	struct err err;
	const int rc = http_parse_form(x, &err);

	if (rc < 0) {
		http_refuse(x, rc == -ERR_TOOBIG ? 413 : rc == -ERR_SYNTAX ? 400 : 500, &err);
		return;
	}
	if (!x->site->before || !x->site->before(x, x->row))
		http_continue(x);
	after_run(x);
}

void http_run_resumed(struct http *x, struct answer *answer)
{
	http_resume_fn *resume = x->resume;

	x->is_parked = false;
	resume(x, answer);
	after_run(x);
}

uint64_t http_park(struct http *x, int64_t timeout_ms, http_resume_fn *resume)
{
	x->resume = resume;
	x->is_parked = true;
	return x->stream ? http2_park(x, timeout_ms) : http1_park(x, timeout_ms);
}

void *http_keep(struct http *x, size_t size, void (*free_kept)(void *kept))
{
	if (!x->kept) {
		x->kept = arena_alloc(&x->own, size);
		assert(x->kept); /* sizes are ours */
		x->free_kept = free_kept;
	}
	return x->kept;
}

/* ---- what the function asks ---- */

void *http_context(struct http *x)
{
	return x->site->context;
}

struct conn *http_conn(struct http *x)
{
	return x->conn;
}

struct arena *http_arena(struct http *x)
{
	return &x->arena;
}

struct log_ctx *http_log(struct http *x)
{
	return &x->log;
}

const struct http_row *http_row(struct http *x)
{
	return x->row;
}

enum http_method http_method(struct http *x)
{
	return x->method;
}

struct slice http_method_name(struct http *x)
{
	return x->head.method;
}

struct slice http_path(struct http *x)
{
	return x->path;
}

struct slice http_query(struct http *x)
{
	return x->head.query;
}

struct slice http_target(struct http *x)
{
	return x->head.target;
}

struct slice http_host(struct http *x)
{
	return x->head.host;
}

bool http_is_tls(struct http *x)
{
	return conn_is_tls(x->conn);
}

bool http_is_version_2(struct http *x)
{
	return x->stream != NULL;
}

struct slice http_peer(struct http *x)
{
	return conn_peer_address(x->conn);
}

struct slice http_header(struct http *x, const char *name)
{
	return http_head_field(&x->head, slice_str(name));
}

struct slice http_body(struct http *x)
{
	return x->body_bytes;
}

/* HTTP/2 may send each cookie as a field of its own (RFC 9113 8.2.3). */
struct slice http_cookie(struct http *x, const char *name)
{
	char full[128];
	const int n = snprintf(full, sizeof(full), "%s%s", http_is_tls(x) ? "__Host-" : "", name);

	assert(n > 0 && (size_t)n < sizeof(full));
	for (size_t i = 0; i < x->head.fields_n; i++) {
		const struct http_field *field = &x->head.fields[i];
		struct slice value;

		if (!slice_eq_nocase(field->name, slice_lit("cookie")))
			continue;
		value = http_cookie_find(field->value, (struct slice){full, (size_t)n});
		if (value.ptr)
			return value;
	}
	return (struct slice){NULL, 0};
}
