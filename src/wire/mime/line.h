/*
 * line.h - what one line of a header block is; private to this room, so that the parser and
 * mime_header_next() never disagree.
 */
#ifndef WIRE_MIME_LINE_H
#define WIRE_MIME_LINE_H

#include "wire/mime/header.h"

enum mime_line {
	MIME_LINE_FIELD, /* "Name: value" */
	MIME_LINE_FOLD,  /* starts with white space: goes on with the line before */
	MIME_LINE_JUNK,  /* no field, but found in headers: passed over */
	MIME_LINE_BLANK, /* the header ends after it */
	MIME_LINE_OTHER, /* the blank line is missing: the body starts with it */
};

/* mime_line_kind - of a line without its end; only its first bytes matter. *colon_out is the
 * place of the colon of a FIELD. */
enum mime_line mime_line_kind(struct slice line, size_t *colon_out);

/* mime_line_text - the line without its line end (LF, and any CRs before it). */
struct slice mime_line_text(struct slice line);

#endif
