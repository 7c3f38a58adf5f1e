/*
 * frame.h - requests and answers between two processes of ours, as bytes.
 *
 * A frame is: length of what follows (4 bytes, big-endian), request id (4 bytes), verb (1 byte),
 * fields (each: length in 4 bytes, bytes; a number is a field of 8 bytes). An answer repeats the
 * id; its verb is 0 with the answer's fields, or an err_code with one field, the reason. Answers
 * come in any order. Which verbs there are, each socket's own header says.
 *
 * Pure and linear; slices point into the given bytes. What does not parse to its last byte is bad,
 * and whoever receives it closes the connection.
 */
#ifndef FRAME_FRAME_H
#define FRAME_FRAME_H

#include "base/buf.h"

enum { FRAME_HEAD = 9, FRAME_FIELD_HEAD = 4 }; /* length, id, verb; a field's length */

struct frame {
	uint32_t id;
	uint8_t verb;
	struct slice rest; /* fields not taken yet */
	bool is_bad;       /* sticky */
};

/* frame_length - of the whole frame at the front of in; 0: more bytes are needed to tell or to have
 * it; -ERR_TOOBIG, -ERR_SYNTAX. */
MUST_CHECK int64_t frame_length(struct slice in, size_t max, struct err *err);
/* frame_open - bytes is one whole frame. */
void frame_open(struct slice bytes, struct frame *out);

/* Take the next field; after the last, or one of another size, is_bad is set and 0 or an empty
 * slice returned. */
struct slice frame_bytes(struct frame *f);
uint64_t frame_u64(struct frame *f);
/* frame_end - all is taken and nothing was bad. */
bool frame_end(const struct frame *f);

/* Write one: begin, fields, finish. Returns where it begins. */
size_t frame_begin(struct buf *out, uint32_t id, uint8_t verb);
void frame_put(struct buf *out, struct slice bytes);
void frame_put_u64(struct buf *out, uint64_t n);
void frame_finish(struct buf *out, size_t begin);
/* frame_set_id - of the frame at the front of out. */
void frame_set_id(struct buf *out, uint32_t id);
/* frame_put_error - a whole answer: -rc is the code. */
void frame_put_error(struct buf *out, uint32_t id, int rc, const char *reason);
/* frame_take_error - the code and reason of an answer whose verb is not 0; negative. */
int frame_take_error(struct frame *f, struct err *err);

#endif
