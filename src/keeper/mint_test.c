/* mint_test.c - generated secrets: their shape, what typing may do to them, and their HMAC. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "keeper/mint.h"

static const enum mint_kind kinds[] = {
	MINT_APP, MINT_RECOVERY, MINT_ACCESS, MINT_REFRESH, MINT_GRANT, MINT_DEVICE, MINT_LINK};

static void test_shape(void **state)
{
	char text[MINT_TEXT], other[MINT_TEXT];

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		unsigned char bytes[MINT_LEN];

		mint_make(kinds[k], text);
		mint_make(kinds[k], other);
		assert_int_equal(strlen(text), MINT_TEXT - 1);
		assert_string_not_equal(text, other);
		assert_int_equal(text[2], kinds[k]);
		for (size_t i = 3; i < MINT_TEXT - 1; i++)
			assert_true(i % 5 == 3 ? text[i] == '-' : isalnum(text[i]));
		for (size_t j = 0; j < sizeof(kinds) / sizeof(kinds[0]); j++)
			assert_int_equal(mint_read(kinds[j], slice_str(text), bytes), j == k);
	}
}

static void test_what_people_type(void **state)
{
	unsigned char want[MINT_LEN], got[MINT_LEN];
	char text[MINT_TEXT], typed[MINT_INPUT_MAX + 1];
	size_t n = 0;

	(void)state;
	mint_make(MINT_RECOVERY, text);
	assert_true(mint_read(MINT_RECOVERY, slice_str(text), want));
	for (size_t i = 0; text[i]; i++) {
		const char c = text[i];

		if (c == '-')
			continue;
		typed[n++] = (char)(c == '0' ? 'O' : c == '1' ? 'l' : toupper(c));
		if (i % 5 == 0 && i > 3)
			typed[n++] = ' ';
	}
	typed[n] = '\0';
	assert_true(mint_read(MINT_RECOVERY, slice_str(typed), got));
	assert_memory_equal(got, want, MINT_LEN);
}

/* Each single wrong character is told from a good text: the checksum has ten bits, so few texts of
 * many get through; one that does is another text, which no HMAC knows. */
static void test_typing_errors(void **state)
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	unsigned char want[MINT_LEN], got[MINT_LEN];
	char text[MINT_TEXT];
	unsigned passed = 0, tried = 0;

	(void)state;
	mint_make(MINT_APP, text);
	assert_true(mint_read(MINT_APP, slice_str(text), want));
	for (size_t i = 4; text[i]; i++) {
		const char before = text[i];

		for (size_t d = 0; before != '-' && digits[d]; d++) {
			text[i] = digits[d];
			if (digits[d] == before)
				continue;
			tried++;
			if (mint_read(MINT_APP, slice_str(text), got)) {
				passed++;
				assert_memory_not_equal(got, want, MINT_LEN);
			}
		}
		text[i] = before;
	}
	assert_true(tried > 800 && passed < 20);
}

static void test_what_is_none(void **state)
{
	static const char *const bad[] = {"", "pha", "pha-", "correct horse battery staple",
		"pha-uuuu-uuuu-uuuu-uuuu-uuuu-uuuu-uuuu", "pha-0000-0000-0000-0000-0000-0000-000",
		"pha-0000-0000-0000-0000-0000-0000-00000", "phx-0000-0000-0000-0000-0000-0000-0000",
		"pha-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000"};
	unsigned char bytes[MINT_LEN], mac[MINT_MAC_LEN] = {7};
	static const unsigned char key[MINT_KEY_LEN];
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (mint_read(MINT_APP, slice_str(bad[i]), bytes))
			fail_msg("<%s> was taken", bad[i]);
		assert_int_equal(
			mint_mac(MINT_APP, slice_str(bad[i]), key, mac, &err), -ERR_DENIED);
		assert_int_equal(mac[0], 7);
	}
}

static void test_mac(void **state)
{
	unsigned char a[MINT_MAC_LEN], b[MINT_MAC_LEN];
	unsigned char key[MINT_KEY_LEN] = {1};
	char text[MINT_TEXT], other[MINT_TEXT];
	struct err err;

	(void)state;
	mint_make(MINT_ACCESS, text);
	mint_make(MINT_ACCESS, other);
	assert_int_equal(mint_mac(MINT_ACCESS, slice_str(text), key, a, &err), 0);
	assert_int_equal(mint_mac(MINT_ACCESS, slice_str(text), key, b, &err), 0);
	assert_memory_equal(a, b, sizeof(a));
	assert_int_equal(mint_mac(MINT_ACCESS, slice_str(other), key, b, &err), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	key[0] = 2;
	assert_int_equal(mint_mac(MINT_ACCESS, slice_str(text), key, b, &err), 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_what_people_type),
		cmocka_unit_test(test_typing_errors),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
