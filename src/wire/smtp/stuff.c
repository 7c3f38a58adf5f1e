/* stuff.c - see stuff.h for the contract. */
#include "wire/smtp/stuff.h"

void smtp_stuff_init(struct smtp_stuff *s, bool is_counted)
{
	*s = (struct smtp_stuff){.is_counted = is_counted};
}

static void end_line(struct smtp_stuff *s, struct buf *out)
{
	buf_lit(out, "\r\n");
	s->is_in_line = s->has_cr = false;
}

/* How many bytes at the front are of one line, without its end. */
static size_t run_of(struct slice in)
{
	size_t n = 0;

	while (n < in.len && in.ptr[n] != '\r' && in.ptr[n] != '\n')
		n++;
	return n;
}

void smtp_stuff_feed(struct smtp_stuff *s, struct slice in, struct buf *out)
{
	while (in.len) {
		const size_t n = run_of(in);

		/* A CR is a line's end, whether LF follows or not. */
		if (s->has_cr && in.ptr[0] != '\n')
			end_line(s, out);
		if (n) {
			if (!s->is_in_line && in.ptr[0] == '.' && !s->is_counted)
				buf_byte(out, '.');
			buf_append(out, slice_head(in, n));
			s->is_in_line = true;
			in = slice_from(in, n);
			continue;
		}
		if (in.ptr[0] == '\n')
			end_line(s, out);
		else
			s->has_cr = true;
		in = slice_from(in, 1);
	}
}

void smtp_stuff_finish(struct smtp_stuff *s, struct buf *out)
{
	if (s->is_in_line || s->has_cr)
		end_line(s, out);
	if (!s->is_counted)
		buf_lit(out, ".\r\n");
}
