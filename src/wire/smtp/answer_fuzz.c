/* answer_fuzz.c - any bytes as a server's answers, and as a message that goes out. */
#include <stdlib.h>

#include "wire/smtp/answer.h"
#include "wire/smtp/data.h"
#include "wire/smtp/stuff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answers(struct slice in)
{
	struct smtp_answer answer;
	struct smtp_offer offer;
	struct buf text AUTO(buf_done);
	struct slice line;
	size_t used, at;
	struct err err;

	buf_init(&text, 2 * SMTP_ANSWER_MAX);
	while (smtp_answer_take(in, &answer, &used, &err) == 1) {
		if (used == 0 || used > in.len || answer.code < 200 || answer.code > 599)
			abort();
		for (at = 0; smtp_answer_line(&answer, &at, &line);)
			;
		buf_clear(&text);
		smtp_answer_put(&answer, &text);
		for (size_t i = 0; i < text.len; i++) {
			if (text.ptr[i] < ' ' || text.ptr[i] > '~')
				abort();
		}
		smtp_offer_read(&answer, &offer);
		in = slice_from(in, used);
	}
}

/* What goes out has no fault for our own strict reader, ends where it ends, and comes back. */
static void check_stuffing(struct slice in, size_t cut)
{
	struct buf out AUTO(buf_done);
	struct smtp_stuff s;
	struct smtp_data d;
	struct slice rest;

	buf_init(&out, 3 * in.len + 16);
	smtp_stuff_init(&s, false);
	smtp_stuff_feed(&s, slice_head(in, cut), &out);
	smtp_stuff_feed(&s, slice_from(in, cut), &out);
	smtp_stuff_finish(&s, &out);
	smtp_data_init(&d, false, UINT64_MAX, SIZE_MAX);
	rest = buf_slice(&out);
	while (smtp_data_next(&d, &rest).len)
		;
	if (out.failed || !smtp_data_is_done(&d) || rest.len || d.fault)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice in = {(const char *)data, size};

	check_answers(in);
	check_stuffing(in, size ? data[0] % (size + 1) : 0);
	return 0;
}
