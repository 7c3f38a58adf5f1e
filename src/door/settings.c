/* settings.c - the settings of the door, read once: networks, lists, weights. */
#include <stdlib.h>
#include <string.h>

#include "door/internal.h"

enum { WEIGHT_MAX = 1000, SHOWN = 60, MS = 1000, LINK_MAX = 512 };

static bool read_weight(struct slice text, int *out)
{
	const bool is_negative = slice_starts(text, slice_lit("-"));
	uint64_t n;

	if (!slice_to_u64(slice_from(text, is_negative), WEIGHT_MAX, &n))
		return false;
	*out = is_negative ? -(int)n : (int)n;
	return true;
}

/* "ip/ZONE/WEIGHT" or "domain/ZONE/WEIGHT", and maybe "/NETWORK" of the answers that count. */
static bool read_list(struct slice word, struct arena *arena, struct door_list *out)
{
	struct slice rest, only = {0};
	const struct slice kind = slice_cut(word, '/', &rest), zone = slice_cut(rest, '/', &rest),
			   weight = slice_cut(rest, '/', &only);

	out->is_domain = slice_eq(kind, slice_lit("domain"));
	out->has_only = only.ptr != NULL;
	return (out->is_domain || slice_eq(kind, slice_lit("ip"))) && zone.len &&
	       dns_name_parse(zone, arena, &out->zone) && read_weight(weight, &out->weight) &&
	       (!out->has_only || ip_network_parse(only, &out->only));
}

static int read_lists(struct slice line, struct door *door, struct err *err)
{
	struct slice word;

	while ((word = slice_next_word(&line)).len) {
		if (door->lists_n == DOOR_LISTS_MAX ||
			!read_list(word, &door->arena, &door->lists[door->lists_n++]))
			return err_set(err, ERR_SYNTAX,
				"door.lists: %.*s is not ip/ZONE/WEIGHT or domain/ZONE/WEIGHT",
				SLICE_ARG(slice_head(word, SHOWN)));
	}
	return 0;
}

static bool set_weight(struct door *door, struct slice name, struct slice weight)
{
	for (size_t i = 0; i < door_checks_n; i++) {
		if (slice_eq(name, slice_str(door_checks[i].name)))
			return read_weight(weight, &door->weights[i]);
	}
	return false;
}

static int read_weights(struct slice line, struct door *door, struct err *err)
{
	struct slice word, weight;

	for (size_t i = 0; i < door_checks_n; i++)
		door->weights[i] = door_checks[i].weight;
	while ((word = slice_next_word(&line)).len) {
		const struct slice name = slice_cut(word, '=', &weight);

		if (!set_weight(door, name, weight))
			return err_set(err, ERR_SYNTAX, "door.weights: %.*s is not CHECK=WEIGHT",
				SLICE_ARG(slice_head(word, SHOWN)));
	}
	return 0;
}

/* The page that replies point to. */
static struct slice make_link(const struct config *settings, struct slice home, struct arena *arena)
{
	struct buf link AUTO(buf_done);

	buf_init(&link, LINK_MAX);
	if (settings->door_link.len)
		buf_append(&link, settings->door_link);
	else if (home.len)
		buf_printf(&link, "%.*s/help/refused", SLICE_ARG(home));
	return arena_dup(arena, buf_slice(&link));
}

int door_read_settings(
	const struct config *settings, struct slice home, struct door *door, struct err *err)
{
	int rc;

	door->host_name = arena_dup(&door->arena, settings->host_name);
	door->link = make_link(settings, home, &door->arena);
	door->refuse = (int)settings->door_refuse;
	door->defer = (int)settings->door_greylist;
	door->tarpit = (int)settings->door_tarpit;
	door->greet_ms = (int64_t)settings->door_greet_s * MS;
	door->tarpit_ms = (int64_t)settings->door_tarpit_s * MS;
	door->tarpits_max = settings->mx_connections_max / 2;
	door->per_address = (unsigned)settings->door_per_address;
	door->per_network = (unsigned)settings->door_per_network;
	door->per_sender = (unsigned)settings->door_per_sender;
	rc = ip_networks_parse(
		settings->door_trusted, door->trusted, DOOR_NETWORKS_MAX, &door->trusted_n, err);
	if (rc == 0)
		rc = read_lists(settings->door_lists, door, err);
	return rc ? rc : read_weights(settings->door_weights, door, err);
}
