/* site.c - what browsers see: the rows of the web, the security headers of every reply, limits. */
#include <fcntl.h>

#include "base/io.h"
#include "server/server.h"

enum {
	HEAD_MS = 15000,
	BODY_MS = 30000,
	IDLE_MS = 75000,
	HEAD_MAX = 32 << 10,
	LOCATION_MAX = 16 << 10
};

static void show_name(struct http *x)
{
	const struct server *server = http_context(x);

	http_reply(x, 200, "text/plain; charset=utf-8", server->service.host_name);
}

static const struct http_row rows[] = {
	{HTTP_GET, "/", show_name, 0, 0},
};

/* To the same place on the standard host. */
static void send_to_tls(struct http *x)
{
	const struct server *server = http_context(x);
	const unsigned port = (unsigned)server->config->web_public_port;
	struct buf location AUTO(buf_done);

	buf_init(&location, LOCATION_MAX);
	buf_printf(&location, "https://%.*s", SLICE_ARG(server->service.host_name));
	if (port != 443)
		buf_printf(&location, ":%u", port);
	buf_append(&location, http_target(x));
	http_redirect(x, http_method(x) == HTTP_GET ? 301 : 308, buf_slice(&location));
}

static bool before(struct http *x, const struct http_row *row)
{
	(void)row;
	if (http_is_tls(x))
		return false;
	send_to_tls(x);
	return true;
}

int site_open(struct server *server, struct err *err)
{
	static const char *const headers[] = {
		"Content-Security-Policy: default-src 'none'; style-src 'self'; img-src 'self'; "
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"X-Content-Type-Options: nosniff", "Referrer-Policy: same-origin",
		"Cross-Origin-Opener-Policy: same-origin", NULL};
	const int dirfd = io_open(AT_FDCWD, "spool", O_RDONLY | O_DIRECTORY, 0, err);

	if (dirfd < 0)
		return dirfd;
	server->site = (struct http_site){
		.name = "web",
		.rows = rows,
		.rows_n = sizeof(rows) / sizeof(rows[0]),
		.before = before,
		.headers = headers,
		.spool_dirfd = dirfd,
		.context = server,
		.limits = {HEAD_MS, BODY_MS, IDLE_MS, HEAD_MAX},
	};
	return 0;
}

void site_close(struct server *server)
{
	io_close(&server->site.spool_dirfd);
}
