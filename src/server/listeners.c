/* listeners.c - which protocol speaks on which socket of the supervisor's. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "http/http.h"
#include "imap/imap.h"
#include "policy/policy.h"
#include "server/server.h"
#include "smtp/smtp.h"

/* What conn_context() is. */
enum context { SERVICE, CONTROL, WEB };

static const struct row {
	const char *name; /* in the handover */
	const struct protocol *protocol;
	enum pool_class class;
	bool has_tls, is_implicit_tls;
	enum context context;
	bool is_mx, allows_old_tls;
} rows[] = {
	{"smtp", &smtp_mx_protocol, POOL_MX, true, false, SERVICE, true, false},
	{"submissions", &smtp_submission_protocol, POOL_INTERACTIVE, true, true, SERVICE, false,
		false},
	{"imaps", &imap_protocol, POOL_INTERACTIVE, true, true, SERVICE, false, false},
	{"imap", &imap_protocol, POOL_INTERACTIVE, true, false, SERVICE, false, false},
	{"submission", &smtp_submission_protocol, POOL_INTERACTIVE, true, false, SERVICE, false,
		false},
	{"https", &http_protocol, POOL_INTERACTIVE, true, true, WEB, false, false},
	{"http", &http_protocol, POOL_INTERACTIVE, false, false, WEB, false, false},
	{"lmtp", &smtp_lmtp_protocol, POOL_INTERACTIVE, false, false, SERVICE, false, false},
	{"lmtp_socket", &smtp_lmtp_protocol, POOL_INTERACTIVE, false, false, SERVICE, false, false},
	{"courier_lmtp", &smtp_courier_protocol, POOL_INTERACTIVE, false, false, SERVICE, false,
		false},
	{"control", &control_protocol, POOL_INTERACTIVE, false, false, CONTROL, false, false},
	{"insecure_imaps", &imap_protocol, POOL_INTERACTIVE, true, true, SERVICE, false, true},
	{"insecure_submissions", &smtp_submission_protocol, POOL_INTERACTIVE, true, true, SERVICE,
		false, true},
};

/* Only programs of this host reach it: Unix sockets and loopback. */
static bool is_local(int fd)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage any;
	} at;
	socklen_t len = sizeof(at);

	if (getsockname(fd, &at.sa, &len) < 0)
		return false;
	if (at.sa.sa_family == AF_INET)
		return (ntohl(at.v4.sin_addr.s_addr) >> 24) == 127;
	if (at.sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&at.v6.sin6_addr);
	return at.sa.sa_family == AF_UNIX;
}

/* Where EXTERNAL is; a program of another time is not asked. */
static bool asks_certificate(const struct server *server, const struct row *row)
{
	return server->config->takes_certificates && !row->allows_old_tls &&
	       (row->protocol == &imap_protocol || row->protocol == &smtp_submission_protocol);
}

static void *context_of(struct server *server, const struct row *row)
{
	if (row->context == WEB)
		return web_site(server->web);
	return row->context == CONTROL ? (void *)&server->control : (void *)&server->service;
}

static int parse_proxies(struct server *server, struct err *err)
{
	int rc = ip_networks_parse(server->config->proxy_networks, server->proxies,
		SERVER_PROXIES_MAX, &server->proxies_n, err);

	if (rc == 0)
		rc = ip_networks_parse(server->config->xclient_networks, server->xclients,
			SERVER_PROXIES_MAX, &server->service.xclients.n, err);
	server->service.xclients.list = server->xclients;
	return rc;
}

int listeners_open(struct server *server, struct err *err)
{
	const int parsed = parse_proxies(server, err);

	if (parsed < 0)
		return parsed;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t fd;
		size_t at = 0;

		while (handover_next(&server->handover, rows[i].name, &at, &fd)) {
			const struct pool_listener listener = {
				.fd = (int)fd,
				.protocol = rows[i].protocol,
				.context = context_of(server, &rows[i]),
				.tls = rows[i].has_tls ? server->tls : NULL,
				.is_implicit_tls = rows[i].is_implicit_tls,
				.allows_old_tls = rows[i].allows_old_tls,
				.asks_certificate = asks_certificate(server, &rows[i]),
				.class = rows[i].class,
				.connections_max =
					rows[i].is_mx ? server->config->mx_connections_max : 0,
				.is_trusted = is_local((int)fd),
				.proxies = server->proxies,
				.proxies_n = server->proxies_n,
			};
			const int rc = pool_listen(server->service.pool, &listener, err);

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

/* Once closed, a descriptor's number may be somebody else's: it is taken out of the handover. */
static void follow(struct server *server, const struct row *row)
{
	const struct protocol *protocol = policy_port(&server->service, row->name, row->protocol);

	for (size_t i = 0; i < server->handover.n; i++) {
		if (strcmp(server->handover.items[i].name, row->name) != 0 ||
			server->handover.items[i].value < 0)
			continue;
		pool_relisten(server->service.pool, (int)server->handover.items[i].value, protocol,
			protocol != row->protocol);
		if (!protocol)
			server->handover.items[i].value = -1;
	}
}

void listeners_follow(void *context)
{
	struct server *server = context;

	pthread_mutex_lock(&server->listeners_lock);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].has_tls && !rows[i].is_implicit_tls && !rows[i].is_mx)
			follow(server, &rows[i]);
	}
	pthread_mutex_unlock(&server->listeners_lock);
}
