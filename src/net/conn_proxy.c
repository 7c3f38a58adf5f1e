/* conn_proxy.c - a connection whose client is not its peer: a load balancer's header says so, or
 * the protocol. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/internal.h"
#include "net/proxy.h"

struct conn_proxy {
	size_t len;
	char bytes[PROXY_MAX];
};

bool conn_is_proxied(const struct pool_listener *face, const char *peer)
{
	struct ip ip;

	if (!face->proxies_n || !ip_parse(slice_str(peer), &ip))
		return false;
	for (size_t i = 0; i < face->proxies_n; i++) {
		if (ip_is_in(&ip, &face->proxies[i]))
			return true;
	}
	return false;
}

void conn_proxy_done(struct conn *c)
{
	free(c->proxy);
	c->proxy = NULL;
}

/* Exactly the header is read: what follows it may be TLS's. 1: whole, 0: wait, -1: closed. */
static int read_header(struct conn *c)
{
	struct conn_proxy *proxy = c->proxy;

	for (;;) {
		const int want = proxy_wants((struct slice){proxy->bytes, proxy->len});
		ssize_t n;

		if (want <= 0)
			return want < 0 ? -1 : 1;
		n = recv(c->fd, proxy->bytes + proxy->len, (size_t)want, 0);
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0 && (n == 0 || errno != EINTR))
			return -1;
		proxy->len += n > 0 ? (size_t)n : 0;
	}
}

int conn_proxy_step(struct conn *c)
{
	bool has_source;
	struct ip source;
	int rc;

	if (!c->proxy)
		c->proxy = mem_new(struct conn_proxy);
	rc = read_header(c);
	if (rc == 0) {
		c->can_read = false;
		return 0;
	}
	if (rc < 0 ||
		!proxy_read((struct slice){c->proxy->bytes, c->proxy->len}, &has_source, &source)) {
		log_info(&c->log, "proxy-header-bad");
		return -1;
	}
	conn_proxy_done(c);
	doors_proxied(c, has_source ? &source : NULL);
	return 1;
}

void conn_speak_for(struct conn *c, const struct ip *client)
{
	ip_write(client, c->peer);
	c->log.peer = slice_str(c->peer);
}
