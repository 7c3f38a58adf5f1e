/* mail.c - see mail.h for the contract. */
#include "mail.h"

#include <math.h>
#include <string.h>

const struct mail_shape mail_ordinary = {10000, 1.4, 1000000};
const struct mail_shape mail_small = {4000, 1.0, 65536};

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static double unit(uint64_t *state)
{
	return (double)(next(state) >> 11) / 9007199254740992.0;
}

static void put_words(struct buf *out, uint64_t *state, size_t bytes)
{
	static const char *const words[] = {"the", "coach", "letter", "arrives", "before", "noon",
		"and", "horses", "rest", "at", "every", "house", "winter", "timetable", "figures",
		"of", "Monday", "office", "agreed", "with", "please", "answer", "parcel", "weight"};
	const size_t end = out->len + bytes;
	size_t column = 0;

	while (out->len < end) {
		const char *word = words[next(state) % (sizeof(words) / sizeof(words[0]))];

		buf_str(out, word);
		column += strlen(word) + 1;
		if (column > 70) {
			buf_lit(out, "\r\n");
			column = 0;
		} else {
			buf_byte(out, ' ');
		}
	}
	buf_lit(out, "\r\n");
}

static void put_base64(struct buf *out, uint64_t *state, size_t bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char line[78];

	for (size_t n = 0; n < bytes; n += sizeof(line)) {
		for (size_t i = 0; i < 76; i++)
			line[i] = digits[next(state) & 63];
		memcpy(line + 76, "\r\n", 2);
		buf_append(out, (struct slice){line, sizeof(line)});
	}
}

static void put_header(struct buf *out, uint64_t n, uint64_t *state)
{
	for (int hop = 0; hop < 3; hop++)
		buf_printf(out,
			"Received: from mx%d.elsewhere.example (mx%d.elsewhere.example "
			"[192.0.2.%d])\r\n"
			"\tby relay%d.elsewhere.example with ESMTPS id %016llx;\r\n"
			"\tMon, 2 Nov 2026 09:%02d:00 +0000\r\n",
			hop, hop, hop + 1, hop, (unsigned long long)next(state), hop);
	buf_printf(out,
		"Date: Mon, 2 Nov 2026 %02d:%02d:%02d +0000\r\n"
		"From: \"Sender %llu\" <sender%llu@elsewhere.example>\r\n"
		"To: Reader <reader@bench.example>\r\n"
		"Subject: %sLetter %llu of the winter\r\n"
		"Message-ID: <%llu.%016llx@elsewhere.example>\r\n",
		(int)(n / 3600 % 24), (int)(n / 60 % 60), (int)(n % 60),
		(unsigned long long)n % 500, (unsigned long long)n % 500,
		next(state) % 2 ? "Re: " : "", (unsigned long long)n, (unsigned long long)n,
		(unsigned long long)(n * 0x9e3779b97f4a7c15));
	if (n > 10 && next(state) % 10 < 4)
		buf_printf(out, "References: <%llu.%016llx@elsewhere.example>\r\n",
			(unsigned long long)n - 1,
			(unsigned long long)((n - 1) * 0x9e3779b97f4a7c15));
	buf_lit(out, "MIME-Version: 1.0\r\n");
}

static void put_alternative(struct buf *out, uint64_t *state, size_t bytes)
{
	buf_lit(out, "Content-Type: multipart/alternative; boundary=\"=_alt\"\r\n\r\n--=_alt\r\n"
		     "Content-Type: text/plain; charset=utf-8\r\n\r\n");
	put_words(out, state, bytes * 2 / 5);
	buf_lit(out,
		"--=_alt\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>\r\n");
	put_words(out, state, bytes * 3 / 5);
	buf_lit(out, "</p></body></html>\r\n--=_alt--\r\n");
}

void mail_make(struct buf *out, uint64_t n, const struct mail_shape *shape)
{
	uint64_t state = n * 0xd1b54a32d192ed03 + 1;
	const double normal =
		sqrt(-2 * log(unit(&state) + 1e-12)) * cos(6.283185307 * unit(&state));
	double size = shape->median * exp(shape->sigma * normal);
	const unsigned kind = next(&state) % 100;

	size = size < 1500 ? 1500 : size > shape->max ? shape->max : size;
	buf_clear(out);
	put_header(out, n, &state);
	if (size > 60000 || kind >= 80) {
		buf_lit(out,
			"Content-Type: multipart/mixed; boundary=\"=_mix\"\r\n\r\n--=_mix\r\n");
		put_alternative(out, &state, (size_t)(size / 4 < 12000 ? size / 4 : 12000));
		buf_lit(out, "--=_mix\r\nContent-Type: application/pdf; name=\"report.pdf\"\r\n"
			     "Content-Disposition: attachment; filename=\"report.pdf\"\r\n"
			     "Content-Transfer-Encoding: base64\r\n\r\n");
		put_base64(out, &state, (size_t)(size * 3 / 4));
		buf_lit(out, "--=_mix--\r\n");
	} else if (kind < 35) {
		buf_lit(out, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
		put_words(out, &state, (size_t)size);
	} else {
		put_alternative(out, &state, (size_t)size);
	}
}
