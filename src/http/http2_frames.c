/* http2_frames.c - what the client sends, as nghttp2 has taken it apart. See http2.h. */
#include "base/clock.h"
#include "http/http2.h"

enum { FIELD_COST = 32 }; /* RFC 9113 6.5.2: of each field beside its bytes */

static struct http2_stream *stream_of(struct http2 *h2, int32_t id)
{
	return nghttp2_session_get_stream_user_data(h2->ng, id);
}

static bool is_request(const nghttp2_frame *frame)
{
	return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
	if (is_request(frame))
		nghttp2_session_set_stream_user_data(
			ng, frame->hd.stream_id, http2_stream_new(arg, frame->hd.stream_id));
	return 0;
}

static struct slice copy(struct http2_stream *stream, const uint8_t *bytes, size_t n)
{
	return arena_dup(&stream->x->arena, (struct slice){(const char *)bytes, n});
}

static void take_pseudo(struct http2_stream *stream, struct slice name, struct slice value)
{
	struct http_head *head = &stream->x->head;

	if (slice_eq(name, slice_lit(":method")))
		head->method = value;
	else if (slice_eq(name, slice_lit(":path")))
		head->target = value;
	else if (slice_eq(name, slice_lit(":authority")))
		stream->authority = value;
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
	struct http2_stream *stream = stream_of(arg, frame->hd.stream_id);
	struct http_head *head;

	(void)ng;
	(void)flags;
	if (!stream || !is_request(frame))
		return 0; /* trailers: nobody asks for them */
	stream->head_size += name_len + value_len + FIELD_COST;
	if (stream->head_size > stream->h2->site->limits.head_max)
		return 0;
	head = &stream->x->head;
	if (!head->fields)
		head->fields = arena_array(&stream->x->arena, struct http_field, HTTP_FIELDS_MAX);
	if (name_len && name[0] == ':')
		take_pseudo(stream, copy(stream, name, name_len), copy(stream, value, value_len));
	else if (head->fields_n == HTTP_FIELDS_MAX)
		stream->head_size = SIZE_MAX / 2; /* too large */
	else
		head->fields[head->fields_n++] = (struct http_field){
			copy(stream, name, name_len), copy(stream, value, value_len)};
	return 0;
}

/* Refused before it is whole: the reply goes, the rest of the request is not looked at. */
static void refuse(struct http2_stream *stream, unsigned status, const struct err *err)
{
	stream->moved_ms = clock_mono_ms();
	http_refuse(stream->x, status, err);
}

static void say_continue(struct http2_stream *stream)
{
	static const nghttp2_nv status = {
		(uint8_t *)":status", (uint8_t *)"100", 7, 3, NGHTTP2_NV_FLAG_NONE};

	nghttp2_submit_headers(
		stream->h2->ng, NGHTTP2_FLAG_NONE, stream->id, NULL, &status, 1, NULL);
}

static void take_head(struct http2_stream *stream, bool is_whole)
{
	struct http *x = stream->x;
	struct err err = {0};
	unsigned status = 431;

	stream->is_headed = true;
	stream->is_whole = is_whole;
	if (stream->head_size <= stream->h2->site->limits.head_max)
		status = http_head_check(&x->head, stream->authority, true, &x->arena, &err);
	else
		(void)err_set(&err, ERR_TOOBIG, "head too long");
	if (status == 0)
		status = http_begin(x, &err);
	if (status == 0 && x->row)
		status = http_body_status(x);
	if (status)
		refuse(stream, status, &err);
	else if (is_whole || !x->row) /* a body that nobody wants is not waited for */
		http2_stream_ready(stream);
	else if (x->head.is_expecting)
		say_continue(stream);
}

/* What costs us something and brings nothing is allowed at a rate. */
static int64_t noise_of(const nghttp2_frame *frame)
{
	switch (frame->hd.type) {
	case NGHTTP2_RST_STREAM:
		return HTTP2_RESET_COST;
	case NGHTTP2_PING:
	case NGHTTP2_SETTINGS:
	case NGHTTP2_PRIORITY:
		return 1;
	case NGHTTP2_DATA:
		return frame->hd.length == 0 && !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
	default:
		return 0;
	}
}

static void count_noise(struct http2 *h2, int64_t cost)
{
	const int64_t now_ms = clock_mono_ms();

	h2->noise += (now_ms - h2->noise_ms) * HTTP2_NOISE_A_SECOND / 1000;
	if (now_ms - h2->noise_ms >= 1000 / HTTP2_NOISE_A_SECOND)
		h2->noise_ms = now_ms;
	if (h2->noise > HTTP2_NOISE_BURST)
		h2->noise = HTTP2_NOISE_BURST;
	h2->noise -= cost;
	if (h2->noise < 0 && !h2->is_leaving) {
		h2->is_leaving = true;
		log_info(conn_log(h2->conn), "http2-flood");
		nghttp2_session_terminate_session(h2->ng, NGHTTP2_ENHANCE_YOUR_CALM);
	}
}

static int on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
	struct http2 *h2 = arg;
	const bool is_last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	struct http2_stream *stream;

	(void)ng;
	count_noise(h2, noise_of(frame));
	stream = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA
			 ? stream_of(h2, frame->hd.stream_id)
			 : NULL;
	if (!stream || stream->is_whole)
		return 0;
	if (is_request(frame)) {
		take_head(stream, is_last);
	} else if (is_last) {
		stream->is_whole = true;
		if (!stream->x->status && !stream->is_ready)
			http2_stream_ready(stream);
	}
	return 0;
}

static int on_data(
	nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *bytes, size_t n, void *arg)
{
	struct http2_stream *stream = stream_of(arg, id);
	struct err err = {0};
	unsigned status;

	(void)ng;
	(void)flags;
	if (!stream || stream->x->status || stream->is_ready)
		return 0;
	status = http_body_append(stream->x, (struct slice){(const char *)bytes, n}, &err);
	if (status)
		refuse(stream, status, &err);
	return 0;
}

/* The reply is out; a request that is still coming need not come any more (RFC 9113 8.1). */
static int on_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
	const struct http2_stream *stream;

	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	stream = stream_of(arg, frame->hd.stream_id);
	if (stream && !stream->is_whole && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		nghttp2_submit_rst_stream(
			ng, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
	return 0;
}

static int on_close(nghttp2_session *ng, int32_t id, uint32_t code, void *arg)
{
	struct http2_stream *stream = stream_of(arg, id);

	(void)ng;
	(void)code;
	if (!stream)
		return 0;
	stream->is_closed = true;
	if (!stream->is_ready) /* else whoever has it frees it */
		http2_stream_free(stream);
	return 0;
}

nghttp2_session_callbacks *http2_callbacks(void)
{
	nghttp2_session_callbacks *callbacks = NULL;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	return callbacks;
}
