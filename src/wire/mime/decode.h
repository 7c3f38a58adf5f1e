/*
 * decode.h - what the decoders of header values share; private to this room.
 */
#ifndef WIRE_MIME_DECODE_H
#define WIRE_MIME_DECODE_H

#include "base/buf.h"

/* mime_hex_value - of a digit in either case, or -1. */
int mime_hex_value(char c);

/* mime_is_plain - true if s is printable ASCII without encoded words: it decodes to itself. */
bool mime_is_plain(struct slice s);

/* mime_blank_controls - make control bytes from there on spaces: nothing that was hidden in an
 * encoding may become a line end. */
void mime_blank_controls(struct buf *b, size_t from);

#endif
