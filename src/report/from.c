/*
 * from.c - who our reports come from: as the settings say, else an address whose domain has keys
 * that sign, since hosts drop reports that nobody stands behind.
 *
 * Candidates are looked through one after the other, each with the domains above it, as what is
 * ours is signed (mail/sign.h): the host's name, the domain of the service's own mail, the
 * operator's domains. The keeper is asked for each; it is done again every minute at most, in the
 * job.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "keeper/credentials.h"
#include "mailauth/domain.h"
#include "report/internal.h"

enum { AGAIN_S = 60, ARENA_BYTES = 1 << 20, DOMAINS_MAX = 100 };

struct choosing {
	struct reports *reports;
	void (*then)(struct reports *reports);
	struct arena arena;
	struct slice list[DOMAINS_MAX + 2]; /* domains */
	size_t n, at;
	struct slice domain; /* of the list, or above that */
};

static void end(struct choosing *c)
{
	struct reports *r = c->reports;
	void (*then)(struct reports *) = c->then;

	arena_done(&c->arena);
	free(c);
	then(r);
}

static void set(struct reports *r, struct slice domain, bool is_signed)
{
	struct report_from *from = &r->from;

	pthread_mutex_lock(&from->lock);
	if (r->config.from.len)
		snprintf(from->address, sizeof(from->address), "%.*s", SLICE_ARG(r->config.from));
	else
		snprintf(
			from->address, sizeof(from->address), "postmaster@%.*s", SLICE_ARG(domain));
	from->is_signed = is_signed;
	pthread_mutex_unlock(&from->lock);
}

static void ask_keeper(struct choosing *c);

/* The next one above, or in the list; the first one it is if none has keys. */
static void try_next(struct choosing *c)
{
	c->domain = domain_parent(c->domain);
	if (c->domain.len == 0 || domain_is_public(c->domain))
		c->domain = ++c->at < c->n ? c->list[c->at] : (struct slice){0};
	if (c->domain.len) {
		ask_keeper(c);
		return;
	}
	set(c->reports, c->list[0], false);
	end(c);
}

static void on_keys(void *context, const struct answer *answer)
{
	const struct keeper_dkim_keys *keys = answer->data;
	struct choosing *c = context;

	if (answer->rc < 0) {
		c->reports->from_s = 0; /* the keeper is away: it stays as it was */
		end(c);
	} else if (keys->n) {
		set(c->reports, c->list[c->at], true);
		end(c);
	} else {
		try_next(c);
	}
}

static void ask_keeper(struct choosing *c)
{
	const struct keeper_call call = {
		.keeper = c->reports->service->keeper, .done = on_keys, .context = c};

	keeper_dkim_keys(&call, c->domain);
}

static void add(struct choosing *c, struct slice domain)
{
	if (domain.len && c->n < sizeof(c->list) / sizeof(c->list[0]))
		c->list[c->n++] = domain;
}

/* The operator's own: customers' names are not ours to write in. */
static void add_domains(struct choosing *c)
{
	struct directory *directory = c->reports->service->directory;
	struct directory_domain found;
	struct slice *list;
	struct err err;
	size_t n = 0;

	if (directory_domains(
		    directory, (struct slice){"", 0}, DOMAINS_MAX, &c->arena, &list, &n, &err) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (directory_domain(directory, list[i], &found, &err) == 0 && found.is_ours &&
			!found.group)
			add(c, list[i]);
	}
}

static struct slice domain_of(struct slice address)
{
	return slice_from(address, slice_rchr(address, '@') + 1);
}

void from_choose(struct reports *r, void (*then)(struct reports *reports))
{
	const int64_t now = clock_wall_s();
	struct choosing *c;

	if (!r->service->keeper || now < r->from_s) {
		then(r);
		return;
	}
	r->from_s = now + AGAIN_S;
	c = mem_new(struct choosing);
	*c = (struct choosing){.reports = r, .then = then};
	arena_init(&c->arena, ARENA_BYTES);
	if (r->config.from.len) {
		add(c, domain_of(r->config.from));
	} else {
		add(c, r->service->host_name);
		if (r->config.service_address.len)
			add(c, domain_of(r->config.service_address));
		add_domains(c);
	}
	c->domain = c->list[0];
	ask_keeper(c);
}

bool report_from(struct reports *r, struct buf *out)
{
	bool is_signed;

	pthread_mutex_lock(&r->from.lock);
	buf_str(out, r->from.address);
	is_signed = r->from.is_signed;
	pthread_mutex_unlock(&r->from.lock);
	return is_signed;
}

void from_open(struct reports *r)
{
	pthread_mutex_init(&r->from.lock, NULL);
	set(r, r->service->host_name, false);
}

void from_close(struct reports *r)
{
	pthread_mutex_destroy(&r->from.lock);
}
