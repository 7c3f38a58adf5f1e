/* external_test.c - what a server may do with users' passwords: set, have tested, have forgotten;
 * never read, and never led to another host. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "courier/external_kit.h"

enum { ID = 7, FILE_MAX = 1 << 20 };

static const struct external_server good = {
	.host = "smtp.else.example", .port = 465, .login = "alice", .password = "secret of alice"};

static int setup(void **state)
{
	static struct external_kit kit;

	external_kit_open(&kit);
	*state = &kit;
	return 0;
}

static int teardown(void **state)
{
	external_kit_close(*state);
	return 0;
}

static int ask_texts(struct external_kit *kit, desk_fn *verb, const struct external_server *s,
	struct slice host, struct slice login, struct slice password)
{
	struct buf fields AUTO(buf_done);

	buf_init(&fields, 8192);
	frame_put_u64(&fields, ID);
	frame_put(&fields, host);
	frame_put_u64(&fields, s->port);
	frame_put_u64(&fields, s->is_starttls);
	frame_put(&fields, login);
	frame_put(&fields, password);
	return external_kit_ask(kit, verb, buf_slice(&fields));
}

static int ask(struct external_kit *kit, desk_fn *verb, const struct external_server *s)
{
	return ask_texts(
		kit, verb, s, slice_str(s->host), slice_str(s->login), slice_str(s->password));
}

static int drop(struct external_kit *kit)
{
	struct buf fields AUTO(buf_done);

	buf_init(&fields, 64);
	frame_put_u64(&fields, ID);
	return external_kit_ask(kit, desk_external_drop, buf_slice(&fields));
}

static void assert_stored(struct external_kit *kit, const struct external_server *want)
{
	struct external_server found;
	struct err err;

	assert_int_equal(external_get(kit->courier.external, ID, &found, &err), 0);
	assert_string_equal(found.host, want->host);
	assert_int_equal(found.port, want->port);
	assert_int_equal(found.is_starttls, want->is_starttls);
	assert_string_equal(found.login, want->login);
	assert_string_equal(found.password, want->password);
}

/* Another one than `good` in one respect, without its password. */
static const struct external_server others[] = {
	{.host = "smtp.evil.example", .port = 465, .login = "alice"},
	{.host = "smtp.else.example", .port = 25, .login = "alice"},
	{.host = "smtp.else.example", .port = 465, .login = "bob"},
	{.host = "smtp.else.example", .port = 465, .login = "alice", .is_starttls = true},
};

static void test_a_password_stays_with_its_server(void **state)
{
	struct external_kit *kit = *state;
	struct external_server same = good, next = others[0];

	same.password[0] = '\0';
	assert_int_equal(ask(kit, desk_external_set, &same), -ERR_SYNTAX); /* none to keep */
	assert_int_equal(ask(kit, desk_external_set, &good), 0);
	assert_int_equal(ask(kit, desk_external_set, &same), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(ask(kit, desk_external_set, &others[i]), -ERR_SYNTAX);
		assert_int_equal(ask(kit, desk_external_test, &others[i]), -ERR_CONFLICT);
		assert_stored(kit, &good);
	}
	assert_int_equal(kit->tests, 0);
	snprintf(next.password, sizeof(next.password), "another");
	assert_int_equal(ask(kit, desk_external_set, &next), 0);
	assert_stored(kit, &next);
	assert_int_equal(ask(kit, desk_external_test, &same), -ERR_CONFLICT);
}

static void test_a_login(void **state)
{
	struct external_kit *kit = *state;

	assert_int_equal(ask(kit, desk_external_test, &good), -ERR_NOTFOUND);
	assert_int_equal(ask(kit, desk_external_set, &good), 0);
	for (int i = 0; i < 50; i++) { /* each gives its place back */
		kit->test_rc = i % 2 ? -ERR_CONFLICT : 0;
		assert_int_equal(ask(kit, desk_external_test, &good), kit->test_rc);
	}
	assert_int_equal(kit->tests, 50);
}

static bool file_has(const struct external_kit *kit, const char *end, const char *text)
{
	static char bytes[FILE_MAX];
	char path[EXTERNAL_KIT_PATH];
	const int fd = open(external_kit_path(kit, end, path), O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? 0 : read(fd, bytes, sizeof(bytes));

	if (fd >= 0)
		close(fd);
	return n > 0 && memmem(bytes, (size_t)n, text, strlen(text));
}

static bool is_on_disk(const struct external_kit *kit)
{
	return file_has(kit, "", good.password) || file_has(kit, "-wal", good.password);
}

static void test_what_is_forgotten_is_gone(void **state)
{
	struct external_kit *kit = *state;
	struct external_server found;
	struct err err;

	assert_int_equal(drop(kit), 0); /* what was never there */
	assert_int_equal(ask(kit, desk_external_set, &good), 0);
	assert_true(is_on_disk(kit));
	assert_int_equal(drop(kit), 0);
	assert_int_equal(external_get(kit->courier.external, ID, &found, &err), -ERR_NOTFOUND);
	assert_false(is_on_disk(kit));
	assert_int_equal(ask(kit, desk_external_test, &good), -ERR_NOTFOUND);
}

static void test_bounds(void **state)
{
	static char text[EXTERNAL_PASSWORD_MAX + 2];
	const struct slice x = {text, sizeof(text)};
	const struct slice host = slice_str(good.host), login = slice_str(good.login);
	struct external_kit *kit = *state;
	const struct {
		struct slice host, login, password;
		int rc;
	} cases[] = {
		{slice_head(x, DNS_NAME_MAX), login, login, 0},
		{slice_head(x, DNS_NAME_MAX + 1), login, login, -ERR_SYNTAX},
		{host, slice_head(x, EXTERNAL_TEXT_MAX), login, 0},
		{host, slice_head(x, EXTERNAL_TEXT_MAX + 1), login, -ERR_SYNTAX},
		{host, login, slice_head(x, EXTERNAL_PASSWORD_MAX), 0},
		{host, login, slice_head(x, EXTERNAL_PASSWORD_MAX + 1), -ERR_SYNTAX},
	};

	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(ask_texts(kit, desk_external_set, &good, cases[i].host,
					 cases[i].login, cases[i].password),
			cases[i].rc);
}

/* Every request that is cut off, and one with more behind it. */
static void test_requests_that_are_none(void **state)
{
	static desk_fn *const verbs[] = {desk_external_set, desk_external_test, desk_external_drop};
	struct external_kit *kit = *state;
	struct buf fields AUTO(buf_done);

	buf_init(&fields, 8192);
	frame_put_u64(&fields, ID);
	frame_put(&fields, slice_str(good.host));
	frame_put_u64(&fields, good.port);
	frame_put_u64(&fields, 0);
	frame_put(&fields, slice_str(good.login));
	frame_put(&fields, slice_str(good.password));
	for (size_t n = 0; n < fields.len; n++) {
		const struct slice cut = slice_head(buf_slice(&fields), n);

		assert_int_equal(external_kit_ask(kit, desk_external_set, cut), -ERR_SYNTAX);
		assert_int_equal(external_kit_ask(kit, desk_external_test, cut), -ERR_SYNTAX);
	}
	frame_put_u64(&fields, 1);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		assert_int_equal(external_kit_ask(kit, verbs[i], buf_slice(&fields)), -ERR_SYNTAX);
	assert_int_equal(ask(kit, desk_external_test, &good), -ERR_NOTFOUND); /* none was kept */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_a_password_stays_with_its_server, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_login, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_forgotten_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests_that_are_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
