/* feedback_fuzz.c - libFuzzer target: what is read of a report of DMARC can be written, and is then
 * read as the same. */
#include <stdlib.h>

#include "report/feedback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena AUTO(arena_done);
	struct buf text AUTO(buf_done);
	struct feedback first, again;
	struct err err;

	feedback_init();
	arena_init(&arena, FEEDBACK_ARENA_MAX);
	buf_init(&text, FEEDBACK_BYTES_MAX);
	if (feedback_read((struct slice){(const char *)data, size}, &arena, &first, &err) < 0)
		return 0;
	if (feedback_write(&first, &text, &err) < 0 ||
		feedback_read(buf_slice(&text), &arena, &again, &err) < 0 ||
		!slice_eq(first.domain, again.domain) || !slice_eq(first.id, again.id) ||
		first.rows_n != again.rows_n)
		abort();
	return 0;
}
