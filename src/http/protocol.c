/* protocol.c - what the pool knows of this room: a connection speaks HTTP/1 or HTTP/2. */
#include "http/internal.h"

static void greet(struct conn *c)
{
	const struct http_site *site = conn_context(c);

	conn_set_timeout(c, site->limits.head_ms);
}

static void done(struct conn *c)
{
	struct http_session *session = conn_session(c);

	if (session->x)
		http_end(session->x);
}

const struct protocol http_protocol = {
	.name = "http",
	.session_size = sizeof(struct http_session),
	.unit_max = HTTP_UNIT_MAX,
	.sends_secrets = true,
	.greet = greet,
	.frame = http1_frame,
	.execute = http1_execute,
	.goodbye = http1_goodbye,
	.done = done,
};
