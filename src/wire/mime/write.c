/* write.c - see write.h for the contract. */
#include "wire/mime/write.h"

#include <string.h>
#include <time.h>

#include "base/encode.h"
#include "base/random.h"
#include "wire/mime/text.h"

enum {
	LINE = 76,
	WORD_BYTES = 39, /* in one encoded word: 12 bytes around 52 of base64 */
};

/* The value as it may stand in a header: UTF-8, in one line, without control bytes. */
static void clean(struct slice value, struct buf *out)
{
	struct mime_charset charset;
	const size_t from = out->len;

	mime_charset_init(&charset, slice_lit("utf-8"));
	mime_charset_feed(&charset, value, out);
	mime_charset_finish(&charset, out);
	mime_charset_done(&charset);
	for (size_t i = from; i < out->len; i++) {
		if ((unsigned char)out->ptr[i] < 0x20 || out->ptr[i] == 0x7f)
			out->ptr[i] = ' ';
	}
}

static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] >= 0x7f)
			return false;
	}
	return slice_find(s, slice_lit("=?")) == SIZE_MAX;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of the next encoded word: whole characters. */
static size_t word_bytes(struct slice text)
{
	size_t n = text.len < WORD_BYTES ? text.len : WORD_BYTES;

	while (n < text.len && n > 1 && is_continuation(text.ptr[n]))
		n--;
	return n;
}

static void put_encoded(struct buf *out, struct slice text, const char *between)
{
	for (size_t i = 0; text.len; i++) {
		const size_t n = word_bytes(text);

		if (i)
			buf_str(out, between);
		buf_lit(out, "=?utf-8?B?");
		base64_encode(out, slice_head(text, n));
		buf_lit(out, "?=");
		text = slice_from(text, n);
	}
}

/* Words with single spaces between them, in lines. */
static void put_folded(struct buf *out, size_t column, struct slice text)
{
	for (text = slice_trim(text); text.len; text = slice_trim(text)) {
		struct slice rest;
		const struct slice word = slice_cut(text, ' ', &rest);

		if (column + 1 + word.len > LINE && column > 1) {
			buf_lit(out, "\r\n");
			column = 0;
		}
		buf_byte(out, ' ');
		buf_append(out, word);
		column += 1 + word.len;
		text = rest;
	}
}

void mime_write_words(struct buf *out, const char *name, struct slice value)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, out->max);
	clean(value, &text);
	buf_str(out, name);
	buf_byte(out, ':');
	/* A name behind which the first word would not fit still has it on its line. */
	put_folded(out, 0, buf_slice(&text));
	buf_lit(out, "\r\n");
	out->failed |= text.failed;
}

void mime_write_text(struct buf *out, const char *name, struct slice value)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, out->max);
	clean(value, &text);
	buf_str(out, name);
	buf_byte(out, ':');
	if (is_plain(buf_slice(&text))) {
		put_folded(out, strlen(name) + 1, buf_slice(&text));
	} else {
		buf_byte(out, ' ');
		put_encoded(out, buf_slice(&text), "\r\n ");
	}
	buf_lit(out, "\r\n");
	out->failed |= text.failed;
}

/* ---- addresses ---- */

static bool is_atext(unsigned char c)
{
	return c >= 0x80 || (c > ' ' && c < 0x7f && !strchr("()<>[]:;@\\,.\"", c));
}

static bool is_atoms(struct slice s, char between)
{
	bool is_start = true;

	for (size_t i = 0; i < s.len; i++) {
		const bool is_between = s.ptr[i] == between;

		if (is_between ? is_start : !is_atext((unsigned char)s.ptr[i]))
			return false;
		is_start = is_between && between == '.';
	}
	return s.len > 0 && !is_start;
}

static void put_quoted(struct buf *out, struct slice s)
{
	buf_byte(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			buf_byte(out, '\\');
		buf_byte(out, s.ptr[i]);
	}
	buf_byte(out, '"');
}

void mime_write_addr_spec(struct buf *out, struct slice mailbox, struct slice domain)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, out->max);
	clean(mailbox, &text);
	if (is_atoms(buf_slice(&text), '.'))
		buf_append(out, buf_slice(&text));
	else
		put_quoted(out, buf_slice(&text));
	if (domain.len) {
		buf_clear(&text);
		clean(domain, &text);
		buf_byte(out, '@');
		buf_append(out, buf_slice(&text));
	}
	out->failed |= text.failed;
}

void mime_write_address(
	struct buf *out, struct slice name, struct slice mailbox, struct slice domain)
{
	struct buf text AUTO(buf_done);
	struct slice shown;

	buf_init(&text, out->max);
	clean(name, &text);
	shown = slice_trim(buf_slice(&text));
	if (shown.len == 0) {
		mime_write_addr_spec(out, mailbox, domain);
		return;
	}
	if (!is_plain(shown))
		put_encoded(out, shown, " ");
	else if (is_atoms(shown, ' '))
		buf_append(out, shown);
	else
		put_quoted(out, shown);
	buf_lit(out, " <");
	mime_write_addr_spec(out, mailbox, domain);
	buf_byte(out, '>');
	out->failed |= text.failed;
}

void mime_write_addresses(struct buf *out, const char *name, const struct mime_address *list)
{
	struct buf one AUTO(buf_done), decoded AUTO(buf_done);
	size_t column = strlen(name) + 1;
	bool is_first = true;

	buf_init(&one, out->max);
	buf_init(&decoded, out->max);
	for (; list; list = list->next) {
		if (list->kind != MIME_ADDRESS_MAILBOX)
			continue;
		buf_clear(&one);
		buf_clear(&decoded);
		mime_header_decode(list->name, &decoded);
		mime_write_address(&one, buf_slice(&decoded), list->mailbox, list->domain);
		if (is_first) {
			buf_str(out, name);
			buf_byte(out, ':');
		} else {
			buf_byte(out, ',');
			column++;
		}
		if (!is_first && column + 2 + one.len > LINE) {
			buf_lit(out, "\r\n");
			column = 0;
		}
		buf_byte(out, ' ');
		buf_append(out, buf_slice(&one));
		column += 1 + one.len;
		is_first = false;
	}
	if (!is_first)
		buf_lit(out, "\r\n");
	out->failed |= one.failed || decoded.failed;
}

/* ---- parameters ---- */

void mime_write_param(struct buf *out, const char *name, struct slice value)
{
	static const char digits[] = "0123456789ABCDEF";
	struct buf text AUTO(buf_done);

	buf_init(&text, out->max);
	clean(value, &text);
	buf_printf(out, ";\r\n %s", name);
	if (is_plain(buf_slice(&text))) {
		buf_byte(out, '=');
		put_quoted(out, buf_slice(&text));
		return;
	}
	buf_lit(out, "*=utf-8''");
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.ptr[i];

		if ((c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
			c == '.' || c == '-' || c == '_') {
			buf_byte(out, (char)c);
		} else {
			buf_byte(out, '%');
			buf_byte(out, digits[c >> 4]);
			buf_byte(out, digits[c & 15]);
		}
	}
	out->failed |= text.failed;
}

/* ---- bodies ---- */

static void put_hex(struct buf *out, unsigned char c)
{
	static const char digits[] = "0123456789ABCDEF";

	buf_byte(out, '=');
	buf_byte(out, digits[c >> 4]);
	buf_byte(out, digits[c & 15]);
}

static void put_qp_line(struct buf *out, struct slice line)
{
	size_t column = 0;

	for (size_t i = 0; i < line.len; i++) {
		const unsigned char c = (unsigned char)line.ptr[i];
		const bool is_last = i + 1 == line.len;
		const bool is_blank = c == ' ' || c == '\t';
		const bool is_as_it_is = is_blank ? !is_last : c > ' ' && c < 0x7f && c != '=';
		const size_t width = is_as_it_is ? 1 : 3;

		if (column + width > (is_last ? LINE : LINE - 1)) {
			buf_lit(out, "=\r\n");
			column = 0;
		}
		if (is_as_it_is)
			buf_byte(out, (char)c);
		else
			put_hex(out, c);
		column += width;
	}
	buf_lit(out, "\r\n");
}

void mime_write_qp(struct buf *out, struct slice text)
{
	while (text.len) {
		size_t n = 0;

		while (n < text.len && text.ptr[n] != '\r' && text.ptr[n] != '\n')
			n++;
		put_qp_line(out, slice_head(text, n));
		text = slice_from(text, n);
		if (slice_starts(text, slice_lit("\r\n")))
			text = slice_from(text, 2);
		else if (text.len)
			text = slice_from(text, 1);
	}
}

void mime_base64_feed(struct mime_base64 *b, struct slice bytes, struct buf *out)
{
	while (bytes.len) {
		const size_t room = sizeof(b->held) - b->n;
		const size_t n = bytes.len < room ? bytes.len : room;

		memcpy(b->held + b->n, bytes.ptr, n);
		b->n += n;
		bytes = slice_from(bytes, n);
		if (b->n == sizeof(b->held))
			mime_base64_finish(b, out);
	}
}

void mime_base64_finish(struct mime_base64 *b, struct buf *out)
{
	if (b->n == 0)
		return;
	base64_encode(out, (struct slice){b->held, b->n});
	buf_lit(out, "\r\n");
	b->n = 0;
}

void mime_write_date(struct buf *out, int64_t wall_s)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	const time_t t = (time_t)wall_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	buf_printf(out, "%s, %d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday,
		months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void mime_write_id(struct buf *out, struct slice host_name)
{
	unsigned char id[16];

	random_bytes(id, sizeof(id));
	buf_byte(out, '<');
	hex_encode(out, (struct slice){(const char *)id, sizeof(id)});
	buf_byte(out, '@');
	buf_append(out, host_name);
	buf_byte(out, '>');
}
