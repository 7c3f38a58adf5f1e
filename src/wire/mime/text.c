/* text.c - transfer encodings as they stream by; see text.h for the contract. */
#include "wire/mime/text.h"

#include "wire/mime/decode.h"

enum { PIECE = 4096 };

void mime_decoder_init(struct mime_decoder *d, enum mime_encoding encoding, bool is_lines)
{
	*d = (struct mime_decoder){.encoding = encoding, .is_lines = is_lines};
}

/* Decoded bytes on their way out: line ends made CRLF if that is asked for. */
static void emit(struct mime_decoder *d, struct slice s, struct buf *out)
{
	if (!d->is_lines) {
		buf_append(out, s);
		return;
	}
	while (s.len) {
		const size_t at = slice_chr(s, '\n');
		const bool has_cr = at == 0 ? d->was_cr : at != SIZE_MAX && s.ptr[at - 1] == '\r';

		buf_append(out, slice_head(s, at == SIZE_MAX ? s.len : at));
		if (at == SIZE_MAX) {
			d->was_cr = s.ptr[s.len - 1] == '\r';
			return;
		}
		if (!has_cr)
			buf_byte(out, '\r');
		buf_byte(out, '\n');
		d->was_cr = false;
		s = slice_from(s, at + 1);
	}
}

/* The value of a base64 digit, plus one; 0 for every other byte. */
static const unsigned char base64_value[256] = {
	['A'] = 1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	11,
	12,
	13,
	14,
	15,
	16,
	17,
	18,
	19,
	20,
	21,
	22,
	23,
	24,
	25,
	26,
	['a'] = 27,
	28,
	29,
	30,
	31,
	32,
	33,
	34,
	35,
	36,
	37,
	38,
	39,
	40,
	41,
	42,
	43,
	44,
	45,
	46,
	47,
	48,
	49,
	50,
	51,
	52,
	['0'] = 53,
	54,
	55,
	56,
	57,
	58,
	59,
	60,
	61,
	62,
	['+'] = 63,
	['/'] = 64,
	['-'] = 63,
	['_'] = 64,
};

/* What 2 or 3 digits at an end stand for, into p; returns how many bytes. */
static size_t base64_rest(struct mime_decoder *d, char *p)
{
	size_t n = 0;

	if (d->digits == 2) {
		p[n++] = (char)(d->bits >> 4);
	} else if (d->digits == 3) {
		p[n++] = (char)(d->bits >> 10);
		p[n++] = (char)(d->bits >> 2);
	}
	d->bits = d->digits = 0;
	return n;
}

/* in is at most PIECE bytes. Padding ends a group, not the text: some join encoded files. */
static void feed_base64(struct mime_decoder *d, struct slice in, struct buf *out)
{
	char text[PIECE + 4];
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		const unsigned char c = (unsigned char)in.ptr[i];
		const unsigned value = base64_value[c];

		if (value == 0) {
			if (c == '=')
				n += base64_rest(d, text + n);
			continue;
		}
		d->bits = d->bits << 6 | (value - 1);
		if (++d->digits == 4) {
			text[n++] = (char)(d->bits >> 16);
			text[n++] = (char)(d->bits >> 8);
			text[n++] = (char)d->bits;
			d->bits = d->digits = 0;
		}
	}
	emit(d, (struct slice){text, n}, out);
}

static void emit_held(struct mime_decoder *d, struct buf *out)
{
	emit(d, (struct slice){d->held, d->held_len}, out);
	d->held_len = 0;
	d->escape = 0;
}

/* One byte after "=", which stands in held: "=XY", or a soft line break with white space in it.
 * False if the byte is no part of either and must be looked at again. */
static bool qp_escape(struct mime_decoder *d, char c, struct buf *out)
{
	const bool has_space = d->escape > 1 && mime_hex_value(d->held[1]) < 0;
	int high, low;

	if (c == '\n' && (d->escape == 1 || has_space)) {
		d->held_len = d->escape = 0;
		return true;
	}
	if ((c == ' ' || c == '\t' || c == '\r') && (d->escape == 1 || has_space) &&
		d->held_len < MIME_QP_SPACE_MAX) {
		d->held[d->held_len++] = c;
		d->escape++;
		return true;
	}
	if (has_space || mime_hex_value(c) < 0) {
		emit_held(d, out);
		return false;
	}
	d->held[d->held_len++] = c;
	if (++d->escape < 3)
		return true;
	high = mime_hex_value(d->held[1]);
	low = mime_hex_value(d->held[2]);
	d->held[0] = (char)(high << 4 | low);
	d->held_len = 1;
	emit_held(d, out);
	return true;
}

/* Bytes that mean themselves, from the front of in. */
static size_t qp_plain(struct slice in)
{
	size_t n = 0;

	while (n < in.len) {
		const char c = in.ptr[n];

		if (c == '=' || c == ' ' || c == '\t' || c == '\r' || c == '\n')
			break;
		n++;
	}
	return n;
}

/* held is white space, and perhaps a CR, that vanishes (but for the line end) before an LF:
 * RFC 2045 6.7 (3). */
static void qp_byte(struct mime_decoder *d, char c, struct buf *out)
{
	if (c == '\n') {
		const bool has_cr = d->held_len && d->held[d->held_len - 1] == '\r';

		d->held_len = 0;
		emit(d, has_cr ? slice_lit("\r\n") : slice_lit("\n"), out);
		return;
	}
	if (c == '=') {
		emit_held(d, out);
		d->held[d->held_len++] = c;
		d->escape = 1;
		return;
	}
	if (d->held_len == MIME_QP_SPACE_MAX || (d->held_len && d->held[d->held_len - 1] == '\r'))
		emit_held(d, out);
	d->held[d->held_len++] = c;
}

static void feed_qp(struct mime_decoder *d, struct slice in, struct buf *out)
{
	while (in.len) {
		size_t n = 1;

		if (d->escape) {
			n = qp_escape(d, in.ptr[0], out);
		} else {
			const size_t plain = qp_plain(in);

			if (plain) {
				emit_held(d, out);
				emit(d, slice_head(in, plain), out);
				n = plain;
			} else {
				qp_byte(d, in.ptr[0], out);
			}
		}
		in = slice_from(in, n);
	}
}

void mime_decoder_feed(struct mime_decoder *d, struct slice in, struct buf *out)
{
	while (in.len) {
		const struct slice piece = slice_head(in, PIECE);

		if (d->encoding == MIME_BASE64)
			feed_base64(d, piece, out);
		else if (d->encoding == MIME_QP)
			feed_qp(d, piece, out);
		else
			emit(d, piece, out);
		in = slice_from(in, piece.len);
	}
}

void mime_decoder_finish(struct mime_decoder *d, struct buf *out)
{
	char rest[2];

	if (d->encoding == MIME_BASE64)
		emit(d, (struct slice){rest, base64_rest(d, rest)}, out);
	/* "=" at the very end is a soft line break that lost its line end. */
	if (d->encoding == MIME_QP && d->escape != 1)
		emit_held(d, out);
	d->held_len = d->escape = 0;
}

void mime_text_init(struct mime_text *t, enum mime_encoding encoding, struct slice charset)
{
	mime_decoder_init(&t->decoder, encoding, false);
	mime_charset_init(&t->charset, charset);
}

void mime_text_feed(struct mime_text *t, struct slice in, struct buf *out)
{
	struct buf bytes AUTO(buf_done);

	buf_init(&bytes, 4 * PIECE);
	while (in.len) {
		const struct slice piece = slice_head(in, PIECE);

		buf_clear(&bytes);
		mime_decoder_feed(&t->decoder, piece, &bytes);
		mime_charset_feed(&t->charset, buf_slice(&bytes), out);
		in = slice_from(in, piece.len);
	}
}

void mime_text_finish(struct mime_text *t, struct buf *out)
{
	struct buf bytes AUTO(buf_done);

	buf_init(&bytes, 4 * PIECE);
	mime_decoder_finish(&t->decoder, &bytes);
	mime_charset_feed(&t->charset, buf_slice(&bytes), out);
	mime_charset_finish(&t->charset, out);
}

void mime_text_done(struct mime_text *t)
{
	mime_charset_done(&t->charset);
}
