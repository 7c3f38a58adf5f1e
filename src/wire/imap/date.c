/* date.c - see date.h for the contract. */
#include "wire/imap/date.h"

#include <string.h>

enum { DAY_SECONDS = 86400, ZONE_MAX_MIN = 24 * 60 };

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Days from 1970-01-01: years begin in March, so that the leap day comes last. */
static int32_t day_from_civil(int year, int month, int day)
{
	const int y = month <= 2 ? year - 1 : year;
	const int era = (y >= 0 ? y : y - 399) / 400;
	const int yoe = y - era * 400;
	const int doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void civil_from_day(int32_t days, int *year, int *month, int *day)
{
	const int z = days + 719468;
	const int era = (z >= 0 ? z : z - 146096) / 146097;
	const int doe = z - era * 146097;
	const int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	const int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	const int mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2);
}

static int month_days(int year, int month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && is_leap);
}

/* Exactly n digits. */
static int parse_digits(struct imap_lex *lx, size_t n, int *out, struct err *err)
{
	uint64_t value;

	if (lx->rest.len < n || !slice_to_u64(slice_head(lx->rest, n), 9999, &value))
		return err_set(err, ERR_SYNTAX, "malformed date");
	lx->rest = slice_from(lx->rest, n);
	*out = (int)value;
	return 0;
}

static int parse_month(struct imap_lex *lx, int *out, struct err *err)
{
	const struct slice name = slice_head(lx->rest, 3);

	for (int i = 0; i < 12; i++) {
		if (slice_eq_nocase(name, (struct slice){month_names + 3 * i, 3})) {
			lx->rest = slice_from(lx->rest, 3);
			*out = i + 1;
			return 0;
		}
	}
	return err_set(err, ERR_SYNTAX, "malformed month");
}

/* "-Feb-2024" after the day. */
static int parse_month_year(struct imap_lex *lx, int day, int32_t *day_out, struct err *err)
{
	int month = 0, year = 0;
	int rc = imap_lex_byte(lx, '-', err);

	if (rc == 0)
		rc = parse_month(lx, &month, err);
	if (rc == 0)
		rc = imap_lex_byte(lx, '-', err);
	if (rc == 0)
		rc = parse_digits(lx, 4, &year, err);
	if (rc < 0)
		return rc;
	if (year == 0 || day == 0 || day > month_days(year, month))
		return err_set(err, ERR_SYNTAX, "no such day");
	*day_out = day_from_civil(year, month, day);
	return 0;
}

int imap_date_parse(struct imap_lex *lx, int32_t *day_out, struct err *err)
{
	const bool is_quoted = imap_lex_take(lx, '"');
	const bool is_short = lx->rest.len > 1 && lx->rest.ptr[1] == '-';
	int32_t result = 0;
	int day = 0;
	int rc = parse_digits(lx, is_short ? 1 : 2, &day, err);

	if (rc == 0)
		rc = parse_month_year(lx, day, &result, err);
	if (rc == 0 && is_quoted)
		rc = imap_lex_byte(lx, '"', err);
	if (rc == 0)
		*day_out = result;
	return rc;
}

static int parse_time(struct imap_lex *lx, int *out, struct err *err)
{
	int part[3] = {0};
	int rc = 0;

	for (int i = 0; i < 3 && rc == 0; i++) {
		if (i)
			rc = imap_lex_byte(lx, ':', err);
		if (rc == 0)
			rc = parse_digits(lx, 2, &part[i], err);
	}
	if (rc < 0)
		return rc;
	if (part[0] > 23 || part[1] > 59 || part[2] > 60)
		return err_set(err, ERR_SYNTAX, "no such time");
	*out = part[0] * 3600 + part[1] * 60 + (part[2] == 60 ? 59 : part[2]);
	return 0;
}

static int parse_zone(struct imap_lex *lx, int32_t *out, struct err *err)
{
	const bool is_west = imap_lex_take(lx, '-');
	int hhmm, rc;

	if (!is_west && !imap_lex_take(lx, '+'))
		return imap_lex_fail(lx, "a zone", err);
	rc = parse_digits(lx, 4, &hhmm, err);
	if (rc < 0)
		return rc;
	if (hhmm % 100 > 59 || hhmm / 100 * 60 + hhmm % 100 > ZONE_MAX_MIN)
		return err_set(err, ERR_SYNTAX, "no such zone");
	*out = (hhmm / 100 * 60 + hhmm % 100) * (is_west ? -1 : 1);
	return 0;
}

int imap_date_time_parse(struct imap_lex *lx, struct imap_date_time *out, struct err *err)
{
	int32_t days = 0, zone = 0;
	int day = 0, time = 0;
	int rc = imap_lex_byte(lx, '"', err);

	if (rc == 0)
		rc = parse_digits(lx, imap_lex_take(lx, ' ') ? 1 : 2, &day, err);
	if (rc == 0)
		rc = parse_month_year(lx, day, &days, err);
	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = parse_time(lx, &time, err);
	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = parse_zone(lx, &zone, err);
	if (rc == 0)
		rc = imap_lex_byte(lx, '"', err);
	if (rc < 0)
		return rc;
	*out = (struct imap_date_time){(int64_t)days * DAY_SECONDS + time - zone * 60, zone};
	return 0;
}

int32_t imap_day(int64_t seconds, int32_t zone_min)
{
	const int64_t local = seconds + (int64_t)zone_min * 60;

	return (int32_t)((local >= 0 ? local : local - (DAY_SECONDS - 1)) / DAY_SECONDS);
}

static char *put_2(char *p, int n)
{
	*p++ = (char)('0' + n / 10 % 10);
	*p++ = (char)('0' + n % 10);
	return p;
}

/* What a stored time may be at most: the years 1 to 9999, so that four digits are enough. */
static int64_t clamp_local(int64_t local)
{
	const int64_t least = (int64_t)day_from_civil(1, 1, 1) * DAY_SECONDS;
	const int64_t most = (int64_t)day_from_civil(9999, 12, 31) * DAY_SECONDS + DAY_SECONDS - 1;

	return local < least ? least : local > most ? most : local;
}

void imap_date_time_write(struct buf *out, const struct imap_date_time *t)
{
	const bool has_zone = t->zone_min > -ZONE_MAX_MIN && t->zone_min < ZONE_MAX_MIN;
	const int zone = has_zone ? t->zone_min : 0;
	const int64_t local = clamp_local(t->seconds + (int64_t)zone * 60);
	const int32_t days = imap_day(local, 0);
	const int time = (int)(local - (int64_t)days * DAY_SECONDS);
	const int east = zone < 0 ? -zone : zone;
	char text[32], *p = text;
	int year, month, day;

	civil_from_day(days, &year, &month, &day);
	*p++ = '"';
	p = put_2(p, day);
	if (day < 10)
		text[1] = ' ';
	*p++ = '-';
	p = (char *)memcpy(p, month_names + 3 * (month - 1), 3) + 3;
	*p++ = '-';
	p = put_2(put_2(p, year / 100), year % 100);
	*p++ = ' ';
	p = put_2(p, time / 3600);
	*p++ = ':';
	p = put_2(p, time / 60 % 60);
	*p++ = ':';
	p = put_2(p, time % 60);
	*p++ = ' ';
	*p++ = zone < 0 ? '-' : '+';
	p = put_2(put_2(p, east / 60), east % 60);
	*p++ = '"';
	buf_append(out, (struct slice){text, (size_t)(p - text)});
}
