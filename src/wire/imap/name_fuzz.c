/* name_fuzz.c - a name that decodes encodes back to what it was; a pattern matcher ends. */
#include <stdlib.h>

#include "wire/imap/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(struct slice wire)
{
	struct arena arena AUTO(arena_done);
	struct buf back AUTO(buf_done);
	struct slice name, again;
	struct err err;

	arena_init(&arena, 16384);
	buf_init(&back, 16384);
	if (imap_name_decode(&arena, wire, false, &name, &err) < 0)
		return;
	imap_name_encode(&back, name);
	if (!slice_eq_nocase(buf_slice(&back), wire)) /* INBOX is put in capitals */
		abort();
	if (imap_name_decode(&arena, name, true, &again, &err) < 0 || !slice_eq(name, again))
		abort();
	if (!imap_pattern_match(slice_lit("*"), name))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice name, pattern;

	pattern = slice_cut((struct slice){(const char *)data, size}, ' ', &name);
	imap_pattern_match(pattern, name);
	check_name(pattern);
	return 0;
}
