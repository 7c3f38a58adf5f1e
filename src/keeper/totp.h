/*
 * totp.h - codes that change every thirty seconds (RFC 6238): SHA-1, six digits.
 *
 * The secret is bytes; as text it is base32 (RFC 4648 6), alone or in an otpauth URI, the way that
 * authenticator programs read it from a QR code. liboath computes the codes; these calls add the
 * window, the rule that no step is good twice, and the URI. Pure: the time is given.
 */
#ifndef KEEPER_TOTP_H
#define KEEPER_TOTP_H

#include "base/buf.h"

enum {
	TOTP_SECRET_LEN = 20, /* of those we make: what RFC 4226 4 recommends */
	TOTP_SECRET_MAX = 64,
	TOTP_DIGITS_MAX = 8,
	TOTP_STEP_S = 30,
	TOTP_WINDOW = 1,     /* steps before and after the present one that are good too */
	TOTP_URI_MAX = 1024, /* bytes */
};

/* What an authenticator must know; TOTP_SHA1 alone is what all of them can. */
struct totp {
	unsigned char secret[TOTP_SECRET_MAX];
	size_t secret_len;
	unsigned digits, step_s;
	enum { TOTP_SHA1, TOTP_SHA256, TOTP_SHA512 } hash;
};

/* totp_code - the code of that moment, NUL-terminated. */
MUST_CHECK int totp_code(
	const struct totp *totp, int64_t now_s, char out[TOTP_DIGITS_MAX + 1], struct err *err);

/*
 * totp_check - is it the code of a step in the window after last_step? The step is given out, to be
 * kept as the next last_step: then nobody who saw the code can use it again. Blanks in the code are
 * left out. -ERR_DENIED. Takes the same time whichever step fits.
 */
MUST_CHECK int totp_check(const struct totp *totp, struct slice code, int64_t now_s,
	int64_t last_step, int64_t *step_out, struct err *err);

/* totp_read_secret - base32 of either case; blanks, hyphens and padding are left out. The rest of
 * *out becomes the usual. -ERR_SYNTAX, -ERR_TOOBIG. */
MUST_CHECK int totp_read_secret(struct slice text, struct totp *out, struct err *err);
/* totp_read_uri - otpauth://totp/LABEL?secret=…; label_out is the label as it stands there. */
MUST_CHECK int totp_read_uri(
	struct slice uri, struct totp *out, struct slice *label_out, struct err *err);
/* totp_write_uri - what totp_read_uri() reads, with a label of "issuer:account"; without an issuer,
 * of the account alone. out must take TOTP_URI_MAX more. */
void totp_write_uri(
	const struct totp *totp, struct slice issuer, struct slice account, struct buf *out);

#endif
