/* sts_policy.c - see sts_policy.h for the contract. */
#include "courier/sts_policy.h"

static const char *const modes[] = {
	[STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce"};

const char *sts_mode_name(enum sts_mode mode)
{
	return modes[mode];
}

/* ---- the policy ---- */

/* What of the fields that may stand there once has been seen: the first one counts. */
struct reading {
	struct sts_policy *policy;
	bool has_version, has_mode, has_age;
};

static bool is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') ||
	       (ascii_lower((unsigned char)c) >= 'a' && ascii_lower((unsigned char)c) <= 'z');
}

bool sts_is_host(struct slice text)
{
	size_t label = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (is_letter_or_digit(text.ptr[i]) || text.ptr[i] == '-' ||
			   text.ptr[i] == '_') {
			label++;
		} else {
			return false;
		}
	}
	return label > 0;
}

static int read_mode(struct reading *r, struct slice value, struct err *err)
{
	if (r->has_mode)
		return 0;
	for (enum sts_mode mode = STS_NONE; mode <= STS_ENFORCE; mode++) {
		if (slice_eq(value, slice_str(modes[mode]))) {
			r->policy->mode = mode;
			r->has_mode = true;
			return 0;
		}
	}
	return err_set(err, ERR_SYNTAX, "mode %.*s is not known", SLICE_ARG(slice_head(value, 20)));
}

static int read_age(struct reading *r, struct slice value, struct err *err)
{
	uint64_t n;

	if (r->has_age)
		return 0;
	if (value.len > 10 || !slice_to_u64(value, UINT64_MAX, &n))
		return err_set(err, ERR_SYNTAX, "max_age is no number of seconds");
	r->policy->max_age_s = n < STS_AGE_MAX_S ? (int64_t)n : STS_AGE_MAX_S;
	r->has_age = true;
	return 0;
}

static int read_mx(struct reading *r, struct slice value, struct err *err)
{
	if (!sts_is_host(slice_starts(value, slice_lit("*.")) ? slice_from(value, 2) : value))
		return err_set(err, ERR_SYNTAX, "an mx is no name of a host");
	if (r->policy->mx_n == STS_MX_MAX)
		return err_set(err, ERR_TOOBIG, "more than %d lines mx", STS_MX_MAX);
	r->policy->mx[r->policy->mx_n++] = value;
	return 0;
}

static int read_field(struct reading *r, struct slice name, struct slice value, struct err *err)
{
	if (slice_eq(name, slice_lit("version"))) {
		if (!r->has_version && !slice_eq(value, slice_lit("STSv1")))
			return err_set(err, ERR_SYNTAX, "the version is not STSv1");
		r->has_version = true;
		return 0;
	}
	if (slice_eq(name, slice_lit("mode")))
		return read_mode(r, value, err);
	if (slice_eq(name, slice_lit("max_age")))
		return read_age(r, value, err);
	if (slice_eq(name, slice_lit("mx")))
		return read_mx(r, value, err);
	return 0; /* fields that are not known are for others */
}

int sts_policy_parse(struct slice text, struct sts_policy *out, struct err *err)
{
	struct sts_policy policy = {.mode = STS_NONE};
	struct reading r = {.policy = &policy};
	int rc = text.len <= STS_TEXT_MAX ? 0 : err_set(err, ERR_TOOBIG, "the policy is too long");

	while (rc == 0 && text.len) {
		const struct slice line = slice_trim(slice_cut(text, '\n', &text));
		struct slice value, name = slice_cut(line, ':', &value);

		if (line.len && !value.ptr)
			rc = err_set(err, ERR_SYNTAX, "a line without a colon");
		else if (line.len)
			rc = read_field(&r, name, slice_trim(value), err);
	}
	if (rc < 0)
		return rc;
	if (!r.has_version || !r.has_mode || !r.has_age)
		return err_set(err, ERR_SYNTAX, "version, mode or max_age is missing");
	if (policy.mode != STS_NONE && policy.mx_n == 0)
		return err_set(err, ERR_SYNTAX, "it names no mx");
	*out = policy;
	return 0;
}

/* RFC 8461 4.1: "*" is one label, and no more. */
static bool fits(struct slice pattern, struct slice host)
{
	if (slice_starts(pattern, slice_lit("*."))) {
		const size_t dot = slice_chr(host, '.');

		if (dot == SIZE_MAX || dot == 0)
			return false;
		pattern = slice_from(pattern, 1);
		host = slice_from(host, dot);
	}
	return slice_eq_nocase(pattern, host);
}

bool sts_policy_fits(const struct sts_policy *policy, struct slice host)
{
	if (slice_ends(host, slice_lit(".")))
		host = slice_head(host, host.len - 1);
	for (size_t i = 0; i < policy->mx_n; i++) {
		if (fits(policy->mx[i], host))
			return true;
	}
	return false;
}

/* ---- the record ---- */

bool sts_record_is(struct slice record)
{
	struct slice rest;

	return slice_eq(slice_trim(slice_cut(record, ';', &rest)), slice_lit("v=STSv1"));
}

static bool is_id(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_letter_or_digit(text.ptr[i]))
			return false;
	}
	return text.len > 0 && text.len <= STS_ID_MAX;
}

struct slice sts_record_id(struct slice record)
{
	struct slice rest, value;

	slice_cut(record, ';', &rest);
	while (rest.len) {
		const struct slice field = slice_trim(slice_cut(rest, ';', &rest));

		if (slice_eq(slice_trim(slice_cut(field, '=', &value)), slice_lit("id")))
			return is_id(slice_trim(value)) ? slice_trim(value) : (struct slice){0};
	}
	return (struct slice){0};
}
