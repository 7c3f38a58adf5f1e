/* date.c - the Date field; RFC 5322 3.3 and 4.3. See header.h. */
#include "wire/mime/header.h"

struct reader {
	struct slice in;
};

struct fields {
	int year, month, day, hour, minute, second, zone_min;
};

static char peek(const struct reader *r)
{
	return r->in.len ? r->in.ptr[0] : '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	c = (char)ascii_lower((unsigned char)c);
	return c >= 'a' && c <= 'z';
}

static void skip_comment(struct reader *r)
{
	unsigned depth = 0;

	while (r->in.len) {
		const char c = peek(r);

		if (c == '\\')
			r->in = slice_from(r->in, 1);
		r->in = slice_from(r->in, 1);
		if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			return;
	}
}

/* White space, comments, and any of the given separators. */
static void skip(struct reader *r, const char *separators)
{
	while (r->in.len) {
		const char c = peek(r);
		bool is_separator = c == ' ' || c == '\t' || c == '\r' || c == '\n';

		for (const char *s = separators; *s; s++)
			is_separator |= c == *s;
		if (c == '(')
			skip_comment(r);
		else if (is_separator)
			r->in = slice_from(r->in, 1);
		else
			return;
	}
}

/* A number of at most max digits; -1 if there is none or it is longer. */
static int take_number(struct reader *r, size_t max, size_t *digits_out)
{
	size_t n = 0;
	int value = 0;

	while (n < r->in.len && n <= max && is_digit(r->in.ptr[n]))
		value = value * 10 + (r->in.ptr[n++] - '0');
	if (n == 0 || n > max)
		return -1;
	r->in = slice_from(r->in, n);
	*digits_out = n;
	return value;
}

static struct slice take_word(struct reader *r)
{
	size_t n = 0;
	struct slice word;

	while (n < r->in.len && is_alpha(r->in.ptr[n]))
		n++;
	word = slice_head(r->in, n);
	r->in = slice_from(r->in, n);
	return word;
}

/* 1 to 12, or 0. Full names ("September", "Sept") are taken too. */
static int month_number(struct slice word)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (int i = 0; word.len >= 3 && i < 12; i++) {
		if (slice_eq_nocase(slice_head(word, 3), (struct slice){names + 3 * i, 3}))
			return i + 1;
	}
	return 0;
}

/* RFC 5322 4.3: two digits up to 49 are of this century, other two or three of the last. */
static bool take_year(struct reader *r, int *out)
{
	size_t digits;
	const int year = take_number(r, 4, &digits);

	if (year < 0 || digits < 2)
		return false;
	*out = digits == 2 && year < 50 ? year + 2000 : digits < 4 ? year + 1900 : year;
	return true;
}

/* hh:mm[:ss]; what is no time, or an impossible one, leaves midnight. */
static void take_time(struct reader *r, struct fields *f)
{
	size_t digits;
	const struct reader start = *r;
	int hour = take_number(r, 2, &digits), minute = -1, second = 0;

	skip(r, "");
	if (hour >= 0 && peek(r) == ':') {
		skip(r, ":");
		minute = take_number(r, 2, &digits);
		skip(r, "");
	} else {
		*r = start;
		return;
	}
	if (peek(r) == ':') {
		skip(r, ":");
		second = take_number(r, 2, &digits);
		if (peek(r) == '.') { /* fractions, from a few senders */
			r->in = slice_from(r->in, 1);
			while (is_digit(peek(r)))
				r->in = slice_from(r->in, 1);
		}
	}
	if (hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return;
	f->hour = hour;
	f->minute = minute;
	f->second = second;
}

static int named_zone(struct slice word)
{
	static const struct {
		const char *name;
		int hours;
	} zones[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6},
		{"PST", -8}, {"PDT", -7}};

	/* Military letters are as good as unknown: RFC 5322 4.3. */
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		if (slice_eq_nocase(word, slice_str(zones[i].name)))
			return zones[i].hours * 60;
	}
	return 0;
}

static void take_zone(struct reader *r, struct fields *f)
{
	size_t digits;
	int sign, value;

	skip(r, "");
	f->zone_min = named_zone(take_word(r));
	skip(r, "");
	if (peek(r) != '+' && peek(r) != '-')
		return;
	sign = peek(r) == '-' ? -1 : 1;
	r->in = slice_from(r->in, 1);
	value = take_number(r, 4, &digits);
	if (value < 0)
		return;
	if (digits <= 2 && peek(r) == ':') { /* "+02:00" */
		int minutes;

		r->in = slice_from(r->in, 1);
		minutes = take_number(r, 2, &digits);
		value = value * 100 + (minutes < 0 ? 0 : minutes);
	} else if (digits <= 2) {
		value *= 100;
	}
	/* RFC 5322 3.3 allows up to 9959; beyond a day it is surely wrong. */
	if (value % 100 < 60 && value / 100 < 24)
		f->zone_min = sign * (value / 100 * 60 + value % 100);
}

/* "17 Jul 1996 02:23:25 -0700" */
static bool read_usual(struct reader *r, struct fields *f)
{
	size_t digits;

	f->day = take_number(r, 2, &digits);
	skip(r, "-,./");
	f->month = month_number(take_word(r));
	skip(r, "-,./");
	if (!take_year(r, &f->year))
		return false;
	skip(r, ",");
	take_time(r, f);
	take_zone(r, f);
	return true;
}

/* "Jul 17 02:23:25 1996", "Jul 17 02:23:25 PDT 1996" or "Jul 17, 1996 02:23:25 PDT" */
static bool read_asctime(struct reader *r, int month, struct fields *f)
{
	size_t digits;

	f->month = month;
	skip(r, ".");
	f->day = take_number(r, 2, &digits);
	skip(r, ",");
	take_time(r, f);
	take_zone(r, f);
	skip(r, ",");
	if (!take_year(r, &f->year))
		return false;
	if (f->hour == 0 && f->minute == 0 && f->second == 0) {
		skip(r, ",");
		take_time(r, f);
	}
	if (f->zone_min == 0)
		take_zone(r, f);
	return true;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, year 0 and later. */
static int64_t days_from_date(int year, int month, int day)
{
	const int64_t y = month <= 2 ? year + 399 : year + 400; /* never negative */
	const int64_t era = y / 400, in_era = y % 400;
	const int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return (era - 1) * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static int month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

bool mime_date_parse(struct slice value, struct mime_date *out)
{
	struct reader r = {value};
	struct fields f = {0};
	bool is_date;

	skip(&r, ",");
	if (is_alpha(peek(&r))) {
		const int month = month_number(take_word(&r));

		skip(&r, ",.");
		if (month) {
			is_date = read_asctime(&r, month, &f);
		} else if (is_alpha(peek(&r))) {
			is_date = read_asctime(&r, month_number(take_word(&r)), &f);
		} else {
			is_date = read_usual(&r, &f);
		}
	} else {
		is_date = read_usual(&r, &f);
	}
	if (!is_date || f.month == 0 || f.day < 1 || f.day > month_days(f.year, f.month))
		return false;
	out->utc = days_from_date(f.year, f.month, f.day) * 86400 + f.hour * 3600 + f.minute * 60 +
		   f.second - f.zone_min * 60;
	out->zone_min = f.zone_min;
	return true;
}
