/*
 * text.h - a part's body, decoded as it streams by: transfer encoding, then charset.
 *
 * Reads:  RFC 2045 6.7 and 6.8 (quoted-printable, base64), any charset that ICU knows.
 * Does:   no failing: what is not base64 is passed over, what is not quoted-printable stays as
 *         it is, bytes without meaning in the charset become U+FFFD. An unknown charset, and
 *         US-ASCII, is read as UTF-8; ISO-8859-1 as its superset windows-1252, as the web does.
 * Bounds: a fixed amount of memory (plus ICU's converter) however long the body; the output of
 *         one feed is a small multiple of its input. The caller empties the buf as it likes.
 *
 * The result does not depend on where the input was cut. One owner at a time.
 */
#ifndef WIRE_MIME_TEXT_H
#define WIRE_MIME_TEXT_H

#include <uchar.h>

#include "wire/mime/mime.h"

enum { MIME_QP_SPACE_MAX = 80 }; /* a run of white space longer than this is kept anywhere */

struct mime_decoder {
	enum mime_encoding encoding;
	bool is_lines; /* every line end becomes CRLF, as IMAP's BINARY wants of text */
	bool was_cr;
	uint32_t bits; /* base64: bits not yet given out, and how many digits they came from */
	unsigned digits;
	unsigned escape; /* quoted-printable: bytes of an "=XY" held back in held */
	char held[MIME_QP_SPACE_MAX + 4];
	size_t held_len;
};

/* mime_decoder_init - for a body in that encoding; an unknown one is passed on as it is. is_lines
 * makes each LF without CR a CRLF: for BINARY of text parts. */
void mime_decoder_init(struct mime_decoder *d, enum mime_encoding encoding, bool is_lines);
void mime_decoder_feed(struct mime_decoder *d, struct slice in, struct buf *out);
void mime_decoder_finish(struct mime_decoder *d, struct buf *out);

struct mime_charset {
	void *from, *to; /* ICU's converters; NULL: UTF-8, which is checked here */
	char16_t *pivot; /* ICU's intermediate text */
	char16_t *pivot_source, *pivot_target;
	bool needs_mark; /* UTF-16: what is held is the front of its byte order mark */
	char held[4];    /* a UTF-8 sequence that is not complete yet */
	size_t held_len;
};

/* mime_charset_init - from the charset of that name to UTF-8. */
void mime_charset_init(struct mime_charset *c, struct slice name);
void mime_charset_feed(struct mime_charset *c, struct slice in, struct buf *out);
void mime_charset_finish(struct mime_charset *c, struct buf *out);
void mime_charset_done(struct mime_charset *c);

/* Both in a row: from the raw body of a text part to UTF-8, for search. */
struct mime_text {
	struct mime_decoder decoder;
	struct mime_charset charset;
};

void mime_text_init(struct mime_text *t, enum mime_encoding encoding, struct slice charset);
void mime_text_feed(struct mime_text *t, struct slice in, struct buf *out);
void mime_text_finish(struct mime_text *t, struct buf *out);
void mime_text_done(struct mime_text *t);

#endif
