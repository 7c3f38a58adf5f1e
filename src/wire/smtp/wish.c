/* wish.c - see cmd.h: the parameters of MAIL that say when and how a message shall travel. */
#include <string.h>
#include <time.h>

#include "wire/smtp/cmd_internal.h"

enum {
	SECONDS_MAX = 999999999, /* RFC 4865 3, RFC 2852 4: nine digits */
	DIGITS_MAX = 9,
	PRIORITY_MAX = 9,
};

static int check_one_hold(struct smtp_cmd *cmd, const struct smtp_mail *mail, struct err *err)
{
	if (mail->hold_for_s || mail->hold_until_s)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
			"HOLDFOR and HOLDUNTIL exclude each other");
	return 0;
}

int smtp_param_holdfor(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err)
{
	uint64_t seconds = 0;

	if (!slice_to_u64(value, SECONDS_MAX, &seconds) || value.ptr[0] == '0')
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
			"HOLDFOR must be 1 to %d seconds", SECONDS_MAX);
	if (check_one_hold(cmd, mail, err) < 0)
		return -ERR_SYNTAX;
	mail->hold_for_s = (int64_t)seconds;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 3339 5.6: "Z", or "+01:30". */
static bool take_zone(struct slice text, int64_t *ahead_s_out)
{
	uint64_t hours, minutes;

	*ahead_s_out = 0;
	if (slice_eq_nocase(text, slice_lit("Z")))
		return true;
	if (text.len != 6 || (text.ptr[0] != '+' && text.ptr[0] != '-') || text.ptr[3] != ':' ||
		!slice_to_u64(slice_head(slice_from(text, 1), 2), 23, &hours) ||
		!slice_to_u64(slice_from(text, 4), 59, &minutes))
		return false;
	*ahead_s_out = (int64_t)(hours * 60 + minutes) * (text.ptr[0] == '+' ? 60 : -60);
	return true;
}

/* RFC 4865 3 with its erratum 2040, RFC 3339 5.6: "2026-01-31T12:00:00Z", perhaps with a fraction,
 * which does not count. */
static bool take_time(struct slice text, int64_t *out)
{
	static const char form[] = "%Y-%m-%dT%H:%M:%S";
	enum { LEN = sizeof("2026-01-31T12:00:00") - 1, DATE_LEN = sizeof("2026-01-31") - 1 };
	struct tm tm = {0};
	char copy[LEN + 1], back[LEN + 1];
	struct slice rest = slice_from(text, LEN);
	int64_t ahead_s;
	time_t t;

	if (text.len <= LEN)
		return false;
	memcpy(copy, text.ptr, LEN);
	copy[LEN] = '\0';
	if (copy[DATE_LEN] == 't')
		copy[DATE_LEN] = 'T';
	if (strptime(copy, form, &tm) != copy + LEN)
		return false;
	t = timegm(&tm);
	/* What strptime() lets pass comes back as another text: a blank, the 30th of February. */
	if (t <= 0 || strftime(back, sizeof(back), form, &tm) != LEN || strcmp(copy, back) != 0)
		return false;
	if (rest.len > 2 && rest.ptr[0] == '.' && is_digit(rest.ptr[1]))
		do
			rest = slice_from(rest, 1);
		while (rest.len && is_digit(rest.ptr[0]));
	if (!take_zone(rest, &ahead_s))
		return false;
	*out = (int64_t)t - ahead_s;
	return *out > 0;
}

int smtp_param_holduntil(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err)
{
	int64_t until_s;

	if (!take_time(value, &until_s))
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
			"HOLDUNTIL must look like 2026-01-31T12:00:00Z");
	if (check_one_hold(cmd, mail, err) < 0)
		return -ERR_SYNTAX;
	mail->hold_until_s = until_s;
	return 0;
}

/* A number with or without a sign. */
static bool take_signed(struct slice text, uint64_t max, int64_t *out)
{
	const bool is_negative = text.len && text.ptr[0] == '-';
	uint64_t n;

	if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+'))
		text = slice_from(text, 1);
	if (text.len > DIGITS_MAX || !slice_to_u64(text, max, &n))
		return false;
	*out = is_negative ? -(int64_t)n : (int64_t)n;
	return true;
}

/* RFC 2852 4: by-time ";" by-mode [ by-trace ]. */
int smtp_param_by(struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err)
{
	struct slice mode, time = slice_cut(value, ';', &mode);

	if (!take_signed(time, SECONDS_MAX, &mail->by_s) || mode.len == 0 || mode.len > 2 ||
		(mode.len == 2 && ascii_lower((unsigned char)mode.ptr[1]) != 't'))
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
			"BY must be seconds, \";\", N or R, and perhaps T");
	switch (ascii_lower((unsigned char)mode.ptr[0])) {
	case 'n':
		mail->by_mode = 'N';
		break;
	case 'r':
		mail->by_mode = 'R';
		break;
	default:
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "BY has no mode N or R");
	}
	if (mail->by_mode == 'R' && mail->by_s <= 0)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
			"The time of BY is over: the message cannot be delivered by then");
	mail->is_by_traced = mode.len == 2;
	return 0;
}

int smtp_param_priority(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err)
{
	int64_t n;

	/* RFC 6710 6: one digit, and no "+". */
	if (value.len > 2 || (value.len && value.ptr[0] == '+') ||
		!take_signed(value, PRIORITY_MAX, &n))
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
			"MT-PRIORITY must be -%d to %d", PRIORITY_MAX, PRIORITY_MAX);
	mail->has_priority = true;
	mail->priority = (int)n;
	return 0;
}

int smtp_param_requiretls(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err)
{
	if (value.ptr)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "REQUIRETLS has no value");
	mail->requires_tls = true;
	return 0;
}
