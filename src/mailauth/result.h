/*
 * result.h - the outcomes that all checks of a sender share, by their names in RFC 8601 2.7.
 *
 * AUTH_PENDING is not an outcome: the view of the DNS holds questions that must be answered
 * first; then the check is run again.
 */
#ifndef MAILAUTH_RESULT_H
#define MAILAUTH_RESULT_H

#include "base/slice.h"

enum auth_result {
	AUTH_PENDING,
	AUTH_NONE,
	AUTH_PASS,
	AUTH_FAIL,
	AUTH_SOFTFAIL,
	AUTH_NEUTRAL,
	AUTH_POLICY,
	AUTH_TEMPERROR,
	AUTH_PERMERROR,
};

/* auth_result_name - "pass"; not for AUTH_PENDING. */
const char *auth_result_name(enum auth_result result);

#endif
