/*
 * door.h - who may bring mail to port 25: checks of strangers, their points, and what follows.
 *
 * A visit is one connection. Each check (one file, one row of checks.c) gives points and says why;
 * it may ask the DNS through the visit's view: door_look() is run again until nothing is pending.
 * door_judge() then decides for one recipient: by the sum of the points, by what came from there
 * lately, and by greylisting, which learns. Nothing here waits: who calls parks.
 *
 * A network stands for its addresses: /24 of IPv4, /64 of IPv6.
 *
 * Bounds: DOOR_LISTS_MAX lists, counters and greylist of fixed size (full: nobody is counted or
 * greylisted who is not there yet). Any thread; a visit belongs to its connection.
 */
#ifndef DOOR_DOOR_H
#define DOOR_DOOR_H

#include "base/config.h"
#include "base/ip.h"
#include "base/log.h"
#include "net/pool.h"
#include "wire/dns/dns.h"

enum {
	DOOR_CHECKS_MAX = 16,
	DOOR_LISTS_MAX = 32,
	DOOR_REASON_MAX = 200,
	DOOR_TEXT_MAX = 480,
	DOOR_NAMES_MS = 20000, /* waiting for the DNS, for one message in all */
};

struct door;

/* door_open - greylist.db in the current directory. home: where our own pages are; empty: nowhere.
 * -ERR_SYNTAX: a setting. */
MUST_CHECK int door_open(const struct config *settings, struct slice home, struct pool *pool,
	struct door **out, struct err *err);
/* door_close - after pool_stop(). */
void door_close(struct door **door);

struct door_verdict {
	int weight;                   /* points; negative: speaks for it */
	char reason[DOOR_REASON_MAX]; /* for the sender; empty without points */
};

enum door_iprev { IPREV_NONE, IPREV_PASS, IPREV_FAIL, IPREV_TEMPERROR, IPREV_PERMERROR };

struct door_visit {
	struct ip ip;
	bool was_early;      /* spoke before it was greeted */
	struct slice helo;   /* the caller's, of the present transaction */
	struct slice sender; /* the same; empty: the null path */
	struct arena arena;
	struct dns_view view;
	struct door_verdict verdicts[DOOR_CHECKS_MAX]; /* in the order of the rows */
	enum door_iprev iprev; /* RFC 8601 3, and the name that it is about */
	struct slice name;
	bool is_told; /* door_visit_tell(): that is not looked up */
};

/* door_visit_new - NULL: that peer is trusted, nothing is checked. */
struct door_visit *door_visit_new(const struct door *door, struct slice peer);
void door_visit_free(struct door_visit **visit);

/* door_visit_tell - who speaks for the visitor has looked up its name already. */
void door_visit_tell(struct door_visit *visit, enum door_iprev iprev, struct slice name);

/* door_greet_ms - how long to wait before the greeting: who speaks meanwhile is no mail server. */
int64_t door_greet_ms(const struct door *door);

/* door_look - all checks; afterwards the visit's view says whether they must be run again. */
void door_look(struct door *door, struct door_visit *visit);

enum door_decision { DOOR_PASS, DOOR_DEFER, DOOR_REFUSE };

struct door_judgement {
	enum door_decision decision;
	int points;
	int64_t tarpit_ms;        /* answer so much later; 0: now */
	char text[DOOR_TEXT_MAX]; /* of the reply, with a link; empty for DOOR_PASS */
	char why[DOOR_TEXT_MAX];  /* for the log: "iprev=2 helo=1" */
};

/* door_judge - for one recipient, when nothing is pending. is_postmaster: whoever has trouble may
 * write there, so it is not refused or deferred. */
void door_judge(struct door *door, struct door_visit *visit, struct slice recipient,
	bool is_postmaster, struct door_judgement *out);
/* door_tarpit_begin - false: too many wait there already. */
bool door_tarpit_begin(struct door *door);
void door_tarpit_end(struct door *door);

/* door_note_unknown - a recipient that does not exist; how late the answer to it shall come. */
int64_t door_note_unknown(struct door *door, const struct door_visit *visit);
/* door_note_message - one was kept: that network brings mail. */
void door_note_message(struct door *door, const struct door_visit *visit);

#endif
