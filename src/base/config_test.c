/* config_test.c - the table of settings: defaults, each type, and errors with their lines. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"

static struct config *parse(const char *text)
{
	struct config *config = NULL;
	struct err err = {0};

	if (config_parse(slice_str(text), "posthouse.conf", &config, &err) < 0)
		fail_msg("%s", err.msg);
	return config;
}

static void assert_slice(struct slice got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.len ? got.ptr : "", want, got.len);
}

static void test_defaults(void **state)
{
	struct config *config AUTO(config_free) = parse("");

	(void)state;
	assert_true(config->host_name.len > 0);
	assert_int_equal(config->imaps.n, 1);
	assert_int_equal(config->imaps.at[0].port, 993);
	assert_slice(config->imaps.at[0].host, "");
	assert_int_equal(config->lmtp.n, 0);
	assert_true(config->lmtp_socket);
	assert_slice(config->tls_default, "localhost");
	assert_int_equal(config->message_max, 150 << 20);
	assert_int_equal(config->imap_idle_s, 1800);
	assert_int_equal(config->log_level, LOG_INFO);
	assert_int_equal(config->argon2_memory, 19456 * 1024);
	assert_int_equal(config->cleartext[CONFIG_IMAP].mode, CLEARTEXT_CLOSED);
	assert_slice(config->service_name, "Posthouse");
	assert_slice(config->service_home, "");
}

static void test_cleartext(void **state)
{
	struct config *config AUTO(config_free) = parse(
		"cleartext = { imap = \"notify\"; imap_date = \"2027-03-01\"; answer = true;\n"
		"  submission = \"allow\"; submission_date = \"2024-02-29\" };\n"
		"service = { address = \"help@example.org\"; name = \"M\xc3\xbcllers Post\";\n"
		"  home = \"https://www.example.org\" };");
	const int64_t date = 1803859200;

	(void)state;
	assert_int_equal(config->cleartext[CONFIG_IMAP].date_s, date);
	assert_true(config_is_cleartext_open(&config->cleartext[CONFIG_IMAP], date - 1));
	assert_false(config_is_cleartext_open(&config->cleartext[CONFIG_IMAP], date));
	assert_true(config_is_cleartext_open(&config->cleartext[CONFIG_SUBMISSION], date));
	config->cleartext[CONFIG_SUBMISSION].mode = CLEARTEXT_CLOSED;
	assert_false(config_is_cleartext_open(&config->cleartext[CONFIG_SUBMISSION], 0));
	assert_slice(config->service_home, "https://www.example.org");
}

/* Where a port is: set in listen or not, before the date and on it. 0: nowhere. */
static void test_cleartext_ports(void **state)
{
	static const struct {
		const char *text;
		enum config_service service;
		unsigned before, after;
	} cases[] = {
		{"", CONFIG_IMAP, 0, 0},
		{"", CONFIG_SUBMISSION, 0, 0},
		{"listen = { imap = \"*:10\" };", CONFIG_IMAP, 0, 0},
		{"listen = { submission = \"*:10\" };", CONFIG_SUBMISSION, 10, 10},
		{"cleartext = { answer = true };", CONFIG_IMAP, 0, 0},
		{"cleartext = { answer = true }; listen = { imap = \"*:10\" };", CONFIG_IMAP, 10,
			10},
		{"cleartext = { imap = \"allow\"; imap_date = \"2027-03-01\" };", CONFIG_IMAP, 143,
			143},
		{"cleartext = { imap = \"notify\" };", CONFIG_IMAP, 143, 143},
		{"cleartext = { imap = \"notify\"; imap_date = \"2027-03-01\" };", CONFIG_IMAP, 143,
			0},
		{"cleartext = { imap = \"notify\"; imap_date = \"2027-03-01\"; answer = true };",
			CONFIG_IMAP, 143, 143},
		{"cleartext = { imap = \"notify\"; imap_date = \"2027-03-01\" };"
		 "listen = { imap = \"*:10\" };",
			CONFIG_IMAP, 10, 0},
		{"cleartext = { imap = \"notify\" };", CONFIG_SUBMISSION, 0, 0},
		{"cleartext = { submission = \"notify\"; submission_date = \"2027-03-01\" };",
			CONFIG_SUBMISSION, 587, 0},
		{"cleartext = { submission = \"notify\"; submission_date = \"2027-03-01\" };"
		 "listen = { submission = \"*:10\" };",
			CONFIG_SUBMISSION, 10, 10},
	};
	const int64_t date = 1803859200;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *config AUTO(config_free) = parse(cases[i].text);
		const struct config_listen before = config_port(config, cases[i].service, date - 1),
					   after = config_port(config, cases[i].service, date);

		if (before.at[0].port != cases[i].before || before.n != !!cases[i].before ||
			after.at[0].port != cases[i].after || after.n != !!cases[i].after)
			fail_msg("%s: %u, then %u", cases[i].text, before.at[0].port,
				after.at[0].port);
	}
}

static void test_values(void **state)
{
	struct config *config AUTO(config_free) =
		parse("# a comment\n"
		      "host_name = \"Mail.Example.ORG\";\n"
		      "listen = {\n"
		      "  imaps = [\"127.0.0.1:10993\", \"[::1]:10993\"]\n"
		      "  smtp = \"\"; lmtp = \"[2001:db8::1]:24\";\n"
		      "  lmtp_socket = false;\n"
		      "};\n"
		      "limits : { recipients = 100, message_size = \"2gib\" }\n"
		      "timeouts = { login = 7; drain = \"2 h\"; stop = \"1h\"; };\n"
		      "log = { level = \"debug\" };\n");

	(void)state;
	assert_slice(config->host_name, "Mail.Example.ORG");
	assert_int_equal(config->imaps.n, 2);
	assert_slice(config->imaps.at[0].host, "127.0.0.1");
	assert_slice(config->imaps.at[1].host, "::1");
	assert_int_equal(config->imaps.at[1].port, 10993);
	assert_int_equal(config->smtp.n, 0);
	assert_slice(config->lmtp.at[0].host, "2001:db8::1");
	assert_false(config->lmtp_socket);
	assert_int_equal(config->recipients_max, 100);
	assert_int_equal(config->message_max, (uint64_t)2 << 30);
	assert_int_equal(config->login_s, 7);
	assert_int_equal(config->drain_s, 7200);
	assert_int_equal(config->log_level, LOG_DEBUG);
}

static const struct {
	const char *text, *want;
} bad[] = {
	{"\n\nhost = \"x\";", "posthouse.conf:3: there is no setting host"},
	{"listen = {\n image = \"*:143\";\n};",
		"posthouse.conf:2: there is no setting listen.image"},
	{"cleartext = { imap = \"maybe\" };",
		"posthouse.conf:1: cleartext.imap must be \"allow\", "},
	{"cleartext = { imap_date = \"2027-02-30\" };",
		"posthouse.conf:1: cleartext.imap_date must"},
	{"cleartext = { imap_date = \"2027-2-3\" };", "posthouse.conf:1: cleartext.imap_date must"},
	{"cleartext = { imap_date = \"0 March 27\" };",
		"posthouse.conf:1: cleartext.imap_date must"},
	{"service = { address = \"x\" };", "posthouse.conf:1: service.address must be an e-mail"},
	{"service = { address = \"a b@c\" };", "posthouse.conf:1: service.address must be an"},
	{"service = { address = \"a@b@c\" };", "posthouse.conf:1: service.address must be an"},
	{"service = { name = \"a\\r\\nBcc: b\" };",
		"posthouse.conf:1: service.name must be a text"},
	{"service = { home = \"http://x\" };",
		"posthouse.conf:1: service.home must be the address"},
	{"service = { home = \"https://x/\" };", "posthouse.conf:1: service.home must be the"},
	{"lisden = {\n};", "posthouse.conf:1: there is no setting lisden"},
	{"host_name = { a = 1; };", "posthouse.conf:1: host_name must be a host name in quotes"},
	{"listen = {\n imaps = 993;\n};",
		"posthouse.conf:2: listen.imaps must be \"ADDRESS:PORT\", \"*:PORT\", several of "
		"these in [ ], or \"\""},
	{"listen = { imaps = \"*:65536\"; };", "posthouse.conf:1: listen.imaps must be \"ADD"},
	{"listen = { imaps = \"*:0\"; };", "posthouse.conf:1: listen.imaps must be \"ADD"},
	{"listen = { imaps = \"localhost:993\"; };", "posthouse.conf:1: listen.imaps must be"},
	{"listen = { imaps = \"::1:993\"; };", "posthouse.conf:1: listen.imaps must be"},
	{"listen = { smtp = "
	 "[\"*:1\",\"*:2\",\"*:3\",\"*:4\",\"*:5\",\"*:6\",\"*:7\",\"*:8\",\"*:9\"];};",
		"posthouse.conf:1: listen.smtp must be"},
	{"listen = 5;", "posthouse.conf:1: there is no setting listen"},
	{"limits = {\n\n recipients = 99;\n};",
		"posthouse.conf:3: limits.recipients must be from 100 to 10000"},
	{"limits = { recipients = -1; };", "posthouse.conf:1: limits.recipients must be a number"},
	{"limits = { recipients = 1.5; };", "posthouse.conf:1: limits.recipients must be a number"},
	{"limits = { recipients = true; };",
		"posthouse.conf:1: limits.recipients must be a number"},
	{"limits = { message_size = \"1 MB\"; };",
		"posthouse.conf:1: limits.message_size must be a size, such as \"50 MiB\""},
	{"limits = { message_size = \"99999999999999999999\"; };",
		"posthouse.conf:1: limits.message_size must be a size"},
	{"timeouts = { login = \"5 MiB\"; };", "posthouse.conf:1: timeouts.login must be a time"},
	{"listen = { lmtp_socket = 1; };", "posthouse.conf:1: listen.lmtp_socket must be true or"},
	{"log = { level = \"loud\"; };", "posthouse.conf:1: log.level must be \"debug\", "},
	{"tls = { default = \"../x\"; };",
		"posthouse.conf:1: tls.default must be a name in quotes"},
	{"tls = { default = \"a/b\"; };", "posthouse.conf:1: tls.default must be a name in quotes"},
	{"host_name = \"a\";\nhost_name = \"b\";", "posthouse.conf:2: "},
	{"host_name = \"a\";\nlimits = { recipients = }\n", "posthouse.conf:2: syntax error"},
	{"\n @include \"x\"\n", "posthouse.conf:2: @include is not possible here"},
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config *config = NULL;
		struct err err = {0};

		if (config_parse(slice_str(bad[i].text), "posthouse.conf", &config, &err) !=
				-ERR_SYNTAX ||
			strncmp(err.msg, bad[i].want, strlen(bad[i].want)) != 0)
			fail_msg("%s\n got: %s", bad[i].text, err.msg);
		assert_null(config);
	}
}

static void test_bounds(void **state)
{
	struct buf text AUTO(buf_done);
	struct config *config = NULL;
	struct err err;

	(void)state;
	buf_init(&text, CONFIG_TEXT_MAX + 10);
	while (text.len <= CONFIG_TEXT_MAX)
		buf_byte(&text, '\n');
	assert_int_equal(config_parse(buf_slice(&text), "f", &config, &err), -ERR_TOOBIG);
	assert_int_equal(config_parse((struct slice){"#\0#", 3}, "f", &config, &err), -ERR_SYNTAX);
	assert_null(config);
}

/* Cutting a good file anywhere gives settings or an error, never harm. */
static void test_prefixes(void **state)
{
	static const char text[] = "listen = { imaps = [\"*:1\", \"*:2\"]; };\n/* c */ log = { "
				   "level = \"info\"; };\n";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		struct config *config = NULL;
		struct err err;

		if (config_parse((struct slice){text, n}, "f", &config, &err) == 0)
			config_free(&config);
		assert_null(config);
	}
}

static void test_changes(void **state)
{
	struct config *a AUTO(config_free) = parse("");
	struct config *b AUTO(config_free) =
		parse("log = { level = \"warn\"; }; passwords = { cache = 0; };");
	struct config *c AUTO(config_free) = parse("listen = { imaps = \"*:994\"; };");

	(void)state;
	assert_int_equal(config_changes(a, a), 0);
	assert_int_equal(config_changes(a, b), CONFIG_RELOAD | CONFIG_KEEPER);
	assert_int_equal(config_changes(a, c), CONFIG_SERVER);
}

/* The help shows a file that, without its explanations, is the defaults. */
static void test_help(void **state)
{
	struct buf help AUTO(buf_done), manual AUTO(buf_done);

	(void)state;
	buf_init(&help, 64 << 10);
	buf_init(&manual, 64 << 10);
	config_help(&help);
	config_manual(&manual);
	assert_false(help.failed || manual.failed);
	assert_true(
		slice_find(buf_slice(&help), slice_lit("\nlisten.imaps = \"*:993\"\n")) < help.len);
	assert_true(slice_find(buf_slice(&manual), slice_lit(".It Ic listen.imaps No = Ar")) <
		    manual.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_cleartext),
		cmocka_unit_test(test_cleartext_ports),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
