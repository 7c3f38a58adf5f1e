/* http2.c - a connection that speaks HTTP/2: its streams, their turns and their time. See http2.h.
 */
#include "http/http2.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

struct http2_stream *http2_stream_new(struct http2 *h2, int32_t id)
{
	struct http2_stream *stream = mem_new(struct http2_stream);

	stream->h2 = h2;
	stream->id = id;
	stream->x = http_new(h2->conn);
	stream->x->stream = stream;
	stream->moved_ms = clock_mono_ms();
	buf_init(&stream->out, HTTP_REPLY_MAX);
	stream->next = h2->streams;
	stream->back = &h2->streams;
	if (stream->next)
		stream->next->back = &stream->next;
	h2->streams = stream;
	return stream;
}

void http2_stream_free(struct http2_stream *stream)
{
	*stream->back = stream->next;
	if (stream->next)
		stream->next->back = stream->back;
	http_end(stream->x);
	if (stream->out.ptr)
		mem_wipe(stream->out.ptr, stream->out.cap);
	buf_done(&stream->out);
	free(stream);
}

void http2_stream_ready(struct http2_stream *stream)
{
	struct http2 *h2 = stream->h2;

	stream->is_ready = true;
	*h2->ready_end = stream;
	h2->ready_end = &stream->next_ready;
}

/* ---- running ---- */

/* The function of the current request has returned: it has replied, or it waits. */
static void after_run(struct http2 *h2)
{
	struct http2_stream *stream = h2->current;

	if (stream->x->is_parked)
		return;
	h2->current = NULL;
	stream->is_ready = false;
	stream->moved_ms = clock_mono_ms();
	if (stream->is_closed)
		http2_stream_free(stream);
}

static struct http2_stream *take_ready(struct http2 *h2)
{
	struct http2_stream *stream = h2->ready;

	h2->ready = stream->next_ready;
	if (!h2->ready)
		h2->ready_end = &h2->ready;
	stream->next_ready = NULL;
	return stream;
}

/* The next request in turn; what was reset meanwhile costs nothing more. */
static void run_next(struct http2 *h2)
{
	while (h2->ready && !h2->current) {
		struct http2_stream *stream = take_ready(h2);

		if (stream->is_closed) {
			http2_stream_free(stream);
			continue;
		}
		h2->current = stream;
		http_run(stream->x);
		after_run(h2);
		break;
	}
	if (h2->ready && !h2->current)
		pool_wake(conn_pool(h2->conn), conn_ref(h2->conn));
}

static struct http2 *of(struct conn *c)
{
	return ((struct http_session *)conn_session(c))->h2;
}

/* ---- time ---- */

/* When this stream has stood still for too long; INT64_MAX: it is our turn. */
static int64_t due_ms(const struct http2_stream *stream)
{
	const struct http *x = stream->x;

	if (!stream->is_headed)
		return x->start_ms + x->site->limits.head_ms;
	if (stream->is_ready)
		return INT64_MAX;
	if (!stream->is_whole && !x->status)
		return http_body_due_ms(x);
	return stream->moved_ms + x->site->limits.idle_ms;
}

/* Half a head stops all other frames of the connection; anything else concerns its stream alone. */
static void end_slow(struct http2 *h2, const struct http2_stream *stream)
{
	log_info(&stream->x->log, "stream-too-slow");
	if (stream->is_headed) {
		nghttp2_submit_rst_stream(h2->ng, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
	} else {
		nghttp2_session_terminate_session(h2->ng, NGHTTP2_ENHANCE_YOUR_CALM);
		conn_close(h2->conn);
	}
}

/* Ends what stands still; sets the connection's timeout for what may become so. */
static void check_time(struct http2 *h2)
{
	const int64_t now_ms = clock_mono_ms();
	int64_t due;

	if (h2->streams)
		h2->used_ms = now_ms;
	due = h2->used_ms + h2->site->limits.idle_ms;
	if (due <= now_ms) {
		nghttp2_session_terminate_session(h2->ng, NGHTTP2_NO_ERROR);
		conn_close(h2->conn);
		return;
	}
	for (struct http2_stream *at = h2->streams; at; at = at->next) {
		const int64_t at_ms = due_ms(at);

		if (at_ms <= now_ms && !at->is_closed) {
			end_slow(h2, at);
			at->moved_ms = now_ms;
		} else if (at_ms < due) {
			due = at_ms;
		}
	}
	conn_set_busy(h2->conn, h2->streams != NULL);
	conn_restart_timeout(h2->conn, due - now_ms);
}

/* ---- the connection ---- */

/* What is to be done after anything happened. */
static void settle(struct http2 *h2)
{
	if (conn_is_draining(h2->conn) && !h2->is_leaving) {
		h2->is_leaving = true;
		nghttp2_submit_goaway(h2->ng, NGHTTP2_FLAG_NONE,
			nghttp2_session_get_last_proc_stream_id(h2->ng), NGHTTP2_NO_ERROR, NULL, 0);
	}
	run_next(h2);
	check_time(h2);
	if (!nghttp2_session_want_read(h2->ng) && !nghttp2_session_want_write(h2->ng))
		conn_close(h2->conn);
}

static void start(struct http2 *h2)
{
	static const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HTTP2_STREAMS_MAX},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_STREAM_WINDOW},
	};
	nghttp2_session_callbacks *callbacks = http2_callbacks();
	nghttp2_option *option = NULL;
	bool is_good = callbacks && nghttp2_option_new(&option) == 0;

	if (is_good) {
		nghttp2_option_set_no_closed_streams(option, 1);
		is_good = nghttp2_session_server_new2(&h2->ng, callbacks, h2, option) == 0;
	}
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	is_good = is_good &&
		  nghttp2_submit_settings(h2->ng, NGHTTP2_FLAG_NONE, settings,
			  sizeof(settings) / sizeof(settings[0])) == 0 &&
		  nghttp2_session_set_local_window_size(
			  h2->ng, NGHTTP2_FLAG_NONE, 0, HTTP2_WINDOW) == 0;
	if (!is_good)
		abort(); /* out of memory: nothing else can fail here */
}

void http2_greet(struct conn *c)
{
	struct http_session *session = conn_session(c);
	struct http2 *h2 = mem_new(struct http2);

	h2->conn = c;
	h2->site = conn_context(c);
	h2->ready_end = &h2->ready;
	h2->noise = HTTP2_NOISE_BURST;
	h2->noise_ms = h2->used_ms = clock_mono_ms();
	session->h2 = h2;
	start(h2);
}

void http2_execute(struct conn *c, struct slice unit)
{
	struct http2 *h2 = of(c);
	const ssize_t rc = nghttp2_session_mem_recv(h2->ng, (const uint8_t *)unit.ptr, unit.len);

	if (rc < 0) {
		log_debug(conn_log(c), "http2-error", log_c("error", nghttp2_strerror((int)rc)));
		nghttp2_session_terminate_session(h2->ng, NGHTTP2_PROTOCOL_ERROR);
		conn_close(c);
		return;
	}
	settle(h2);
}

void http2_notify(struct conn *c)
{
	struct http2 *h2 = of(c);

	http2_resume_replies(h2);
	settle(h2);
}

bool http2_more(struct conn *c)
{
	struct http2 *h2 = of(c);
	struct buf *out = conn_out(c);
	const size_t before = out->len;
	const uint8_t *bytes;
	ssize_t n = 1;

	while (n > 0 && out->len - before < HTTP2_OUT) {
		n = nghttp2_session_mem_send(h2->ng, &bytes);
		if (n > 0)
			buf_append(out, (struct slice){(const char *)bytes, (size_t)n});
	}
	if (n < 0)
		conn_close(c);
	else if (out->len > before)
		check_time(h2);
	return out->len > before;
}

static void resume(struct conn *c, struct answer *answer)
{
	struct http2 *h2 = of(c);

	http_run_resumed(h2->current->x, answer);
	after_run(h2);
	settle(h2);
}

uint64_t http2_park(struct http *x, int64_t timeout_ms)
{
	return conn_park_beside(x->conn, timeout_ms, resume);
}

void http2_goodbye(struct conn *c)
{
	nghttp2_session_terminate_session(of(c)->ng, NGHTTP2_NO_ERROR);
	http2_more(c);
}

void http2_done(struct conn *c)
{
	struct http_session *session = conn_session(c);
	struct http2 *h2 = session->h2;

	while (h2->streams)
		http2_stream_free(h2->streams);
	nghttp2_session_del(h2->ng);
	free(h2);
	session->h2 = NULL;
}
