/*
 * customers.c - certificates that servers order by themselves: mail.DOMAIN of each customer's
 * domain that has a login screen of its own, mta-sts.DOMAIN of each domain that has a policy there,
 * autoconfig.DOMAIN and autodiscover.DOMAIN of each domain whose DNS leads these to us; and no more
 * when there is no reason any longer.
 *
 * The order is the keeper's to write and the courier's to fill, who looks first whether the name
 * leads to us. Names that nobody need have set up are asked about before they are ordered, so that
 * nobody is told of a failure: some domains at each look. Two servers at once do the same thing,
 * which does no harm.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask/ask.h"
#include "ask/verbs.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "keeper/order.h"
#include "server/server.h"

enum {
	LOOK_MS = 20000,
	PAGE = 100,
	ASKED_AT_ONCE = 25,
	ASK_MS = 15000,
	ARENA_MAX = 1 << 20,
	NAME_BYTES = FRAME_KEY_NAME_MAX + 1
};

static bool has_file(struct server *server, const char *name, const char *suffix)
{
	char path[NAME_BYTES + 8];

	snprintf(path, sizeof(path), "%s%s", name, suffix);
	return faccessat(server->customers.tls_fd, path, F_OK, 0) == 0;
}

static bool has_own_screen(const struct directory_domain *domain)
{
	return domain->group && domain->has_screen;
}

static bool has_policy(const struct directory_domain *domain)
{
	return domain->mta_sts != MTA_STS_OFF;
}

static bool is_any(const struct directory_domain *domain)
{
	(void)domain;
	return true;
}

static const struct kind {
	struct slice prefix;
	bool (*wants)(const struct directory_domain *domain);
	bool is_asked; /* whether it leads here, before it is ordered */
} kinds[] = {
	{{"mail.", 5}, has_own_screen, false},
	{{"mta-sts.", 8}, has_policy, false},
	{{"autoconfig.", 11}, is_any, true},
	{{"autodiscover.", 13}, is_any, true},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static bool wants_one(struct server *server, const struct kind *kind, struct slice domain)
{
	struct directory_domain found = {0};
	struct err err;

	return directory_domain(server->service.directory, domain, &found, &err) == 0 &&
	       found.is_ours && kind->wants(&found);
}

/* False if no file can be called so. */
static bool name_of(const struct kind *kind, struct slice domain, char out[NAME_BYTES])
{
	const int n =
		snprintf(out, NAME_BYTES, "%.*s%.*s", SLICE_ARG(kind->prefix), SLICE_ARG(domain));

	return n > 0 && n < NAME_BYTES && frame_is_name(slice_str(out));
}

static bool is_due(
	struct server *server, const struct kind *kind, struct slice domain, char name[NAME_BYTES])
{
	return wants_one(server, kind, domain) && name_of(kind, domain, name) &&
	       !has_file(server, name, ".order") && !has_file(server, name, ".pem");
}

static void order(struct server *server, const char *name)
{
	const struct slice host = slice_str(name);
	struct err err;

	if (keeper_want(server->service.keeper, host, &host, 1, &err) < 0)
		log_warn(NULL, "certificate-order", log_c("name", name), log_e(&err));
	else
		log_info(NULL, "certificate-order", log_c("name", name));
}

static void order_all(struct server *server)
{
	char name[NAME_BYTES], after[ORDER_HOST_MAX + 1] = "";
	struct arena arena AUTO(arena_done);
	struct slice *list;
	struct err err;
	size_t n = PAGE;

	arena_init(&arena, ARENA_MAX);
	while (n == PAGE) {
		arena_reset(&arena);
		if (directory_domains(server->service.directory, slice_str(after), PAGE, &arena,
			    &list, &n, &err) < 0)
			return;
		for (size_t i = 0; i < n * KINDS; i++) {
			if (!kinds[i % KINDS].is_asked &&
				is_due(server, &kinds[i % KINDS], list[i / KINDS], name))
				order(server, name);
		}
		if (n)
			snprintf(after, sizeof(after), "%.*s", SLICE_ARG(list[n - 1]));
	}
}

/* ---- names that may lead here ---- */

struct question {
	struct pool_job job;
	struct server *server;
	char name[NAME_BYTES];
};

static void on_ours(struct pool_job *job)
{
	struct question *q = (struct question *)(void *)job;

	order(q->server, q->name);
	free(q);
}

/* The keeper is waited for, so not here. */
static void on_answer(void *context, struct frame *f, int rc, const struct err *err)
{
	struct question *q = context;

	(void)f;
	(void)err;
	if (rc < 0)
		free(q);
	else
		pool_run(q->server->service.pool, POOL_BULK, &q->job);
}

static void ask(struct server *server, const char *name)
{
	struct question *q = mem_new(struct question);
	struct buf request;

	q->job.run = on_ours;
	q->server = server;
	snprintf(q->name, sizeof(q->name), "%s", name);
	buf_init(&request, ASK_REQUEST_MAX);
	frame_begin(&request, 0, ASK_OURS);
	frame_put(&request, slice_str(name));
	ask_call(server->service.ask, &request, -1, ASK_MS, on_answer, q);
}

/* The next domains; after the last one it begins again. */
static void ask_some(struct server *server)
{
	char name[NAME_BYTES];
	struct arena arena AUTO(arena_done);
	struct slice *list;
	struct err err;
	size_t n;

	arena_init(&arena, ARENA_MAX);
	if (directory_domains(server->service.directory, slice_str(server->customers.asked),
		    ASKED_AT_ONCE, &arena, &list, &n, &err) < 0)
		return;
	for (size_t i = 0; i < n * KINDS; i++) {
		if (kinds[i % KINDS].is_asked &&
			is_due(server, &kinds[i % KINDS], list[i / KINDS], name))
			ask(server, name);
	}
	snprintf(server->customers.asked, sizeof(server->customers.asked), "%.*s",
		SLICE_ARG(n == ASKED_AT_ONCE ? list[n - 1] : (struct slice){0}));
}

/* ---- the other way round ---- */

static void drop_if_unwanted(
	struct server *server, const struct kind *kind, struct slice name, const char *file)
{
	struct buf text AUTO(buf_done);
	struct order what;
	struct err err;

	buf_init(&text, ORDER_TEXT_MAX);
	if (io_read_file(server->customers.tls_fd, file, &text, &err) < 0 ||
		order_read(buf_slice(&text), &what, &err) < 0 || !what.is_customer ||
		wants_one(server, kind, slice_from(name, kind->prefix.len)))
		return;
	if (keeper_unwant(server->service.keeper, name, &err) < 0)
		log_warn(NULL, "certificate-drop", log_s("name", name), log_e(&err));
	else
		log_info(NULL, "certificate-drop", log_s("name", name));
}

static void drop_all(struct server *server)
{
	const int fd = openat(server->customers.tls_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		const struct slice file = slice_str(entry->d_name), end = slice_lit(".order");

		for (size_t i = 0; i < KINDS && slice_ends(file, end); i++) {
			if (slice_starts(file, kinds[i].prefix))
				drop_if_unwanted(server, &kinds[i],
					slice_head(file, file.len - end.len), entry->d_name);
		}
	}
	if (folder)
		closedir(folder);
}

static void look(struct pool_job *job)
{
	struct pool_timer *timer =
		(struct pool_timer *)(void *)((char *)job - offsetof(struct pool_timer, job));
	struct server *server =
		(struct server *)(void *)((char *)timer - offsetof(struct server, customers.timer));

	if (atomic_load(&server->customers.is_on)) {
		order_all(server);
		ask_some(server);
		drop_all(server);
	}
	pool_timer_set(server->service.pool, timer, clock_mono_ms() + LOOK_MS);
}

int customers_open(struct server *server, struct err *err)
{
	server->customers.tls_fd = io_open(AT_FDCWD, "../tls", O_RDONLY | O_DIRECTORY, 0, err);
	return server->customers.tls_fd < 0 ? server->customers.tls_fd : 0;
}

void customers_start(struct server *server)
{
	server->customers.timer.job.run = look;
	server->customers.timer.class = POOL_BULK;
	pool_timer_set(
		server->service.pool, &server->customers.timer, clock_mono_ms() + LOOK_MS / 10);
}

void customers_close(struct server *server)
{
	io_close(&server->customers.tls_fd);
}
