/* site.c - what browsers see: the pages, as this server's configuration wants them. */
#include <fcntl.h>

#include "base/io.h"
#include "server/server.h"
#include "web/host.h"

enum { HOME_MAX = 512 };

/* Users reach a service by the port that it listens on. */
static unsigned port_of(const struct config_listen *listen)
{
	return listen->n ? listen->at[0].port : 0;
}

struct slice site_home(const struct server *server, struct buf *made)
{
	const struct config *config = server->config;
	const struct host_config host = {.primary = server->service.host_name,
		.public_port = (unsigned)config->web_public_port};

	buf_init(made, HOME_MAX);
	if (config->service_home.len)
		return config->service_home;
	host_url(&host, made);
	return buf_slice(made);
}

int site_open(struct server *server, struct err *err)
{
	const struct config *config = server->config;
	struct web_config web = {
		.domain = server->service.host_name,
		.public_port = (unsigned)config->web_public_port,
		.has_insecure = config->web_insecure,
		.has_sms = config->sms_url.len > 0,
		.clients = config->web_clients,
		.port_imaps = port_of(&config->imaps),
		.port_submissions = port_of(&config->submissions),
	};

	server->web_spool_fd = io_open(AT_FDCWD, "spool", O_RDONLY | O_DIRECTORY, 0, err);
	if (server->web_spool_fd < 0)
		return server->web_spool_fd;
	web.spool_dirfd = server->web_spool_fd;
	return web_open(&server->service, &web, &server->web, err);
}

void site_close(struct server *server)
{
	if (server->web)
		web_free(&server->web);
	io_close(&server->web_spool_fd);
}
