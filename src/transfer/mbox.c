/* mbox.c - see mbox.h for the contract. */
#include "transfer/mbox.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "transfer/text.h"

enum { FROM_MAX = 1000, FROM_LEN = 5, MINUTE = 60, YEAR_LEN = 4, YEAR_MIN = 1970, TM_YEAR = 1900 };

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "SunMonTueWedThuFriSat";

/* ---- the date of a "From " line ---- */

/* Place of a three-letter name among such, or -1. */
static int place_of(const char *names, size_t n, struct slice word)
{
	for (size_t i = 0; i < n; i++) {
		if (word.len == 3 && memcmp(word.ptr, names + 3 * i, 3) == 0)
			return (int)i;
	}
	return -1;
}

static struct slice next_word(struct slice *rest)
{
	struct slice word = {0};

	while (rest->len && word.len == 0)
		word = slice_cut(*rest, ' ', rest);
	return word;
}

static bool take_clock(struct slice word, struct tm *tm)
{
	const struct slice hour = slice_cut(word, ':', &word), minute = slice_cut(word, ':', &word);
	uint64_t h, m, s = 0;

	if (!slice_to_u64(hour, 23, &h) || !slice_to_u64(minute, 59, &m) ||
		(word.ptr && !slice_to_u64(word, 60, &s)))
		return false;
	tm->tm_hour = (int)h;
	tm->tm_min = (int)m;
	tm->tm_sec = (int)s;
	return true;
}

static bool take_zone(struct slice word, int *zone_min)
{
	uint64_t n;

	if (word.len != 5 || (word.ptr[0] != '+' && word.ptr[0] != '-') ||
		!slice_to_u64(slice_from(word, 1), 1400, &n) || n % 100 >= MINUTE)
		return false;
	*zone_min = (int)(n / 100 * MINUTE + n % 100) * (word.ptr[0] == '-' ? -1 : 1);
	return true;
}

/* "Sun Nov 22 14:17:17 2026", with a zone before or behind the year, in words or digits. */
static bool take_date(struct slice text, struct mbox_message *out)
{
	struct tm tm = {.tm_isdst = 0};
	uint64_t n;

	if (place_of(days, 7, next_word(&text)) < 0)
		return false;
	tm.tm_mon = place_of(months, 12, next_word(&text));
	if (tm.tm_mon < 0 || !slice_to_u64(next_word(&text), 31, &n) || n == 0 ||
		!take_clock(next_word(&text), &tm))
		return false;
	tm.tm_mday = (int)n;
	out->zone_min = 0;
	for (int i = 0; i < 3; i++) {
		const struct slice word = next_word(&text);

		if (word.len == YEAR_LEN && slice_to_u64(word, 9999, &n) && n >= YEAR_MIN)
			tm.tm_year = (int)n - TM_YEAR;
		else
			take_zone(word, &out->zone_min);
	}
	out->has_date = tm.tm_year != 0;
	out->date_s = timegm(&tm) - MINUTE * (int64_t)out->zone_min;
	return out->has_date;
}

static struct slice line_at(struct slice all, size_t at)
{
	const struct slice head = slice_head(slice_from(all, at), FROM_MAX);
	const size_t end = slice_chr(head, '\n');

	return end == SIZE_MAX ? head : slice_head(head, end);
}

/* The date stands somewhere behind the sender, who may hold spaces. */
static bool is_from_line(struct slice all, size_t at, struct mbox_message *out)
{
	struct slice line = line_at(all, at), rest;

	if (!slice_starts(line, slice_lit("From ")))
		return false;
	rest = slice_trim(slice_from(line, FROM_LEN));
	while (rest.len) {
		if (take_date(rest, out))
			return true;
		slice_cut(rest, ' ', &rest);
	}
	return false;
}

/* ---- where a message ends ---- */

static size_t after_line(struct slice all, size_t at)
{
	const size_t end = slice_chr(slice_from(all, at), '\n');

	return end == SIZE_MAX ? all.len : at + end + 1;
}

static bool is_blank_before(struct slice all, size_t at)
{
	return at == 0 || (at >= 2 && all.ptr[at - 1] == '\n' &&
				  (all.ptr[at - 2] == '\n' || (at >= 3 && all.ptr[at - 2] == '\r' &&
								      all.ptr[at - 3] == '\n')));
}

/* Content-Length, and where the body begins; false without one. */
static bool find_length(struct slice all, size_t at, size_t *body_out, uint64_t *length_out)
{
	const size_t until = all.len - at > FLAGS_HEADER_MAX ? at + FLAGS_HEADER_MAX : all.len;
	bool is_found = false;

	while (at < until) {
		const size_t next = after_line(all, at);
		const struct slice line = {all.ptr + at, next - at};
		struct slice value;

		if (slice_trim(line).len == 0) {
			*body_out = next;
			return is_found;
		}
		if (slice_eq_nocase(
			    slice_trim(slice_cut(line, ':', &value)), slice_lit("Content-Length")))
			is_found = slice_to_u64(slice_trim(value), INT64_MAX, length_out);
		at = next;
	}
	return false;
}

/* The message is so long: behind it (and a blank line) is the next one, or nothing. */
static bool ends_at(struct slice all, size_t at)
{
	struct mbox_message next;

	for (int i = 0; i < 2 && at < all.len; i++) {
		if (slice_starts(slice_from(all, at), slice_lit("\r\n")))
			at += 2;
		else if (all.ptr[at] == '\n')
			at++;
	}
	return at == all.len || is_from_line(all, at, &next);
}

/* Without the blank line that stands between two messages. */
static size_t without_blank(struct slice all, size_t from, size_t to)
{
	if (to - from >= 2 && is_blank_before(all, to))
		to -= all.ptr[to - 2] == '\r' ? 2 : 1;
	return to;
}

static size_t find_end(struct slice all, size_t from)
{
	struct mbox_message next;

	for (size_t at = from; at < all.len; at = after_line(all, at)) {
		if (all.ptr[at] == 'F' && is_blank_before(all, at) && is_from_line(all, at, &next))
			return at;
	}
	return all.len;
}

bool mbox_is(struct slice all)
{
	struct mbox_message first;

	return is_from_line(all, 0, &first) ||
	       (slice_starts(all, slice_lit("From ")) &&
		       text_looks_like_mail(slice_from(all, after_line(all, 0))));
}

bool mbox_next(struct mbox *mbox, struct mbox_message *out)
{
	const struct slice all = mbox->all;
	size_t from, to, body;
	uint64_t length;

	while (mbox->at < all.len && (all.ptr[mbox->at] == '\n' || all.ptr[mbox->at] == '\r'))
		mbox->at++;
	if (mbox->at == all.len)
		return false;
	*out = (struct mbox_message){.at = mbox->at, .is_quoted = true};
	if (!is_from_line(all, mbox->at, out))
		out->has_date = false;
	from = slice_starts(slice_from(all, mbox->at), slice_lit("From "))
		       ? after_line(all, mbox->at)
		       : mbox->at;
	if (find_length(all, from, &body, &length) && length <= all.len - body &&
		ends_at(all, body + (size_t)length)) {
		out->is_quoted = false;
		out->raw = (struct slice){all.ptr + from, body + (size_t)length - from};
		mbox->at = body + (size_t)length;
		return true;
	}
	to = find_end(all, from);
	out->raw = (struct slice){all.ptr + from, without_blank(all, from, to) - from};
	mbox->at = to;
	return true;
}

/* ---- writing ---- */

void mbox_write_begin(struct buf *out, int64_t date_s, const struct transfer_flags *flags)
{
	const time_t when = (time_t)date_s;
	struct tm tm = {0};

	gmtime_r(&when, &tm);
	buf_printf(out, "From MAILER-DAEMON %.3s %.3s %2d %02d:%02d:%02d %d\n",
		days + 3 * tm.tm_wday, months + 3 * tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min,
		tm.tm_sec, tm.tm_year + TM_YEAR);
	buf_printf(out, "Status: %sO\n", flags->system & IMAP_SEEN ? "R" : "");
	if (flags->system & ~(unsigned)IMAP_SEEN)
		buf_printf(out, "X-Status: %s%s%s%s\n", flags->system & IMAP_ANSWERED ? "A" : "",
			flags->system & IMAP_FLAGGED ? "F" : "",
			flags->system & IMAP_DELETED ? "D" : "",
			flags->system & IMAP_DRAFT ? "T" : "");
	if (flags->keywords_n == 0)
		return;
	buf_lit(out, "X-Keywords:");
	for (size_t i = 0; i < flags->keywords_n; i++) {
		buf_byte(out, ' ');
		buf_append(out, flags->keywords[i]);
	}
	buf_lit(out, "\n");
}

/* The start of a line that may yet be a "From ": held back until that is known. */
static void let_go(struct buf *out, struct mbox_quote *quote)
{
	buf_append(out, slice_head(slice_lit("From "), quote->matched));
	quote->matched = 0;
}

static void put_byte(struct buf *out, struct mbox_quote *quote, char c)
{
	if (!quote->is_inside) {
		if (quote->matched == 0 && c == '>') {
			buf_byte(out, c);
			return;
		}
		if (c == "From "[quote->matched]) {
			if (++quote->matched < FROM_LEN)
				return;
			buf_byte(out, '>');
			let_go(out, quote);
			quote->is_inside = true;
			return;
		}
		let_go(out, quote);
	}
	buf_byte(out, c);
	quote->is_inside = c != '\n';
}

void mbox_write(struct buf *out, struct mbox_quote *quote, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		const char c = bytes.ptr[i];

		if (quote->is_cr && c != '\n')
			put_byte(out, quote, '\r');
		quote->is_cr = c == '\r';
		if (!quote->is_cr)
			put_byte(out, quote, c);
	}
}

void mbox_write_end(struct buf *out, struct mbox_quote *quote)
{
	if (quote->is_cr)
		put_byte(out, quote, '\r');
	let_go(out, quote);
	if (quote->is_inside)
		buf_byte(out, '\n');
	buf_byte(out, '\n');
	*quote = (struct mbox_quote){0};
}
