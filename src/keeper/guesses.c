/* guesses.c - see guesses.h for the contract. */
#include "keeper/guesses.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/tally.h"

enum {
	TALLY_MAX = 50000, /* keys of a generation */
	WINDOW_MS = 10 * 60 * 1000,
	FRESH_WINDOW_MS = 6 * 3600 * 1000,
	KNOWN_S = 180 * 86400,
	RENEW_S = 7 * 86400, /* so long the database's date may be behind */
	ACCOUNT_LEN = 8,
};

struct guesses {
	struct secrets *secrets;
	pthread_mutex_t lock; /* guards all below */
	struct tally places, networks, accounts, all;
	struct tally fresh; /* places whose row in the database is known to be new enough */
};

int guesses_new(struct secrets *secrets, struct guesses **out, struct err *err)
{
	struct guesses *g = mem_new(struct guesses);

	(void)err;
	g->secrets = secrets;
	pthread_mutex_init(&g->lock, NULL);
	tally_init(&g->places, WINDOW_MS, TALLY_MAX);
	tally_init(&g->networks, WINDOW_MS, TALLY_MAX);
	tally_init(&g->accounts, WINDOW_MS, TALLY_MAX);
	tally_init(&g->all, WINDOW_MS, 1);
	tally_init(&g->fresh, FRESH_WINDOW_MS, TALLY_MAX);
	*out = g;
	return 0;
}

void guesses_free(struct guesses **guesses)
{
	struct guesses *g = *guesses;

	if (!g)
		return;
	tally_done(&g->places);
	tally_done(&g->networks);
	tally_done(&g->accounts);
	tally_done(&g->all);
	tally_done(&g->fresh);
	pthread_mutex_destroy(&g->lock);
	free(g);
	*guesses = NULL;
}

struct place place_of(uint64_t account, struct slice peer)
{
	struct place place = {0};
	unsigned char address[16];
	char text[INET6_ADDRSTRLEN] = "";

	be64_put((unsigned char *)place.bytes, account);
	if (peer.len >= sizeof(text))
		return place;
	memcpy(text, peer.len ? peer.ptr : "", peer.len);
	if (inet_pton(AF_INET, text, address) == 1) {
		place.bytes[ACCOUNT_LEN] = 4;
		memcpy(place.bytes + ACCOUNT_LEN + 1, address, 3);
	} else if (inet_pton(AF_INET6, text, address) == 1) {
		place.bytes[ACCOUNT_LEN] = 6;
		memcpy(place.bytes + ACCOUNT_LEN + 1, address, 6);
	}
	return place;
}

static struct slice place_key(const struct place *place)
{
	return (struct slice){place->bytes, PLACE_LEN};
}

static struct slice account_key(const struct place *place)
{
	return (struct slice){place->bytes, ACCOUNT_LEN};
}

static struct slice network_key(const struct place *place)
{
	return slice_from(place_key(place), ACCOUNT_LEN);
}

uint64_t place_account(const struct place *place)
{
	return be64_get((const unsigned char *)place->bytes);
}

/* When the account was last there, as the database says; 0: never. */
static int64_t seen_s(struct db *db, const struct place *place)
{
	int64_t seen = 0;
	struct err err;

	if (db_get_int(db, &seen, &err,
		    "SELECT seen_s FROM known WHERE account = ? AND network = ?",
		    db_i((int64_t)place_account(place)), db_b(network_key(place))) < 0)
		return 0; /* at worst a known place is treated as a new one */
	return seen;
}

static bool is_fresh(struct guesses *g, const struct place *place)
{
	bool is_it;

	pthread_mutex_lock(&g->lock);
	is_it = tally_get(&g->fresh, place_key(place), clock_mono_ms()) > 0;
	pthread_mutex_unlock(&g->lock);
	return is_it;
}

static void make_fresh(struct guesses *g, const struct place *place)
{
	pthread_mutex_lock(&g->lock);
	tally_add(&g->fresh, place_key(place), clock_mono_ms());
	pthread_mutex_unlock(&g->lock);
}

bool guesses_is_known(struct guesses *g, const struct place *place)
{
	int64_t seen;

	if (is_fresh(g, place))
		return true;
	seen = seen_s(secrets_read(g->secrets), place);
	secrets_read_end(g->secrets);
	return clock_wall_s() - seen < KNOWN_S;
}

bool guesses_is_limited(struct guesses *g, const struct place *place)
{
	const bool is_known = guesses_is_known(g, place);
	const int64_t now = clock_mono_ms();
	unsigned failures;
	bool is_it;

	pthread_mutex_lock(&g->lock);
	failures = tally_get(&g->places, place_key(place), now);
	if (is_known)
		is_it = failures >= GUESSES_KNOWN_MAX;
	else
		is_it = failures >= GUESSES_PLACE_MAX ||
			tally_get(&g->networks, network_key(place), now) >= GUESSES_NETWORK_MAX ||
			tally_get(&g->accounts, account_key(place), now) >= GUESSES_ACCOUNT_MAX ||
			(failures && tally_get(&g->all, slice_lit(""), now) >= GUESSES_ALL_MAX);
	pthread_mutex_unlock(&g->lock);
	return is_it;
}

bool guesses_is_shut(struct guesses *g, const struct place *place)
{
	unsigned failures;

	pthread_mutex_lock(&g->lock);
	failures = tally_get(&g->places, place_key(place), clock_mono_ms());
	pthread_mutex_unlock(&g->lock);
	return failures >= GUESSES_SHUT_MAX;
}

void guesses_failed(struct guesses *g, const struct place *place)
{
	const bool is_known = guesses_is_known(g, place);
	const int64_t now = clock_mono_ms();

	pthread_mutex_lock(&g->lock);
	tally_add(&g->places, place_key(place), now);
	if (!is_known) {
		tally_add(&g->networks, network_key(place), now);
		tally_add(&g->accounts, account_key(place), now);
		tally_add(&g->all, slice_lit(""), now);
	}
	pthread_mutex_unlock(&g->lock);
}

bool guesses_good(struct guesses *g, const struct place *place)
{
	int64_t seen;

	pthread_mutex_lock(&g->lock);
	tally_forget(&g->places, place_key(place));
	pthread_mutex_unlock(&g->lock);
	if (is_fresh(g, place))
		return false;
	seen = seen_s(secrets_read(g->secrets), place);
	secrets_read_end(g->secrets);
	if (clock_wall_s() - seen >= RENEW_S)
		return true;
	make_fresh(g, place);
	return false;
}

int guesses_note(struct guesses *g, struct db *change, const struct place *place, bool *is_new_out,
	struct err *err)
{
	const int64_t account = (int64_t)place_account(place), now = clock_wall_s();
	const bool was_known = seen_s(change, place) > 0;
	int64_t others = 0;
	int rc = db_get_int(change, &others, err, "SELECT count(*) FROM known WHERE account = ?",
		db_i(account));

	if (rc == 0 && others >= PLACES_MAX)
		rc = db_do(change, err,
			"DELETE FROM known WHERE account = ?1 AND seen_s ="
			" (SELECT min(seen_s) FROM known WHERE account = ?1)",
			db_i(account));
	if (rc == 0)
		rc = db_do(change, err,
			"INSERT INTO known (account, network, first_s, seen_s)"
			" VALUES (?1, ?2, ?3, ?3)"
			" ON CONFLICT (account, network) DO UPDATE SET seen_s = excluded.seen_s",
			db_i(account), db_b(network_key(place)), db_i(now));
	if (rc < 0)
		return rc;
	make_fresh(g, place);
	*is_new_out = !was_known && others > 0;
	return 0;
}
