/* sasl_test.c - messages of each mechanism, right, wrong and cut short at each place. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "wire/sasl/sasl.h"

#define BYTES(s)                                                                                   \
	{                                                                                          \
		"" s, sizeof(s) - 1                                                                \
	}

enum mechanism { EXTERNAL, PLAIN, OAUTHBEARER, XOAUTH2, SCRAM };

struct parsed {
	struct slice act_as, user, secret, binding_name;
	enum sasl_binding binding;
};

static int parse(
	enum mechanism mechanism, struct slice message, struct arena *arena, struct parsed *out)
{
	struct sasl_scram_first first = {0};
	struct sasl_claim claim = {0};
	struct err err;
	int rc;

	if (mechanism == SCRAM)
		rc = sasl_scram_first_parse(message, arena, &first, &err);
	else if (mechanism == EXTERNAL)
		rc = sasl_external_parse(message, &claim, &err);
	else if (mechanism == PLAIN)
		rc = sasl_plain_parse(message, &claim, &err);
	else if (mechanism == XOAUTH2)
		rc = sasl_xoauth2_parse(message, &claim, &err);
	else
		rc = sasl_oauthbearer_parse(message, arena, &claim, &err);
	*out = (struct parsed){.act_as = mechanism == SCRAM ? first.act_as : claim.act_as,
		.user = mechanism == SCRAM ? first.user : claim.user,
		.secret = claim.secret,
		.binding = first.binding,
		.binding_name = first.binding_name};
	return rc;
}

static const struct {
	enum mechanism mechanism;
	struct slice message;
	int rc;
	const char *act_as, *user, *secret;
	enum sasl_binding binding;
	const char *binding_name;
} cases[] = {
	{EXTERNAL, BYTES(""), 0, "", "", "", 0, ""},
	{EXTERNAL, BYTES("alice@d.example"), 0, "alice@d.example", "", "", 0, ""},
	{EXTERNAL, BYTES("ali\0ce"), -ERR_SYNTAX, "", "", "", 0, ""},
	{PLAIN, BYTES("\0alice\0secret"), 0, "", "alice", "secret", 0, ""},
	{PLAIN, BYTES("bob\0alice\0s e c"), 0, "bob", "alice", "s e c", 0, ""},
	{PLAIN, BYTES("\0alice\0"), -ERR_SYNTAX, "", "", "", 0, ""},
	{PLAIN, BYTES("\0\0secret"), -ERR_SYNTAX, "", "", "", 0, ""},
	{PLAIN, BYTES("\0alice\0sec\0ret"), -ERR_SYNTAX, "", "", "", 0, ""},
	{OAUTHBEARER, BYTES("n,a=u@d.example,\1host=h\1port=993\1auth=Bearer tok\1\1"), 0, "",
		"u@d.example", "tok", 0, ""},
	{OAUTHBEARER, BYTES("n,,\1auth=bearer tok\1\1"), 0, "", "", "tok", 0, ""},
	{OAUTHBEARER, BYTES("n,a=a=2Cb=3D,\1auth=Bearer t\1\1"), 0, "", "a,b=", "t", 0, ""},
	{OAUTHBEARER, BYTES("p=tls-exporter,,\1auth=Bearer t\1\1"), -ERR_SYNTAX, "", "", "", 0, ""},
	{OAUTHBEARER, BYTES("n,,\1auth=Basic t\1\1"), -ERR_SYNTAX, "", "", "", 0, ""},
	{OAUTHBEARER, BYTES("n,,\1\1"), -ERR_SYNTAX, "", "", "", 0, ""},
	{OAUTHBEARER, BYTES("n,,\1auth=Bearer t\1\1x"), -ERR_SYNTAX, "", "", "", 0, ""},
	{OAUTHBEARER, BYTES("n,,\1auth\1\1"), -ERR_SYNTAX, "", "", "", 0, ""},
	{XOAUTH2, BYTES("user=u@d.example\1auth=Bearer tok\1\1"), 0, "", "u@d.example", "tok", 0,
		""},
	{XOAUTH2, BYTES("auth=Bearer tok\1\1"), -ERR_SYNTAX, "", "", "", 0, ""},
	{SCRAM, BYTES("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"), 0, "", "user", "", SASL_BINDING_NONE,
		""},
	{SCRAM, BYTES("y,,n=user,r=x"), 0, "", "user", "", SASL_BINDING_OURS, ""},
	{SCRAM, BYTES("p=tls-exporter,a=boss,n=us=3Der,r=x"), 0, "boss", "us=er", "",
		SASL_BINDING_USED, "tls-exporter"},
	{SCRAM, BYTES("n,,n=us=2cer,r=x"), -ERR_SYNTAX, "", "", "", 0, ""},
	{SCRAM, BYTES("n,,n=,r=x"), -ERR_SYNTAX, "", "", "", 0, ""},
	{SCRAM, BYTES("p=,,n=user,r=x"), -ERR_SYNTAX, "", "", "", 0, ""},
	{SCRAM, BYTES("x,,n=user,r=x"), -ERR_SYNTAX, "", "", "", 0, ""},
	{SCRAM, BYTES("n,b=x,n=user,r=x"), -ERR_SYNTAX, "", "", "", 0, ""},
};

static void assert_text(struct slice got, const char *wanted)
{
	assert_true(slice_eq(got, slice_str(wanted)));
}

static void test_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena AUTO(arena_done);
		struct parsed got;

		arena_init(&arena, 4096);
		assert_int_equal(
			parse(cases[i].mechanism, cases[i].message, &arena, &got), cases[i].rc);
		assert_text(got.act_as, cases[i].act_as);
		assert_text(got.user, cases[i].user);
		assert_text(got.secret, cases[i].secret);
		assert_int_equal(got.binding, cases[i].binding);
		assert_text(got.binding_name, cases[i].binding_name);
	}
}

/* A prefix of a good message is wrong, but where the secret or the rest is what is cut. */
static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t n = 0; cases[i].rc == 0 && n < cases[i].message.len; n++) {
			struct arena arena AUTO(arena_done);
			struct parsed got;

			arena_init(&arena, 4096);
			if (parse(cases[i].mechanism, slice_head(cases[i].message, n), &arena,
				    &got) == 0)
				assert_true(cases[i].mechanism == SCRAM ||
					    cases[i].mechanism == PLAIN ||
					    cases[i].mechanism == EXTERNAL);
			else
				assert_true(!got.user.ptr && !got.secret.ptr);
		}
	}
}

static void test_bounds(void **state)
{
	static char text[SASL_MESSAGE_MAX + 1];
	struct arena arena AUTO(arena_done);
	struct parsed got;

	(void)state;
	arena_init(&arena, 64 * 1024);
	memset(text, 'x', sizeof(text));
	for (enum mechanism m = PLAIN; m <= SCRAM; m++)
		assert_int_equal(
			parse(m, (struct slice){text, sizeof(text)}, &arena, &got), -ERR_TOOBIG);
	memcpy(text, "n,,n=", 5);
	text[5 + SASL_NAME_MAX] = ',';
	assert_int_equal(parse(SCRAM, (struct slice){text, 8 + SASL_NAME_MAX}, &arena, &got), 0);
	text[5 + SASL_NAME_MAX] = 'x';
	text[6 + SASL_NAME_MAX] = ',';
	assert_int_equal(
		parse(SCRAM, (struct slice){text, 9 + SASL_NAME_MAX}, &arena, &got), -ERR_TOOBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
