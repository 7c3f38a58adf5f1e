/* response_fuzz.c - any bytes as what a server says, piece by piece: must end, in bounds. */
#include <stdlib.h>

#include "wire/imap/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_MAX = 1 << 20, RESPONSE_MAX = 4096 };

static const struct imap_limits limits = {256, 8, 16};

static void check(int rc)
{
	if (rc < 0 && rc != -ERR_SYNTAX && rc != -ERR_TOOBIG)
		abort();
}

static void read_data(struct imap_response *r)
{
	struct imap_fetched fetched;
	struct imap_listed listed;
	struct slice prefix;
	uint64_t n;
	struct err err;

	switch (r->name.ptr[0]) {
	case 'L':
		check(imap_listed_parse(&r->rest, &listed, &err));
		break;
	case 'N':
		check(imap_namespace_parse(&r->rest, &prefix, &err));
		break;
	case 'S':
		check(imap_messages_parse(&r->rest, &n, &err));
		break;
	default:
		check(imap_fetched_parse(&r->rest, &fetched, &err));
		break;
	}
}

static void read_piece(const struct imap_frame *frame, bool is_rest)
{
	struct imap_fetched fetched = {.uid = 0};
	struct imap_response response;
	struct arena arena AUTO(arena_done);
	struct imap_lex lx;
	struct err err;

	arena_init(&arena, ARENA_MAX);
	if (is_rest) {
		imap_lex_init(&lx, frame->text, &limits, &arena);
		check(imap_fetched_go_on(&lx, &fetched, &err));
	} else if (imap_response_parse(frame->text, &limits, &arena, &response, &err) == 0 &&
		   response.condition == IMAP_DATA) {
		read_data(&response);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = {(const char *)data, size};
	struct imap_frame frame;
	bool is_rest = false;
	struct err err;

	while (in.len) {
		const int rc = imap_response_frame(in, is_rest, RESPONSE_MAX, &frame, &err);

		check(rc);
		if (rc < 0 || frame.piece == IMAP_PIECE_NONE)
			return 0;
		if (frame.length <= frame.text.len || frame.length > in.len)
			abort();
		read_piece(&frame, is_rest);
		in = slice_from(in, frame.length);
		is_rest = frame.piece == IMAP_PIECE_BODY;
		if (is_rest)
			in = slice_from(in, frame.body < in.len ? (size_t)frame.body : in.len);
	}
	return 0;
}
