/* protocol.c - what the pool knows of this room: a connection speaks HTTP/1 or HTTP/2. */
#include "http/internal.h"

/* What a client is told that comes while there are too many: an empty SETTINGS frame and a GOAWAY
 * with ENHANCE_YOUR_CALM (RFC 9113 6.5, 6.8). */
static const char overload[] = "\0\0\0\4\0\0\0\0\0"
			       "\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\13";

static bool is_version_2(struct conn *c)
{
	return ((const struct http_session *)conn_session(c))->h2 != NULL;
}

static void greet(struct conn *c)
{
	const struct http_site *site = conn_context(c);
	const struct slice name = conn_alpn(c);

	conn_set_timeout(c, site->limits.head_ms);
	if (slice_eq(name, slice_lit("h2")))
		http2_greet(c);
	else if (slice_eq(name, slice_lit("acme-tls/1")))
		conn_close(c); /* RFC 8737 3: the handshake was all */
}

static size_t frame(struct conn *c, struct slice in, bool is_full)
{
	return is_version_2(c) ? in.len : http1_frame(c, in, is_full);
}

static void execute(struct conn *c, struct slice unit)
{
	if (is_version_2(c))
		http2_execute(c, unit);
	else
		http1_execute(c, unit);
}

static void notify(struct conn *c)
{
	if (is_version_2(c))
		http2_notify(c);
}

static bool more(struct conn *c)
{
	return is_version_2(c) && http2_more(c);
}

static void goodbye(struct conn *c, enum conn_goodbye why)
{
	if (is_version_2(c))
		http2_goodbye(c);
	else if (slice_eq(conn_alpn(c), slice_lit("h2")))
		buf_append(conn_out(c), (struct slice){overload, sizeof(overload) - 1});
	else
		http1_goodbye(c, why);
}

static void done(struct conn *c)
{
	struct http_session *session = conn_session(c);

	if (session->h2)
		http2_done(c);
	else if (session->x)
		http_end(session->x);
}

static const char *const alpn[] = {"h2", "http/1.1", NULL};

const struct protocol http_protocol = {
	.name = "http",
	.session_size = sizeof(struct http_session),
	.unit_max = HTTP_UNIT_MAX,
	.sends_secrets = true,
	.alpn = alpn,
	.greet = greet,
	.frame = frame,
	.execute = execute,
	.notify = notify,
	.more = more,
	.goodbye = goodbye,
	.done = done,
};
