/* conn_proxy.c - a connection that begins with a load balancer's header. */
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
		const struct slice have = {proxy->bytes, proxy->len};
		const int whole = proxy_length(have);
		const size_t want = whole > 0 ? (size_t)whole : PROXY_HEAD;
		ssize_t n;

		if (whole < 0 || (whole > 0 && proxy->len == want))
			return whole < 0 ? -1 : 1;
		n = recv(c->fd, proxy->bytes + proxy->len, want - proxy->len, 0);
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
