/*
 * stuff.h - the text of a message as it goes out after DATA or in BDAT's chunks.
 *
 * Writes: RFC 5321 4.5.2 (transparency). Whatever the text holds, only CRLF ends a line in what is
 *         written, and after DATA a line of one dot stands at the end alone: so no server, however
 *         it reads lines, finds a second message. A CR or LF by itself becomes CRLF.
 * Bounds: the buffer's maximum; at most three times the input.
 */
#ifndef WIRE_SMTP_STUFF_H
#define WIRE_SMTP_STUFF_H

#include "base/buf.h"

struct smtp_stuff {
	bool is_counted; /* BDAT: no dots */
	bool is_in_line, has_cr;
};

void smtp_stuff_init(struct smtp_stuff *s, bool is_counted);
void smtp_stuff_feed(struct smtp_stuff *s, struct slice in, struct buf *out);
/* smtp_stuff_finish - the last line's end; and after DATA the end mark. */
void smtp_stuff_finish(struct smtp_stuff *s, struct buf *out);

#endif
