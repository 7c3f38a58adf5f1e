/*
 * http2.h - HTTP/2 (RFC 9113) with libnghttp2; only for src/http.
 *
 * A stream is made when a request's head begins. Whole requests wait in a queue and run one after
 * another; their replies are pulled side by side, as the client's windows allow.
 * Bounds: HTTP2_STREAMS_MAX streams; a head as in HTTP/1; the numbers below for what costs us more
 * than the client: resets (CVE-2023-44487), pings, settings, priorities, empty data; nghttp2 bounds
 * CONTINUATION frames and unsent acknowledgements. Streams that stand still are reset.
 */
#ifndef HTTP_HTTP2_H
#define HTTP_HTTP2_H

#include <nghttp2/nghttp2.h>

#include "http/internal.h"

enum {
	HTTP2_STREAMS_MAX = 64,
	HTTP2_STREAM_WINDOW = 256 * 1024, /* of a request's body */
	HTTP2_WINDOW = 1 << 20,
	HTTP2_NOISE_BURST = 1000, /* frames that say nothing; a reset counts for several */
	HTTP2_NOISE_A_SECOND = 100,
	HTTP2_RESET_COST = 5,
	HTTP2_OUT = 64 * 1024, /* given to the socket at once */
};

struct http2_stream {
	struct http2 *h2;
	struct http *x;
	struct http2_stream *next, **back; /* all of the connection */
	struct http2_stream *next_ready;
	int32_t id;
	struct slice authority;
	size_t head_size;
	bool is_headed;   /* the head is there */
	bool is_whole;    /* the request is */
	bool is_ready;    /* in the queue, or running */
	bool is_closed;   /* for nghttp2 */
	bool is_deferred; /* its source said SOURCE_WAIT */
	bool is_pulled;   /* its source is done */
	int64_t moved_ms; /* when something of the reply went */
	struct buf out;   /* pulled, not sent yet */
	size_t out_at;
};

struct http2 {
	struct conn *conn;
	const struct http_site *site;
	nghttp2_session *ng;
	struct http2_stream *streams;
	struct http2_stream *ready, **ready_end;
	struct http2_stream *current; /* running or parked */
	int64_t noise, noise_ms;      /* what is left of the allowance, and since when */
	int64_t used_ms;              /* when there was a stream: pings do not count as use */
	bool is_leaving;              /* GOAWAY was sent */
};

/* http2.c: a stream of the request */
struct http2_stream *http2_stream_new(struct http2 *h2, int32_t id);
void http2_stream_free(struct http2_stream *stream);
/* http2_stream_ready - the request is whole: it runs when those before it have replied. */
void http2_stream_ready(struct http2_stream *stream);

/* http2_frames.c */
/* http2_callbacks - what nghttp2 calls for what the client sends. NULL: no memory. */
nghttp2_session_callbacks *http2_callbacks(void);

/* http2_reply.c */
/* http2_resume_replies - sources that waited are asked again. */
void http2_resume_replies(struct http2 *h2);

#endif
