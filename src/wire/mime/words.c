/* words.c - encoded words and raw bytes of a header value to UTF-8; RFC 2047, header.h. */
#include <string.h>

#include "wire/mime/decode.h"
#include "wire/mime/text.h"

enum { CHARSET_NAME_MAX = 60 };

struct word {
	struct slice charset, text;
	enum mime_encoding encoding; /* MIME_QP stands for "Q" */
	size_t len;                  /* of the whole encoded word */
};

struct decode {
	struct slice in;
	size_t end_mark;      /* the first "?=" at or after the last place asked, SIZE_MAX: none */
	struct slice charset; /* of pending */
	struct buf pending;   /* bytes of encoded words in a row, not converted yet */
	struct buf *out;
};

/* The place of the first "?=" from `from` on; each stretch of the value is searched once. */
static size_t find_end_mark(struct decode *d, size_t from)
{
	size_t at;

	if (d->end_mark < from) {
		at = slice_find(slice_from(d->in, from), slice_lit("?="));
		d->end_mark = at == SIZE_MAX ? SIZE_MAX : from + at;
	}
	return d->end_mark;
}

/* "=?charset*language?encoding?text?=" at place at. */
static bool read_word(struct decode *d, size_t at, struct word *out)
{
	const struct slice head = slice_head(slice_from(d->in, at + 2), CHARSET_NAME_MAX + 20);
	const size_t mark = slice_chr(head, '?');
	struct slice language;
	size_t text, end;

	if (mark == SIZE_MAX || mark + 2 >= head.len || head.ptr[mark + 2] != '?')
		return false;
	out->charset = slice_cut(slice_head(head, mark), '*', &language);
	if (out->charset.len == 0)
		return false;
	switch (ascii_lower((unsigned char)head.ptr[mark + 1])) {
	case 'q':
		out->encoding = MIME_QP;
		break;
	case 'b':
		out->encoding = MIME_BASE64;
		break;
	default:
		return false;
	}
	text = at + 2 + mark + 3;
	end = find_end_mark(d, text);
	if (end == SIZE_MAX)
		return false;
	out->text = slice_head(slice_from(d->in, text), end - text);
	out->len = end + 2 - at;
	return true;
}

/* "Q" differs from quoted-printable: "_" is a space, and there are no lines. */
static void decode_q(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		int high = -1, low = -1;

		if (text.ptr[i] == '=' && i + 2 < text.len) {
			high = mime_hex_value(text.ptr[i + 1]);
			low = mime_hex_value(text.ptr[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			buf_byte(out, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_byte(out, text.ptr[i] == '_' ? ' ' : text.ptr[i]);
		}
	}
}

static void convert(struct slice bytes, struct slice charset_name, struct buf *out)
{
	struct mime_charset charset AUTO(mime_charset_done);

	mime_charset_init(&charset, charset_name);
	mime_charset_feed(&charset, bytes, out);
	mime_charset_finish(&charset, out);
}

static void flush_pending(struct decode *d)
{
	if (d->pending.len)
		convert(buf_slice(&d->pending), d->charset, d->out);
	buf_clear(&d->pending);
}

/* Words in a row with one charset are converted together: many senders cut within a character. */
static void take_word(struct decode *d, const struct word *word)
{
	if (!slice_eq_nocase(d->charset, word->charset))
		flush_pending(d);
	d->charset = word->charset;
	if (word->encoding == MIME_BASE64) {
		struct mime_decoder decoder;

		mime_decoder_init(&decoder, MIME_BASE64, false);
		mime_decoder_feed(&decoder, word->text, &d->pending);
		mime_decoder_finish(&decoder, &d->pending);
	} else {
		decode_q(word->text, &d->pending);
	}
}

static void take_text(struct decode *d, struct slice text)
{
	struct buf line AUTO(buf_done);

	flush_pending(d);
	buf_init(&line, text.len);
	mime_header_unfold(text, &line);
	convert(buf_slice(&line), (struct slice){NULL, 0}, d->out);
}

static void decode_words(struct decode *d)
{
	size_t text = 0, at = 0; /* text: where what is not yet taken begins */
	bool is_after_word = false;

	while (at < d->in.len) {
		const size_t mark = slice_find(slice_from(d->in, at), slice_lit("=?"));
		struct slice before;
		struct word word;

		if (mark == SIZE_MAX)
			break;
		at += mark;
		if (!read_word(d, at, &word)) {
			at += 2;
			continue;
		}
		before = slice_head(slice_from(d->in, text), at - text);
		/* RFC 2047 6.2: white space between two encoded words is not shown. */
		if (before.len && !(is_after_word && slice_trim(before).len == 0))
			take_text(d, before);
		take_word(d, &word);
		is_after_word = true;
		at += word.len;
		text = at;
	}
	if (text < d->in.len)
		take_text(d, slice_from(d->in, text));
	flush_pending(d);
}

int mime_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)ascii_lower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool mime_is_plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i];

		if (c < 0x20 || c >= 0x7f || (c == '=' && i + 1 < s.len && s.ptr[i + 1] == '?'))
			return false;
	}
	return true;
}

void mime_blank_controls(struct buf *b, size_t from)
{
	for (size_t i = from; i < b->len; i++) {
		if ((unsigned char)b->ptr[i] < 0x20 || b->ptr[i] == 0x7f)
			b->ptr[i] = ' ';
	}
}

void mime_header_decode(struct slice value, struct buf *out)
{
	const size_t start = out->len;
	struct decode d = {.in = value, .end_mark = 0, .out = out};

	if (mime_is_plain(value)) {
		buf_append(out, value);
		return;
	}
	buf_init(&d.pending, value.len);
	decode_words(&d);
	buf_done(&d.pending);
	mime_blank_controls(out, start);
}
