/* internal.h - what the files of this room share; nobody else includes it. */
#ifndef REPORT_INTERNAL_H
#define REPORT_INTERNAL_H

#include <stdatomic.h>

#include "ask/ask.h"
#include "group/later.h"
#include "report/arf.h"
#include "report/feedback.h"
#include "report/report.h"
#include "report/tls.h"
#include "report/told.h"

enum { DAY_S = 24 * 3600 };

/* Numbers are stored. */
enum report_kind { REPORT_DMARC = 0, REPORT_TLS = 1, REPORT_FAILURE = 2 };
enum report_state { REPORT_GATHERING = 0, REPORT_SENT = 1, REPORT_FAILED = 2, REPORT_UNWANTED = 3 };
enum report_outcome {
	OUTCOME_WAITING = 0,
	OUTCOME_DELIVERED = 1,
	OUTCOME_REFUSED = 2,
	OUTCOME_UNKNOWN = 3, /* nobody knows any more */
};

enum { REPORT_FROM_MAX = 400 };

/* Who reports come from. */
struct report_from {
	pthread_mutex_t lock; /* guards all below */
	char address[REPORT_FROM_MAX];
	bool is_signed;
};

struct reports {
	struct later later; /* must be first */
	struct service *service;
	struct report_config config; /* in the arena */
	struct arena arena;
	struct pool_timer timer;
	struct report_from from;
	/* these are the job's, of which one part runs at a time */
	int64_t purge_s, tls_s, from_s;
	atomic_uint taking; /* received reports that are being read */
	/* failures that were noted in that second */
	_Atomic int64_t failing_s;
	atomic_uint failing;
};

extern const struct log_ctx report_log;

/* reports_are_closing - the pool has stopped: nothing new is begun. */
static inline bool reports_are_closing(const struct reports *reports)
{
	return !reports->service->pool;
}

/* reports_wish - ask_call() of a wish as JSON (courier/queue_desk.h), which is given away. */
void reports_wish(
	struct reports *r, json_t *wish, int64_t wait_ms, ask_done_fn *done, void *context);

/* record.c: what gathered, inside a transaction: later_config.write. */
int record_write(struct later *later, struct later_item *first, struct err *err);
/* record_domain - the row of a domain's period, which is made if there is room (else *id_out is 0).
 */
struct record_period {
	enum report_kind kind;
	struct slice domain, policy, rua;
	int64_t begin_s, end_s, rows;
	int64_t due_s; /* of failures */
};
MUST_CHECK int record_domain(
	struct db *db, const struct record_period *period, int64_t *id_out, struct err *err);

/* reports_have_room - the table is not too large. */
MUST_CHECK int reports_have_room(struct db *db, bool *has_room_out, struct err *err);

/* reports_find_home - the nearest domain of ours at or above that one. -ERR_NOTFOUND.
 * reports_finish - ends the transaction on later_lock()'s database: kept, or after an error not at
 * all. */
MUST_CHECK int reports_find_home(struct reports *r, struct slice about, struct arena *arena,
	struct slice *out, struct err *err);
MUST_CHECK int reports_finish(struct reports *r, int rc, struct err *err);

/* record_note - one more of that row, in that period; in a moment. record_text - what may stand in
 * a report. */
void record_note(struct reports *r, const struct record_period *period, struct slice row);
struct slice record_text(struct slice text, struct arena *arena);

/* failure.c: a message that was seen failed DMARC, and its domain wants to be told of it: noted.
 * failure_count - in the transaction: what is like one of that day is not told twice. */
void failure_seen(struct reports *r, const struct report_seen *seen);
MUST_CHECK int failure_count(
	struct db *db, const struct record_period *period, struct slice what, struct err *err);

/* row.c: a row of a report of DMARC but its count, as bytes; equal rows have equal bytes. unpack:
 * false if it is none; slices point into it. */
void row_pack(const struct feedback_row *row, struct buf *out);
bool row_unpack(struct slice bytes, struct feedback_row *out);

/* from.c: from_choose - who reports come from, looked at now and then; then() in the end. */
void from_open(struct reports *r);
void from_close(struct reports *r);
void from_choose(struct reports *r, void (*then)(struct reports *reports));

/* tls_fetch.c: takes over the courier's results of days that are over; then() in the end. */
void tls_fetch(struct reports *reports, void (*then)(struct reports *reports));

/* send.c: the next report that is due; then() in the end. */
void send_next(struct reports *reports, void (*then)(struct reports *reports, bool was_any));

/* settle.c: what became of the next report that is on its way; then() in the end. */
void settle_next(struct reports *reports, void (*then)(struct reports *reports, bool was_any));

/* How a report came: sent by this domain, as far as that is known; to an address of this one. */
struct received {
	struct slice via, to;
};

/* receive.c: the report itself, unpacked or not. */
MUST_CHECK int receive_bytes(
	struct reports *reports, struct slice bytes, const struct received *how, struct err *err);

/* complaint.c: a feedback report and the header of the message that it is about. done() is called
 * on any thread, perhaps before this returns. */
void complaint_take(struct reports *r, struct slice fields, struct slice header,
	const struct received *how, report_done_fn *done, void *context);

/* keep.c: into the database. */
MUST_CHECK int keep_feedback(struct reports *reports, const struct feedback *report,
	const struct received *how, struct err *err);
MUST_CHECK int keep_tls(struct reports *reports, const struct tls_report *report,
	const struct received *how, struct err *err);

#endif
