/* second_kit.c - see second_kit.h. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "keeper/second_kit.h"

const struct keeper_config kit_cheap = {
	.argon2_memory_kib = 8, .argon2_passes = 1, .cache_s = 60, .owner_uid = 12345};

int kit_ask_text(struct kit *kit, struct kit_ask *q, char *out, size_t size)
{
	const int rc = kit_ask(kit, q);
	const struct keeper_text *text = q->answer.data;

	if (rc == 0 && out)
		snprintf(out, size, "%s", text->text);
	free(q->answer.data);
	return rc;
}

int kit_ask_struct(struct kit *kit, struct kit_ask *q, void *out, size_t size)
{
	const int rc = kit_ask(kit, q);

	if (rc == 0 && out)
		memcpy(out, q->answer.data, size);
	free(q->answer.data);
	return rc;
}

ASK(do_begin, keeper_factor_begin(call, q->s[0], (enum keeper_factor)q->n, q->s[1],
		      slice_lit("ada@example.org")))
ASK(do_confirm,
	keeper_factor_confirm(call, q->s[0], (enum keeper_factor)q->n, slice_lit("mine"), q->s[1]))

int kit_factor_begin(struct kit *kit, const char *cookie, enum keeper_factor factor,
	const char *data, char *out, size_t size)
{
	struct kit_ask q = {
		.ask = do_begin, .n = factor, .s = {slice_str(cookie), slice_str(data)}};

	return kit_ask_text(kit, &q, out, size);
}

int kit_factor_confirm(struct kit *kit, const char *cookie, enum keeper_factor factor,
	const char *data, char *codes, size_t size)
{
	struct kit_ask q = {
		.ask = do_confirm, .n = factor, .s = {slice_str(cookie), slice_str(data)}};

	return kit_ask_text(kit, &q, codes, size);
}

const char *kit_totp_code(const struct totp *totp, int64_t steps)
{
	static char code[TOTP_DIGITS_MAX + 1];
	struct err err;

	assert_int_equal(totp_code(totp, clock_wall_s() + steps * TOTP_STEP_S, code, &err), 0);
	return code;
}

void kit_add_totp(struct kit *kit, const char *cookie, struct totp *totp, char *codes, size_t size)
{
	char uri[TOTP_URI_MAX];
	struct slice label;
	struct err err;

	assert_int_equal(kit_factor_begin(kit, cookie, FACTOR_TOTP, "", uri, sizeof(uri)), 0);
	assert_int_equal(totp_read_uri(slice_str(uri), totp, &label, &err), 0);
	assert_int_equal(
		kit_factor_confirm(kit, cookie, FACTOR_TOTP, kit_totp_code(totp, -1), codes, size),
		0);
}

ASK(do_recovery_set, keeper_recovery_set(call, q->s[0], q->s[1]))
ASK(do_recovery_confirm, keeper_recovery_confirm(call, q->s[0], q->s[1]))

void kit_set_recovery(struct kit *kit, const char *cookie, const char *address)
{
	struct kit_ask q = {.ask = do_recovery_set, .s = {slice_str(cookie), slice_str(address)}};
	struct keeper_recovery_sent sent;

	assert_int_equal(kit_ask_struct(kit, &q, &sent, sizeof(sent)), 0);
	q = (struct kit_ask){
		.ask = do_recovery_confirm, .s = {slice_str(cookie), slice_str(sent.confirm)}};
	assert_int_equal(kit_ask_struct(kit, &q, NULL, 0), 0);
}
