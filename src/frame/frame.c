/* frame.c - see frame.h for the contract. */
#include "frame/frame.h"

#include "base/encode.h"

enum { FIELD_U64 = 8 };

int64_t frame_length(struct slice in, size_t max, struct err *err)
{
	uint32_t length;

	if (in.len < FRAME_FIELD_HEAD)
		return 0;
	length = be32_get((const unsigned char *)in.ptr);
	if (length > max - FRAME_FIELD_HEAD)
		return err_set(err, ERR_TOOBIG, "a frame of %u bytes", length);
	if (length < FRAME_HEAD - FRAME_FIELD_HEAD)
		return err_set(err, ERR_SYNTAX, "a frame without a head");
	return in.len < FRAME_FIELD_HEAD + (size_t)length ? 0 : FRAME_FIELD_HEAD + (int64_t)length;
}

void frame_open(struct slice bytes, struct frame *out)
{
	const unsigned char *p = (const unsigned char *)bytes.ptr;

	*out = (struct frame){.is_bad = bytes.len < FRAME_HEAD};
	if (out->is_bad)
		return;
	out->id = be32_get(p + FRAME_FIELD_HEAD);
	out->verb = p[FRAME_HEAD - 1];
	out->rest = slice_from(bytes, FRAME_HEAD);
}

struct slice frame_bytes(struct frame *f)
{
	struct slice field = {0};
	uint32_t length;

	if (f->is_bad || f->rest.len < FRAME_FIELD_HEAD) {
		f->is_bad = true;
		return field;
	}
	length = be32_get((const unsigned char *)f->rest.ptr);
	if (length > f->rest.len - FRAME_FIELD_HEAD) {
		f->is_bad = true;
		return field;
	}
	field = (struct slice){f->rest.ptr + FRAME_FIELD_HEAD, length};
	f->rest = slice_from(f->rest, FRAME_FIELD_HEAD + (size_t)length);
	return field;
}

uint64_t frame_u64(struct frame *f)
{
	const struct slice field = frame_bytes(f);

	if (field.len != FIELD_U64) {
		f->is_bad = true;
		return 0;
	}
	return be64_get((const unsigned char *)field.ptr);
}

bool frame_end(const struct frame *f)
{
	return !f->is_bad && f->rest.len == 0;
}

size_t frame_begin(struct buf *out, uint32_t id, uint8_t verb)
{
	const size_t begin = out->len;
	unsigned char head[FRAME_HEAD] = {0};

	be32_put(head + FRAME_FIELD_HEAD, id);
	head[FRAME_HEAD - 1] = verb;
	buf_append(out, (struct slice){(const char *)head, sizeof(head)});
	return begin;
}

void frame_put(struct buf *out, struct slice bytes)
{
	unsigned char length[FRAME_FIELD_HEAD];

	be32_put(length, (uint32_t)bytes.len);
	buf_append(out, (struct slice){(const char *)length, sizeof(length)});
	buf_append(out, bytes);
}

void frame_put_u64(struct buf *out, uint64_t n)
{
	unsigned char bytes[FIELD_U64];

	be64_put(bytes, n);
	frame_put(out, (struct slice){(const char *)bytes, sizeof(bytes)});
}

void frame_finish(struct buf *out, size_t begin)
{
	if (!out->failed)
		be32_put((unsigned char *)out->ptr + begin,
			(uint32_t)(out->len - begin - FRAME_FIELD_HEAD));
}

void frame_set_id(struct buf *out, uint32_t id)
{
	be32_put((unsigned char *)out->ptr + FRAME_FIELD_HEAD, id);
}

void frame_put_error(struct buf *out, uint32_t id, int rc, const char *reason)
{
	const size_t begin = frame_begin(out, id, (uint8_t)-rc);

	frame_put(out, slice_str(reason));
	frame_finish(out, begin);
}

int frame_take_error(struct frame *f, struct err *err)
{
	const struct slice reason = frame_bytes(f);

	if (!frame_end(f) || f->verb < ERR_SYNTAX || f->verb > ERR_CORRUPT)
		return err_set(err, ERR_IO, "the answer makes no sense");
	return err_set(err, (enum err_code)f->verb, "%.*s", SLICE_ARG(reason));
}
