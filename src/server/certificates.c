/* certificates.c - the chains of ../tls, and the session ticket keys; both are replaced live. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "server/server.h"

enum {
	CHAIN_MAX = 256 << 10,
	TICKET_KEYS_MAX = 4,
	TICKET_EVERY_MS = 600000, /* the keeper replaces them hourly */
	TICKET_AGAIN_MS = 10000,
};

static int load_one(struct server *server, struct slice name, bool is_default, struct err *err)
{
	struct buf chain AUTO(buf_done);
	char path[256];
	int rc;

	buf_init(&chain, CHAIN_MAX);
	snprintf(path, sizeof(path), "../tls/%.*s.pem", SLICE_ARG(slice_head(name, 200)));
	rc = io_read_file(AT_FDCWD, path, &chain, err);
	return rc < 0 ? rc : tls_load(server->tls, buf_slice(&chain), name, is_default, err);
}

/* All but the default, which was loaded first: of two for one name the first wins. */
static size_t load_others(struct server *server, const struct config *config, DIR *folder)
{
	const struct dirent *entry;
	size_t loaded = 0;
	struct err err;

	while ((entry = readdir(folder))) {
		struct slice name = slice_str(entry->d_name);

		if (!slice_ends(name, slice_lit(".pem")) || name.ptr[0] == '.')
			continue;
		name = slice_head(name, name.len - 4);
		if (slice_eq(name, config->tls_default))
			continue;
		if (load_one(server, name, false, &err) < 0)
			log_error(NULL, "certificate", log_s("name", name), log_e(&err));
		else
			loaded++;
	}
	return loaded;
}

int certificates_load(struct server *server, const struct config *config, struct err *err)
{
	DIR *folder = opendir("../tls");
	size_t loaded = 0;

	if (!folder)
		return err_errno(err, "cannot read tls/");
	if (load_one(server, config->tls_default, true, err) < 0)
		log_error(NULL, "certificate", log_s("name", config->tls_default), log_e(err));
	else
		loaded++;
	loaded += load_others(server, config, folder);
	closedir(folder);
	return loaded ? 0 : err_set(err, ERR_NOTFOUND, "no certificate in tls/ can be used");
}

static void fetch_tickets(struct pool_job *job)
{
	struct pool_timer *timer =
		(struct pool_timer *)(void *)((char *)job - offsetof(struct pool_timer, job));
	struct server *server =
		(struct server *)(void *)((char *)timer - offsetof(struct server, ticket_timer));
	unsigned char keys[TICKET_KEYS_MAX][48];
	int64_t wait = TICKET_EVERY_MS;
	struct err err;
	size_t n;

	if (keeper_ticket_keys(server->service.keeper, keys, TICKET_KEYS_MAX, &n, &err) == 0) {
		tls_set_ticket_keys(server->tls, (const unsigned char(*)[48])keys, n);
	} else {
		log_warn(NULL, "ticket-keys", log_e(&err));
		wait = TICKET_AGAIN_MS;
	}
	mem_wipe(keys, sizeof(keys));
	pool_timer_set(server->service.pool, timer, clock_mono_ms() + wait);
}

void tickets_start(struct server *server)
{
	server->ticket_timer.job.run = fetch_tickets;
	server->ticket_timer.class = POOL_HANDSHAKE;
	pool_timer_set(server->service.pool, &server->ticket_timer, clock_mono_ms());
}
