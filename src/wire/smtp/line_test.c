/* line_test.c - addresses, command lines and replies. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/smtp/cmd.h"

enum { ARENA_CAP = 8192, TRACE_MAX = 1024 };

/* Any one byte longer than the bounds allow. */
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void trace_mail(struct smtp_cmd *cmd, struct slice args, struct buf *out)
{
	static const char *const ret[] = {"", " RET=FULL", " RET=HDRS"};
	struct smtp_mail m;
	struct err err;

	if (smtp_mail_parse(cmd, args, &m, &err) < 0) {
		smtp_reply_put(out, cmd->say, slice_str(err.msg));
		return;
	}
	buf_printf(out, "<%.*s>%s%s%s", SLICE_ARG(m.from.text), ret[m.ret],
		m.has_utf8 ? " UTF8" : "",
		m.is_8bit     ? " 8BIT"
		: m.is_binary ? " BINARY"
			      : "");
	if (m.size)
		buf_printf(out, " SIZE=%llu", (unsigned long long)m.size);
	if (m.envid.ptr)
		buf_printf(out, " ENVID=%.*s", SLICE_ARG(m.envid));
	if (m.hold_for_s || m.hold_until_s)
		buf_printf(
			out, " HOLD=%lld/%lld", (long long)m.hold_for_s, (long long)m.hold_until_s);
	if (m.by_mode)
		buf_printf(out, " BY=%lld%c%s", (long long)m.by_s, m.by_mode,
			m.is_by_traced ? "T" : "");
	if (m.has_priority)
		buf_printf(out, " PRIORITY=%d", m.priority);
	buf_str(out, m.requires_tls ? " TLS" : "");
}

static void trace_rcpt(struct smtp_cmd *cmd, struct slice args, struct buf *out)
{
	struct smtp_rcpt r;
	struct err err;

	if (smtp_rcpt_parse(cmd, args, &r, &err) < 0) {
		smtp_reply_put(out, cmd->say, slice_str(err.msg));
		return;
	}
	buf_printf(out, "<%.*s> %.*s|%.*s", SLICE_ARG(r.to.text), SLICE_ARG(r.to.local),
		SLICE_ARG(r.to.domain));
	if (r.notify)
		buf_printf(out, " NOTIFY=%u", r.notify);
	if (r.orcpt_type.ptr)
		buf_printf(out, " ORCPT=%.*s;%.*s", SLICE_ARG(r.orcpt_type), SLICE_ARG(r.orcpt));
}

static void trace_other(
	struct smtp_cmd *cmd, enum smtp_verb verb, struct slice args, struct buf *out)
{
	struct smtp_bdat bdat;
	struct smtp_auth auth;
	struct slice name;
	struct err err;
	int rc = 0;

	switch (verb) {
	case SMTP_EHLO:
	case SMTP_HELO:
	case SMTP_LHLO:
		rc = smtp_hello_parse(cmd, args, &name, &err);
		if (rc == 0)
			buf_append(out, name);
		break;
	case SMTP_BDAT:
		rc = smtp_bdat_parse(cmd, args, &bdat, &err);
		if (rc == 0)
			buf_printf(out, "%llu%s", (unsigned long long)bdat.size,
				bdat.is_last ? " last" : "");
		break;
	case SMTP_AUTH:
		rc = smtp_auth_parse(cmd, args, &auth, &err);
		if (rc == 0)
			buf_printf(out, "%.*s%s%.*s", SLICE_ARG(auth.mechanism),
				auth.initial.ptr ? " =" : "", SLICE_ARG(auth.initial));
		break;
	default:
		rc = smtp_none_parse(cmd, args, &err);
		break;
	}
	if (rc < 0)
		smtp_reply_put(out, cmd->say, slice_str(err.msg));
}

/* The verb and what its parser made of the rest, or the reply that an error gives. */
static void trace(struct slice line, bool may_utf8, struct buf *out)
{
	struct arena arena AUTO(arena_done);
	struct smtp_cmd cmd = {
		.arena = &arena, .may_utf8 = may_utf8, .may = ~(unsigned)SMTP_MAY_ORIGIN};
	struct slice args;
	const enum smtp_verb verb = smtp_verb_take(line, &args);

	arena_init(&arena, ARENA_CAP);
	if (verb == SMTP_VERB_COUNT) {
		smtp_reply_put(out, SMTP_SAY_UNKNOWN, (struct slice){0});
		return;
	}
	if (verb == SMTP_MAIL)
		trace_mail(&cmd, args, out);
	else if (verb == SMTP_RCPT)
		trace_rcpt(&cmd, args, out);
	else
		trace_other(&cmd, verb, args, out);
}

#define NO_SENDER "501 5.1.7 "
#define NO_RCPT "501 5.1.3 "

static const struct {
	const char *line, *want; /* want may be the front of a reply */
} cases[] = {
	{"EHLO mx.example.org", "mx.example.org"},
	{"ehlo [IPv6:::1]  ", "[IPv6:::1]"},
	{"HELO a_b", "a_b"},
	{"LHLO", "501 5.5.4 Say who"},
	{"EHLO a b", "501 5.5.4 Byte 0x20"},
	{"EHLO a(b", "501 5.5.4 Byte 0x28"},
	{"EHLOO x", "500 5.5.1"},
	{"", "500 5.5.1"},
	{"QUIT", ""},
	{"QUIT now", "501 5.5.4 No argument"},
	{"DATA ", ""},
	{"STARTTLS x", "501 5.5.4"},

	{"MAIL FROM:<a@b.example>", "<a@b.example>"},
	{"mail from: <A.b@EXAMPLE.org> ", "<A.b@example.org>"},
	{"MAIL FROM:<>", "<>"},
	{"MAIL FROM:<> BODY=8BITMIME SIZE=1000", "<> 8BIT SIZE=1000"},
	{"MAIL FROM:<a@b> SIZE=99999999999999999999", "<a@b> SIZE=18446744073709551615"},
	{"MAIL FROM:<a@b> SIZE=999999999999999999999", "501 5.5.4 Bad SIZE"},
	{"MAIL FROM:<a@b> SIZE=-1", "501 5.5.4 Bad SIZE"},
	{"MAIL FROM:<a@b> SIZE=", "501 5.5.4 Bad SIZE"},
	{"MAIL FROM:<a@b> SIZE", "501 5.5.4 Bad SIZE"},
	{"MAIL FROM:<a@b> SIZE=1 SIZE=1", "501 5.5.4 SIZE is given twice"},
	{"MAIL FROM:<a@b> BODY=BinaryMime", "<a@b> BINARY"},
	{"MAIL FROM:<a@b> BODY=7bit", "<a@b>"},
	{"MAIL FROM:<a@b> BODY=9BIT", "501 5.5.4 BODY must be"},
	{"MAIL FROM:<a@b> RET=HDRS ENVID=QQ+2B+3D1", "<a@b> RET=HDRS ENVID=QQ+=1"},
	{"MAIL FROM:<a@b> RET=full", "<a@b> RET=FULL"},
	{"MAIL FROM:<a@b> RET=some", "501 5.5.4 RET"},
	{"MAIL FROM:<a@b> ENVID=a+2", "501 5.5.4 Bad xtext"},
	{"MAIL FROM:<a@b> ENVID=a+2b", "501 5.5.4 Bad xtext"},
	{"MAIL FROM:<a@b> ENVID=+0A", "501 5.5.4 Bad xtext: control"},
	{"MAIL FROM:<a@b> ENVID=\xc3\xa9 SMTPUTF8", "501 5.5.4 Bad xtext"},
	{"MAIL FROM:<a@b> ENVID=", "501 5.5.4 ENVID"},
	{"MAIL FROM:<a@b> ENVID=" A64 A64, "501 5.5.4 ENVID"},
	{"MAIL FROM:<a@b> AUTH=<>", "<a@b>"},
	{"MAIL FROM:<a@b> AUTH=e+3Dmc2@example.com", "<a@b>"},
	{"MAIL FROM:<a@b> AUTH", "501 5.5.4 AUTH"},
	{"MAIL FROM:<a@b> FOO=1", "555 5.5.4 Unknown parameter FOO"},
	{"MAIL FROM:<a@b> NOTIFY=NEVER", "555 5.5.4"},
	{"MAIL FROM:<a@b> XORIGIN=report", "555 5.5.4 Unknown parameter XORIGIN"},
	{"MAIL FROM:<a@b> HOLDFOR=1", "<a@b> HOLD=1/0"},
	{"MAIL FROM:<a@b> holdfor=999999999", "<a@b> HOLD=999999999/0"},
	{"MAIL FROM:<a@b> HOLDFOR=0", "501 5.5.4 HOLDFOR must"},
	{"MAIL FROM:<a@b> HOLDFOR=01", "501 5.5.4 HOLDFOR must"},
	{"MAIL FROM:<a@b> HOLDFOR=-1", "501 5.5.4 HOLDFOR must"},
	{"MAIL FROM:<a@b> HOLDFOR=1000000000", "501 5.5.4 HOLDFOR must"},
	{"MAIL FROM:<a@b> HOLDFOR=", "501 5.5.4 HOLDFOR must"},
	{"MAIL FROM:<a@b> HOLDFOR", "501 5.5.4 HOLDFOR must"},
	{"MAIL FROM:<a@b> HOLDFOR=1 HOLDFOR=1", "501 5.5.4 HOLDFOR is given twice"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-09-09T01:46:40Z", "<a@b> HOLD=0/1000000000"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-09-09T01:46:40.999Z", "<a@b> HOLD=0/1000000000"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-09-09T01:46:40.Z", "501 5.5.4 HOLDUNTIL must"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-09-09T01:46:40", "501 5.5.4 HOLDUNTIL must"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-09-09T03:16:40.5+01:30", "<a@b> HOLD=0/1000000000"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-09-08T20:46:40-05:00", "<a@b> HOLD=0/1000000000"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-09-09t01:46:40z", "<a@b> HOLD=0/1000000000"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-09-09T01:46:40+0000", "501 5.5.4 HOLDUNTIL must"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-09-09T01:46:40+24:00", "501 5.5.4 HOLDUNTIL must"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-09-09T01:46:40+00:60", "501 5.5.4 HOLDUNTIL must"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-09-09T01:46:40 00:00", "501 5.5.4 HOLDUNTIL must"},
	{"MAIL FROM:<a@b> HOLDUNTIL=1970-01-01T01:00:00+01:00", "501 5.5.4 HOLDUNTIL must"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-02-29T01:46:40Z", "501 5.5.4 HOLDUNTIL must"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-09-09T24:46:40Z", "501 5.5.4 HOLDUNTIL must"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-9-9T01:46:40Z    ", "501 5.5.4 HOLDUNTIL must"},
	{"MAIL FROM:<a@b> HOLDUNTIL=1969-09-09T01:46:40Z", "501 5.5.4 HOLDUNTIL must"},
	{"MAIL FROM:<a@b> HOLDUNTIL=Z", "501 5.5.4 HOLDUNTIL must"},
	{"MAIL FROM:<a@b> HOLDUNTIL", "501 5.5.4 HOLDUNTIL must"},
	{"MAIL FROM:<a@b> HOLDUNTIL=2001-09-09T01:46:40Z HOLDFOR=1", "501 5.5.4 HOLDFOR and"},
	{"MAIL FROM:<a@b> HOLDFOR=1 HOLDUNTIL=2001-09-09T01:46:40Z", "501 5.5.4 HOLDFOR and"},
	{"MAIL FROM:<a@b> BY=120;R", "<a@b> BY=120R"},
	{"MAIL FROM:<a@b> by=+120;nt", "<a@b> BY=120NT"},
	{"MAIL FROM:<a@b> BY=-999999999;N", "<a@b> BY=-999999999N"},
	{"MAIL FROM:<a@b> BY=0;N", "<a@b> BY=0N"},
	{"MAIL FROM:<a@b> BY=0;R", "501 5.5.4 The time of BY is over"},
	{"MAIL FROM:<a@b> BY=-1;RT", "501 5.5.4 The time of BY is over"},
	{"MAIL FROM:<a@b> BY=0000000001;R", "501 5.5.4 BY must"},
	{"MAIL FROM:<a@b> BY=1000000000;R", "501 5.5.4 BY must"},
	{"MAIL FROM:<a@b> BY=1;X", "501 5.5.4 BY has no mode"},
	{"MAIL FROM:<a@b> BY=1;RX", "501 5.5.4 BY must"},
	{"MAIL FROM:<a@b> BY=1;RTT", "501 5.5.4 BY must"},
	{"MAIL FROM:<a@b> BY=1;", "501 5.5.4 BY must"},
	{"MAIL FROM:<a@b> BY=1", "501 5.5.4 BY must"},
	{"MAIL FROM:<a@b> BY=+-1;R", "501 5.5.4 BY must"},
	{"MAIL FROM:<a@b> BY", "501 5.5.4 BY must"},
	{"MAIL FROM:<a@b> MT-PRIORITY=9", "<a@b> PRIORITY=9"},
	{"MAIL FROM:<a@b> MT-PRIORITY=-9", "<a@b> PRIORITY=-9"},
	{"MAIL FROM:<a@b> mt-priority=0", "<a@b> PRIORITY=0"},
	{"MAIL FROM:<a@b> MT-PRIORITY=+1", "501 5.5.4 MT-PRIORITY must"},
	{"MAIL FROM:<a@b> MT-PRIORITY=10", "501 5.5.4 MT-PRIORITY must"},
	{"MAIL FROM:<a@b> MT-PRIORITY=-", "501 5.5.4 MT-PRIORITY must"},
	{"MAIL FROM:<a@b> MT-PRIORITY=", "501 5.5.4 MT-PRIORITY must"},
	{"MAIL FROM:<a@b> MT-PRIORITY", "501 5.5.4 MT-PRIORITY must"},
	{"MAIL FROM:<a@b> REQUIRETLS", "<a@b> TLS"},
	{"MAIL FROM:<a@b> REQUIRETLS=", "501 5.5.4 REQUIRETLS has no"},
	{"MAIL FROM:<a@b>SIZE=1", NO_SENDER "Space"},
	{"MAIL FROM:a@b", NO_SENDER "Address must stand"},
	{"MAIL FROM:<a@b", NO_SENDER "Address must end"},
	{"MAIL FROM:<a>", NO_SENDER "address without a domain"},
	{"MAIL TO:<a@b>", "501 5.5.2 FROM: expected"},
	{"MAIL", "501 5.5.2 FROM: expected"},
	{"MAIL FROM:<J\xc3\xb6rg@b.example> SMTPUTF8", "<J\xc3\xb6rg@b.example> UTF8"},
	{"MAIL FROM:<J\xc3\xb6rg@b.example>", "553 5.6.7"},
	{"MAIL FROM:<a@B\xc3\x9c"
	 "cher.example> SMTPUTF8",
		"<a@xn--bcher-kva.example> UTF8"},
	{"MAIL FROM:<a@XN--BCHER-KVA.example>", "<a@xn--bcher-kva.example>"},
	{"MAIL FROM:<a@xn--a.example>", NO_SENDER "domain name"},
	{"MAIL FROM:<a@b> SMTPUTF8=1", "501 5.5.4"},
	{"MAIL FROM:<\xc3@b> SMTPUTF8", NO_SENDER "local part is not valid"},
	{"MAIL FROM:<\xed\xa0\x80@b> SMTPUTF8", NO_SENDER "local part is not valid"},
	{"MAIL FROM:<a@\xff.b> SMTPUTF8", NO_SENDER "domain name is not valid"},

	{"RCPT TO:<a@b>", "<a@b> a|b"},
	{"RCPT TO:<@x.example,@y.example:a@b>", "<a@b> a|b"},
	{"RCPT TO:<@x.example>", NO_RCPT},
	{"RCPT TO:<@x example:a@b>", NO_RCPT "Bad source route"},
	{"RCPT TO:<\"a b\"@c>", "<\"a b\"@c> a b|c"},
	{"RCPT TO:<\"ab\"@c>", "<ab@c> ab|c"},
	{"RCPT TO:<\"a\\\"\\\\b\"@c>", "<\"a\\\"\\\\b\"@c> a\"\\b|c"},
	{"RCPT TO:<\"a>b@x\"@c>", "<\"a>b@x\"@c> a>b@x|c"},
	{"RCPT TO:<\"\"@c>", "<\"\"@c> |c"},
	{"RCPT TO:<\"a@c>", NO_RCPT "bad local part"},
	{"RCPT TO:<\"a\tb\"@c>", NO_RCPT},
	{"RCPT TO:<\"a\"b@c>", NO_RCPT "byte 0x62"},
	{"RCPT TO:<Postmaster>", "<Postmaster> Postmaster|"},
	{"RCPT TO:<somebody>", NO_RCPT "address without"},
	{"RCPT TO:<>", NO_RCPT "Recipient is empty"},
	{"RCPT TO:<.a@b>", NO_RCPT "bad local part"},
	{"RCPT TO:<a.@b>", NO_RCPT "byte 0x2e"},
	{"RCPT TO:<a..a@b>", NO_RCPT "byte 0x2e"},
	{"RCPT TO:<a@b@c>", NO_RCPT "byte 0x40 in domain"},
	{"RCPT TO:<a@>", NO_RCPT "domain name is missing"},
	{"RCPT TO:<a@b.>", NO_RCPT "empty label"},
	{"RCPT TO:<a@b..c>", NO_RCPT "empty label"},
	{"RCPT TO:<a@-b>", NO_RCPT "domain label"},
	{"RCPT TO:<a@b-.c>", NO_RCPT "domain label"},
	{"RCPT TO:<a@b c>", NO_RCPT "byte 0x20"},
	{"RCPT TO:<a@b_c>", "<a@b_c> a|b_c"},
	{"RCPT TO:<a@" A63 ".b>", "<a@" A63 ".b> a|" A63 ".b"},
	{"RCPT TO:<a@" A64 ".b>", NO_RCPT "domain label longer"},
	{"RCPT TO:<a@" A63 "." A63 "." A63 "." A63 ">", NO_RCPT "domain name longer"},
	{"RCPT TO:<" A64 A64 A64 A64 "@b>", "<" A64 A64 A64 A64 "@b> " A64 A64 A64 A64 "|b"},
	{"RCPT TO:<" A64 A64 A64 A64 "a@b>", NO_RCPT "local part longer"},
	{"RCPT TO:<a@[192.0.2.1]>", "<a@[192.0.2.1]> a|[192.0.2.1]"},
	{"RCPT TO:<a@[ipv6:2001:DB8:0::1]>", "<a@[IPv6:2001:db8::1]> a|[IPv6:2001:db8::1]"},
	{"RCPT TO:<a@[192.0.2.256]>", NO_RCPT "bad address literal"},
	{"RCPT TO:<a@[]>", NO_RCPT "bad address literal"},
	{"RCPT TO:<a@[192.0.2.1>", NO_RCPT "address literal is not closed"},
	{"RCPT TO:<a@b> NOTIFY=SUCCESS,delay", "<a@b> a|b NOTIFY=10"},
	{"RCPT TO:<a@b> NOTIFY=NEVER", "<a@b> a|b NOTIFY=1"},
	{"RCPT TO:<a@b> NOTIFY=NEVER,DELAY", "501 5.5.4 NOTIFY=NEVER"},
	{"RCPT TO:<a@b> NOTIFY=DELAY,DELAY", "501 5.5.4"},
	{"RCPT TO:<a@b> NOTIFY=", "501 5.5.4"},
	{"RCPT TO:<a@b> NOTIFY=DELAY,", "501 5.5.4"},
	{"RCPT TO:<a@b> ORCPT=rfc822;a+2Bb@c", "<a@b> a|b ORCPT=rfc822;a+b@c"},
	{"RCPT TO:<a@b> ORCPT=rfc822", "501 5.5.4"},
	{"RCPT TO:<a@b> ORCPT=;a@c", "501 5.5.4"},
	{"RCPT TO:<a@b> ORCPT=r_x;a@c", "501 5.5.4 Bad type"},
	{"RCPT TO:<a@b> SIZE=1", "555 5.5.4"},
	{"RCPT TO:<\xc3\xa9@b>", "553 5.6.7"},

	{"BDAT 0 LAST", "0 last"},
	{"BDAT 1000", "1000"},
	{"bdat 1000 last", "1000 last"},
	{"BDAT", "501 5.5.4 Bad chunk"},
	{"BDAT -1", "501 5.5.4 Bad chunk"},
	{"BDAT 9223372036854775808", "501 5.5.4 Bad chunk"},
	{"BDAT 1 FIRST", "501 5.5.4 LAST expected"},

	{"AUTH PLAIN", "PLAIN"},
	{"AUTH PLAIN AGEAYg==", "PLAIN =AGEAYg=="},
	{"AUTH LOGIN =", "LOGIN ="},
	{"AUTH", "501 5.5.4"},
	{"AUTH PLAIN a b", "501 5.5.2"},
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf got AUTO(buf_done);
		const char *want = cases[i].want;

		buf_init(&got, TRACE_MAX);
		trace(slice_str(cases[i].line), false, &got);
		/* Replies are compared by their front, values in full. */
		if (want[0] == '5' && want[3] == ' ')
			got.len = got.len < strlen(want) ? got.len : strlen(want);
		if (!slice_eq(buf_slice(&got), slice_str(want)))
			fail_msg("<%s>: got <%.*s>, want <%s>", cases[i].line,
				SLICE_ARG(buf_slice(&got)), want);
	}
}

/* What is not for everybody is unknown to others. */
static void test_parameters_for_some(void **state)
{
	static const char *const lines[] = {"FROM:<> XORIGIN=x", "FROM:<> HOLDFOR=1",
		"FROM:<> BY=1;R", "FROM:<> MT-PRIORITY=1", "FROM:<> REQUIRETLS"};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		for (unsigned may = 0; may < 32; may++) {
			struct smtp_cmd cmd = {.may = may};
			struct smtp_mail mail;
			struct err err;
			const int rc = smtp_mail_parse(&cmd, slice_str(lines[i]), &mail, &err);

			assert_int_equal(rc, may & 1u << i ? 0 : -ERR_SYNTAX);
			if (rc < 0)
				assert_int_equal(cmd.say, SMTP_SAY_BAD_PARAM);
		}
	}
}

/* Every prefix of every case in a heap block of its exact size: ASan sees one byte over. */
static void test_no_read_past_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t len = 0; len <= strlen(cases[i].line); len++) {
			struct buf got AUTO(buf_done);
			char *copy = malloc(len ? len : 1);

			assert_non_null(copy);
			buf_init(&got, TRACE_MAX);
			memcpy(copy, cases[i].line, len);
			trace((struct slice){copy, len}, true, &got);
			free(copy);
		}
	}
}

/* What one byte in a local part may be equals the grammar, for all 256 of them. */
static void test_every_byte(void **state)
{
	struct arena arena AUTO(arena_done);
	struct smtp_addr addr;
	struct err err;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (int c = 0; c < 256; c++) {
		const char plain[] = {'x', (char)c, 'x', '@', 'b'};
		const char quoted[] = {'"', (char)c, '"', '@', 'b'};
		const char domain[] = {'a', '@', 'b', (char)c, 'b'};
		const bool is_word =
			(c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		const bool in_plain =
			is_word || (c && c < 0x80 && strchr("!#$%&'*+-/=?^_`{|}~.", c));
		const bool in_quoted = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';

		assert_int_equal(
			smtp_addr_parse((struct slice){plain, 5}, &arena, &addr, &err) == 0,
			in_plain);
		assert_int_equal(
			smtp_addr_parse((struct slice){quoted, 5}, &arena, &addr, &err) == 0,
			in_quoted);
		assert_int_equal(
			smtp_addr_parse((struct slice){domain, 5}, &arena, &addr, &err) == 0,
			is_word || (c && strchr("-._", c)));
	}
}

static void test_utf8_rcpt(void **state)
{
	struct buf got AUTO(buf_done);

	(void)state;
	buf_init(&got, TRACE_MAX);
	trace(slice_lit("RCPT TO:<\xc3\xa9@b> ORCPT=utf-8;\xc3\xa9@b"), true, &got);
	assert_true(slice_eq(
		buf_slice(&got), slice_lit("<\xc3\xa9@b> \xc3\xa9|b ORCPT=utf-8;\xc3\xa9@b")));
}

/* An arena too small is a reply, and the output stays as it was. */
static void test_small_arena(void **state)
{
	(void)state;
	for (size_t cap = 0; cap < 64; cap++) {
		struct arena arena AUTO(arena_done);
		struct smtp_cmd cmd = {.arena = &arena};
		struct smtp_rcpt rcpt = {.notify = 77};
		struct err err;

		arena_init(&arena, cap);
		if (smtp_rcpt_parse(&cmd, slice_lit("TO:<abc@B\xc3\xbc.example>"), &rcpt, &err) ==
			0)
			fail_msg("UTF-8 without SMTPUTF8 passed");
		assert_int_equal(rcpt.notify, 77);
		if (smtp_rcpt_parse(&cmd, slice_lit("TO:<abc@def> ORCPT=x;y"), &rcpt, &err) == 0)
			break;
		assert_int_equal(err.code, ERR_TOOBIG);
		assert_int_equal(rcpt.notify, 77);
		assert_true(cap < 63);
	}
}

static void test_replies(void **state)
{
	struct buf got AUTO(buf_done);
	char wide[600];

	(void)state;
	buf_init(&got, 4096);
	smtp_reply_put(&got, SMTP_SAY_HELLO, slice_lit("mx.example\nPIPELINING\nSIZE 10"));
	smtp_reply_put(&got, SMTP_SAY_RCPT_OK, (struct slice){0});
	smtp_reply_put(&got, SMTP_SAY_NO_USER, slice_lit("a\r\x80\nb"));
	assert_true(slice_eq(buf_slice(&got), slice_lit("250-mx.example\r\n250-PIPELINING\r\n"
							"250 SIZE 10\r\n250 2.1.5 Recipient OK\r\n"
							"550-5.1.1 a??\r\n550 5.1.1 b\r\n")));
	memset(wide, 'w', sizeof(wide));
	buf_clear(&got);
	smtp_reply_put(&got, SMTP_SAY_LATER, (struct slice){wide, sizeof(wide)});
	assert_true(got.len <= 512);
	assert_true(slice_ends(buf_slice(&got), slice_lit("w\r\n")));
	for (int say = 0; say < SMTP_SAY_COUNT; say++) {
		assert_in_range(smtp_say_code((enum smtp_say)say), 200, 559);
		buf_clear(&got);
		smtp_reply_put(&got, (enum smtp_say)say, (struct slice){0});
		assert_true(slice_ends(buf_slice(&got), slice_lit("\r\n")));
	}
	for (int code = ERR_SYNTAX; code <= ERR_CORRUPT; code++)
		assert_in_range(smtp_say_code(smtp_say_of((enum err_code)code)), 400, 559);
}

/* ---- XCLIENT ---- */

/* What was told, in a notation made for reading: "ADDR=192.0.2.1 NAME- PROTO=ESMTP+ PORT?" */
static void trace_xclient(const struct smtp_xclient *x, char *out, size_t cap)
{
	struct slice names = slice_lit(SMTP_XCLIENT_NAMES);
	char address[IP_TEXT_MAX];
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < XCLIENT_COUNT; i++) {
		const struct slice name = slice_next_word(&names);

		if (x->told[i] == SMTP_TOLD_NOTHING)
			continue;
		n += (size_t)snprintf(out + n, cap - n, "%s%.*s", n ? " " : "", SLICE_ARG(name));
		if (x->told[i] != SMTP_TOLD_VALUE) {
			n += (size_t)snprintf(
				out + n, cap - n, x->told[i] == SMTP_TOLD_NONE ? "-" : "?");
			continue;
		}
		n += (size_t)snprintf(out + n, cap - n, "=%.*s", SLICE_ARG(x->values[i]));
		if (i == XCLIENT_ADDR) {
			ip_write(&x->address, address);
			n += (size_t)snprintf(out + n, cap - n, "(%s)", address);
		}
		if (i == XCLIENT_PROTO && x->is_extended)
			n += (size_t)snprintf(out + n, cap - n, "+");
	}
}

static void test_xclient(void **state)
{
	static const struct {
		const char *args, *want; /* NULL: refused */
	} rows[] = {
		{"ADDR=192.0.2.1", "ADDR=192.0.2.1(192.0.2.1)"},
		{"NAME=MX.example addr=IPV6:2001:db8::1 PORT=25",
			"NAME=mx.example ADDR=IPV6:2001:db8::1(2001:db8::1) PORT=25"},
		{"ADDR=ipv6:::ffff:192.0.2.1", "ADDR=ipv6:::ffff:192.0.2.1(192.0.2.1)"},
		{"ADDR=[UNAVAILABLE] HELO=a+2Bb", "ADDR- HELO=a+b"},
		{"ADDR=[tempunavail] name=+5BUNAVAILABLE+5D", "NAME- ADDR?"},
		{"LOGIN=alice+20x DESTADDR=192.0.2.9 DESTPORT=25 PROTO=SMTP REVERSE_NAME=x",
			"PROTO=SMTP LOGIN=alice x DESTADDR=192.0.2.9 DESTPORT=25 REVERSE_NAME=x"},
		{"PROTO=esmtp", "PROTO=esmtp+"},
		{"HELO=[192.0.2.1]", "HELO=[192.0.2.1]"},
		{"HELO=[Unavailable] PORT=[UNAVAILABLE] LOGIN=[UNAVAILABLE]", "PORT- HELO- LOGIN-"},
		{"ADDR=192.0.2.+31", "ADDR=192.0.2.1(192.0.2.1)"},
		{"ADDR=192.0.2.1 ADDR=192.0.2.2", NULL},
		{"HELO=a helo=b", NULL},
		{"ADDR=2001:db8::1", NULL},
		{"ADDR=IPV6:192.0.2.1", NULL},
		{"ADDR=192.0.2.256", NULL},
		{"DESTADDR=x", NULL},
		{"ADDR=", NULL},
		{"ADDR", NULL},
		{"COLOUR=red", NULL},
		{"NAME=a  PORT=1", NULL},
		{"NAME=a+0D", NULL},
		{"NAME=a=b", NULL},
		{"NAME=[192.0.2.1]", NULL},
		{"REVERSE_NAME=a+20b", NULL},
		{"PORT=65536", NULL},
		{"PORT=smtp", NULL},
		{"PROTO=LMTP", NULL},
		{"HELO=a+20b", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena AUTO(arena_done);
		struct smtp_cmd cmd = {.arena = &arena};
		struct smtp_xclient x = {.address.len = 77};
		struct err err;
		char text[400];
		int rc;

		arena_init(&arena, ARENA_CAP);
		rc = smtp_xclient_parse(&cmd, slice_str(rows[i].args), &x, &err);
		assert_int_equal(rc, rows[i].want ? 0 : -ERR_SYNTAX);
		if (rc < 0) {
			assert_int_equal(cmd.say, SMTP_SAY_BAD_ARG);
			assert_int_equal(x.address.len, 77);
			continue;
		}
		trace_xclient(&x, text, sizeof(text));
		assert_string_equal(text, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xclient),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_parameters_for_some),
		cmocka_unit_test(test_no_read_past_end),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_utf8_rcpt),
		cmocka_unit_test(test_small_arena),
		cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
