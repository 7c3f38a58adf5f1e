/*
 * date.h - dates and date-times of RFC 9051 9: "1-Feb-2024" and "17-Jul-1996 02:44:25 -0700".
 *
 * Days and seconds are counted from 1970-01-01 in the proleptic Gregorian calendar. Years are 0001
 * to 9999; days that a month does not have are refused; second 60 is taken as 59.
 */
#ifndef WIRE_IMAP_DATE_H
#define WIRE_IMAP_DATE_H

#include "base/buf.h"
#include "wire/imap/lex.h"

struct imap_date_time {
	int64_t seconds;  /* UTC */
	int32_t zone_min; /* minutes east */
};

/* imap_date_parse - date-text, quoted or not; the day's number. */
MUST_CHECK int imap_date_parse(struct imap_lex *lx, int32_t *day_out, struct err *err);
/* imap_date_time_parse - with its quotes. */
MUST_CHECK int imap_date_time_parse(
	struct imap_lex *lx, struct imap_date_time *out, struct err *err);
/* imap_date_time_write - with its quotes, as the clock of that zone showed. */
void imap_date_time_write(struct buf *out, const struct imap_date_time *t);
/* imap_day - the day that the clock of the zone showed. */
int32_t imap_day(int64_t seconds, int32_t zone_min);

#endif
