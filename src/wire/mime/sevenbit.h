/*
 * sevenbit.h - a message made fit for a host that takes nothing beyond ASCII, as it streams by.
 *
 * Writes: RFC 6152 3, RFC 2045 6: bodies with bytes beyond ASCII become quoted-printable (texts) or
 *         base64 (the rest), and what was labelled 8bit and is not becomes 7bit. All else stays as
 *         it is, byte by byte.
 * Does:   two passes over the same bytes, in pieces of any size: mime_sevenbit_look(), then
 *         mime_sevenbit_feed(). No I/O.
 * Cannot: what is signed or encrypted (RFC 1847: nothing inside of it may change), bytes beyond
 *         ASCII in a header or between parts, parts that may have no encoding (message/rfc822 and
 *         the like too deep to be looked into) or have one already.
 * Bounds: those of the parsed message; SEVENBIT_HEADER_MAX of a header that must change. The output
 *         of one feed is at most four times its input, a header that was held back, and a label for
 *         each part in it.
 */
#ifndef WIRE_MIME_SEVENBIT_H
#define WIRE_MIME_SEVENBIT_H

#include "base/buf.h"
#include "wire/mime/mime.h"

enum { SEVENBIT_HEADER_MAX = 256 << 10 };

struct mime_sevenbit;

/* mime_sevenbit_new - message, of those very bytes, must live as long. */
struct mime_sevenbit *mime_sevenbit_new(const struct mime_message *message);
void mime_sevenbit_free(struct mime_sevenbit **s);

void mime_sevenbit_look(struct mime_sevenbit *s, struct slice bytes);
/* mime_sevenbit_begin - it was looked at, the whole of it: whether it can be done, and then from
 * the first byte on once more: */
bool mime_sevenbit_begin(struct mime_sevenbit *s);
void mime_sevenbit_feed(struct mime_sevenbit *s, struct slice bytes, struct buf *out);

#endif
