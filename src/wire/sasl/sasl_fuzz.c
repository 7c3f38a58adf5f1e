/* sasl_fuzz.c - any message to each mechanism: what is accepted has the parts that it must have. */
#include <stdlib.h>

#include "wire/sasl/sasl.h"

enum { ARENA_CAP = 65536 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice message = {(const char *)data, size};
	struct arena arena AUTO(arena_done);
	struct sasl_scram_first first;
	struct sasl_claim claim;
	struct err err;

	arena_init(&arena, ARENA_CAP);
	if (sasl_external_parse(message, &claim, &err) == 0 &&
		(claim.act_as.len != message.len || claim.act_as.len > SASL_NAME_MAX))
		abort();
	if (sasl_plain_parse(message, &claim, &err) == 0 &&
		(claim.user.len == 0 || claim.secret.len == 0 || claim.user.len > SASL_NAME_MAX))
		abort();
	if (sasl_oauthbearer_parse(message, &arena, &claim, &err) == 0 && claim.secret.len == 0)
		abort();
	if (sasl_xoauth2_parse(message, &claim, &err) == 0 &&
		(claim.user.len == 0 || claim.secret.len == 0))
		abort();
	if (sasl_scram_first_parse(message, &arena, &first, &err) == 0 &&
		(first.user.len == 0 ||
			(first.binding == SASL_BINDING_USED) != (first.binding_name.len > 0)))
		abort();
	return 0;
}
