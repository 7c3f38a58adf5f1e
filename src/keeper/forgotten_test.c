/* forgotten_test.c - the forgotten password: resets as a server asks, cases as the staff do. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "keeper/second_kit.h"

ASK(do_settings, keeper_get_settings(call, q->s[0]))
ASK(do_recovery_cancel, keeper_recovery_cancel(call, q->s[0]))
ASK(do_reset_begin, keeper_reset_begin(call, q->a, slice_lit(HOME)))
ASK(do_reset_end, keeper_reset_end(call, q->s[0], slice_lit("ada@example.org"), q->s[1],
			  (enum keeper_factor)q->n, q->s[2], slice_lit(HOME)))

static int reset_end(struct kit *kit, const char *code, const char *password,
	enum keeper_factor factor, const char *data)
{
	struct kit_ask q = {.ask = do_reset_end,
		.n = factor,
		.s = {slice_str(code), slice_str(password), slice_str(data)}};

	return kit_ask_struct(kit, &q, NULL, 0);
}

static void test_reset(void **state)
{
	struct kit_ask q = {.ask = do_reset_begin, .a = 5};
	struct keeper_settings settings;
	struct keeper_reset reset;
	struct keeper_web w, in;
	struct totp totp;
	char codes[1024];
	struct kit kit;

	(void)state;
	kit_start(&kit, &kit_cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	kit_set_recovery(&kit, w.cookie, "ada@elsewhere.example");
	kit_add_totp(&kit, w.cookie, &totp, codes, sizeof(codes));
	q = (struct kit_ask){.ask = do_settings, .s = {slice_str(w.cookie)}};
	assert_int_equal(kit_ask_struct(&kit, &q, &settings, sizeof(settings)), 0);
	assert_string_equal(settings.recovery_address, "ada@elsewhere.example");
	assert_true(settings.may_reset_by_mail && settings.recovery_codes == 10);
	q = (struct kit_ask){.ask = do_reset_begin, .a = 5};
	assert_int_equal(kit_ask_struct(&kit, &q, &reset, sizeof(reset)), 0);
	assert_string_equal(reset.to, "ada@elsewhere.example");
	/* Who reads that mail has not the factor. */
	assert_int_equal(reset_end(&kit, reset.code, SECOND, 0, ""), -ERR_CONFLICT);
	assert_int_equal(reset_end(&kit, reset.code, SECOND, FACTOR_TOTP, "000000"), -ERR_DENIED);
	assert_int_equal(reset_end(&kit, reset.code, "short", FACTOR_TOTP, kit_totp_code(&totp, 0)),
		-ERR_SYNTAX);
	assert_int_equal(reset_end(&kit, "phl-0000-0000-0000-0000-0000-0000-0000", SECOND, 0, ""),
		-ERR_DENIED);
	assert_int_equal(
		reset_end(&kit, reset.code, SECOND, FACTOR_TOTP, kit_totp_code(&totp, 0)), 0);
	assert_int_equal(kit_check(&kit, w.cookie, &in), -ERR_DENIED);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &in), -ERR_DENIED);
	assert_int_equal(kit_sign_in(&kit, 5, SECOND, HOME, false, &in), 0);
	assert_true(in.is_pending); /* the factor stands */
	assert_int_equal(reset_end(&kit, reset.code, FIRST, FACTOR_TOTP, kit_totp_code(&totp, 1)),
		-ERR_DENIED);
	kit_done(&kit);
}

/* ---- cases ---- */

struct staff {
	uint64_t account;
	struct totp totp;
	int64_t step;
};

/* An operator with TOTP. */
static void make_staff(struct kit *kit, struct staff *staff, uint64_t account)
{
	struct keeper_web w;
	char codes[1024];
	struct err err;

	*staff = (struct staff){.account = account};
	fixture_set(account, FIRST, false);
	assert_int_equal(keeper_set_role(FIXTURE_CLI, account, ROLE_OPERATOR, 0, &err), 0);
	assert_int_equal(kit_sign_in(kit, account, FIRST, HOME, false, &w), 0);
	kit_add_totp(kit, w.cookie, &staff->totp, codes, sizeof(codes));
}

/* Their next code; there are two before time has to pass. */
static struct keeper_staff sign(struct staff *staff)
{
	return (struct keeper_staff){
		staff->account, slice_str(kit_totp_code(&staff->totp, staff->step++))};
}

static void test_case(void **state)
{
	struct staff one, two;
	struct keeper_staff s;
	struct keeper_case_step step;
	struct keeper_web w;
	struct kit_ask q;
	char codes[1024];
	struct totp totp;
	struct kit kit;
	struct err err;

	(void)state;
	kit_start(&kit, &kit_cheap);
	make_staff(&kit, &one, 100);
	make_staff(&kit, &two, 101);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	kit_set_recovery(&kit, w.cookie, "ada@elsewhere.example");
	kit_add_totp(&kit, w.cookie, &totp, codes, sizeof(codes));
	/* Who is no operator, or has no factor. */
	s = (struct keeper_staff){5, slice_str(kit_totp_code(&totp, 0))};
	assert_int_equal(keeper_case_open(FIXTURE_CLI, &s, 5, true, slice_lit("me"), &step, &err),
		-ERR_DENIED);
	s = (struct keeper_staff){one.account, slice_lit("000000")};
	assert_int_equal(keeper_case_open(FIXTURE_CLI, &s, 5, true, slice_lit("x"), &step, &err),
		-ERR_DENIED);
	s = sign(&one);
	assert_int_equal(
		keeper_case_open(FIXTURE_CLI, &s, 5, true, slice_lit("telephoned"), &step, &err),
		0);
	assert_string_equal(step.recovery, "ada@elsewhere.example");
	assert_true(step.link[0] && step.row.account == 5);
	assert_int_equal(keeper_case_evidence(FIXTURE_CLI, &s, step.row.id, slice_lit("phone"),
				 slice_lit(""), &step, &err),
		-ERR_DENIED); /* the same code again */
	s = sign(&one);
	assert_int_equal(keeper_case_evidence(FIXTURE_CLI, &s, step.row.id, slice_lit("phone"),
				 slice_lit("called"), &step, &err),
		0);
	assert_int_equal(step.row.points, 30);
	s = sign(&two);
	assert_int_equal(
		keeper_case_approve(FIXTURE_CLI, &s, step.row.id, &step, &err), -ERR_CONFLICT);
	/* The link of the notice stops it. */
	s = sign(&two);
	assert_int_equal(
		keeper_case_close(FIXTURE_CLI, &s, step.row.id, true, slice_lit(""), &step, &err),
		-ERR_CONFLICT);
	q = (struct kit_ask){.ask = do_recovery_cancel, .s = {slice_lit("rubbish")}};
	assert_int_equal(kit_ask_struct(&kit, &q, NULL, 0), -ERR_DENIED);
	kit_done(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
