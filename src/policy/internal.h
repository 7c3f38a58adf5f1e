/* internal.h - what the files of this room share; nobody else includes it. */
#ifndef POLICY_INTERNAL_H
#define POLICY_INTERNAL_H

#include "group/group.h"
#include "policy/policy.h"

enum { DAY_S = 24 * 3600 };

/* What a row of config_services[] is here: the names of both are the same. */
struct policy_row {
	const char *protocol;           /* for people */
	const char *notices[2];         /* the mail, and the last one before the date */
	const struct protocol *refusal; /* NULL: its own, which demands STARTTLS */
};
extern const struct policy_row policy_rows[CONFIG_SERVICES];

/* A row's settings now. */
struct policy_state {
	struct config_cleartext settings;
	unsigned tls_port;
	bool keeps_port;
};

struct policy {
	struct service *service;
	policy_changed_fn *on_change;
	void *context;
	struct db *db, *reader;
	struct group group;
	pthread_mutex_t reader_lock;
	struct pool_timer timer;
	int64_t purge_s;      /* the timer's job's */
	pthread_mutex_t lock; /* guards what follows */
	struct policy_state states[CONFIG_SERVICES];
	bool was_open[CONFIG_SERVICES]; /* when the clock was looked at last */
	struct map affected;            /* struct policy_account by account */
};

/* An account with a program that came without TLS and has not come with it since. */
struct policy_account {
	uint64_t account;
};

extern const struct log_ctx policy_log;

/* policy_find - the row of this name, or -1. policy_state - a copy of its settings. */
int policy_find(const char *name);
struct policy_state policy_state(struct policy *policy, int row);
static inline struct db_arg policy_name(int row)
{
	return db_t(slice_str(config_services[row].name));
}
void policy_affect(struct policy *policy, uint64_t account, bool is_affected);
bool policy_is_affected(struct policy *policy, uint64_t account);

/* Who is told, and of which program. */
struct policy_user {
	int row;
	uint64_t account;
	struct slice program, peer;
	int64_t notices; /* sent to this user before */
};
/* policy_tell - `last` before the date, or again. */
void policy_tell(struct policy *policy, const struct policy_user *user, bool is_last);
bool policy_is_last(const struct policy_state *state, int64_t now_s);
/* policy_day - "2027-03-01", or empty for 0. */
struct slice policy_day(int64_t wall_s, char out[16]);

/* tell.c: mails and last warnings that are due; the job's. asked.c: reminders of new passwords. */
void policy_tell_due(struct policy *policy);
/* policy_purge - once an hour, what is older than POLICY_KEEP_DAYS. */
void policy_purge(struct policy *policy);
void policy_remind(struct policy *policy);

/* "s" is a row of seen, "t" the user's of told, ?1 the time now: the program is still affected. */
#define POLICY_AFFECTED "s.tls_s = 0 AND NOT (t.tls_s > s.clear_s AND s.clear_s < ?1 - 259200)"
_Static_assert(POLICY_GONE_DAYS *DAY_S == 259200, "POLICY_AFFECTED says it in seconds");

#endif
