/* send.h - one report on its way; only for this room. */
#ifndef REPORT_SEND_H
#define REPORT_SEND_H

#include "report/internal.h"
#include "report/target.h"

enum { DELIVERY_REPLY_MAX = 200 };

struct flight;

/* To one of the addresses. */
struct delivery {
	struct flight *flight;
	struct slice target;
	uint64_t number; /* of the message, in its history; 0: none */
	bool is_here;    /* stored in an account of ours */
	enum report_outcome outcome;
	char reply[DELIVERY_REPLY_MAX];
};

struct flight {
	struct reports *reports;
	void (*then)(struct reports *reports, bool was_any);
	struct arena arena;
	struct dns_view view;
	unsigned rounds;
	int64_t id, begin_s, end_s, rows;
	enum report_kind kind;
	struct slice domain, policy, rua; /* as in the table; policy of TLS: what is to be told */
	uint64_t beyond;
	unsigned attempts;
	char id_text[17];
	struct slice report_id, from;
	struct targets targets;
	struct delivery deliveries[TARGETS_MAX]; /* of these */
	struct buf packed;
	pthread_mutex_t lock; /* guards what follows */
	size_t waiting;       /* deliveries, and who begins them */
	int rc;               /* of these, the worst */
	struct err err;
};

/* flight_compose - the report, packed. */
MUST_CHECK int flight_compose(struct flight *f, struct err *err);
/* delivery_end - it has ended; after the last the flight is gone. */
void delivery_end(struct delivery *d, int rc, const struct err *err);

#endif
