/*
 * http1.c - HTTP/1.0 and 1.1 on a connection (RFC 9112).
 *
 * A head is one unit, a body as many as it comes in. While a request runs or its reply is sent,
 * the next one, which may have been sent already, waits in the socket.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/internal.h"

/* ---- sending ---- */

struct http1_source {
	struct source base;
	struct http *x;
	bool is_chunked;
};

enum { SIZE_LINE = 10 }; /* of a chunk: eight digits, CR, LF */

static int check_length(struct http1_source *s, int rc, struct err *err)
{
	const struct http *x = s->x;

	if (x->length >= 0 && (x->sent > (uint64_t)x->length ||
				      (rc == SOURCE_DONE && x->sent < (uint64_t)x->length)))
		return err_set(err, ERR_CORRUPT, "%llu bytes of a reply of %lld",
			(unsigned long long)x->sent, (long long)x->length);
	return rc;
}

/* The size is known afterwards: its line is written in front of what came. */
static void close_chunk(struct buf *out, size_t at, size_t n)
{
	char line[SIZE_LINE + 1];

	if (n == 0) {
		out->len = at;
		return;
	}
	snprintf(line, sizeof(line), "%08x\r\n", (unsigned)n);
	memcpy(out->ptr + at, line, SIZE_LINE);
	buf_lit(out, "\r\n");
}

static int pull(struct source *base, struct conn *c, struct buf *out, struct err *err)
{
	struct http1_source *s = (struct http1_source *)base;
	const size_t at = out->len, line = s->is_chunked ? SIZE_LINE : 0;
	size_t n;
	int rc;

	if (s->is_chunked)
		buf_lit(out, "00000000\r\n");
	rc = s->x->source->pull(s->x->source, c, out, err);
	if (rc < 0 || out->failed)
		return rc < 0 ? rc : buf_check(out, "reply", err);
	n = out->len - at - line;
	s->x->sent += n;
	if (s->is_chunked) {
		close_chunk(out, at, n);
		if (rc == SOURCE_DONE)
			buf_lit(out, "0\r\n\r\n");
	}
	return check_length(s, rc, err);
}

static void free_source(struct source *base)
{
	http_end(((struct http1_source *)base)->x);
	free(base);
}

static void write_head(struct http *x, bool is_chunked, bool is_last)
{
	struct buf *out = conn_out(x->conn);

	buf_printf(out, "HTTP/1.1 %u %s\r\n", x->status, http_status_text(x->status));
	for (size_t i = 0; i < x->fields_n; i++) {
		buf_append(out, x->fields[i].name);
		buf_lit(out, ": ");
		buf_append(out, x->fields[i].value);
		buf_lit(out, "\r\n");
	}
	if (is_chunked)
		buf_lit(out, "Transfer-Encoding: chunked\r\n");
	if (is_last)
		buf_lit(out, "Connection: close\r\n");
	else if (x->head.minor == 0)
		buf_lit(out, "Connection: keep-alive\r\n");
	buf_lit(out, "\r\n");
}

/* Short replies go out with their head; of longer ones the socket asks for the next piece. */
static void write_body(struct http *x, bool is_chunked)
{
	struct http1_source *s;

	if (!x->source && x->memory.len > HTTP_PIECE)
		x->source = http_buf_source(&x->memory);
	if (!x->source) {
		buf_append(conn_out(x->conn), buf_slice(&x->memory));
		x->sent = x->memory.len;
		x->is_sent = true;
		return;
	}
	s = mem_new(struct http1_source);
	s->base = (struct source){.pull = pull, .free = free_source};
	s->x = x;
	s->is_chunked = is_chunked;
	conn_source(x->conn, &s->base);
}

void http1_send(struct http *x)
{
	struct http_session *session = conn_session(x->conn);
	const bool has_length = x->length >= 0 || !x->has_body;
	const bool is_chunked = !has_length && x->head.minor > 0;
	const bool is_last = x->must_close || !x->head.is_keep_alive ||
			     session->state != HTTP1_HEAD || conn_is_draining(x->conn) ||
			     (!has_length && !is_chunked);

	write_head(x, is_chunked, is_last);
	if (x->has_body)
		write_body(x, is_chunked);
	else
		x->is_sent = true;
	if (is_last)
		conn_close(x->conn);
}

/* ---- receiving ---- */

/* The clock of a head runs from its first byte to its last, however slowly they come. */
static void start_head_clock(struct conn *c, struct http_session *session)
{
	const struct http_site *site = conn_context(c);

	if (session->is_timed)
		return;
	session->is_timed = true;
	conn_restart_timeout(c, site->limits.head_ms);
}

static size_t frame_head(struct conn *c, struct slice in, bool is_full)
{
	struct http_session *session = conn_session(c);
	const struct http_site *site = conn_context(c);
	size_t n;

	start_head_clock(c, session);
	n = http_head_end(in, &session->seen);
	if (n == SIZE_MAX || (n == 0 && (is_full || in.len >= site->limits.head_max)))
		return in.len;
	return n;
}

/* How much of the input belongs to the chunked body: a trial run, which only skips the data. */
static size_t frame_chunks(const struct http_session *session, struct slice in)
{
	struct http_chunks trial = session->chunks;
	struct slice rest = in, data;
	struct err err;

	do {
		if (http_chunks_next(&trial, &rest, &data, &err) < 0)
			return in.len;
	} while (rest.len && !trial.is_done);
	return in.len - rest.len;
}

size_t http1_frame(struct conn *c, struct slice in, bool is_full)
{
	const struct http_session *session = conn_session(c);

	switch (session->state) {
	case HTTP1_BODY:
		return session->left < in.len ? (size_t)session->left : in.len;
	case HTTP1_CHUNKED:
		return frame_chunks(session, in);
	default:
		return frame_head(c, in, is_full);
	}
}

static void resume(struct conn *c, struct answer *answer)
{
	struct http_session *session = conn_session(c);

	http_run_resumed(session->x, answer);
}

uint64_t http1_park(struct http *x, int64_t timeout_ms)
{
	return conn_park(x->conn, timeout_ms, resume);
}

/* All of the request has come. */
static void run(struct conn *c)
{
	struct http_session *session = conn_session(c);
	const struct http_site *site = conn_context(c);

	session->state = HTTP1_HEAD;
	session->is_timed = false;
	conn_set_busy(c, false);
	conn_set_timeout(c, site->limits.idle_ms);
	http_run(session->x);
}

static void refuse(struct conn *c, unsigned status, const struct err *err)
{
	struct http_session *session = conn_session(c);

	conn_set_busy(c, false);
	http_refuse(session->x, status, err);
}

static void await_body(struct conn *c)
{
	struct http_session *session = conn_session(c);
	const struct http *x = session->x;

	session->state = x->head.body == HTTP_BODY_LENGTH ? HTTP1_BODY : HTTP1_CHUNKED;
	session->left = x->head.length;
	session->chunks = (struct http_chunks){0};
	conn_set_busy(c, true);
	conn_restart_timeout(c, http_body_due_ms(x) - clock_mono_ms());
	if (x->head.is_expecting && !conn_has_input(c))
		buf_lit(conn_out(c), "HTTP/1.1 100 Continue\r\n\r\n");
}

static bool has_body(const struct http *x)
{
	return x->head.body == HTTP_BODY_CHUNKED ||
	       (x->head.body == HTTP_BODY_LENGTH && x->head.length > 0);
}

static unsigned take_head(struct http *x, struct slice unit, struct err *err)
{
	const struct slice copy = arena_dup(&x->arena, unit);
	unsigned status;

	if (unit.len > x->site->limits.head_max || !slice_ends(unit, slice_lit("\r\n\r\n"))) {
		const bool has_line = slice_chr(unit, '\n') != SIZE_MAX;

		(void)err_set(err, ERR_TOOBIG, "head too long or malformed");
		if (unit.len < x->site->limits.head_max)
			return 400;
		return has_line ? 431 : 414;
	}
	status = http_head_parse(copy, &x->arena, &x->head, err);
	return status ? status : http_begin(x, err);
}

static void execute_head(struct conn *c, struct slice unit)
{
	struct http_session *session = conn_session(c);
	unsigned status;
	struct err err = {0};

	session->seen = 0;
	if (unit.len == 2 && slice_eq(unit, slice_lit("\r\n"))) {
		/* RFC 9112 2.2: an empty line before a request is somebody's old habit. */
		if (++session->empty_lines > HTTP_EMPTY_LINES_MAX)
			conn_close(c);
		return;
	}
	session->empty_lines = 0;
	session->x = http_new(c);
	status = take_head(session->x, unit, &err);
	if (status == 0 && session->x->row)
		status = http_body_status(session->x);
	if (status) {
		refuse(c, status, &err);
		return;
	}
	if (has_body(session->x) && session->x->row) {
		await_body(c);
		return;
	}
	session->x->must_close = has_body(session->x); /* which nobody wants to read */
	run(c);
}

static void execute_body(struct conn *c, struct slice unit)
{
	struct http_session *session = conn_session(c);
	struct http *x = session->x;
	struct err err = {0};
	const unsigned status = http_body_append(x, unit, &err);

	session->left -= unit.len;
	if (status)
		refuse(c, status, &err);
	else if (session->left == 0)
		run(c);
	else
		conn_restart_timeout(c, http_body_due_ms(x) - clock_mono_ms());
}

static void execute_chunks(struct conn *c, struct slice unit)
{
	struct http_session *session = conn_session(c);
	struct slice data;
	struct err err = {0};
	unsigned status = 0;

	while (status == 0 && unit.len) {
		const int rc = http_chunks_next(&session->chunks, &unit, &data, &err);

		if (rc < 0)
			status = rc == -ERR_TOOBIG ? 413 : 400;
		else if (data.len)
			status = http_body_append(session->x, data, &err);
	}
	if (status)
		refuse(c, status, &err);
	else if (session->chunks.is_done)
		run(c);
	else
		conn_restart_timeout(c, http_body_due_ms(session->x) - clock_mono_ms());
}

void http1_execute(struct conn *c, struct slice unit)
{
	const struct http_session *session = conn_session(c);

	switch (session->state) {
	case HTTP1_BODY:
		execute_body(c, unit);
		break;
	case HTTP1_CHUNKED:
		execute_chunks(c, unit);
		break;
	default:
		execute_head(c, unit);
		break;
	}
}

void http1_goodbye(struct conn *c, enum conn_goodbye why)
{
	const struct http_session *session = conn_session(c);
	const bool is_begun = session->is_timed || session->state != HTTP1_HEAD;

	if (why == GOODBYE_IDLE && is_begun) {
		log_info(conn_log(c), "request-too-slow");
		buf_lit(conn_out(c), "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
				     "Content-Length: 0\r\n\r\n");
	} else if (why == GOODBYE_OVERLOAD) {
		buf_lit(conn_out(c), "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
				     "Retry-After: 10\r\nContent-Length: 0\r\n\r\n");
	}
}
