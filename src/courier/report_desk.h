/*
 * report_desk.h - the server's wishes about reports of TLS (RFC 8460): it makes and mails them of
 * what is counted here (tls_results.h), and those that go by HTTPS are posted here. Like the wishes
 * of queue_desk.h, JSON in and out:
 *
 *	tls-results  after: "day", the oldest that is over (0: none); "rows" of it, behind the
 *domain `after`: "domain", "policies" as RFC 8460 4 has them; "more" tls-forget   day: that day and
 *those before it tls-post     url, body: gzip in base64
 */
#ifndef COURIER_REPORT_DESK_H
#define COURIER_REPORT_DESK_H

#include <jansson.h>

#include "courier/process.h"

typedef int report_wish_fn(
	struct courier *courier, const json_t *args, json_t *out, struct err *err);
report_wish_fn report_desk_results, report_desk_forget, report_desk_post;

#endif
