/* authres_fuzz.c - libFuzzer target: names in Authentication-Results, properties that anybody
 * chose, and records of DMARC. */
#include <stdlib.h>

#include "mailauth/authres.h"
#include "mailauth/authres_read.h"
#include "mailauth/dmarc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice input = {(const char *)data, size};
	struct buf out AUTO(buf_done);
	struct dmarc_record record;
	struct arena arena AUTO(arena_done);
	struct authres_said said;
	struct slice rest = input;
	size_t ends = 0;

	buf_init(&out, 1 << 20);
	arena_init(&arena, 1 << 20);
	while (authres_read_next(&rest, &arena, &said))
		if (said.method.len == 0 || said.result.len == 0)
			abort();
	(void)authres_names(input, slice_lit("mx.example"));
	if (dmarc_record_read(input, &record) && record.percent > 100)
		abort();
	authres_begin(&out, slice_lit("mx.example"));
	authres_method(&out, "spf", "pass");
	authres_property(&out, "smtp.mailfrom", input);
	authres_end(&out);
	/* What is written is read back. */
	rest = slice_from(buf_slice(&out), 24);
	if (!out.failed && (!authres_read_next(&rest, &arena, &said) ||
				   !slice_eq(said.result, slice_lit("pass"))))
		abort();
	if (!out.failed && !authres_names(slice_from(buf_slice(&out), 24), slice_lit("mx.example")))
		abort();
	/* Nothing that was put in may begin a line: folds alone do. */
	for (size_t i = 0; i + 1 < out.len; i++)
		ends += out.ptr[i] == '\n' && out.ptr[i + 1] != '\t';
	if (ends > 0)
		abort();
	return 0;
}
