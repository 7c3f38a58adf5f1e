/* oauth_test.c - which redirects are a client's own, and every way to smuggle in another's. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "keeper/credentials.h"
#include "web/oauth.h"

#define SETTING                                                                                    \
	"mail http://127.0.0.1 http://[::1] http://localhost;  cal https://app.example/back "      \
	";device"
static const struct slice setting = {SETTING, sizeof(SETTING) - 1};

static void test_clients(void **state)
{
	static const char *const good[] = {"mail", "cal", "device"};
	static const char *const bad[] = {
		"", "mai", "mail ", "MAIL", "https://app.example/back", ";"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(oauth_has_client(setting, slice_str(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(oauth_has_client(setting, slice_str(bad[i])));
	assert_false(oauth_has_client(slice_lit(""), slice_lit("mail")));
}

static void test_redirects(void **state)
{
	static const struct {
		const char *client, *url;
		bool is_good;
	} rows[] = {
		{"mail", "http://127.0.0.1:1234/", true},
		{"mail", "http://127.0.0.1/back?x=1", true},
		{"mail", "http://127.0.0.1", true},
		{"mail", "http://[::1]:65535/x", true},
		{"mail", "http://localhost:8080", true},
		{"mail", "https://127.0.0.1:1234/", false},
		{"mail", "http://127.0.0.1.evil.example/", false},
		{"mail", "http://127.0.0.1@evil.example/", false},
		{"mail", "http://127.0.0.1:80@evil.example/", false},
		{"mail", "http://127.0.0.1:/", false},
		{"mail", "http://127.0.0.1:123456/", false},
		{"mail", "http://localhost\\@evil.example", false},
		{"mail", "http://localhost/#x", false},
		{"mail", "http://localhost/\r\nX: y", false},
		{"mail", "http://localhost/;x", false},
		{"mail", "https://app.example/back", false},
		{"cal", "https://app.example/back", true},
		{"cal", "https://app.example/back/", false},
		{"cal", "https://app.example/back?x", false},
		{"cal", "https://APP.example/back", false},
		{"cal", "http://localhost/", false},
		{"device", "http://localhost/", false},
		{"device", "", false},
		{"nobody", "http://localhost/", false},
		{"", "http://localhost/", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (oauth_may_redirect(setting, slice_str(rows[i].client),
			    slice_str(rows[i].url)) != rows[i].is_good)
			fail_msg("%s %s", rows[i].client, rows[i].url);
	}
}

static void test_scopes(void **state)
{
	struct buf out AUTO(buf_done);

	(void)state;
	buf_init(&out, 256);
	assert_int_equal(
		oauth_scopes(slice_lit("imap smtp offline_access")), SCOPE_IMAP | SCOPE_SMTP);
	assert_int_equal(oauth_scopes(slice_lit("  imap  ")), SCOPE_IMAP);
	assert_int_equal(oauth_scopes(slice_lit("imap web")), 0);
	assert_int_equal(oauth_scopes(slice_lit("")), 0);
	oauth_put_scopes(SCOPE_IMAP | SCOPE_SIEVE | SCOPE_WEB, &out);
	assert_true(slice_eq(buf_slice(&out), slice_lit("imap sieve")));
	buf_clear(&out);
	oauth_origin(slice_lit("http://127.0.0.1:99/x/y"), &out);
	assert_true(slice_eq(buf_slice(&out), slice_lit("http://127.0.0.1:99")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_scopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
