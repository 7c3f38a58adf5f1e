/* counts.c - what came lately: messages by address, network and sender, and by network recipients
 * that do not exist. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "door/internal.h"

enum {
	HOUR_MS = 3600 * 1000,
	KEYS_MAX = 100000, /* of each kind */
};

void door_counts_init(struct door_counts *counts)
{
	pthread_mutex_init(&counts->lock, NULL);
	tally_init(&counts->addresses, HOUR_MS, KEYS_MAX);
	tally_init(&counts->networks, HOUR_MS, KEYS_MAX);
	tally_init(&counts->senders, HOUR_MS, KEYS_MAX);
	tally_init(&counts->unknown, HOUR_MS, KEYS_MAX);
}

void door_counts_done(struct door_counts *counts)
{
	tally_done(&counts->addresses);
	tally_done(&counts->networks);
	tally_done(&counts->senders);
	tally_done(&counts->unknown);
	pthread_mutex_destroy(&counts->lock);
}

static struct slice key_of_ip(const struct ip *ip)
{
	return (struct slice){(const char *)ip->bytes, ip->len};
}

/* Addresses of people are longer than a key: their hash is. */
static struct slice key_of_text(struct slice text, uint64_t *hash)
{
	*hash = bytes_hash(text);
	return map_key_u64(hash);
}

/* One more; false: too many. The caller holds the lock. */
static bool count(struct tally *tally, struct slice key, unsigned max)
{
	const int64_t now = clock_mono_ms();

	if (max && tally_get(tally, key, now) >= max)
		return false;
	tally_add(tally, key, now);
	return true;
}

bool door_count(struct door *door, const struct door_visit *visit, char reason_out[DOOR_REASON_MAX])
{
	struct door_counts *counts = &door->counts;
	const struct ip_network network = door_network(&visit->ip);
	const char *what = NULL;
	uint64_t hash;

	pthread_mutex_lock(&counts->lock);
	if (!count(&counts->addresses, key_of_ip(&visit->ip), door->per_address))
		what = "address";
	else if (!count(&counts->networks, key_of_ip(&network.ip), door->per_network))
		what = "network";
	else if (visit->sender.len &&
		 !count(&counts->senders, key_of_text(visit->sender, &hash), door->per_sender))
		what = "sender";
	pthread_mutex_unlock(&counts->lock);
	if (what)
		snprintf(reason_out, DOOR_REASON_MAX,
			"Too many messages from this %s within an hour", what);
	return !what;
}

unsigned door_unknown_lately(struct door *door, const struct door_visit *visit)
{
	const struct ip_network network = door_network(&visit->ip);
	unsigned n;

	pthread_mutex_lock(&door->counts.lock);
	n = tally_get(&door->counts.unknown, key_of_ip(&network.ip), clock_mono_ms());
	pthread_mutex_unlock(&door->counts.lock);
	return n;
}

int64_t door_note_unknown(struct door *door, const struct door_visit *visit)
{
	const struct ip_network network = door_network(&visit->ip);

	pthread_mutex_lock(&door->counts.lock);
	tally_add(&door->counts.unknown, key_of_ip(&network.ip), clock_mono_ms());
	pthread_mutex_unlock(&door->counts.lock);
	return door_unknown_lately(door, visit) >= DOOR_UNKNOWN_FEW ? door->tarpit_ms : 0;
}

void door_note_message(struct door *door, const struct door_visit *visit)
{
	const struct ip_network network = door_network(&visit->ip);

	greylist_learn(door->greylist, &network);
}
