/* certificates.c - the chains of ../tls, and the session ticket keys; both are replaced live. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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

/* What is in use from now on. */
struct loaded {
	struct tls_use *list;
	size_t n, cap;
};

static void loaded_done(struct loaded *loaded)
{
	for (size_t i = 0; i < loaded->n; i++)
		tls_chain_release(loaded->list[i].chain);
	free(loaded->list);
}

static void load_one(
	struct server *server, struct slice name, bool is_default, struct loaded *loaded)
{
	struct tls_use use = {
		.is_default = is_default, .is_old = slice_ends(name, slice_lit("-old"))};
	struct buf chain AUTO(buf_done);
	char path[256];
	struct err err;
	int rc;

	buf_init(&chain, CHAIN_MAX);
	snprintf(path, sizeof(path), "../tls/%.*s.pem", SLICE_ARG(slice_head(name, 200)));
	rc = io_read_file(AT_FDCWD, path, &chain, &err);
	if (rc == 0)
		rc = tls_chain_read(server->tls, buf_slice(&chain), name, &use.chain, &err);
	if (rc < 0) {
		log_error(NULL, "certificate", log_s("name", name), log_e(&err));
		return;
	}
	if (loaded->n == loaded->cap) {
		loaded->cap = 2 * loaded->cap + 8;
		loaded->list = mem_realloc(loaded->list, loaded->cap * sizeof(*loaded->list));
	}
	loaded->list[loaded->n++] = use;
}

/* All but the default, which was loaded first: of two for one name the first wins. */
static void load_others(
	struct server *server, const struct config *config, DIR *folder, struct loaded *loaded)
{
	const struct dirent *entry;

	while ((entry = readdir(folder))) {
		struct slice name = slice_str(entry->d_name);

		if (!slice_ends(name, slice_lit(".pem")) || name.ptr[0] == '.')
			continue;
		name = slice_head(name, name.len - 4);
		if (!slice_eq(name, config->tls_default))
			load_one(server, name, false, loaded);
	}
}

int certificates_load(struct server *server, const struct config *config, struct err *err)
{
	struct loaded loaded AUTO(loaded_done) = {0};
	DIR *folder = opendir("../tls");

	if (!folder)
		return err_errno(err, "cannot read tls/");
	load_one(server, config->tls_default, true, &loaded);
	load_others(server, config, folder, &loaded);
	closedir(folder);
	if (loaded.n == 0)
		return err_set(err, ERR_NOTFOUND, "no certificate in tls/ can be used");
	tls_use(server->tls, loaded.list, loaded.n);
	return 0;
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
