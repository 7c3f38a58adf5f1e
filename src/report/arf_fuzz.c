/* arf_fuzz.c - libFuzzer target: a feedback report and the header behind it: what was read is
 * bounded and can be written, and no signature is good that nobody made. */
#include <stdlib.h>

#include "report/arf.h"
#include "report/feedback.h"
#include "report/origin.h"

enum { ARENA_MAX = 4 << 20, NOW = 1790000000, OUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_ours(void *context, struct slice domain)
{
	(void)context;
	return domain.len % 2;
}

/* Without an answer of the DNS none can be. */
static void prove(struct slice header, struct arena *arena)
{
	struct origin origin;
	struct dns_view view;

	dns_view_init(&view, arena);
	origin_read(&origin, header, NOW, arena, is_ours, NULL);
	if (!origin_check(&origin, &view)) {
		dns_view_fail(&view);
		if (!origin_check(&origin, &view))
			abort();
	}
	if (origin_signer(&origin).len)
		abort();
	origin_done(&origin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice all = {(const char *)data, size};
	const size_t blank = slice_find(all, slice_lit("\n\n"));
	const struct slice fields = slice_head(all, blank);
	const struct slice header = blank == SIZE_MAX ? all : slice_from(all, blank + 2);
	struct return_keys keys = {.n = 1};
	struct arena arena AUTO(arena_done);
	struct buf out AUTO(buf_done);
	struct arf_message message;
	struct slice path;
	struct err err;
	struct arf arf, again;

	arena_init(&arena, ARENA_MAX);
	buf_init(&out, OUT_MAX);
	arf_message_read(header, &arena, &message);
	if (message.id.len > FEEDBACK_TEXT_MAX || message.author.len > FEEDBACK_TEXT_MAX)
		abort();
	arf_put_header(header, &out);
	if (out.failed || out.len > ARF_HEADER_MAX)
		abort();
	prove(header, &arena);
	if (arf_read(fields, &arena, &arf, &err) < 0)
		return 0;
	if (origin_path_of(&keys, arf.mail_from, NOW, &arena, &path) != ORIGIN_UNKNOWN && size < 20)
		abort();
	buf_clear(&out);
	arf_write(&arf, &out);
	if (out.failed || arf_read(buf_slice(&out), &arena, &again, &err) < 0 ||
		!arf_is_failure(&again) || !slice_eq(again.failure, arf.failure))
		abort();
	return 0;
}
