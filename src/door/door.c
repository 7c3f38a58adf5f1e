/* door.c - see door.h for the contract. */
#include "door/door.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "door/internal.h"

enum { VISIT_ARENA_MAX = 128 << 10, SETTINGS_ARENA_MAX = 64 << 10, SECONDS_SHOWN_MAX = 86400 };

int door_open(const struct config *settings, struct slice home, struct pool *pool,
	struct door **out, struct err *err)
{
	struct door *door AUTO(door_close) = mem_new(struct door);
	int rc;

	arena_init(&door->arena, SETTINGS_ARENA_MAX);
	door_counts_init(&door->counts);
	rc = door_read_settings(settings, home, door, err);
	if (rc == 0)
		rc = greylist_open(pool, (int64_t)settings->door_greylist_s, &door->greylist, err);
	if (rc < 0)
		return rc;
	*out = door;
	door = NULL;
	return 0;
}

void door_close(struct door **door_at)
{
	struct door *door = *door_at;

	if (!door)
		return;
	greylist_close(&door->greylist);
	door_counts_done(&door->counts);
	arena_done(&door->arena);
	free(door);
	*door_at = NULL;
}

struct slice door_domain_of(struct slice address)
{
	const size_t at = slice_rchr(address, '@');

	return at == SIZE_MAX ? (struct slice){0} : slice_from(address, at + 1);
}

struct ip_network door_network(const struct ip *ip)
{
	return ip_network_of(ip, ip->len == IP_V4 ? NETWORK_V4_BITS : NETWORK_V6_BITS);
}

void door_say(struct door_verdict *verdict, int weight, const char *fmt, ...)
{
	va_list ap;

	verdict->weight = weight;
	va_start(ap, fmt);
	vsnprintf(verdict->reason, sizeof(verdict->reason), fmt, ap);
	va_end(ap);
}

struct door_visit *door_visit_new(const struct door *door, struct slice peer)
{
	struct door_visit *visit;
	struct ip ip;

	if (!ip_parse(peer, &ip))
		return NULL;
	for (size_t i = 0; i < door->trusted_n; i++) {
		if (ip_is_in(&ip, &door->trusted[i]))
			return NULL;
	}
	visit = mem_new(struct door_visit);
	visit->ip = ip;
	arena_init(&visit->arena, VISIT_ARENA_MAX);
	dns_view_init(&visit->view, &visit->arena);
	return visit;
}

void door_visit_tell(struct door_visit *visit, enum door_iprev iprev, struct slice name)
{
	visit->iprev = iprev;
	visit->name = arena_dup(&visit->arena, name);
	visit->is_told = true;
}

void door_visit_free(struct door_visit **visit)
{
	if (!*visit)
		return;
	arena_done(&(*visit)->arena);
	free(*visit);
	*visit = NULL;
}

int64_t door_greet_ms(const struct door *door)
{
	return door->greet_ms;
}

void door_look(struct door *door, struct door_visit *visit)
{
	for (size_t i = 0; i < door_checks_n; i++) {
		struct door_verdict *verdict = &visit->verdicts[i];

		*verdict = (struct door_verdict){0};
		if (door->weights[i])
			door_checks[i].run(door, visit, door->weights[i], verdict);
	}
}

/* The sum, what it is made of, and the check that counts most. */
static size_t add_up(const struct door_visit *visit, struct door_judgement *out)
{
	size_t heaviest = 0, len = 0;

	for (size_t i = 0; i < door_checks_n; i++) {
		const struct door_verdict *verdict = &visit->verdicts[i];

		if (!verdict->weight)
			continue;
		out->points += verdict->weight;
		if (verdict->weight > visit->verdicts[heaviest].weight)
			heaviest = i;
		len += (size_t)snprintf(out->why + len, sizeof(out->why) - len, "%s%s=%d",
			len ? " " : "", door_checks[i].name, verdict->weight);
	}
	return heaviest;
}

/* The reply: why, and where more is said about it. */
static void put_text(
	const struct door *door, const char *why, const char *topic, struct door_judgement *out)
{
	if (door->link.len)
		snprintf(out->text, sizeof(out->text), "%s; see %.*s#%s", why,
			SLICE_ARG(door->link), topic);
	else
		snprintf(out->text, sizeof(out->text), "%s", why);
}

static void ask_greylist(struct door *door, const struct door_visit *visit, struct slice recipient,
	struct door_judgement *out)
{
	const struct ip_network network = door_network(&visit->ip);
	const int64_t wait_s = greylist_ask(door->greylist, &network, visit->sender, recipient);
	char why[DOOR_REASON_MAX];

	if (wait_s == 0)
		return;
	out->decision = DOOR_DEFER;
	snprintf(why, sizeof(why), "We do not know your server yet; please try again in %d seconds",
		(int)(wait_s < SECONDS_SHOWN_MAX ? wait_s : SECONDS_SHOWN_MAX));
	put_text(door, why, "greylist", out);
}

void door_judge(struct door *door, struct door_visit *visit, struct slice recipient,
	bool is_postmaster, struct door_judgement *out)
{
	char over[DOOR_REASON_MAX];
	size_t heaviest;

	*out = (struct door_judgement){.decision = DOOR_PASS};
	heaviest = add_up(visit, out);
	if (out->points >= door->tarpit)
		out->tarpit_ms = door->tarpit_ms;
	if (is_postmaster)
		return;
	if (out->points >= door->refuse) {
		out->decision = DOOR_REFUSE;
		put_text(door, visit->verdicts[heaviest].reason, door_checks[heaviest].name, out);
	} else if (!door_count(door, visit, over)) {
		out->decision = DOOR_DEFER;
		put_text(door, over, "limit", out);
	} else if (out->points >= door->defer) {
		ask_greylist(door, visit, recipient, out);
	}
}

bool door_tarpit_begin(struct door *door)
{
	if (atomic_fetch_add(&door->tarpits, 1) < door->tarpits_max)
		return true;
	door_tarpit_end(door);
	return false;
}

void door_tarpit_end(struct door *door)
{
	atomic_fetch_sub(&door->tarpits, 1);
}
