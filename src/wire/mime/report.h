/*
 * report.h - a delivery status notification, as text.
 *
 * Writes: RFC 3464 in a multipart/report (RFC 6522), with the header of the message it is about, or
 *         all of it (RFC 3461 4.3); the kinds of RFC 6533 where addresses are beyond ASCII.
 * Bounds: the buffer's maximum; MIME_REPORT_ITEMS recipients are told one by one.
 */
#ifndef WIRE_MIME_REPORT_H
#define WIRE_MIME_REPORT_H

#include "base/buf.h"

enum { MIME_REPORT_ITEMS = 1000 };

enum mime_report_action {
	MIME_REPORT_FAILED,
	MIME_REPORT_DELAYED,
	MIME_REPORT_RELAYED,
	MIME_REPORT_DELIVERED,
};

struct mime_report_item {
	enum mime_report_action action;
	struct slice recipient;  /* as the sender named it */
	struct slice orcpt;      /* RFC 3461 4.2: "rfc822;…"; empty: not given */
	struct slice status;     /* "5.1.1" */
	struct slice words;      /* for people: what happened */
	struct slice host;       /* which said `diagnostic`; empty: none did */
	struct slice diagnostic; /* an SMTP reply; empty: none */
	int64_t until_s;         /* delayed: when it is given up; 0: not told */
};

struct mime_report {
	struct slice host_name; /* ours */
	struct slice to;        /* the envelope sender of the message */
	struct slice envid;
	uint64_t id;              /* of this report: makes the boundary */
	int64_t now_s, arrival_s; /* arrival_s 0: not told */
	int64_t by_s;             /* RFC 2852 5: Deliver-By-Date; 0: none */
	bool is_utf8;
	const struct mime_report_item *items;
	size_t n;
	struct slice original; /* its text, or the beginning of it; with CRLFs */
	bool is_whole;         /* all of it is there and is sent back; else its header is */
};

/* mime_report_put - the message. */
void mime_report_put(struct buf *out, const struct mime_report *report);

/* mime_report_header_of - the header at the front of a text that may be cut off: up to the empty
 * line, or the last whole line. */
struct slice mime_report_header_of(struct slice text);

#endif
