/* outcomes_fuzz.c - libFuzzer target: what hosts say when they refuse. */
#include <stdlib.h>

#include "courier/outcomes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (outcome_kind_of((struct slice){(const char *)data, size}) > OUTCOME_SPAM)
		abort();
	return 0;
}
