/*
 * head.h - a message in slices of any size, divided into its header and its body.
 */
#ifndef MAILAUTH_HEAD_H
#define MAILAUTH_HEAD_H

#include "base/buf.h"

struct head {
	struct buf text; /* the header with its blank line */
	bool is_over, is_too_large;
	char last[2]; /* the two bytes before, when the header is not kept any more */
};

void head_init(struct head *head, size_t max);
/* head_feed - true once the header is over: then *body_out is the part of bytes behind its blank
 * line. A header larger than the maximum is cut, but its end is still found. */
bool head_feed(struct head *head, struct slice bytes, struct slice *body_out);

#endif
