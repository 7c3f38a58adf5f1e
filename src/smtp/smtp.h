/*
 * smtp.h - the three ways that mail comes in: SMTP from anybody (port 25), LMTP from mail systems
 * that we trust, and submission by our users (port 465).
 *
 * Reads:  RFC 5321, 2033 (LMTP), 6409 (submission), 8314 (implicit TLS), 3207 (STARTTLS), 4954
 *         (AUTH PLAIN and LOGIN), 1870, 2920, 3030 (without BINARYMIME), 2034, 3461, 6152, 6531,
 *         2852, 4865, 6710, 8689, 9422.
 * Does:   a listener's conn_context() is the struct service. A message goes to the spool and the
 *         MIME parser as it arrives; "250" is sent after the flush that keeps it.
 * Bounds: struct service's limits, and those of session.h. A client that makes too many errors
 *         gets 421.
 */
#ifndef SMTP_SMTP_H
#define SMTP_SMTP_H

#include "net/conn.h"

extern const struct protocol smtp_mx_protocol;
extern const struct protocol smtp_lmtp_protocol;
extern const struct protocol
	smtp_courier_protocol; /* LMTP of our courier: reports, what comes back */
extern const struct protocol smtp_submission_protocol;

#endif
