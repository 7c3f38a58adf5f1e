/* data.c - see data.h for the contract. */
#include "wire/smtp/data.h"

#include <assert.h>
#include <string.h>

enum state {
	LINE_START,
	IN_LINE,
	AFTER_CR, /* that CR is part of the text already */
	AFTER_DOT,
	AFTER_DOT_CR,
	DONE,
};

void smtp_data_init(struct smtp_data *d, bool is_counted, uint64_t size_max, size_t line_max)
{
	*d = (struct smtp_data){
		.size_max = size_max, .line_max = line_max, .is_counted = is_counted};
}

bool smtp_data_is_done(const struct smtp_data *d)
{
	return d->state == DONE;
}

static void set_fault(struct smtp_data *d, enum smtp_data_fault fault)
{
	if (!d->fault)
		d->fault = fault;
}

/* Text of one line from its start or middle; up to and with its LF if that is there. */
static size_t take_text(struct smtp_data *d, struct slice in)
{
	const char *lf = memchr(in.ptr, '\n', in.len);
	const size_t end = lf ? (size_t)(lf - in.ptr) : in.len;
	const bool has_cr = end > 0 && in.ptr[end - 1] == '\r';
	const size_t text = has_cr ? end - 1 : end;

	d->line += text;
	if (d->line > d->line_max)
		set_fault(d, SMTP_DATA_LONG_LINE);
	if (memchr(in.ptr, '\r', text))
		set_fault(d, SMTP_DATA_BARE_CR);
	if (lf && !has_cr)
		set_fault(d, SMTP_DATA_BARE_LF);
	if (has_cr) {
		d->is_blank = d->line == 0;
		d->line = 0;
	}
	d->state = !has_cr ? IN_LINE : lf ? LINE_START : AFTER_CR;
	return lf ? end + 1 : end;
}

/* One step: bytes of text at the front of in, at least one; *is_text is false for the dots and
 * the end mark, which are not part of the message. */
static size_t take_step(struct smtp_data *d, struct slice in, bool *is_text)
{
	const char c = in.ptr[0];

	*is_text = false;
	switch ((enum state)d->state) {
	case LINE_START:
		d->is_body = d->is_body || (d->is_binary && d->is_blank);
		if (c != '.' || d->is_counted)
			break;
		d->state = AFTER_DOT;
		return 1;
	case AFTER_DOT:
		if (c != '\r')
			break;
		d->state = AFTER_DOT_CR;
		return 1;
	case AFTER_DOT_CR:
		if (c == '\n') {
			d->state = DONE;
			return 1;
		}
		set_fault(d, SMTP_DATA_BARE_CR);
		d->state = IN_LINE;
		break;
	case AFTER_CR:
		if (c == '\n') {
			d->state = LINE_START;
			*is_text = true;
			return 1;
		}
		set_fault(d, SMTP_DATA_BARE_CR);
		d->state = IN_LINE;
		break;
	case IN_LINE:
		break;
	case DONE:
		assert(0);
	}
	*is_text = true;
	return d->is_body ? in.len : take_text(d, in);
}

struct slice smtp_data_next(struct smtp_data *d, struct slice *in)
{
	struct slice piece = {in->ptr, 0};

	while (in->len && d->state != DONE) {
		bool is_text;
		size_t n;

		if (piece.len && d->state == LINE_START && in->ptr[0] == '.' && !d->is_counted)
			break;
		n = take_step(d, *in, &is_text);
		*in = slice_from(*in, n);
		if (!is_text) {
			piece = (struct slice){in->ptr, 0};
			continue;
		}
		d->size += n;
		piece.len += n;
		if (d->size > d->size_max)
			set_fault(d, SMTP_DATA_TOO_BIG);
		if (d->fault)
			piece = (struct slice){in->ptr, 0};
	}
	return piece;
}

void smtp_data_finish(struct smtp_data *d)
{
	if (d->state == AFTER_CR)
		set_fault(d, SMTP_DATA_BARE_CR);
}
