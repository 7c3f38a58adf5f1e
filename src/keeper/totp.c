/* totp.c - see totp.h for the contract. */
#include "keeper/totp.h"

#include <liboath/oath.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { DIGITS_USUAL = 6, STEP_MAX_S = 600, CODE_INPUT_MAX = 32, BASE32_MAX = 256 };

static const char *const hash_names[] = {
	[TOTP_SHA1] = "SHA1", [TOTP_SHA256] = "SHA256", [TOTP_SHA512] = "SHA512"};

int totp_code(
	const struct totp *totp, int64_t now_s, char out[TOTP_DIGITS_MAX + 1], struct err *err)
{
	static const int flags[] = {[TOTP_SHA1] = 0,
		[TOTP_SHA256] = OATH_TOTP_HMAC_SHA256,
		[TOTP_SHA512] = OATH_TOTP_HMAC_SHA512};
	const int rc = oath_totp_generate2((const char *)totp->secret, totp->secret_len,
		(time_t)now_s, totp->step_s, OATH_TOTP_DEFAULT_START_TIME, totp->digits,
		flags[totp->hash], out);

	if (rc != OATH_OK)
		return err_set(err, ERR_IO, "cannot compute a code: %s", oath_strerror(rc));
	return 0;
}

/* The digits that were typed, without blanks; false if that is no code of so many digits. */
static bool read_code(struct slice code, unsigned digits, char out[TOTP_DIGITS_MAX + 1])
{
	size_t n = 0;

	if (code.len > CODE_INPUT_MAX)
		return false;
	for (size_t i = 0; i < code.len; i++) {
		if (code.ptr[i] == ' ')
			continue;
		if (code.ptr[i] < '0' || code.ptr[i] > '9' || n == digits)
			return false;
		out[n++] = code.ptr[i];
	}
	out[n] = '\0';
	return n == digits;
}

int totp_check(const struct totp *totp, struct slice code, int64_t now_s, int64_t last_step,
	int64_t *step_out, struct err *err)
{
	const int64_t now = now_s / totp->step_s;
	char given[TOTP_DIGITS_MAX + 1], good[TOTP_DIGITS_MAX + 1];
	int64_t found = -1;

	if (!read_code(code, totp->digits, given))
		return err_set(err, ERR_DENIED, "the code is %u digits", totp->digits);
	for (int64_t step = now - TOTP_WINDOW; step <= now + TOTP_WINDOW; step++) {
		int rc = totp_code(totp, step * totp->step_s, good, err);

		if (rc < 0)
			return rc;
		if (sodium_memcmp(given, good, totp->digits) == 0 && step > last_step && found < 0)
			found = step;
	}
	mem_wipe(good, sizeof(good));
	if (found < 0)
		return err_set(err, ERR_DENIED, "this code is not good now");
	*step_out = found;
	return 0;
}

/* base32 without what people put between, in upper case. */
static int tidy_base32(struct slice text, char out[BASE32_MAX], size_t *n_out, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = ascii_lower((unsigned char)text.ptr[i]);

		if (c == ' ' || c == '-' || c == '=')
			continue;
		if ((c < 'a' || c > 'z') && (c < '2' || c > '7'))
			return err_set(
				err, ERR_SYNTAX, "a secret is letters and the digits 2 to 7");
		if (n == BASE32_MAX)
			return err_set(err, ERR_TOOBIG, "the secret is too long");
		out[n++] = (char)(c >= 'a' ? c - 'a' + 'A' : c);
	}
	*n_out = n;
	return 0;
}

int totp_read_secret(struct slice text, struct totp *out, struct err *err)
{
	char tidy[BASE32_MAX], *bytes = NULL;
	size_t n = 0, bytes_n = 0;
	int rc = tidy_base32(text, tidy, &n, err);

	if (rc == 0 && (n == 0 || oath_base32_decode(tidy, n, &bytes, &bytes_n) != OATH_OK))
		rc = err_set(err, ERR_SYNTAX, "the secret is not base32");
	if (rc == 0 && bytes_n > TOTP_SECRET_MAX)
		rc = err_set(err, ERR_TOOBIG, "a secret has at most %d bytes", TOTP_SECRET_MAX);
	if (rc == 0) {
		*out = (struct totp){
			.secret_len = bytes_n, .digits = DIGITS_USUAL, .step_s = TOTP_STEP_S};
		memcpy(out->secret, bytes, bytes_n);
	}
	if (bytes)
		mem_wipe(bytes, bytes_n);
	free(bytes);
	mem_wipe(tidy, sizeof(tidy));
	return rc;
}

static int read_parameter(struct slice name, struct slice value, struct totp *out,
	struct slice *secret_out, struct err *err)
{
	uint64_t n;

	if (slice_eq(name, slice_lit("secret"))) {
		*secret_out = value;
	} else if (slice_eq(name, slice_lit("digits"))) {
		if (!slice_to_u64(value, TOTP_DIGITS_MAX, &n) || n < DIGITS_USUAL)
			return err_set(err, ERR_SYNTAX, "digits is 6, 7 or 8");
		out->digits = (unsigned)n;
	} else if (slice_eq(name, slice_lit("period"))) {
		if (!slice_to_u64(value, STEP_MAX_S, &n) || n == 0)
			return err_set(err, ERR_SYNTAX, "period is 1 to %d seconds", STEP_MAX_S);
		out->step_s = (unsigned)n;
	} else if (slice_eq(name, slice_lit("algorithm"))) {
		for (size_t i = 0; i < sizeof(hash_names) / sizeof(hash_names[0]); i++) {
			out->hash = (unsigned)i;
			if (slice_eq_nocase(value, slice_str(hash_names[i])))
				return 0;
		}
		return err_set(err, ERR_SYNTAX, "algorithm is SHA1, SHA256 or SHA512");
	}
	return 0; /* issuer, image and others are for people */
}

int totp_read_uri(struct slice uri, struct totp *out, struct slice *label_out, struct err *err)
{
	const struct slice scheme = slice_lit("otpauth://totp/");
	struct totp found = {.digits = DIGITS_USUAL, .step_s = TOTP_STEP_S}, key;
	struct slice rest, label, secret = {0};
	int rc = 0;

	if (uri.len > TOTP_URI_MAX)
		return err_set(err, ERR_TOOBIG, "the URI is too long");
	if (!slice_starts_nocase(uri, scheme))
		return err_set(err, ERR_SYNTAX, "the URI does not begin with otpauth://totp/");
	label = slice_cut(slice_from(uri, scheme.len), '?', &rest);
	while (rest.len && rc == 0) {
		struct slice value, name = slice_cut(rest, '&', &rest);

		name = slice_cut(name, '=', &value);
		rc = read_parameter(name, value, &found, &secret, err);
	}
	if (rc == 0)
		rc = totp_read_secret(secret, &key, err);
	if (rc < 0)
		return rc;
	memcpy(found.secret, key.secret, sizeof(key.secret));
	found.secret_len = key.secret_len;
	mem_wipe(&key, sizeof(key));
	*out = found;
	mem_wipe(&found, sizeof(found));
	*label_out = label;
	return 0;
}

/* RFC 3986 2.3: all but unreserved characters, and "@", which readers want to see. */
static void put_escaped(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i], l = ascii_lower(c);

		if ((l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-._~@", c)))
			buf_byte(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

void totp_write_uri(
	const struct totp *totp, struct slice issuer, struct slice account, struct buf *out)
{
	char *text = NULL;
	size_t n = 0;

	buf_reserve(out, TOTP_URI_MAX); /* growing would leave copies behind */
	buf_lit(out, "otpauth://totp/");
	put_escaped(out, issuer);
	if (issuer.len)
		buf_lit(out, ":");
	put_escaped(out, account);
	buf_lit(out, "?secret=");
	if (oath_base32_encode((const char *)totp->secret, totp->secret_len, &text, &n) != OATH_OK)
		abort(); /* only without memory */
	/* Padding is left out: most readers do not want it. */
	for (size_t i = 0; i < n && text[i] != '='; i++)
		buf_byte(out, text[i]);
	mem_wipe(text, n);
	free(text);
	if (issuer.len) {
		buf_lit(out, "&issuer=");
		put_escaped(out, issuer);
	}
	buf_printf(out, "&algorithm=%s&digits=%u&period=%u", hash_names[totp->hash], totp->digits,
		totp->step_s);
}
