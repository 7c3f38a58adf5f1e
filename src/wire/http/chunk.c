/* chunk.c - see chunk.h for the contract. */
#include "wire/http/chunk.h"

#include "wire/http/chars.h"

enum state {
	SIZE, /* before the first digit */
	DIGITS,
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER,    /* at the start of a line */
	TRAILER_LF, /* of the empty line: the end */
	FIELD_NAME, /* inside a trailer's name, at least one byte */
	FIELD_VALUE,
	FIELD_LF,
};

static int bad(struct err *err, const char *where)
{
	return err_set(err, ERR_SYNTAX, "malformed chunk: %s", where);
}

static int step_size(struct http_chunks *c, char byte, struct err *err)
{
	const int digit = http_hex(byte);

	if (digit >= 0) {
		if (c->left >> 56)
			return err_set(err, ERR_TOOBIG, "chunk too large");
		c->left = c->left << 4 | (unsigned)digit;
		c->state = DIGITS;
		return 0;
	}
	if (c->state == SIZE)
		return bad(err, "no size");
	if (byte == '\r')
		c->state = SIZE_LF;
	else if (byte == ';' || byte == ' ' || byte == '\t')
		c->state = EXTENSION;
	else
		return bad(err, "size");
	return 0;
}

static int step_extension(struct http_chunks *c, char byte, struct err *err)
{
	c->extra++;
	if (byte == '\r')
		c->state = SIZE_LF;
	else if (!http_is_value((struct slice){&byte, 1}))
		return bad(err, "extension");
	return 0;
}

static int step_lf(struct http_chunks *c, char byte, enum state then, struct err *err)
{
	if (byte != '\n')
		return bad(err, "CR without LF");
	c->state = then;
	c->line = 0;
	return 0;
}

static int step_trailer(struct http_chunks *c, char byte, struct err *err)
{
	c->extra++;
	if (c->state == TRAILER && byte == '\r')
		c->state = TRAILER_LF;
	else if (c->state == FIELD_NAME && byte == ':')
		c->state = FIELD_VALUE;
	else if (c->state == FIELD_VALUE && byte == '\r')
		c->state = FIELD_LF;
	else if (c->state == FIELD_VALUE && http_is_value((struct slice){&byte, 1}))
		return 0;
	else if (c->state != FIELD_VALUE && http_is_token_byte((unsigned char)byte))
		c->state = FIELD_NAME;
	else
		return bad(err, "trailer");
	return 0;
}

static int step(struct http_chunks *c, char byte, struct err *err)
{
	switch ((enum state)c->state) {
	case SIZE:
	case DIGITS:
		return step_size(c, byte, err);
	case EXTENSION:
		return step_extension(c, byte, err);
	case SIZE_LF:
		return step_lf(c, byte, c->left ? DATA : TRAILER, err);
	case DATA_CR:
		c->state = DATA_LF;
		return byte == '\r' ? 0 : bad(err, "longer than its size");
	case DATA_LF:
		return step_lf(c, byte, SIZE, err);
	case TRAILER_LF:
		c->is_done = true;
		return step_lf(c, byte, TRAILER, err);
	case FIELD_LF:
		return step_lf(c, byte, TRAILER, err);
	default:
		return step_trailer(c, byte, err);
	}
}

static struct slice take_data(struct http_chunks *c, struct slice *in)
{
	const struct slice data = slice_head(*in, c->left < in->len ? (size_t)c->left : in->len);

	*in = slice_from(*in, data.len);
	c->left -= data.len;
	if (c->left == 0)
		c->state = DATA_CR;
	return data;
}

int http_chunks_next(
	struct http_chunks *c, struct slice *in, struct slice *data_out, struct err *err)
{
	*data_out = (struct slice){NULL, 0};
	while (in->len && !c->is_done) {
		int rc;

		if (c->state == DATA) {
			*data_out = take_data(c, in);
			return 0;
		}
		if (++c->line > CHUNK_LINE_MAX && c->state < DATA)
			return err_set(err, ERR_TOOBIG, "chunk's line too long");
		rc = step(c, in->ptr[0], err);
		if (rc < 0)
			return rc;
		if (c->extra > CHUNK_EXTRA_MAX)
			return err_set(err, ERR_TOOBIG, "chunk extensions too long");
		*in = slice_from(*in, 1);
	}
	return 0;
}
