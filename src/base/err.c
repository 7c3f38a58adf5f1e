/* err.c - see err.h for the contract. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return -(int)code;
}

int err_errno(struct err *err, const char *fmt, ...)
{
	const int e = errno;
	char what[96];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(err, e == ENOSPC || e == EDQUOT ? ERR_QUOTA : ERR_IO, "%s: %s", what,
		strerrordesc_np(e) ? strerrordesc_np(e) : "unknown error");
}

const char *err_code_name(enum err_code code)
{
	static const char *const names[] = {
		[ERR_SYNTAX] = "SYNTAX",
		[ERR_TOOBIG] = "TOOBIG",
		[ERR_NOTFOUND] = "NOTFOUND",
		[ERR_EXISTS] = "EXISTS",
		[ERR_DENIED] = "DENIED",
		[ERR_QUOTA] = "QUOTA",
		[ERR_CONFLICT] = "CONFLICT",
		[ERR_BUSY] = "BUSY",
		[ERR_IO] = "IO",
		[ERR_CORRUPT] = "CORRUPT",
	};

	return code < sizeof(names) / sizeof(names[0]) && names[code] ? names[code] : "UNKNOWN";
}
