/* http2_reply.c - replies on streams, pulled as the client's windows allow. See http2.h. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/http2.h"

/* Asks the source until there is something to send. 0, SOURCE_WAIT, or an error. */
static int fill(struct http2_stream *stream, struct err *err)
{
	struct http *x = stream->x;
	int rc = SOURCE_MORE;

	stream->out_at = 0;
	buf_clear(&stream->out);
	while (stream->out.len == 0 && rc == SOURCE_MORE)
		rc = x->source->pull(x->source, x->conn, &stream->out, err);
	if (rc < 0)
		return rc;
	if (stream->out.failed)
		return buf_check(&stream->out, "reply", err);
	x->sent += stream->out.len;
	stream->is_pulled = rc == SOURCE_DONE;
	if (x->length >= 0 && (x->sent > (uint64_t)x->length ||
				      (stream->is_pulled && x->sent < (uint64_t)x->length)))
		return err_set(err, ERR_CORRUPT, "%llu bytes of a reply of %lld",
			(unsigned long long)x->sent, (long long)x->length);
	return rc == SOURCE_WAIT && stream->out.len == 0 ? SOURCE_WAIT : 0;
}

static ssize_t give(nghttp2_session *ng, int32_t id, uint8_t *to, size_t max, uint32_t *flags,
	nghttp2_data_source *data, void *arg)
{
	struct http2_stream *stream = data->ptr;
	struct err err = {0};
	size_t n;

	(void)ng;
	(void)id;
	(void)arg;
	if (stream->out_at == stream->out.len && !stream->is_pulled) {
		const int rc = fill(stream, &err);

		if (rc < 0) {
			log_warn(&stream->x->log, "reply-cut-short",
				log_c("code", err_code_name(-rc)), log_e(&err));
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
		}
		stream->is_deferred = rc == SOURCE_WAIT;
		if (stream->is_deferred)
			return NGHTTP2_ERR_DEFERRED;
	}
	n = stream->out.len - stream->out_at;
	n = n < max ? n : max;
	if (n)
		memcpy(to, stream->out.ptr + stream->out_at, n);
	stream->out_at += n;
	stream->moved_ms = clock_mono_ms();
	if (stream->is_pulled && stream->out_at == stream->out.len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

void http2_resume_replies(struct http2 *h2)
{
	for (struct http2_stream *at = h2->streams; at; at = at->next) {
		if (at->is_deferred && nghttp2_session_resume_data(h2->ng, at->id) == 0)
			at->is_deferred = false;
	}
}

static void put_field(struct http *x, nghttp2_nv *out, struct slice name, struct slice value)
{
	char *lower = arena_str(&x->own, name);

	for (size_t i = 0; lower && i < name.len; i++)
		lower[i] = (char)ascii_lower((unsigned char)lower[i]);
	*out = (nghttp2_nv){(uint8_t *)lower, (uint8_t *)(uintptr_t)value.ptr, name.len, value.len,
		NGHTTP2_NV_FLAG_NONE};
}

void http2_send(struct http *x)
{
	struct http2_stream *stream = x->stream;
	nghttp2_nv fields[HTTP_REPLY_FIELDS_MAX + 1];
	char status[12];
	nghttp2_data_provider body = {.source.ptr = stream, .read_callback = give};
	size_t n = 0;

	if (stream->is_closed)
		return;
	snprintf(status, sizeof(status), "%u", x->status);
	put_field(x, &fields[n++], slice_lit(":status"), slice_str(status));
	for (size_t i = 0; i < x->fields_n; i++)
		put_field(x, &fields[n++], x->fields[i].name, x->fields[i].value);
	if (x->has_body && !x->source)
		x->source = http_buf_source(&x->memory);
	if (nghttp2_submit_response(
		    stream->h2->ng, stream->id, fields, n, x->has_body ? &body : NULL) != 0)
		nghttp2_submit_rst_stream(
			stream->h2->ng, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_INTERNAL_ERROR);
}
