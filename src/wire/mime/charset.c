/* charset.c - any charset to UTF-8; see text.h for the contract. */
#include <stdlib.h>
#include <string.h>
#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>

#include "base/mem.h"
#include "wire/mime/text.h"

enum { NAME_MAX_LEN = 60, PIVOT_LEN = 1024 };

static const struct slice replacement = {"\xef\xbf\xbd", 3};

/* Names that mail uses for something else than ICU thinks, or that ICU does not know. NULL: read
 * as UTF-8, which is what undeclared 8-bit text mostly is. */
static const struct {
	const char *name, *icu;
} aliases[] = {
	{"us-ascii", NULL},
	{"ascii", NULL},
	{"ansi_x3.4-1968", NULL},
	{"utf-8", NULL},
	{"utf8", NULL},
	{"iso-8859-1", "windows-1252"},
	{"iso8859-1", "windows-1252"},
	{"iso_8859-1", "windows-1252"},
	{"latin1", "windows-1252"},
	{"iso-8859-8-i", "iso-8859-8"},
	{"iso-8859-9", "windows-1254"},
	{"gb2312", "gb18030"},
	{"gbk", "gb18030"},
	{"x-gbk", "gb18030"},
	{"cp932", "windows-31j"},
	{"x-sjis", "windows-31j"},
	{"shift_jis", "windows-31j"},
	{"ks_c_5601-1987", "windows-949"},
	{"euc-kr", "windows-949"},
	{"tis-620", "windows-874"},
	{"iso-8859-11", "windows-874"},
};

/* ICU would look into the file system for a converter it does not know: ask its table first. */
static const char *icu_name(char *name)
{
	UErrorCode status = U_ZERO_ERROR;

	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (strcasecmp(name, aliases[i].name) == 0)
			return aliases[i].icu;
	}
	return ucnv_countAliases(name, &status) > 0 && U_SUCCESS(status) ? name : NULL;
}

/* ICU's own substitution gives U+001A for some charsets. */
static void replace_bad(const void *context, UConverterToUnicodeArgs *args, const char *bytes,
	int32_t len, UConverterCallbackReason reason, UErrorCode *status)
{
	static const UChar bad = 0xfffd;

	(void)context;
	(void)bytes;
	(void)len;
	if (reason > UCNV_IRREGULAR)
		return;
	*status = U_ZERO_ERROR;
	ucnv_cbToUWriteUChars(args, &bad, 1, 0, status);
}

static UConverter *open_converter(const char *name)
{
	UErrorCode status = U_ZERO_ERROR;
	UConverter *cnv = ucnv_open(name, &status);

	return U_SUCCESS(status) ? cnv : NULL;
}

/* Sets up ICU's converters; without them (name NULL or unknown) the text is read as UTF-8. */
static void open_converters(struct mime_charset *c, const char *name)
{
	UErrorCode status = U_ZERO_ERROR;

	*c = (struct mime_charset){0};
	c->from = name ? open_converter(name) : NULL;
	if (!c->from)
		return;
	if (ucnv_getType(c->from) == UCNV_UTF8) { /* under yet another name */
		mime_charset_done(c);
		return;
	}
	c->to = open_converter("UTF-8");
	ucnv_setToUCallBack(c->from, replace_bad, NULL, NULL, NULL, &status);
	if (!c->to || U_FAILURE(status)) {
		mime_charset_done(c);
		return;
	}
	c->pivot = mem_alloc(PIVOT_LEN * sizeof(*c->pivot));
	c->pivot_source = c->pivot_target = c->pivot;
}

void mime_charset_init(struct mime_charset *c, struct slice name)
{
	char text[NAME_MAX_LEN + 1] = "";

	*c = (struct mime_charset){0};
	if (name.len == 0 || name.len > NAME_MAX_LEN)
		return;
	memcpy(text, name.ptr, name.len);
	c->needs_mark = strcasecmp(text, "utf-16") == 0;
	if (!c->needs_mark)
		open_converters(c, icu_name(text));
}

void mime_charset_done(struct mime_charset *c)
{
	ucnv_close(c->from);
	ucnv_close(c->to);
	free(c->pivot);
	*c = (struct mime_charset){0};
}

static void convert(struct mime_charset *c, struct slice in, bool is_end, struct buf *out)
{
	const char *source = in.len ? in.ptr : "", *source_end = source + in.len;
	UErrorCode status;

	do {
		char text[2048], *target = text;

		status = U_ZERO_ERROR;
		ucnv_convertEx(c->to, c->from, &target, text + sizeof(text), &source, source_end,
			c->pivot, &c->pivot_source, &c->pivot_target, c->pivot + PIVOT_LEN, false,
			is_end, &status);
		buf_append(out, (struct slice){text, (size_t)(target - text)});
	} while (status == U_BUFFER_OVERFLOW_ERROR);
}

static size_t ascii_run(const char *p, size_t len)
{
	size_t n = 0;
	uint64_t word;

	for (; len - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, p + n, sizeof(word));
		if (word & 0x8080808080808080u)
			break;
	}
	while (n < len && (unsigned char)p[n] < 0x80)
		n++;
	return n;
}

/* How many bytes the sequence at p has, 0 if more bytes are needed to know, or minus the number of
 * bytes that are no sequence (Unicode's "maximal subpart", as the web replaces them). */
static int sequence(const unsigned char *p, size_t len)
{
	unsigned char low = 0x80, high = 0xbf;
	int n;

	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return -1;
	low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : low;
	high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : high;
	for (int i = 1; i < n; i++) {
		if ((size_t)i == len)
			return 0;
		if (p[i] < low || p[i] > high)
			return -i;
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

/* Checks in and appends it; returns how many bytes at its end are a sequence cut short. */
static size_t check_utf8(struct slice in, struct buf *out)
{
	while (in.len) {
		size_t n = ascii_run(in.ptr, in.len);
		int seq = 0;

		while (n < in.len) {
			seq = sequence((const unsigned char *)in.ptr + n, in.len - n);
			if (seq <= 0)
				break;
			n += (size_t)seq;
			n += ascii_run(in.ptr + n, in.len - n);
		}
		buf_append(out, slice_head(in, n));
		in = slice_from(in, n);
		if (in.len == 0)
			break;
		if (seq == 0)
			return in.len;
		buf_append(out, replacement);
		in = slice_from(in, (size_t)-seq);
	}
	return 0;
}

/* "utf-16" alone: its byte order mark decides. Without one ICU would take it for big-endian, but
 * senders that forget the mark, like the web, mean little-endian. Returns what is left of in. */
static struct slice read_mark(struct mime_charset *c, struct slice in, struct buf *out)
{
	char head[2];
	bool is_big;

	while (c->held_len < sizeof(head) && in.len) {
		c->held[c->held_len++] = in.ptr[0];
		in = slice_from(in, 1);
	}
	if (c->held_len < sizeof(head))
		return in;
	memcpy(head, c->held, sizeof(head));
	is_big = memcmp(head, "\xfe\xff", 2) == 0;
	open_converters(c, is_big ? "UTF-16BE" : "UTF-16LE");
	if (c->from && !is_big && memcmp(head, "\xff\xfe", 2) != 0)
		convert(c, (struct slice){head, sizeof(head)}, false, out);
	return in;
}

void mime_charset_feed(struct mime_charset *c, struct slice in, struct buf *out)
{
	if (c->needs_mark)
		in = read_mark(c, in, out);
	if (c->needs_mark)
		return;
	if (c->from) {
		convert(c, in, false, out);
		return;
	}
	while (c->held_len && in.len) {
		size_t left;

		c->held[c->held_len++] = in.ptr[0];
		in = slice_from(in, 1);
		left = check_utf8((struct slice){c->held, c->held_len}, out);
		memmove(c->held, c->held + c->held_len - left, left);
		c->held_len = left;
	}
	if (in.len) {
		c->held_len = check_utf8(in, out);
		memcpy(c->held, in.ptr + in.len - c->held_len, c->held_len);
	}
}

void mime_charset_finish(struct mime_charset *c, struct buf *out)
{
	if (c->from)
		convert(c, (struct slice){NULL, 0}, true, out);
	else if (c->held_len)
		buf_append(out, replacement);
	c->held_len = 0;
}
