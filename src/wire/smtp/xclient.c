/* xclient.c - XCLIENT: a proxy says for whom it speaks (Postfix's XCLIENT_README). */
#include "wire/smtp/cmd_internal.h"

enum { PORT_MAX = 65535, LOGIN_MAX = 255 };

static bool read_address(struct slice value, struct ip *out)
{
	const struct slice six = slice_lit("IPV6:");
	const bool is_six = slice_starts_nocase(value, six);

	if (is_six)
		value = slice_from(value, six.len);
	return (slice_chr(value, ':') != SIZE_MAX) == is_six && ip_parse(value, out);
}

/* What a value must be; it is that of its attribute already. */
typedef bool check_fn(struct smtp_cmd *cmd, struct slice *value, struct smtp_xclient *x);

static bool check_address(struct smtp_cmd *cmd, struct slice *value, struct smtp_xclient *x)
{
	(void)cmd;
	return read_address(*value, &x->address);
}

static bool check_other_address(struct smtp_cmd *cmd, struct slice *value, struct smtp_xclient *x)
{
	struct ip ignored;

	(void)cmd;
	(void)x;
	return read_address(*value, &ignored);
}

static bool check_host(struct smtp_cmd *cmd, struct slice *value, struct smtp_xclient *x)
{
	struct err err;

	(void)x;
	return value->len && value->ptr[0] != '[' &&
	       smtp_domain_parse(*value, cmd->arena, value, &err) == 0;
}

static bool check_port(struct smtp_cmd *cmd, struct slice *value, struct smtp_xclient *x)
{
	uint64_t port;

	(void)cmd;
	(void)x;
	return slice_to_u64(*value, PORT_MAX, &port);
}

static bool check_protocol(struct smtp_cmd *cmd, struct slice *value, struct smtp_xclient *x)
{
	(void)cmd;
	x->is_extended = slice_eq_nocase(*value, slice_lit("ESMTP"));
	return x->is_extended || slice_eq_nocase(*value, slice_lit("SMTP"));
}

static bool check_helo(struct smtp_cmd *cmd, struct slice *value, struct smtp_xclient *x)
{
	struct err err;

	(void)x;
	return smtp_hello_parse(cmd, *value, value, &err) == 0;
}

static bool check_login(struct smtp_cmd *cmd, struct slice *value, struct smtp_xclient *x)
{
	(void)cmd;
	(void)x;
	return value->len <= LOGIN_MAX;
}

static const struct {
	const char *name;
	check_fn *check;
} attributes[] = {
	[XCLIENT_NAME] = {"NAME", check_host},
	[XCLIENT_ADDR] = {"ADDR", check_address},
	[XCLIENT_PORT] = {"PORT", check_port},
	[XCLIENT_PROTO] = {"PROTO", check_protocol},
	[XCLIENT_HELO] = {"HELO", check_helo},
	[XCLIENT_LOGIN] = {"LOGIN", check_login},
	[XCLIENT_DESTADDR] = {"DESTADDR", check_other_address},
	[XCLIENT_DESTPORT] = {"DESTPORT", check_port},
	[XCLIENT_REVERSE_NAME] = {"REVERSE_NAME", check_host},
};

static enum smtp_told told_by(struct slice value)
{
	if (slice_eq_nocase(value, slice_lit("[UNAVAILABLE]")))
		return SMTP_TOLD_NONE;
	return slice_eq_nocase(value, slice_lit("[TEMPUNAVAIL]")) ? SMTP_TOLD_UNKNOWN
								  : SMTP_TOLD_VALUE;
}

static int read_attribute(
	struct smtp_cmd *cmd, struct slice word, struct smtp_xclient *x, struct err *err)
{
	struct slice value, name = slice_cut(word, '=', &value);
	unsigned i = 0;
	int rc;

	while (i < XCLIENT_COUNT && !slice_eq_nocase(name, slice_str(attributes[i].name)))
		i++;
	if (i == XCLIENT_COUNT || value.len == 0 || x->told[i] != SMTP_TOLD_NOTHING)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "Bad attribute");
	rc = smtp_xtext_decode(cmd, value, &x->values[i], err);
	if (rc < 0)
		return rc;
	x->told[i] = told_by(x->values[i]);
	if (x->told[i] == SMTP_TOLD_VALUE && !attributes[i].check(cmd, &x->values[i], x))
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "Bad %s", attributes[i].name);
	return 0;
}

int smtp_xclient_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_xclient *out, struct err *err)
{
	struct smtp_xclient x = {.is_extended = false};
	struct slice rest = args, word;
	int rc = 0;

	if (args.len == 0)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "XCLIENT for whom?");
	while (rc == 0 && ((word = slice_cut(rest, ' ', &rest)).len || rest.len))
		rc = read_attribute(cmd, word, &x, err);
	if (rc == 0)
		*out = x;
	return rc;
}
