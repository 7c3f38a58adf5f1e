/* tls_fuzz.c - libFuzzer target: a report about TLS keeps to its bounds. */
#include <stdlib.h>

#include "report/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena AUTO(arena_done);
	struct tls_report report;
	struct err err;

	arena_init(&arena, TLS_REPORT_ARENA_MAX);
	if (tls_report_read((struct slice){(const char *)data, size}, &arena, &report, &err) < 0)
		return 0;
	if (report.policies_n == 0 || report.policies_n > TLS_REPORT_POLICIES_MAX ||
		report.org.len == 0 || report.id.len == 0)
		abort();
	for (size_t i = 0; i < report.policies_n; i++) {
		if (report.policies[i].failures_n > TLS_REPORT_FAILURES_MAX)
			abort();
	}
	return 0;
}
