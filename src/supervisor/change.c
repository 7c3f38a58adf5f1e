/* change.c - reload and upgrade: see supervisor.h. */
#include "base/encode.h"
#include "base/log.h"
#include "supervisor/state.h"

static void send_config(struct supervisor *sup)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, BUS_LINE_MAX);
	base64_encode(&text, buf_slice(&sup->config_text));
	for (size_t i = 0; i < sup->n; i++) {
		if (sup->children[i].role == ROLE_SERVER)
			child_send(&sup->children[i], "reload %.*s\n", SLICE_ARG(buf_slice(&text)));
	}
}

/* A socket that was not there before reaches a server only with a new one. */
static bool has_new_socket(const struct sockets *now, const struct sockets *before)
{
	for (size_t i = 0; i < now->n; i++) {
		bool is_old = false;

		for (size_t k = 0; k < before->n && !is_old; k++)
			is_old = before->items[k].fd == now->items[i].fd;
		if (!is_old)
			return true;
	}
	return false;
}

/* Take over settings that were read; what was there before stays if a port cannot be had. */
static int apply(struct supervisor *sup, struct config *config, unsigned *changes, struct err *err)
{
	struct sockets sockets;
	int rc;

	rc = sockets_open(&sup->layout, config, &sup->sockets, 0, &sockets, err);
	if (rc < 0)
		return rc;
	if (has_new_socket(&sockets, &sup->sockets))
		*changes |= CONFIG_SERVER;
	sockets_close(&sup->sockets, &sockets);
	sup->sockets = sockets;
	log_open("supervisor", (enum log_level)config->log_level);
	if (*changes & CONFIG_START)
		log_warn(NULL, "reload", log_c("note", "a changed user needs a stop and a start"));
	return 0;
}

void change_reload(struct supervisor *sup)
{
	struct buf text AUTO(buf_done);
	struct config *config AUTO(config_free) = NULL;
	struct buf old_text = sup->config_text;
	struct config *old = sup->config;
	unsigned changes = 0;
	struct err err;
	int rc;

	buf_init(&text, CONFIG_TEXT_MAX);
	rc = layout_config(&text, &config, &err);
	if (rc == 0) {
		changes = config_changes(old, config);
		rc = apply(sup, config, &changes, &err);
	}
	if (rc < 0) {
		log_error(NULL, "reload-failed", log_e(&err));
		return;
	}
	sup->config = config;
	sup->config_text = text;
	config = old;
	text = old_text;
	log_info(NULL, "reload", log_n("new-server", (changes & CONFIG_SERVER) != 0),
		log_n("new-keeper", (changes & CONFIG_KEEPER) != 0),
		log_n("new-courier", (changes & CONFIG_COURIER) != 0));
	send_config(sup);
	if (changes & CONFIG_SERVER)
		processes_new_server(sup);
	if (changes & CONFIG_KEEPER)
		processes_restart(sup, ROLE_KEEPER);
	if (changes & CONFIG_COURIER)
		processes_restart(sup, ROLE_COURIER);
}

void change_date(struct supervisor *sup)
{
	unsigned changes = 0;
	struct err err;

	if (sup->is_stopping || !sockets_are_due(&sup->sockets, sup->config))
		return;
	if (apply(sup, sup->config, &changes, &err) < 0) {
		log_error(NULL, "date", log_e(&err));
		return;
	}
	log_info(NULL, "date", log_c("note", "a port was opened or closed by its date"));
	if (changes & CONFIG_SERVER)
		processes_new_server(sup);
}

void change_upgrade(struct supervisor *sup)
{
	struct err err;

	if (program_reopen(&sup->program, &err) < 0) {
		log_error(NULL, "upgrade-failed", log_e(&err));
		return;
	}
	sup->is_upgrading = true;
	processes_new_server(sup);
}
