/*
 * report.h - aggregate reports, both ways: what we saw of others' mail is told to their domains
 * (DMARC), and what TLS with their hosts came to (RFC 8460); what others tell of our domains is
 * kept and shown.
 *
 * Sending: each message that was checked is counted in a row of its domain's period (a day, or as
 * many as its record asks for); rows gather in memory (group/later.h) and are written within a
 * second, so that a kill loses that second. When the period is over, and some random time more,
 * a report goes to each address that the domain names and that wants it. A report that is sent
 * again after a crash has the same delivery id. Only who published rua is counted at all.
 *
 * Receiving: dmarc-reports@ and tls-reports@ of each domain of ours, where nobody has that name,
 * take reports and nothing else. One is kept under the domain of ours that it is about.
 *
 * Bounds: REPORT_*. Rows beyond are a sum. Any thread.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <jansson.h>

#include "mail/mail.h"
#include "mailauth/check.h"

enum {
	REPORT_ROWS_MAX = 5000,        /* of a domain's period */
	REPORT_DOMAINS_MAX = 20000,    /* that wait for their report, of each kind */
	REPORT_HOME_MAX = 100,         /* of these, of one organisation */
	REPORT_WAITING_MAX = 50000,    /* messages in memory that are not written yet */
	REPORT_RECEIVED_DAY_MAX = 500, /* about one domain of ours, in a day */
	REPORT_SENDER_DAY_MAX = 100, /* of these, from one sender, or from all that are not known */
	REPORT_PAGES_MAX = 128 << 10, /* of the table, 4 KiB each: beyond it nothing new is kept */
	REPORT_SOURCES_MAX = 300,     /* kept of a received report; the rest is a sum */
	REPORT_SHOWN_MAX = 1000,
	REPORT_FAILURES_DAY_MAX = 20,   /* single messages told to one organisation in a day */
	REPORT_FAILURES_ALL_MAX = 1000, /* and to all */
	REPORT_DAYS = 30,               /* shown without being told for how many */
};

struct report_config {
	bool is_sent;                 /* false: nothing is counted or sent */
	bool tells_failures;          /* of single messages, to who asks for that */
	struct slice trusted;         /* whose complaints all count, with blanks */
	bool suppresses;              /* who complained gets nothing more from that sender */
	struct slice from;            /* empty: postmaster@ a domain that signs */
	struct slice service_address; /* that other mail of the service comes from; may be empty */
	struct slice organisation;    /* empty: the host's name */
	struct slice contact;         /* how else we are reached; may be empty */
	unsigned keep_days;           /* what was received */
};

/* report_open - report.db in the current directory; sets service->reports. report_start - with the
 * pool, when service->ask is there. report_close - after the pool has stopped. */
MUST_CHECK int report_open(
	struct service *service, const struct report_config *config, struct err *err);
void report_start(struct service *service);
void report_close(struct service *service);

/* report_from - append the address that reports come from; false: no key signs for it. */
bool report_from(struct reports *reports, struct buf *out);

/* ---- sending ---- */

/* What was found out about a message, and done with it. */
struct report_seen {
	const struct mailauth_verdict *verdict;
	struct ip ip;
	struct slice sender, recipient_domain; /* of the envelope; may be empty */
	enum dmarc_policy done;                /* with a message that failed */
	uint64_t number;                       /* of the message */
	struct slice header;                   /* as it came */
	struct dns_view *view;                 /* by which all was found out */
};
/* report_seen - count it. Nothing with service->reports NULL. */
void report_seen(struct service *service, const struct report_seen *seen);

/* ---- receiving ---- */

/* report_takes - the address is one that takes reports. */
bool report_takes(struct service *service, struct slice address);

/* report_receive - read the reports in a message to that address and keep them; done() is called
 * after the flush, on any thread. via: the domain that is known to have sent it, or empty.
 * -ERR_SYNTAX (no report is in it), -ERR_TOOBIG, -ERR_NOTFOUND (about no domain of ours),
 * -ERR_QUOTA (too many of them), -ERR_BUSY. One that is there already is kept once. */
typedef void report_done_fn(void *context, int rc, const struct err *err);
void report_receive(struct service *service, struct incoming *in, struct slice via,
	struct slice address, report_done_fn *done, void *context);

/* report_post - a report about TLS that came by HTTPS (RFC 8460 5.4), for that domain of ours.
 * Nobody knows who posts: all of them are one sender. Errors as above. Waits for the disk. */
MUST_CHECK int report_post(
	struct service *service, struct slice body, struct slice domain, struct err *err);

/* report_hear - a message that was stored for people: if it is a complaint to abuse@, it is taken
 * as one, too. */
void report_hear(
	struct service *service, struct incoming *in, struct slice via, struct slice address);

/* ---- showing ---- */

/*
 * Arrays of objects, of reports whose period ended in the last days (0: REPORT_DAYS).
 *
 *   report_list     domain (empty: all): "domain", "reports", "messages", "passed", "failed",
 *                   "tls_reports", "sessions", "tls_failed"
 *   report_sources  of DMARC, the largest first: "source", "messages", "passed", "failed",
 *                   "disposition", "author", "signed", "envelope", "note", "reporters"
 *   report_tls      "host", "result", "sessions", "good", "source", "reason", "reporters"
 *   report_reports  the latest: "kind", "reporter", "via", "id", "begin", "end", "good", "failed"
 *   report_complaints, report_failures (domain empty: all)  single messages, the latest first:
 *                   "at", "domain", "via", "type", "source", "author", "sender", "recipient",
 *                   "message", "subject", "incidents"; "proof", "account", "counts" of complaints;
 *                   "failure", "result", "alignment" of failures
 *   report_sent     (domain: which it is about; empty: all)  "at", "kind", "about", "begin",
 * "rows", "to", "outcome", "reply"
 */
typedef int report_show_fn(struct reports *reports, struct slice domain, unsigned days,
	json_t **rows_out, struct err *err);
report_show_fn report_list, report_sources, report_tls, report_reports, report_complaints,
	report_failures, report_sent;

#endif
