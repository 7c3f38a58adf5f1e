/* frame_fuzz.c - libFuzzer target: frames cut from any bytes, read as every request. */
#include <stdlib.h>

#include "keeper/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool claim)
{
	if (!claim)
		abort();
}

/* What was taken field by field and written again is the same. */
static void check_round_trip(struct slice bytes)
{
	struct buf again AUTO(buf_done);
	struct frame f;
	size_t begin;

	buf_init(&again, FRAME_CLI_MAX);
	frame_open(bytes, &f);
	begin = frame_begin(&again, f.id, f.verb);
	while (!f.is_bad && f.rest.len) {
		const struct slice field = frame_bytes(&f);

		if (!f.is_bad)
			frame_put(&again, field);
	}
	frame_finish(&again, begin);
	must(f.is_bad || slice_eq(buf_slice(&again), bytes));
}

static void read_all(struct slice bytes)
{
	static struct frame_secrets secrets;
	struct frame_sign sign;
	struct frame_field fields[FRAME_FIELDS_MAX];
	struct frame_certificate make;
	struct frame f;
	struct err err;
	uint64_t account;

	frame_open(bytes, &f);
	if (frame_read_sign(&f, &sign))
		must(sign.key_name.len && sign.key_name.ptr[0] != '.' &&
			slice_chr(sign.key_name, '/') == SIZE_MAX);
	frame_open(bytes, &f);
	if (frame_read_fields(&f, "npnttb", fields))
		must(fields[1].s.len <= FRAME_PASSWORD_MAX && fields[5].n <= 1);
	frame_open(bytes, &f);
	if (frame_read_fields(&f, "idl", fields))
		must(fields[0].n && fields[2].s.len && fields[2].s.len % 8 == 0);
	frame_open(bytes, &f);
	if (frame_read_fields(&f, "d", fields)) {
		struct frame_session session;

		while (frame_take_session(&fields[0].s, &session))
			continue;
		must(fields[0].s.len < FRAME_SESSION_LEN);
	}
	frame_open(bytes, &f);
	if (frame_read_secrets(&f, &secrets))
		must(secrets.n && secrets.n <= FRAME_SECRETS_MAX && secrets.items[0].account);
	frame_open(bytes, &f);
	(void)frame_read_account(&f, &account);
	frame_open(bytes, &f);
	if (frame_read_certificate(&f, &make))
		must(make.n && make.n <= FRAME_NAMES_MAX);
	frame_open(bytes, &f);
	must(frame_take_error(&f, &err) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = {(const char *)data, size};
	struct err err;
	int64_t n;

	while ((n = frame_length(in, FRAME_CLI_MAX, &err)) > 0) {
		const struct slice bytes = slice_head(in, (size_t)n);

		check_round_trip(bytes);
		read_all(bytes);
		in = slice_from(in, (size_t)n);
	}
	return 0;
}
