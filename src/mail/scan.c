/* scan.c - see scan.h for the contract. */
#include "mail/scan.h"

#include <unicode/uchar.h>

#include "base/utf8.h"

void scan_fold(struct slice in, struct buf *out)
{
	char *p = buf_reserve(out, in.len * 3); /* no folding of one character is longer */
	uint32_t c;

	while (p && in.len) {
		const unsigned char byte = (unsigned char)in.ptr[0];

		if (byte >= 0x80 && utf8_take(&in, &c)) {
			p += utf8_put((uint32_t)u_foldCase((UChar32)c, U_FOLD_CASE_DEFAULT), p);
			continue;
		}
		*p++ = (char)ascii_lower(byte);
		in = slice_from(in, 1);
	}
	if (p)
		out->len = (size_t)(p - out->ptr);
}

void scan_init(struct scan *s, struct slice needle)
{
	*s = (struct scan){0};
	buf_init(&s->needle, needle.len * 3 + 1);
	buf_init(&s->window, SIZE_MAX / 2);
	scan_fold(needle, &s->needle);
}

void scan_restart(struct scan *s)
{
	buf_clear(&s->window);
	s->is_found = s->needle.len == 0;
}

void scan_feed(struct scan *s, struct slice utf8)
{
	while (utf8.len && !s->is_found) {
		const struct slice part = slice_head(utf8, SCAN_CHUNK);
		size_t keep = s->needle.len - 1;

		scan_fold(part, &s->window);
		s->is_found = slice_find(buf_slice(&s->window), buf_slice(&s->needle)) != SIZE_MAX;
		if (keep < s->window.len)
			buf_consume(&s->window, s->window.len - keep);
		utf8 = slice_from(utf8, part.len);
	}
}

void scan_done(struct scan *s)
{
	buf_done(&s->needle);
	buf_done(&s->window);
}
