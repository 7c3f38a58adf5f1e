/* send.h - one report on its way; only for this room. */
#ifndef REPORT_SEND_H
#define REPORT_SEND_H

#include "report/internal.h"
#include "report/target.h"

struct flight {
	struct reports *reports;
	void (*then)(struct reports *reports, bool was_any);
	struct arena arena;
	struct dns_view view;
	unsigned rounds;
	int64_t id, begin_s, end_s;
	bool is_tls;
	struct slice domain, policy, rua; /* as in the table; policy of TLS: what is to be told */
	uint64_t beyond;
	unsigned attempts;
	char id_text[17];
	struct slice report_id;
	struct targets targets;
	struct buf packed;
	pthread_mutex_t lock; /* guards what follows */
	size_t waiting;       /* deliveries, and who begins them */
	int rc;               /* of these, the worst */
	struct err err;
};

/* flight_delivered - one delivery has ended; after the last the flight is gone. */
void flight_delivered(struct flight *f, int rc, const struct err *err);

#endif
