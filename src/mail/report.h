/*
 * report.h - delivery reports about mail that the delivery log took on: bounces and, where the
 * sender asked for them, notices of success.
 *
 * Writes: RFC 3464 in a multipart/report (RFC 6522), with the header of the message (never its
 *         text), to the envelope sender, from the null path. RFC 3461 says who gets one.
 */
#ifndef MAIL_REPORT_H
#define MAIL_REPORT_H

#include "mail/letter.h"

/*
 * mail_report - about all targets of the letter that are FAILED, or STORED where success was asked
 * for, and not yet crossed. 0 with both outputs NULL if there is nobody to tell or nothing to say.
 * The recipients of the report are resolved: here, or elsewhere. Errors are temporary.
 */
MUST_CHECK int mail_report(struct service *service, const struct letter *letter,
	const struct incoming *about, struct letter **letter_out, struct incoming **in_out,
	struct err *err);

#endif
