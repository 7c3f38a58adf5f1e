/* xclient.c - XCLIENT: a proxy says for whom it speaks (Postfix's XCLIENT_README). */
#include "wire/smtp/cmd_internal.h"

static bool is_known(struct slice name)
{
	struct slice names = slice_lit(SMTP_XCLIENT_NAMES), known;

	while ((known = slice_next_word(&names)).len) {
		if (slice_eq_nocase(known, name))
			return true;
	}
	return false;
}

static bool is_unknown_value(struct slice value)
{
	return slice_eq_nocase(value, slice_lit("[UNAVAILABLE]")) ||
	       slice_eq_nocase(value, slice_lit("[TEMPUNAVAIL]"));
}

static bool read_address(struct slice value, struct ip *out)
{
	const struct slice six = slice_lit("IPV6:");
	const bool is_six = slice_starts_nocase(value, six);

	if (is_six)
		value = slice_from(value, six.len);
	return (slice_chr(value, ':') != SIZE_MAX) == is_six && ip_parse(value, out);
}

int smtp_xclient_parse(struct smtp_cmd *cmd, struct slice args, bool *has_address_out,
	struct ip *address_out, struct err *err)
{
	struct slice rest = args, word, value, name;
	bool has_address = false;
	struct ip address = {0};
	int rc;

	if (args.len == 0)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "XCLIENT for whom?");
	while ((word = slice_cut(rest, ' ', &rest)).len || rest.len) {
		name = slice_cut(word, '=', &value);
		if (!is_known(name) || value.len == 0)
			return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "Bad attribute");
		rc = smtp_xtext_decode(cmd, value, &value, err);
		if (rc < 0)
			return rc;
		if (!slice_eq_nocase(name, slice_lit("ADDR")) || is_unknown_value(value))
			continue;
		if (has_address || !read_address(value, &address))
			return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "Bad ADDR");
		has_address = true;
	}
	*has_address_out = has_address;
	*address_out = address;
	return 0;
}
