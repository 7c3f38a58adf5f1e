/* sts_fuzz.c - any policy and any record of MTA-STS: must end, stay in bounds, and mean what it
 * says. */
#include <stdlib.h>

#include "courier/sts_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(struct slice part, struct slice whole)
{
	return part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

static void check_policy(const struct sts_policy *policy, struct slice text)
{
	if (policy->max_age_s < 0 || policy->max_age_s > STS_AGE_MAX_S)
		abort();
	if (policy->mx_n > STS_MX_MAX || (policy->mode != STS_NONE && policy->mx_n == 0))
		abort();
	for (size_t i = 0; i < policy->mx_n; i++) {
		const bool is_star = slice_starts(policy->mx[i], slice_lit("*."));

		if (!is_within(policy->mx[i], text) ||
			!sts_is_host(slice_from(policy->mx[i], is_star ? 2 : 0)))
			abort();
		/* A name fits itself, and "*" is a label like another. */
		if (!sts_policy_fits(policy, policy->mx[i]))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice text = {(const char *)data, size};
	struct sts_policy policy;
	struct slice id;
	struct err err;

	if (size && sts_policy_parse(text, &policy, &err) == 0)
		check_policy(&policy, text);
	if (size && sts_record_is(text)) {
		id = sts_record_id(text);
		if (id.len > STS_ID_MAX || (id.len && !is_within(id, text)))
			abort();
	}
	return 0;
}
