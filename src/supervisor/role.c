/* role.c - `posthouse @courier …`, `@keeper …` and `@setup …`: the other processes' beginnings. */
#include "admin/instance.h"
#include "base/log.h"
#include "courier/courier.h"
#include "keeper/keeper.h"
#include "server/handover.h"
#include "supervisor/supervisor.h"

enum { KIB = 1024 };

static int fill_keeper(const struct handover *h, const struct config *config,
	struct keeper_config *out, struct err *err)
{
	int64_t server_fd, cli_fd, courier_fd, owner;
	int rc = handover_get(h, "keeper_server", &server_fd, err);

	if (rc == 0)
		rc = handover_get(h, "keeper_cli", &cli_fd, err);
	if (rc == 0)
		rc = handover_get(h, "keeper_courier", &courier_fd, err);
	if (rc == 0)
		rc = handover_get(h, "owner", &owner, err);
	if (rc == 0)
		*out = (struct keeper_config){
			.directory = "keeper",
			.server_fd = (int)server_fd,
			.cli_fd = (int)cli_fd,
			.courier_fd = (int)courier_fd,
			.host = config->host_name,
			.web_port = (unsigned)config->web_public_port,
			.tls_directory = "tls",
			.allows_old_signatures = config->tls_old_signatures ||
						 config->insecure_imaps.n ||
						 config->insecure_submissions.n,
			.scram_main = config->scram_main != 0,
			.argon2_memory_kib = (unsigned)(config->argon2_memory / KIB),
			.argon2_passes = (unsigned)config->argon2_passes,
			.cache_s = (unsigned)config->cache_s,
			.owner_uid = (unsigned)owner,
		};
	return rc;
}

int role_keeper_main(int argc, char **argv)
{
	struct config *config AUTO(config_free) = NULL;
	struct keeper_config keeper;
	struct handover handover;
	struct err err;
	int rc = handover_parse(argv + 2, &handover, &err);

	if (rc == 0)
		rc = handover_config(&handover, &config, &err);
	if (rc == 0)
		log_open("keeper", (enum log_level)config->log_level);
	if (rc == 0)
		rc = role_enter(&handover, "keeper", NULL, argc, argv, &err);
	if (rc == 0)
		rc = fill_keeper(&handover, config, &keeper, &err);
	if (rc == 0)
		rc = keeper_run(&keeper, &err);
	if (rc < 0)
		log_error(NULL, "failed", log_e(&err));
	return rc < 0;
}

int role_courier_main(int argc, char **argv)
{
	struct config *config AUTO(config_free) = NULL;
	struct handover handover;
	struct err err;
	struct courier_config courier;
	int64_t bus = -1, server = -1;
	int rc = handover_parse(argv + 2, &handover, &err);

	if (rc == 0)
		rc = handover_config(&handover, &config, &err);
	if (rc == 0)
		log_open("courier", (enum log_level)config->log_level);
	if (rc == 0)
		rc = role_enter(&handover, "courier", "courier", argc, argv, &err);
	if (rc == 0)
		rc = handover_get(&handover, "bus", &bus, &err);
	if (rc == 0)
		rc = handover_get(&handover, "courier_server", &server, &err);
	courier = (struct courier_config){
		.settings = config, .bus_fd = (int)bus, .server_fd = (int)server};
	if (rc == 0)
		rc = courier_run(&courier, &err);
	if (rc < 0)
		log_error(NULL, "failed", log_e(&err));
	return rc < 0;
}

/* The first start: a certificate of our own, so that TLS works at once. */
int role_setup_main(int argc, char **argv)
{
	struct config *config AUTO(config_free) = NULL;
	struct handover handover;
	struct err err;
	int rc = handover_parse(argv + 2, &handover, &err);

	if (rc == 0)
		rc = handover_config(&handover, &config, &err);
	if (rc == 0)
		log_open("setup", (enum log_level)config->log_level);
	if (rc == 0)
		rc = role_enter(&handover, "setup", NULL, argc, argv, &err);
	if (rc == 0)
		rc = instance_make_certificate(config->tls_default, &err);
	if (rc < 0)
		log_error(NULL, "failed", log_e(&err));
	else
		log_info(NULL, "certificate", log_s("name", config->tls_default),
			log_c("note",
				"self-signed; certificate order or import brings a real one"));
	return rc < 0;
}
