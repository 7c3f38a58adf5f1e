/*
 * downgrade.h - a message made fit for a host that takes less, as it streams by.
 *
 * Writes: RFC 6152 3, RFC 3030 3, RFC 2045 6. DOWNGRADE_TO_ASCII: bodies with bytes beyond ASCII
 *         become quoted-printable (texts) or base64 (the rest), and what was labelled 8bit or
 *         binary and is not becomes 7bit. DOWNGRADE_TO_LINES: bodies that are no lines of text (a
 *         NUL, a CR or LF by itself, a line longer than DOWNGRADE_LINE_MAX) become base64, and what
 *         was labelled binary and is not becomes 8bit. All else stays as it is, byte by byte.
 * Does:   two passes over the same bytes, in pieces of any size: mime_downgrade_look(), then
 *         mime_downgrade_feed(). No I/O.
 * Cannot: what is signed or encrypted (RFC 1847: nothing inside of it may change), unfit bytes in a
 *         header or between parts, parts that may have no encoding (message/rfc822 and the like too
 *         deep to be looked into) or have one already. A line that is only long stays there.
 * Bounds: those of the parsed message; DOWNGRADE_HEADER_MAX of a header that must change. The
 *         output of one feed is at most four times its input, a header that was held back, and a
 *         label for each part in it.
 */
#ifndef WIRE_MIME_DOWNGRADE_H
#define WIRE_MIME_DOWNGRADE_H

#include "base/buf.h"
#include "wire/mime/mime.h"

enum {
	DOWNGRADE_HEADER_MAX = 256 << 10,
	DOWNGRADE_LINE_MAX = 998, /* RFC 5322 2.1.1 */
};

enum downgrade_to { DOWNGRADE_TO_ASCII, DOWNGRADE_TO_LINES };

struct mime_downgrade;

/* mime_downgrade_new - message, of those very bytes, must live as long. */
struct mime_downgrade *mime_downgrade_new(const struct mime_message *message, enum downgrade_to to);
void mime_downgrade_free(struct mime_downgrade **s);

void mime_downgrade_look(struct mime_downgrade *s, struct slice bytes);
/* mime_downgrade_begin - it was looked at, the whole of it: whether it can be done, and then from
 * the first byte on once more: */
bool mime_downgrade_begin(struct mime_downgrade *s);
void mime_downgrade_feed(struct mime_downgrade *s, struct slice bytes, struct buf *out);

#endif
