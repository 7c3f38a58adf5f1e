/* host_test.c - every row of the table of names, and the tricks that are tried with them. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "web/host.h"

static enum host_owner owner(void *context, struct slice domain)
{
	(void)context;
	if (slice_eq(domain, slice_lit("s.example")) || slice_eq(domain, slice_lit("m.s2.example")))
		return HOST_OPERATOR;
	return slice_eq(domain, slice_lit("c.example")) ? HOST_CUSTOMER : HOST_NOBODY;
}

/* want: "=" stays, "m" the small screen's, "!" insecure, else the redirect. */
static const struct {
	const char *url, *want;
} rows[] = {
	{"https://www.p.example", "="},
	{"http://p.example", "https://www.p.example/"},
	{"http://www.p.example", "https://www.p.example/"},
	{"https://p.example", "https://www.p.example/"},
	{"http://www.p.example/help/imap?x=1", "https://www.p.example/help/imap?x=1"},
	{"http://mail.p.example", "https://www.p.example/"},
	{"http://s.example", "https://www.p.example/?domain=s.example"},
	{"http://www.s.example", "https://www.p.example/?domain=s.example"},
	{"https://s.example", "https://www.p.example/?domain=s.example"},
	{"https://www.s.example", "https://www.p.example/?domain=s.example"},
	{"http://s.example/mail?x=1", "https://www.p.example/?domain=s.example"},
	{"http://mail.c.example", "https://www.p.example/?domain=c.example"},
	{"https://mail.c.example", "https://www.p.example/?domain=c.example"},
	{"http://c.example", "https://www.p.example/?domain=c.example"},
	{"http://m.p.example", "https://m.p.example/"},
	{"http://m.s.example", "https://m.p.example/?domain=s.example"},
	{"https://m.s.example", "https://m.p.example/?domain=s.example"},
	{"https://m.p.example", "m"},
	{"http://ssl.p.example", "https://ssl.p.example/"},
	{"http://ssl.s.example", "https://ssl.s.example/"},
	{"https://ssl.p.example", "="},
	{"https://ssl.s.example", "="},
	{"https://ssl.c.example", "https://www.p.example/?domain=c.example"},
	{"http://insecure.p.example", "!"},
	{"http://insecure.s.example", "!"},
	{"http://insecure.c.example", "https://www.p.example/?domain=c.example"},
	{"https://insecure.p.example", "https://www.p.example/"},
	/* a domain that looks like a prefix is a domain */
	{"http://m.s2.example", "https://www.p.example/?domain=m.s2.example"},
	/* names that are not ours */
	{"http://evil.example", "https://www.p.example/"},
	{"http://evil.example//evil.example/", "https://www.p.example/"},
	{"https://evil.example", "="},
	{"https://p.example.evil.example", "="},
	{"https://evilp.example", "="},
	{"https://192.0.2.1", "="},
	{"https://", "="},
	{"http://", "https://www.p.example/"},
	{"http://www.", "https://www.p.example/"},
	{"http://www.www.p.example", "https://www.p.example/"},
	{"http://p.example//evil.example/x", "https://www.p.example//evil.example/x"},
};

static void decide(const struct host_config *config, const char *url, char *got, size_t cap)
{
	struct slice s = slice_str(url), host;
	struct buf location AUTO(buf_done);
	const bool is_tls = slice_starts(s, slice_lit("https:"));
	size_t slash;

	buf_init(&location, 4096);
	host = slice_from(s, is_tls ? 8 : 7);
	slash = slice_chr(host, '/');
	s = slash == SIZE_MAX ? slice_lit("/") : slice_from(host, slash);
	switch (host_decide(config, is_tls, slice_head(host, slash == SIZE_MAX ? host.len : slash),
		s, &location)) {
	case HOST_REDIRECT:
		snprintf(got, cap, "%.*s", SLICE_ARG(buf_slice(&location)));
		break;
	case HOST_STAY:
		snprintf(got, cap, "=");
		break;
	case HOST_STAY_SMALL:
		snprintf(got, cap, "m");
		break;
	case HOST_STAY_INSECURE:
		snprintf(got, cap, "!");
		break;
	}
}

static const struct host_config standard = {
	.primary = {"p.example", 9}, .public_port = 443, .has_insecure = true, .owner = owner};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char got[256];

		decide(&standard, rows[i].url, got, sizeof(got));
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: got %s, want %s", rows[i].url, got, rows[i].want);
	}
}

static void test_settings(void **state)
{
	struct host_config config = standard;
	char got[256];

	(void)state;
	config.has_insecure = false;
	config.public_port = 10443;
	decide(&config, "http://insecure.s.example/x", got, sizeof(got));
	assert_string_equal(got, "https://www.p.example:10443/?domain=s.example");
	decide(&config, "http://www.p.example/x?y", got, sizeof(got));
	assert_string_equal(got, "https://www.p.example:10443/x?y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
