/* sockets.c - see sockets.h for the contract. */
#include "supervisor/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

enum { BACKLOG = 4096, RETRY_MS = 50 };

union any_address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
};

/* "*" is one IPv6 socket that takes IPv4 too. */
static socklen_t make_address(const struct config_address *from, union any_address *out)
{
	char host[64] = "";

	memset(out, 0, sizeof(*out));
	memcpy(host, from->host.len ? from->host.ptr : "", from->host.len);
	if (from->host.len && inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(from->port);
		return sizeof(out->v4);
	}
	if (from->host.len)
		inet_pton(AF_INET6, host, &out->v6.sin6_addr);
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(from->port);
	return sizeof(out->v6);
}

static int bind_once(const struct config_address *address)
{
	union any_address at;
	socklen_t len = make_address(address, &at);
	const int on = 1, v6only = address->host.len != 0;
	int fd AUTO(io_close) =
		socket(at.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int done;

	if (fd < 0 && errno == EAFNOSUPPORT && address->host.len == 0) {
		at.v4 = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = htons(address->port)};
		len = sizeof(at.v4);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	}
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -1;
	if (at.sa.sa_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) < 0)
		return -1;
	if (bind(fd, &at.sa, len) < 0 || listen(fd, BACKLOG) < 0)
		return -1;
	done = fd;
	fd = -1;
	return done;
}

static int open_tcp(const char *name, const struct config_address *address, int patience_ms,
	int *fd_out, struct err *err)
{
	const int64_t end = clock_mono_ms() + patience_ms;
	const bool is_v6 = slice_chr(address->host, ':') != SIZE_MAX;
	int fd = bind_once(address);

	while (fd < 0 && errno == EADDRINUSE && clock_mono_ms() < end) {
		poll(NULL, 0, RETRY_MS);
		fd = bind_once(address);
	}
	if (fd < 0)
		return err_errno(err, "cannot listen on %s%.*s%s:%u (%s)", is_v6 ? "[" : "",
			SLICE_ARG(address->host.len ? address->host : slice_lit("*")),
			is_v6 ? "]" : "", address->port, name);
	*fd_out = fd;
	return 0;
}

/* A Unix socket in run/: only uid (and group, if not 0 mode bits) may connect. */
static int open_unix(
	const char *path, uid_t uid, gid_t gid, mode_t mode, int *fd_out, struct err *err)
{
	union any_address at = {.un = {.sun_family = AF_UNIX}};
	int fd AUTO(io_close) = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t mask;
	int rc;

	snprintf(at.un.sun_path, sizeof(at.un.sun_path), "%s", path);
	if (fd < 0 || (unlink(path) < 0 && errno != ENOENT))
		return err_errno(err, "cannot make %s", path);
	mask = umask(0777); /* nobody connects before owner and mode are right */
	rc = bind(fd, &at.sa, sizeof(at.un));
	umask(mask);
	if (rc < 0)
		return err_errno(err, "cannot make %s", path);
	if (chmod(path, mode) < 0 || (geteuid() == 0 && lchown(path, uid, gid) < 0) ||
		listen(fd, BACKLOG) < 0)
		return err_errno(err, "cannot open %s to its users", path);
	*fd_out = fd;
	fd = -1;
	return 0;
}

static const struct socket_item *find_same(
	const struct sockets *sockets, const char *name, const struct config_address *address)
{
	for (size_t i = 0; sockets && i < sockets->n; i++) {
		const struct socket_item *item = &sockets->items[i];

		if (strcmp(item->name, name) == 0 && item->address.port == address->port &&
			slice_eq(item->address.host, address->host))
			return item;
	}
	return NULL;
}

static int add_listen(const char *name, const struct config_listen *listen,
	const struct sockets *before, int patience_ms, struct sockets *out, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < listen->n && rc == 0; i++) {
		const struct socket_item *same = find_same(before, name, &listen->at[i]);
		struct socket_item item = {name, SOCKET_SERVER, listen->at[i], -1};

		if (same)
			item.fd = same->fd;
		else
			rc = open_tcp(name, &listen->at[i], patience_ms, &item.fd, err);
		if (rc == 0)
			out->items[out->n++] = item;
	}
	return rc;
}

static int add_unix(const struct layout *layout, const struct config *config,
	const struct sockets *before, struct sockets *out, struct err *err)
{
	const struct {
		const char *name, *path;
		enum socket_owner owner;
		uid_t uid;
		gid_t gid;
		mode_t mode;
		bool is_wanted;
	} rows[] = {
		{"control", "run/control.sock", SOCKET_SERVER, layout->owner, 0, 0600, true},
		{"lmtp_socket", "run/lmtp.sock", SOCKET_SERVER, layout->owner, layout->server_gid,
			0660, config->lmtp_socket != 0},
		{"keeper_server", "run/keeper-server.sock", SOCKET_KEEPER, layout->server_uid,
			layout->server_gid, 0600, true},
		{"keeper_courier", "run/keeper-courier.sock", SOCKET_KEEPER, layout->courier_uid,
			layout->courier_gid, 0600, true},
		{"courier_server", "run/courier-server.sock", SOCKET_COURIER, layout->server_uid,
			layout->server_gid, 0600, true},
		{"courier_lmtp", "run/courier-lmtp.sock", SOCKET_SERVER, layout->courier_uid,
			layout->courier_gid, 0600, true},
		{"keeper_cli", "run/keeper-cli.sock", SOCKET_KEEPER, layout->owner, 0, 0600, true},
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++) {
		struct socket_item item = {rows[i].name, rows[i].owner, {{0}, 0}, -1};
		const struct socket_item *same = find_same(before, item.name, &item.address);

		if (!rows[i].is_wanted)
			continue;
		if (same)
			item.fd = same->fd;
		else
			rc = open_unix(rows[i].path, rows[i].uid, rows[i].gid, rows[i].mode,
				&item.fd, err);
		if (rc == 0)
			out->items[out->n++] = item;
	}
	return rc;
}

bool sockets_are_due(const struct sockets *sockets, const struct config *config)
{
	bool is_due = false;

	for (enum config_service s = 0; s < CONFIG_SERVICES; s++) {
		bool is_there = false;

		for (size_t i = 0; i < sockets->n; i++)
			is_there = is_there ||
				   strcmp(sockets->items[i].name, config_services[s].name) == 0;
		is_due = is_due || is_there != (config_port(config, s, clock_wall_s()).n > 0);
	}
	return is_due;
}

bool sockets_have_date(const struct config *config)
{
	bool has_date = false;

	for (enum config_service s = 0; s < CONFIG_SERVICES; s++)
		has_date =
			has_date || (config->cleartext[s].mode == CLEARTEXT_NOTIFY &&
					    clock_wall_s() < (int64_t)config->cleartext[s].date_s);
	return has_date;
}

static int add_cleartext(const struct config *config, const struct sockets *before, int patience_ms,
	struct sockets *out, struct err *err)
{
	int rc = 0;

	for (enum config_service s = 0; s < CONFIG_SERVICES && rc == 0; s++) {
		const struct config_listen at = config_port(config, s, clock_wall_s());

		rc = add_listen(config_services[s].name, &at, before, patience_ms, out, err);
	}
	return rc;
}

int sockets_open(const struct layout *layout, const struct config *config,
	const struct sockets *before, int patience_ms, struct sockets *out, struct err *err)
{
	const struct {
		const char *name;
		const struct config_listen *at;
	} rows[] = {
		{"smtp", &config->smtp},
		{"submissions", &config->submissions},
		{"imaps", &config->imaps},
		{"https", &config->https},
		{"http", &config->http},
		{"lmtp", &config->lmtp},
		{"insecure_imaps", &config->insecure_imaps},
		{"insecure_submissions", &config->insecure_submissions},
	};
	struct sockets sockets = {.n = 0};
	int rc = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++)
		rc = add_listen(rows[i].name, rows[i].at, before, patience_ms, &sockets, err);
	if (rc == 0)
		rc = add_cleartext(config, before, patience_ms, &sockets, err);
	if (rc == 0)
		rc = add_unix(layout, config, before, &sockets, err);
	if (rc < 0)
		sockets_close(&sockets, before);
	else
		*out = sockets;
	return rc;
}

void sockets_close(struct sockets *sockets, const struct sockets *kept)
{
	for (size_t i = 0; i < sockets->n; i++) {
		bool is_kept = false;

		for (size_t k = 0; kept && k < kept->n && !is_kept; k++)
			is_kept = kept->items[k].fd == sockets->items[i].fd;
		if (!is_kept)
			io_close(&sockets->items[i].fd);
	}
	sockets->n = 0;
}
