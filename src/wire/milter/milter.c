/* milter.c - see milter.h for the contract. */
#include "wire/milter/milter.h"

#include "base/encode.h"

enum { LENGTH_BYTES = 4, HEAD = LENGTH_BYTES + 1, OPTIONS_BYTES = 12 };

/* ---- writing ---- */

static void put_u32(struct buf *out, uint32_t n)
{
	unsigned char bytes[LENGTH_BYTES];

	be32_put(bytes, n);
	buf_append(out, (struct slice){(const char *)bytes, sizeof(bytes)});
}

static size_t begin(struct buf *out, enum milter_command command)
{
	const size_t at = out->len;

	put_u32(out, 0);
	buf_byte(out, (char)command);
	return at;
}

static void end(struct buf *out, size_t at)
{
	if (!out->failed)
		be32_put((unsigned char *)out->ptr + at, (uint32_t)(out->len - at - LENGTH_BYTES));
}

/* A NUL inside would end it for the reader. */
static void put_text(struct buf *out, struct slice text)
{
	char *to = buf_reserve(out, text.len + 1);

	if (!to)
		return;
	for (size_t i = 0; i < text.len; i++)
		to[i] = text.ptr[i] ? text.ptr[i] : ' ';
	to[text.len] = '\0';
	out->len += text.len + 1;
}

void milter_put(struct buf *out, enum milter_command command, const struct slice *texts, size_t n)
{
	const size_t at = begin(out, command);

	for (size_t i = 0; i < n; i++)
		put_text(out, slice_head(texts[i], MILTER_TEXT));
	end(out, at);
}

void milter_put_bytes(struct buf *out, enum milter_command command, struct slice data)
{
	const size_t at = begin(out, command);

	buf_append(out, data);
	end(out, at);
}

void milter_put_options(struct buf *out, uint32_t actions, uint32_t steps)
{
	const size_t at = begin(out, MILTER_OPTIONS);

	put_u32(out, MILTER_VERSION);
	put_u32(out, actions);
	put_u32(out, steps);
	end(out, at);
}

void milter_put_connect(struct buf *out, struct slice name, struct slice ip, uint16_t port)
{
	const size_t at = begin(out, MILTER_CONNECT);
	const char family = slice_chr(ip, ':') == SIZE_MAX ? '4' : '6';

	put_text(out, name);
	buf_byte(out, ip.len ? family : 'U');
	if (ip.len) {
		buf_byte(out, (char)(port >> 8));
		buf_byte(out, (char)(port & 0xff));
		put_text(out, ip);
	}
	end(out, at);
}

size_t milter_macros_begin(struct buf *out, enum milter_command command)
{
	const size_t at = begin(out, MILTER_MACROS);

	buf_byte(out, (char)command);
	return at;
}

void milter_macro(struct buf *out, const char *name, struct slice value)
{
	if (!value.len)
		return;
	put_text(out, slice_str(name));
	put_text(out, slice_head(value, MILTER_TEXT));
}

void milter_macros_end(struct buf *out, size_t at)
{
	end(out, at);
}

/* ---- reading ---- */

int64_t milter_length(struct slice in, struct err *err)
{
	uint32_t len;

	if (in.len < LENGTH_BYTES)
		return 0;
	len = be32_get((const unsigned char *)in.ptr);
	if (len == 0)
		return err_set(err, ERR_SYNTAX, "the filter sends an empty packet");
	if (len > MILTER_PACKET_MAX)
		return err_set(err, ERR_TOOBIG, "the filter sends a packet of %u bytes", len);
	return in.len - LENGTH_BYTES < len ? 0 : (int64_t)len + LENGTH_BYTES;
}

int milter_read_options(struct slice packet, struct milter_options *out, struct err *err)
{
	const unsigned char *p = (const unsigned char *)packet.ptr + HEAD;
	struct milter_options options;

	if (packet.len < HEAD + OPTIONS_BYTES || packet.ptr[LENGTH_BYTES] != MILTER_OPTIONS)
		return err_set(err, ERR_SYNTAX, "the filter does not negotiate");
	options = (struct milter_options){.version = be32_get(p),
		.actions = be32_get(p + LENGTH_BYTES),
		.steps = be32_get(p + LENGTH_BYTES + LENGTH_BYTES)};
	if (options.version < 2 || options.version > MILTER_VERSION)
		return err_set(err, ERR_SYNTAX, "the filter wants version %u", options.version);
	if ((options.actions & ~(uint32_t)MILTER_MAY_ALL) ||
		(options.steps & ~(uint32_t)MILTER_STEPS_ALL))
		return err_set(err, ERR_SYNTAX, "the filter wants what was not offered");
	*out = options;
	return 0;
}

static bool take_index(struct slice *data, uint32_t *out)
{
	if (data->len < LENGTH_BYTES)
		return false;
	*out = be32_get((const unsigned char *)data->ptr);
	*data = slice_from(*data, LENGTH_BYTES);
	return true;
}

static bool take_text(struct slice *data, struct slice *out)
{
	const size_t at = slice_chr(*data, '\0');

	if (at == SIZE_MAX)
		return false;
	*out = slice_head(*data, at);
	*data = slice_from(*data, at + 1);
	return true;
}

/* The data of each answer: an index, a name and a value, in this order, those that it has. */
static const struct shape {
	char answer;
	bool has_index, has_name, has_value, has_more;
} shapes[] = {
	{.answer = MILTER_CONTINUE},
	{.answer = MILTER_ACCEPT},
	{.answer = MILTER_REJECT},
	{.answer = MILTER_TEMPFAIL},
	{.answer = MILTER_DISCARD},
	{.answer = MILTER_SKIP},
	{.answer = MILTER_PROGRESS},
	{.answer = MILTER_CONN_FAIL},
	{.answer = MILTER_SHUTDOWN},
	{.answer = MILTER_REPLY, .has_value = true},
	{.answer = MILTER_QUARANTINE, .has_value = true},
	{.answer = MILTER_ADD_HEADER, .has_name = true, .has_value = true},
	{.answer = MILTER_INSERT_HEADER, .has_index = true, .has_name = true, .has_value = true},
	{.answer = MILTER_CHANGE_HEADER, .has_index = true, .has_name = true, .has_value = true},
	{.answer = MILTER_ADD_RCPT, .has_value = true},
	{.answer = MILTER_DELETE_RCPT, .has_value = true},
	{.answer = MILTER_ADD_RCPT_MORE, .has_value = true, .has_more = true},
	{.answer = MILTER_CHANGE_FROM, .has_value = true, .has_more = true},
};

static bool read_shape(const struct shape *shape, struct slice data, struct milter_said *out)
{
	if (shape->has_index && !take_index(&data, &out->index))
		return false;
	if (shape->has_name && !take_text(&data, &out->name))
		return false;
	if (shape->has_value && !take_text(&data, &out->value))
		return false;
	return shape->has_more || data.len == 0;
}

int milter_read(struct slice packet, struct milter_said *out, struct err *err)
{
	const char answer = packet.len >= HEAD ? packet.ptr[LENGTH_BYTES] : 0;
	const struct slice data = slice_from(packet, HEAD);
	struct milter_said said = {.answer = (enum milter_answer)answer};

	if (answer == MILTER_REPLACE_BODY) {
		said.value = data;
		*out = said;
		return 0;
	}
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (shapes[i].answer != answer)
			continue;
		if (!read_shape(&shapes[i], data, &said))
			return err_set(
				err, ERR_SYNTAX, "the filter's answer '%c' is malformed", answer);
		*out = said;
		return 0;
	}
	return err_set(err, ERR_SYNTAX, "the filter gives no known answer");
}
