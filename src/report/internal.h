/* internal.h - what the files of this room share; nobody else includes it. */
#ifndef REPORT_INTERNAL_H
#define REPORT_INTERNAL_H

#include <stdatomic.h>

#include "group/later.h"
#include "report/feedback.h"
#include "report/report.h"
#include "report/tls.h"

enum { DAY_S = 24 * 3600 };

/* Numbers are stored. */
enum report_kind { REPORT_DMARC = 0, REPORT_TLS = 1 };
enum report_state { REPORT_GATHERING = 0, REPORT_SENT = 1, REPORT_FAILED = 2, REPORT_UNWANTED = 3 };

struct reports {
	struct later later; /* must be first */
	struct service *service;
	struct report_config config; /* in the arena */
	struct arena arena;
	struct pool_timer timer;
	/* these are the job's, of which one part runs at a time */
	int64_t purge_s, tls_s;
	atomic_uint taking; /* received reports that are being read */
};

extern const struct log_ctx report_log;

/* reports_are_closing - the pool has stopped: nothing new is begun. */
static inline bool reports_are_closing(const struct reports *reports)
{
	return !reports->service->pool;
}

/* record.c: what gathered, inside a transaction: later_config.write. */
int record_write(struct later *later, struct later_item *first, struct err *err);
/* record_domain - the row of a domain's period, which is made if there is room (else *id_out is 0).
 */
struct record_period {
	enum report_kind kind;
	struct slice domain, policy, rua;
	int64_t begin_s, end_s;
};
MUST_CHECK int record_domain(
	struct db *db, const struct record_period *period, int64_t *id_out, struct err *err);

/* reports_have_room - the table is not too large. */
MUST_CHECK int reports_have_room(struct db *db, bool *has_room_out, struct err *err);

/* row.c: a row of a report of DMARC but its count, as bytes; equal rows have equal bytes. unpack:
 * false if it is none; slices point into it. */
void row_pack(const struct feedback_row *row, struct buf *out);
bool row_unpack(struct slice bytes, struct feedback_row *out);

/* tls_fetch.c: takes over the courier's results of days that are over; then() in the end. */
void tls_fetch(struct reports *reports, void (*then)(struct reports *reports));

/* send.c: the next report that is due; then() in the end. */
void send_next(struct reports *reports, void (*then)(struct reports *reports, bool was_any));

/* How a report came: sent by this domain, as far as that is known; to an address of this one. */
struct received {
	struct slice via, to;
};

/* receive.c: the report itself, unpacked or not. */
MUST_CHECK int receive_bytes(
	struct reports *reports, struct slice bytes, const struct received *how, struct err *err);

/* keep.c: into the database. */
MUST_CHECK int keep_feedback(struct reports *reports, const struct feedback *report,
	const struct received *how, struct err *err);
MUST_CHECK int keep_tls(struct reports *reports, const struct tls_report *report,
	const struct received *how, struct err *err);

#endif
