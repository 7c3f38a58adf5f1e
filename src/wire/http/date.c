/* date.c - dates of fields (RFC 9110 5.6.7); see field.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "wire/http/field.h"

static const char days[] = "SunMonTueWedThuFriSat",
		  months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void http_date_write(int64_t time_s, char out[HTTP_DATE_LEN])
{
	const time_t t = (time_t)time_s;
	char text[64] = "";
	struct tm tm = {0};

	gmtime_r(&t, &tm);
	snprintf(text, sizeof(text), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
		days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900,
		tm.tm_hour, tm.tm_min, tm.tm_sec);
	memcpy(out, text, HTTP_DATE_LEN);
}
