/* base_test.c - slices, buffers, arenas, maps, encodings, files and their faults. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/ip.h"
#include "base/map.h"
#include "base/random.h"
#include "base/temp.h"

static void assert_slice(struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want)))
		fail_msg("got <%.*s>, want <%s>", SLICE_ARG(got), want);
}

static void test_slice(void **state)
{
	struct slice rest;
	uint64_t n = 7;

	(void)state;
	assert_slice(slice_trim(slice_lit(" \t a b\r\n")), "a b");
	assert_slice(slice_cut(slice_lit("a:b:c"), ':', &rest), "a");
	assert_slice(rest, "b:c");
	assert_slice(slice_cut(slice_lit("abc"), ':', &rest), "abc");
	assert_null(rest.ptr);
	assert_true(slice_eq_nocase(slice_lit("INBOX"), slice_lit("inBox")));
	assert_false(slice_eq_nocase(slice_lit("@"), slice_lit("`")));
	assert_true(slice_starts_nocase(slice_lit("From: x"), slice_lit("FROM:")));
	assert_true(slice_ends(slice_lit("a.b"), slice_lit(".b")));
	assert_int_equal(slice_find(slice_lit("abcd"), slice_lit("cd")), 2);
	assert_true(slice_cmp(slice_lit("a"), slice_lit("ab")) < 0);
	assert_true(slice_to_u64(slice_lit("18446744073709551615"), UINT64_MAX, &n));
	assert_true(n == UINT64_MAX);
	assert_false(slice_to_u64(slice_lit("18446744073709551616"), UINT64_MAX, &n));
	assert_false(slice_to_u64(slice_lit("11"), 10, &n));
	assert_false(slice_to_u64(slice_lit("5"), 4, &n));
	assert_false(slice_to_u64(slice_lit(""), 10, &n));
	assert_false(slice_to_u64(slice_lit("-1"), 10, &n));
}

static const struct {
	const char *ip, *network; /* NULL: it is none */
	bool is_in, is_private;
} ip_cases[] = {
	{"192.0.2.1", "192.0.2.0/24", true, false},
	{"192.0.3.1", "192.0.2.0/24", false, false},
	{"192.0.3.1", "192.0.2.0/23", true, false},
	{"192.0.2.1", "192.0.2.1", true, false},
	{"192.0.2.1", "0.0.0.0/0", true, false},
	{"192.0.2.1", "::/0", false, false},
	{"::ffff:192.0.2.1", "192.0.2.0/24", true, false},
	{"2001:db8::1", "2001:db8::/32", true, false},
	{"2001:db9::1", "2001:db8::/32", false, false},
	{"10.1.2.3", "192.0.2.0/33", false, true},
	{"172.32.0.1", "192.0.2.0/", false, false},
	{"172.31.0.1", "192.0.2.0/-1", false, true},
	{"::1", "x/8", false, true},
	{"fd00::1", "/8", false, true},
	{"fe80::1", "1.2.3/8", false, true},
};

static void test_ip(void **state)
{
	struct ip_network network;
	char text[IP_TEXT_MAX];
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < sizeof(ip_cases) / sizeof(ip_cases[0]); i++) {
		assert_true(ip_parse(slice_str(ip_cases[i].ip), &ip));
		if ((ip_network_parse(slice_str(ip_cases[i].network), &network) &&
			    ip_is_in(&ip, &network)) != ip_cases[i].is_in ||
			ip_is_private(&ip) != ip_cases[i].is_private)
			fail_msg("%s %s", ip_cases[i].ip, ip_cases[i].network);
	}
	ip_write(&ip, text);
	assert_string_equal(text, "fe80::1");
	assert_false(ip_parse(slice_lit("192.0.2.1\0"), &ip));
	assert_false(ip_parse(slice_lit("[::1]"), &ip));
	assert_true(ip_is_loopback(&(struct ip){IP_V4, {127, 1}}));
}

static void test_buf(void **state)
{
	struct buf b AUTO(buf_done);
	struct err err;

	(void)state;
	buf_init(&b, 10);
	buf_lit(&b, "abc");
	buf_u64(&b, 90210);
	assert_slice(buf_slice(&b), "abc90210");
	buf_lit(&b, "xyz"); /* does not fit: all or nothing */
	buf_byte(&b, '!');
	assert_slice(buf_slice(&b), "abc90210");
	assert_int_equal(buf_check(&b, "line", &err), -ERR_TOOBIG);
	assert_string_equal(err.msg, "line is larger than 10 bytes");
	buf_clear(&b);
	buf_printf(&b, "%s-%d", "a", 5);
	buf_consume(&b, 2);
	assert_slice(buf_slice(&b), "5");
}

static void test_arena(void **state)
{
	struct arena a AUTO(arena_done);

	(void)state;
	arena_init(&a, 200000);
	for (int i = 0; i < 100; i++) {
		uint64_t *p = arena_array(&a, uint64_t, 100);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(p[99] == 0);
		p[99] = 1;
	}
	assert_null(arena_alloc(&a, 150000));
	assert_null(arena_alloc_array(&a, SIZE_MAX / 2, 3));
	assert_non_null(arena_alloc(&a, 120000));
	arena_reset(&a);
	assert_string_equal(arena_str(&a, slice_lit("abc")), "abc");
}

struct item {
	uint64_t id;
	bool in;
};

/* A map under random puts and deletes holds what a plain table of flags says. */
static void test_map(void **state)
{
	enum { ITEMS = 300 };
	static struct item items[ITEMS];
	struct map m AUTO(map_done) = {0};
	size_t live = 0, at = 0, walked = 0;

	(void)state;
	for (size_t i = 0; i < ITEMS; i++)
		items[i].id = i * 7;
	for (int step = 0; step < 20000; step++) {
		struct item *it = &items[random_u64() % ITEMS];
		const struct slice key = map_key_u64(&it->id);

		assert_ptr_equal(map_get(&m, key), it->in ? it : NULL);
		if (it->in)
			assert_ptr_equal(map_del(&m, key), it);
		else
			assert_null(map_put(&m, key, it));
		it->in = !it->in;
	}
	for (size_t i = 0; i < ITEMS; i++)
		live += items[i].in;
	while (map_next(&m, &at))
		walked++;
	assert_int_equal(walked, live);
}

static void test_base64(void **state)
{
	static const struct {
		const char *plain, *coded;
	} cases[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	static const char *const bad[] = {
		"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "Zm 9", "====", "=Zg="};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b AUTO(buf_done);

		buf_init(&b, 64);
		base64_encode(&b, slice_str(cases[i].plain));
		assert_slice(buf_slice(&b), cases[i].coded);
		buf_clear(&b);
		assert_int_equal(base64_decode(&b, slice_str(cases[i].coded), &err), 0);
		assert_slice(buf_slice(&b), cases[i].plain);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf b AUTO(buf_done);

		buf_init(&b, 64);
		if (base64_decode(&b, slice_str(bad[i]), &err) != -ERR_SYNTAX)
			fail_msg("<%s> was taken as base64", bad[i]);
	}
}

static void test_base64url(void **state)
{
	static const struct {
		const char *plain, *coded;
	} cases[] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"},
		{"\xfb\xff\xbf", "-_-_"}, {"\xff\xfe", "__4"}};
	static const char *const bad[] = {"Zg==", "Z", "Zh", "Zm9", "Zm8=", "+/+/", "Zm 9"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b AUTO(buf_done);

		buf_init(&b, 64);
		base64url_encode(&b, slice_str(cases[i].plain));
		assert_slice(buf_slice(&b), cases[i].coded);
		buf_clear(&b);
		assert_int_equal(base64url_decode(&b, slice_str(cases[i].coded), &err), 0);
		assert_slice(buf_slice(&b), cases[i].plain);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf b AUTO(buf_done);

		buf_init(&b, 64);
		if (base64url_decode(&b, slice_str(bad[i]), &err) != -ERR_SYNTAX)
			fail_msg("<%s> was taken as base64url", bad[i]);
	}
}

static void test_numbers(void **state)
{
	static const uint64_t cases[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
	unsigned char bytes[8];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b AUTO(buf_done);
		struct slice in;
		uint64_t got = 0;

		buf_init(&b, 64);
		varint_put(&b, cases[i]);
		for (size_t len = 0; len < b.len; len++) {
			in = slice_head(buf_slice(&b), len);
			assert_false(varint_take(&in, &got));
		}
		in = buf_slice(&b);
		assert_true(varint_take(&in, &got));
		assert_true(got == cases[i] && in.len == 0);
		be64_put(bytes, cases[i]);
		assert_true(be64_get(bytes) == cases[i]);
	}
}

/* Whichever step fails, the file is the old one or the new one, and no other file is left. */
static void test_replace_file(void **state)
{
	static const enum io_step steps[] = {IO_OPEN, IO_WRITE, IO_SYNC, IO_RENAME};
	char dir[TEMP_MAX], file[TEMP_MAX + 64];
	int fd AUTO(io_close) = -1;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(temp_path(dir, "base-test-XXXXXX")));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(io_replace_file(fd, "f", slice_lit("old"), 0600, &err), 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct buf b AUTO(buf_done);
		int rc;

		buf_init(&b, 100);
		io_fault_set(steps[i], 1, IO_FAULT_FAIL);
		rc = io_replace_file(fd, "f", slice_lit("new"), 0600, &err);
		io_fault_set(steps[i], 0, IO_FAULT_NONE);
#ifdef PH_FAULTS
		assert_int_equal(rc, -ERR_IO);
#else
		(void)rc;
#endif
		assert_int_equal(io_read_file(fd, "f", &b, &err), 0);
#ifdef PH_FAULTS
		assert_slice(buf_slice(&b), "old");
#endif
	}
	assert_int_equal(io_replace_file(fd, "f", slice_lit("new"), 0600, &err), 0);
	snprintf(file, sizeof(file), "%s/f", dir);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void test_dated_numbers(void **state)
{
	uint64_t before = random_dated();

	(void)state;
	for (int i = 0; i < 20000; i++) {
		const uint64_t id = random_dated();

		assert_true(id > before);
		before = id;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dated_numbers),
		cmocka_unit_test(test_slice),
		cmocka_unit_test(test_ip),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64url),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_replace_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
