/*
 * internal.h - what the files of door/ share; nobody else includes it.
 */
#ifndef DOOR_INTERNAL_H
#define DOOR_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/tally.h"
#include "door/door.h"

enum { DOOR_UNKNOWN_FEW = 10, DOOR_UNKNOWN_MANY = 50 }; /* recipients that do not exist */
enum { DOOR_NETWORKS_MAX = 64, NETWORK_V4_BITS = 24, NETWORK_V6_BITS = 64 };

struct door_list {
	bool is_domain; /* of names, not of addresses */
	struct slice zone;
	int weight;
	bool has_only;
	struct ip_network only; /* answers that count */
};

struct greylist;

/* What happened lately. */
struct door_counts {
	pthread_mutex_t lock; /* guards them */
	struct tally addresses, networks, senders, unknown;
};

struct door {
	struct arena arena; /* of the settings */
	struct slice host_name, link;
	struct ip_network trusted[DOOR_NETWORKS_MAX];
	size_t trusted_n;
	struct door_list lists[DOOR_LISTS_MAX];
	size_t lists_n;
	int weights[DOOR_CHECKS_MAX]; /* of the checks, in the order of the rows */
	int refuse, defer, tarpit;    /* points from which on */
	int64_t greet_ms, tarpit_ms;
	unsigned per_address, per_network, per_sender; /* messages an hour; 0: no limit */
	size_t tarpits_max;
	atomic_size_t tarpits;
	struct door_counts counts;
	struct greylist *greylist;
};

/* A check: writes its verdict (all 0 before), each time it is run; weight is what the settings say
 * it is worth. */
typedef void door_check_fn(
	struct door *door, struct door_visit *visit, int weight, struct door_verdict *verdict_out);
door_check_fn door_check_early, door_check_helo, door_check_iprev, door_check_list,
	door_check_probe;

struct door_check {
	const char *name;
	int weight; /* if the settings say nothing */
	door_check_fn *run;
};
extern const struct door_check door_checks[];
extern const size_t door_checks_n;

/* door_say - points and the reason. */
PRINTF_LIKE(3, 4)
void door_say(struct door_verdict *verdict, int weight, const char *fmt, ...);

struct slice door_domain_of(struct slice address); /* behind the last "@"; empty without one */
struct ip_network door_network(const struct ip *ip);

/* settings.c */
MUST_CHECK int door_read_settings(
	const struct config *settings, struct slice home, struct door *door, struct err *err);

/* counts.c */
void door_counts_init(struct door_counts *counts);
void door_counts_done(struct door_counts *counts);
/* door_count - this message is one more; false: it is over a limit, which reason_out names. */
bool door_count(
	struct door *door, const struct door_visit *visit, char reason_out[DOOR_REASON_MAX]);
unsigned door_unknown_lately(struct door *door, const struct door_visit *visit);

/* greylist.c */
MUST_CHECK int greylist_open(
	struct pool *pool, int64_t wait_s, struct greylist **out, struct err *err);
void greylist_close(struct greylist **greylist);
/* greylist_ask - seconds until that network may bring mail from that sender for that recipient; 0:
 * now. */
int64_t greylist_ask(struct greylist *greylist, const struct ip_network *network,
	struct slice sender, struct slice recipient);
/* greylist_learn - that network brought good mail. */
void greylist_learn(struct greylist *greylist, const struct ip_network *network);

#endif
