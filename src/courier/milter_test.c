/* milter_test.c - addresses of milters, and headers that they change. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "courier/milter.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

static void test_addresses(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: none */
	} rows[] = {
		{"inet:127.0.0.1:8891", "127.0.0.1 8891"},
		{"inet:[::1]:1", "::1 1"},
		{"inet:::1:65535", "::1 65535"},
		{"unix:/run/x.sock", "/run/x.sock"},
		{"inet:127.0.0.1", NULL},
		{"inet:127.0.0.1:0", NULL},
		{"inet:127.0.0.1:65536", NULL},
		{"inet:localhost:8891", NULL},
		{"inet::8891", NULL},
		{"inet", NULL},
		{"unix:run/x.sock", NULL},
		{"unix:", NULL},
		{"tcp:127.0.0.1:1", NULL},
		{"", NULL},
	};
	char path[MILTER_PATH_MAX + 8];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct milter_address a;
		char ip[IP_TEXT_MAX], got[160];

		if (!milter_address_parse(slice_str(rows[i].text), &a)) {
			assert_null(rows[i].want);
			continue;
		}
		assert_non_null(rows[i].want);
		if (!a.path[0])
			ip_write(&a.ip, ip);
		if (a.path[0])
			snprintf(got, sizeof(got), "%s", a.path);
		else
			snprintf(got, sizeof(got), "%s %u", ip, a.port);
		assert_string_equal(got, rows[i].want);
	}
	memset(path, 'a', sizeof(path));
	memcpy(path, "unix:/", 6);
	for (size_t len = MILTER_PATH_MAX; len < MILTER_PATH_MAX + 8; len++) {
		struct milter_address a;

		assert_int_equal(milter_address_parse((struct slice){path, len}, &a),
			len - 5 < MILTER_PATH_MAX);
	}
}

/* ---- headers ---- */

#define HEADER                                                                                     \
	"A: one\r\nReceived: by us\r\n\tat noon\r\nB: two\r\n three\r\nno field\r\na:four\r\n"

/* A change is its letter, its index, the name and the value. */
static const struct {
	const char *change, *name, *value, *want; /* with "|" for CRLF; NULL: refused */
} changes[] = {
	{"+", "X", "y", "A: one|Received: by us|\tat noon|B: two| three|no field|a:four|X: y|"},
	{"i0", "X", "y", "X: y|A: one|Received: by us|\tat noon|B: two| three|no field|a:four|"},
	{"i1", "X", "y", "A: one|Received: by us|\tat noon|X: y|B: two| three|no field|a:four|"},
	{"i2", "X", "y", "A: one|Received: by us|\tat noon|B: two| three|no field|X: y|a:four|"},
	{"i9", "X", "y", "A: one|Received: by us|\tat noon|B: two| three|no field|a:four|X: y|"},
	{"m1", "A", "y", "A: y|Received: by us|\tat noon|B: two| three|no field|a:four|"},
	{"m0", "A", "y", "A: y|Received: by us|\tat noon|B: two| three|no field|a:four|"},
	{"m2", "a", "y", "A: one|Received: by us|\tat noon|B: two| three|no field|a: y|"},
	{"m2", "A", "", "A: one|Received: by us|\tat noon|B: two| three|no field|"},
	{"m3", "A", "y", "A: one|Received: by us|\tat noon|B: two| three|no field|a:four|A: y|"},
	{"m3", "A", "", "A: one|Received: by us|\tat noon|B: two| three|no field|a:four|"},
	{"m1", "Received", "", "A: one|Received: by us|\tat noon|B: two| three|no field|a:four|"},
	{"m1", "A", "l\n m\r\nn\n\no\n",
		"A: l| m|\tn|\to|Received: by us|\tat noon|B: two| "
		"three|no field|a:four|"},
	{"+", "X:", "y", NULL},
	{"+", "X y", "z", NULL},
	{"+", "", "z", NULL},
	{"i0", "X\n", "z", NULL},
	{"m1", "X\xc3", "z", NULL},
};

static int change(struct milter_fields *fields, size_t i, struct err *err)
{
	const struct slice name = slice_str(changes[i].name), value = slice_str(changes[i].value);
	const uint32_t index = (uint32_t)(changes[i].change[1] - '0');

	switch (changes[i].change[0]) {
	case 'i':
		return milter_fields_insert(fields, index, name, value, err);
	case 'm':
		return milter_fields_change(fields, index, name, value, err);
	default:
		return milter_fields_add(fields, name, value, err);
	}
}

static void test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(changes); i++) {
		struct arena arena AUTO(arena_done);
		struct buf out AUTO(buf_done), want AUTO(buf_done);
		struct milter_fields fields;
		struct err err;
		int rc;

		arena_init(&arena, 1 << 20);
		buf_init(&out, 4096);
		buf_init(&want, 4096);
		assert_int_equal(milter_fields_read(&fields, slice_str(HEADER), &arena, &err), 0);
		milter_fields_write(&fields, &out);
		assert_int_equal(out.len, strlen(HEADER));
		assert_memory_equal(out.ptr, HEADER, out.len);
		buf_clear(&out);
		rc = change(&fields, i, &err);
		assert_int_equal(rc, changes[i].want ? 0 : -ERR_SYNTAX);
		if (rc < 0)
			continue;
		milter_fields_write(&fields, &out);
		for (const char *p = changes[i].want; *p; p++)
			buf_str(&want, *p == '|' ? "\r\n" : (char[]){*p, 0});
		buf_byte(&out, '\0');
		buf_byte(&want, '\0');
		assert_string_equal(out.ptr, want.ptr);
	}
}

/* What is deleted is counted nevertheless: who deletes one after the other means the old places. */
static void test_the_deleted_count(void **state)
{
	struct arena arena AUTO(arena_done);
	struct buf out AUTO(buf_done);
	struct milter_fields fields;
	struct err err;

	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&out, 4096);
	assert_int_equal(
		milter_fields_read(&fields, slice_lit("A: 1\r\nA: 2\r\nA: 3\r\n"), &arena, &err),
		0);
	for (unsigned i = 1; i <= 2; i++)
		assert_int_equal(
			milter_fields_change(&fields, i, slice_lit("A"), (struct slice){0}, &err),
			0);
	milter_fields_write(&fields, &out);
	buf_byte(&out, '\0');
	assert_string_equal(out.ptr, "A: 3\r\n");
}

static void test_shown(void **state)
{
	struct arena arena AUTO(arena_done);
	struct milter_fields fields;
	struct buf out AUTO(buf_done);
	struct err err;

	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&out, 4096);
	assert_int_equal(milter_fields_read(&fields, slice_str(HEADER), &arena, &err), 0);
	for (int keeps = 0; keeps < 2; keeps++) {
		fields.keeps_space = keeps;
		for (const struct milter_field *f = fields.first; f; f = f->next) {
			const struct slice value = milter_field_value(&fields, f);

			if (f->is_shown)
				buf_printf(
					&out, "%.*s<%.*s>", SLICE_ARG(f->name), SLICE_ARG(value));
		}
	}
	buf_byte(&out, '\0');
	assert_string_equal(out.ptr, "A<one>B<two\n three>a<four>A< one>B< two\n three>a<four>");
}

static void test_bounds(void **state)
{
	struct arena arena AUTO(arena_done);
	struct milter_fields fields;
	struct err err;
	int rc = 0;

	(void)state;
	arena_init(&arena, 8 << 20);
	assert_int_equal(milter_fields_read(&fields, slice_lit("A: 1\r\n"), &arena, &err), 0);
	for (int i = 0; i < MILTER_CHANGES_MAX; i++)
		assert_int_equal(
			milter_fields_add(&fields, slice_lit("X"), slice_lit("y"), &err), 0);
	rc = milter_fields_add(&fields, slice_lit("X"), slice_lit("y"), &err);
	assert_int_equal(rc, -ERR_TOOBIG);
}

static void test_lines(void **state)
{
	static const char *const rows[][2] = {
		{"a\r\nb", "a\r\nb"},
		{"a\nb\r", "a\r\nb\r\n"},
		{"\r\r\n\n", "\r\n\r\n\r\n"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct buf out AUTO(buf_done);

		buf_init(&out, 64);
		milter_put_lines(&out, slice_str(rows[i][0]));
		buf_byte(&out, '\0');
		assert_string_equal(out.ptr, rows[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_the_deleted_count),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
