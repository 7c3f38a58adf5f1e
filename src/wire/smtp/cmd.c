/* cmd.c - see cmd.h for the contract. */
#include <string.h>

#include "wire/smtp/cmd_internal.h"

static const char *const verb_names[] = {
	[SMTP_EHLO] = "EHLO",
	[SMTP_HELO] = "HELO",
	[SMTP_LHLO] = "LHLO",
	[SMTP_MAIL] = "MAIL",
	[SMTP_RCPT] = "RCPT",
	[SMTP_DATA] = "DATA",
	[SMTP_BDAT] = "BDAT",
	[SMTP_RSET] = "RSET",
	[SMTP_NOOP] = "NOOP",
	[SMTP_QUIT] = "QUIT",
	[SMTP_VRFY] = "VRFY",
	[SMTP_EXPN] = "EXPN",
	[SMTP_HELP] = "HELP",
	[SMTP_STARTTLS] = "STARTTLS",
	[SMTP_AUTH] = "AUTH",
	[SMTP_XCLIENT] = "XCLIENT",
	[SMTP_XIMPORT] = "XIMPORT",
	[SMTP_XMESSAGE] = "XMESSAGE",
	[SMTP_XSTORE] = "XSTORE",
};

enum smtp_verb smtp_verb_take(struct slice line, struct slice *args_out)
{
	struct slice args, name = slice_cut(line, ' ', &args);
	unsigned verb = 0;

	name = slice_trim(name);
	while (verb < SMTP_VERB_COUNT && !slice_eq_nocase(name, slice_str(verb_names[verb])))
		verb++;
	*args_out = slice_trim(args);
	return (enum smtp_verb)verb;
}

int smtp_none_parse(struct smtp_cmd *cmd, struct slice args, struct err *err)
{
	if (args.len)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "No argument expected");
	return 0;
}

int smtp_hello_parse(
	struct smtp_cmd *cmd, struct slice args, struct slice *name_out, struct err *err)
{
	if (args.len == 0)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "Say who you are");
	if (args.len > SMTP_DOMAIN_MAX + 2)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_TOOBIG, "Name too long");
	for (size_t i = 0; i < args.len; i++) {
		const char c = args.ptr[i];
		const bool is_word =
			(c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		if (!is_word && (c == '\0' || !strchr("-._:[]%/+", c)))
			return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
				"Byte 0x%02x in your name", (unsigned char)c);
	}
	*name_out = args;
	return 0;
}

/* RFC 5321 4.1.2 A-d-l: "@one,@two:". Its meaning is gone (appendix C); it is skipped. */
static bool skip_source_route(struct slice *in)
{
	const char *colon;

	if (in->len == 0 || in->ptr[0] != '@')
		return true;
	colon = memchr(in->ptr, ':', in->len);
	if (!colon)
		return false;
	for (const char *p = in->ptr; p < colon; p++) {
		if (*p <= ' ' || *p == '<' || *p == '>' || *p == '"')
			return false;
	}
	*in = slice_from(*in, (size_t)(colon - in->ptr) + 1);
	return true;
}

/* "<" path ">" at the front of *in. An empty path gives an empty slice. */
static int take_path(struct smtp_cmd *cmd, struct slice *in, enum smtp_say say,
	struct slice *path_out, struct err *err)
{
	struct slice path;
	size_t n;

	if (in->len == 0 || in->ptr[0] != '<')
		return refuse(cmd, err, say, ERR_SYNTAX, "Address must stand in < >");
	*in = slice_from(*in, 1);
	if (!skip_source_route(in))
		return refuse(cmd, err, say, ERR_SYNTAX, "Bad source route");
	n = smtp_addr_local_len(*in);
	while (n < in->len && in->ptr[n] != '>')
		n++;
	if (n == in->len)
		return refuse(cmd, err, say, ERR_SYNTAX, "Address must end in >");
	path = slice_head(*in, n);
	*in = slice_from(*in, n + 1);
	if (in->len && in->ptr[0] != ' ')
		return refuse(cmd, err, say, ERR_SYNTAX, "Space expected after the address");
	*path_out = path;
	return 0;
}

/* "FROM:" or "TO:" and the path after it; *args is left at the parameters. */
static int take_keyed_path(struct smtp_cmd *cmd, struct slice *args, struct slice key,
	enum smtp_say say, struct slice *path_out, struct err *err)
{
	if (!slice_starts_nocase(*args, key))
		return refuse(
			cmd, err, SMTP_SAY_SYNTAX, ERR_SYNTAX, "%.*s expected", SLICE_ARG(key));
	*args = slice_trim(slice_from(*args, key.len));
	return take_path(cmd, args, say, path_out, err);
}

/* An address in one of the two commands: its own reply for a syntax error and for UTF-8. */
static int path_addr(struct smtp_cmd *cmd, struct slice path, enum smtp_say say,
	struct smtp_addr *addr_out, struct err *err)
{
	const int rc = smtp_addr_parse(path, cmd->arena, addr_out, err);

	if (rc < 0)
		cmd->say = say;
	return rc;
}

struct param {
	struct slice key, value; /* value.ptr is NULL if there is no "=" */
};

/* RFC 5321 4.1.2: esmtp-keyword and esmtp-value; false at the end of *in. */
static bool next_param(struct slice *in, struct param *out)
{
	struct slice word;

	while (in->len && in->ptr[0] == ' ')
		*in = slice_from(*in, 1);
	if (in->len == 0)
		return false;
	word = slice_cut(*in, ' ', in);
	out->key = slice_cut(word, '=', &out->value);
	return true;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3461 4. UTF-8 passes where the message may have it (RFC 6533 3). */
int smtp_xtext_decode(struct smtp_cmd *cmd, struct slice in, struct slice *out, struct err *err)
{
	char *p = arena_alloc(cmd->arena, in.len + 1);
	size_t n = 0;

	if (!p)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_TOOBIG, "Parameter too long");
	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.ptr[i];

		if (c == '+') {
			const int hi = i + 2 < in.len ? hex_digit(in.ptr[i + 1]) : -1;
			const int lo = i + 2 < in.len ? hex_digit(in.ptr[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
					"Bad xtext: + without two hex digits");
			c = (unsigned char)(hi << 4 | lo);
			i += 2;
			if (c < ' ' || c == 0x7f)
				return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
					"Bad xtext: control byte");
		} else if (c < '!' || c == '=' || c == 0x7f || (c > '~' && !cmd->may_utf8)) {
			return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
				"Bad xtext: byte 0x%02x", c);
		}
		p[n++] = (char)c;
	}
	*out = (struct slice){p, n};
	return 0;
}

static int param_size(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err)
{
	/* RFC 1870 5: at most 20 digits. What does not fit 64 bits is too big for anybody. */
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] < '0' || value.ptr[i] > '9')
			value.len = 0;
	}
	if (value.len == 0 || value.len > 20)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "Bad SIZE");
	if (!slice_to_u64(value, UINT64_MAX, &mail->size))
		mail->size = UINT64_MAX;
	return 0;
}

static int param_body(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err)
{
	mail->is_8bit = slice_eq_nocase(value, slice_lit("8BITMIME"));
	mail->is_binary = slice_eq_nocase(value, slice_lit("BINARYMIME"));
	if (!mail->is_8bit && !mail->is_binary && !slice_eq_nocase(value, slice_lit("7BIT")))
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
			"BODY must be 7BIT, 8BITMIME or BINARYMIME");
	return 0;
}

static int param_smtputf8(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err)
{
	if (value.ptr)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "SMTPUTF8 has no value");
	mail->has_utf8 = true;
	return 0;
}

static int param_ret(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err)
{
	if (slice_eq_nocase(value, slice_lit("FULL")))
		mail->ret = SMTP_RET_FULL;
	else if (slice_eq_nocase(value, slice_lit("HDRS")))
		mail->ret = SMTP_RET_HDRS;
	else
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "RET must be FULL or HDRS");
	return 0;
}

static int param_envid(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err)
{
	if (value.len == 0 || value.len > SMTP_ENVID_MAX)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
			"ENVID must have 1 to %d characters", SMTP_ENVID_MAX);
	return smtp_xtext_decode(cmd, value, &mail->envid, err);
}

/* RFC 4954 5: the sender that the client vouches for. We trust nobody to, but it must be legal. */
static int param_auth(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err)
{
	struct slice text;

	(void)mail;
	if (value.len == 0)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "AUTH needs a value");
	return smtp_xtext_decode(cmd, value, &text, err);
}

static int param_origin(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err)
{
	(void)cmd;
	(void)err;
	mail->is_report = slice_eq(value, slice_lit("report"));
	return 0;
}

static int param_delivery(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err)
{
	if (!slice_to_u64(value, INT64_MAX, &mail->delivery))
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "Bad XDELIVERY");
	return 0;
}

static const struct mail_param {
	const char *key;
	unsigned may; /* 0: everybody */
	int (*parse)(struct smtp_cmd *, struct slice, struct smtp_mail *, struct err *);
} mail_params[] = {
	{"SIZE", 0, param_size},
	{"BODY", 0, param_body},
	{"SMTPUTF8", 0, param_smtputf8},
	{"RET", 0, param_ret},
	{"ENVID", 0, param_envid},
	{"AUTH", 0, param_auth},
	{"HOLDFOR", SMTP_MAY_HOLD, smtp_param_holdfor},
	{"HOLDUNTIL", SMTP_MAY_HOLD, smtp_param_holduntil},
	{"BY", SMTP_MAY_BY, smtp_param_by},
	{"MT-PRIORITY", SMTP_MAY_PRIORITY, smtp_param_priority},
	{"REQUIRETLS", SMTP_MAY_REQUIRETLS, smtp_param_requiretls},
	{"XORIGIN", SMTP_MAY_ORIGIN, param_origin},
	{"XDELIVERY", SMTP_MAY_ORIGIN, param_delivery},
};

static int param_notify(
	struct smtp_cmd *cmd, struct slice value, struct smtp_rcpt *rcpt, struct err *err)
{
	static const struct {
		const char *word;
		enum smtp_notify bit;
	} words[] = {
		{"NEVER", SMTP_NOTIFY_NEVER},
		{"SUCCESS", SMTP_NOTIFY_SUCCESS},
		{"FAILURE", SMTP_NOTIFY_FAILURE},
		{"DELAY", SMTP_NOTIFY_DELAY},
	};

	do {
		const struct slice word = slice_cut(value, ',', &value);
		unsigned bit = 0;

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if (slice_eq_nocase(word, slice_str(words[i].word)))
				bit = words[i].bit;
		}
		if (!bit || rcpt->notify & bit)
			return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
				"NOTIFY must be NEVER or of SUCCESS, FAILURE, DELAY");
		rcpt->notify |= bit;
	} while (value.ptr);
	if (rcpt->notify & SMTP_NOTIFY_NEVER && rcpt->notify != SMTP_NOTIFY_NEVER)
		return refuse(
			cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "NOTIFY=NEVER must stand alone");
	return 0;
}

static int param_orcpt(
	struct smtp_cmd *cmd, struct slice value, struct smtp_rcpt *rcpt, struct err *err)
{
	struct slice text, type = slice_cut(value, ';', &text);

	if (value.len > SMTP_ORCPT_MAX)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_TOOBIG,
			"ORCPT longer than %d characters", SMTP_ORCPT_MAX);
	if (type.len == 0 || text.len == 0)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX,
			"ORCPT must be a type, \";\" and an address");
	for (size_t i = 0; i < type.len; i++) {
		const unsigned char c = ascii_lower((unsigned char)type.ptr[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-')
			return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "Bad type in ORCPT");
	}
	rcpt->orcpt_type = type;
	return smtp_xtext_decode(cmd, text, &rcpt->orcpt, err);
}

static const struct rcpt_param {
	const char *key;
	int (*parse)(struct smtp_cmd *, struct slice, struct smtp_rcpt *, struct err *);
} rcpt_params[] = {
	{"NOTIFY", param_notify},
	{"ORCPT", param_orcpt},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Marks the parameter of a table as seen; each may stand once (RFC 5321 4.1.1.11). */
static int see_param(struct smtp_cmd *cmd, const struct param *p, size_t i, size_t count,
	unsigned *seen, struct err *err)
{
	if (i == count)
		return refuse(cmd, err, SMTP_SAY_BAD_PARAM, ERR_SYNTAX, "Unknown parameter %.*s",
			SLICE_ARG(slice_head(p->key, 32)));
	if (*seen & 1u << i)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "%.*s is given twice",
			SLICE_ARG(p->key));
	*seen |= 1u << i;
	return 0;
}

static int mail_take_params(
	struct smtp_cmd *cmd, struct slice in, struct smtp_mail *mail, struct err *err)
{
	unsigned seen = 0;
	struct param p;
	int rc = 0;

	while (rc == 0 && next_param(&in, &p)) {
		size_t i = 0;

		while (i < COUNT(mail_params) &&
			!slice_eq_nocase(p.key, slice_str(mail_params[i].key)))
			i++;
		if (i < COUNT(mail_params) && mail_params[i].may & ~cmd->may)
			i = COUNT(mail_params);
		rc = see_param(cmd, &p, i, COUNT(mail_params), &seen, err);
		if (rc == 0)
			rc = mail_params[i].parse(cmd, p.value, mail, err);
	}
	return rc;
}

int smtp_mail_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_mail *mail_out, struct err *err)
{
	struct smtp_mail mail = {0};
	struct slice path;
	int rc;

	rc = take_keyed_path(cmd, &args, slice_lit("FROM:"), SMTP_SAY_BAD_SENDER, &path, err);
	if (rc == 0 && path.len)
		rc = path_addr(cmd, path, SMTP_SAY_BAD_SENDER, &mail.from, err);
	/* ENVID is ASCII always; only the address may ask for SMTPUTF8. */
	cmd->may_utf8 = false;
	if (rc == 0)
		rc = mail_take_params(cmd, args, &mail, err);
	if (rc < 0)
		return rc;
	if (mail.from.has_utf8 && !mail.has_utf8)
		return refuse(
			cmd, err, SMTP_SAY_NEED_UTF8, ERR_SYNTAX, "Sender address needs SMTPUTF8");
	*mail_out = mail;
	return 0;
}

static int rcpt_take_params(
	struct smtp_cmd *cmd, struct slice in, struct smtp_rcpt *rcpt, struct err *err)
{
	unsigned seen = 0;
	struct param p;
	int rc = 0;

	while (rc == 0 && next_param(&in, &p)) {
		size_t i = 0;

		while (i < COUNT(rcpt_params) &&
			!slice_eq_nocase(p.key, slice_str(rcpt_params[i].key)))
			i++;
		rc = see_param(cmd, &p, i, COUNT(rcpt_params), &seen, err);
		if (rc == 0)
			rc = rcpt_params[i].parse(cmd, p.value, rcpt, err);
	}
	return rc;
}

int smtp_rcpt_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_rcpt *rcpt_out, struct err *err)
{
	struct smtp_rcpt rcpt = {0};
	struct slice path;
	int rc;

	rc = take_keyed_path(cmd, &args, slice_lit("TO:"), SMTP_SAY_BAD_RCPT, &path, err);
	if (rc < 0)
		return rc;
	if (path.len == 0)
		return refuse(cmd, err, SMTP_SAY_BAD_RCPT, ERR_SYNTAX, "Recipient is empty");
	if (slice_eq_nocase(path, slice_lit("postmaster"))) {
		rc = smtp_addr_bare(path, cmd->arena, &rcpt.to, err);
		cmd->say = SMTP_SAY_BAD_RCPT;
	} else {
		rc = path_addr(cmd, path, SMTP_SAY_BAD_RCPT, &rcpt.to, err);
	}
	if (rc == 0 && rcpt.to.has_utf8 && !cmd->may_utf8)
		return refuse(cmd, err, SMTP_SAY_NEED_UTF8, ERR_SYNTAX,
			"Recipient address needs SMTPUTF8");
	if (rc == 0)
		rc = rcpt_take_params(cmd, args, &rcpt, err);
	if (rc == 0)
		*rcpt_out = rcpt;
	return rc;
}

int smtp_bdat_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_bdat *bdat_out, struct err *err)
{
	struct slice rest, size = slice_cut(args, ' ', &rest);
	struct smtp_bdat bdat = {0};

	rest = slice_trim(rest);
	if (!slice_to_u64(size, INT64_MAX, &bdat.size))
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "Bad chunk size");
	bdat.is_last = slice_eq_nocase(rest, slice_lit("LAST"));
	if (rest.len && !bdat.is_last)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "LAST expected");
	*bdat_out = bdat;
	return 0;
}

int smtp_auth_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_auth *auth_out, struct err *err)
{
	struct smtp_auth auth = {0};

	auth.mechanism = slice_cut(args, ' ', &auth.initial);
	if (auth.mechanism.len == 0 || auth.mechanism.len > 20)
		return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "Mechanism expected");
	if (auth.initial.ptr) {
		auth.initial = slice_trim(auth.initial);
		/* RFC 4954 4: "=" is an initial response of no bytes. */
		if (slice_eq(auth.initial, slice_lit("=")))
			auth.initial.len = 0;
		else if (auth.initial.len == 0 || slice_chr(auth.initial, ' ') != SIZE_MAX)
			return refuse(cmd, err, SMTP_SAY_AUTH_SYNTAX, ERR_SYNTAX,
				"Malformed initial response");
	}
	*auth_out = auth;
	return 0;
}
