/* recover_test.c - recovery addresses, resets and cases: in order, forged, stolen, too late. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "keeper/case.h"
#include "keeper/factor_kit.h"
#include "keeper/recover.h"

#define OLD "ada@old.example"
#define NEW "ada@new.example"
#define EVIL "eve@evil.example"

/* ---- the calls, each in a change of its own ---- */

static int set(struct factor_kit *w, uint64_t account, const char *address,
	struct keeper_recovery_sent *out)
{
	struct err err;
	int rc = recover_set(
		w->factors, factor_kit_change(w), account, slice_str(address), out, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static int confirm(struct factor_kit *w, uint64_t account, const char *code)
{
	struct err err;
	int rc = recover_confirm(w->factors, factor_kit_change(w), account, slice_str(code), &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static int cancel(struct factor_kit *w, const char *code)
{
	uint64_t account;
	struct err err;
	int rc = recover_cancel(w->factors, factor_kit_change(w), slice_str(code), &account, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static struct recovery get(struct factor_kit *w, uint64_t account)
{
	struct recovery out;
	struct err err;
	int rc = recover_get(factor_kit_change(w), account, &out, &err);

	assert_int_equal(secrets_change_end(w->secrets, rc, &err), 0);
	return out;
}

/* The account has this address, and nothing that could be taken back any more. */
static void settle(struct factor_kit *w, uint64_t account, const char *address)
{
	struct keeper_recovery_sent sent;

	assert_int_equal(set(w, account, address, &sent), 0);
	assert_int_equal(confirm(w, account, sent.confirm), 0);
	clock_shift(INT64_C(1000000) * (RECOVER_CANCEL_S + 1));
}

static void test_active_confirmation(void **state)
{
	struct factor_kit *w = *state;
	struct keeper_recovery_sent sent;

	assert_int_equal(set(w, 7, OLD, &sent), 0);
	assert_string_equal(sent.old_address, "");
	assert_string_equal(sent.cancel, "");
	/* Silence is no consent. */
	assert_string_equal(get(w, 7).address, "");
	assert_string_equal(get(w, 7).next, OLD);
	assert_int_equal(confirm(w, 8, sent.confirm), -ERR_DENIED); /* another account's */
	assert_int_equal(confirm(w, 7, "phl-0000-0000-0000-0000-0000-0000-0000"), -ERR_DENIED);
	assert_int_equal(confirm(w, 7, sent.confirm), 0);
	assert_string_equal(get(w, 7).address, OLD);
	assert_int_equal(confirm(w, 7, sent.confirm), -ERR_DENIED);
	assert_int_equal(set(w, 7, NEW, &sent), 0);
	clock_shift(INT64_C(1000000) * (RECOVER_CONFIRM_S + 1));
	assert_string_equal(get(w, 7).next, "");
	assert_int_equal(confirm(w, 7, sent.confirm), -ERR_DENIED); /* too late */
	assert_string_equal(get(w, 7).address, OLD);
}

static void test_taken_back(void **state)
{
	struct factor_kit *w = *state;
	struct keeper_recovery_sent first, second;

	settle(w, 7, OLD);
	assert_int_equal(set(w, 7, EVIL, &first), 0);
	assert_string_equal(first.old_address, OLD);
	assert_int_equal(confirm(w, 7, first.cancel), -ERR_DENIED); /* another kind of link */
	assert_int_equal(cancel(w, first.confirm), -ERR_DENIED);
	assert_int_equal(confirm(w, 7, first.confirm), 0);
	assert_string_equal(get(w, 7).address, EVIL);
	/* A second change does not shake the owner off: he is told again. */
	assert_int_equal(set(w, 7, "eve@second.example", &second), 0);
	assert_string_equal(second.old_address, OLD);
	assert_int_equal(confirm(w, 7, second.confirm), 0);
	assert_int_equal(cancel(w, second.cancel), 0);
	assert_string_equal(get(w, 7).address, OLD);
	assert_int_equal(cancel(w, second.cancel), -ERR_DENIED);
	/* And removing it can be taken back as well. */
	assert_int_equal(set(w, 7, "", &first), 0);
	assert_string_equal(get(w, 7).address, "");
	assert_int_equal(cancel(w, first.cancel), 0);
	assert_string_equal(get(w, 7).address, OLD);
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {"ada", "@x", "ada@", "a b@x.example", "a@x\r\nBcc: e@x",
		"a@x,b@y", "<a@x>", "a;b@x", "\"a\"@x"};
	struct factor_kit *w = *state;
	struct keeper_recovery_sent sent;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (set(w, 7, bad[i], &sent) != -ERR_SYNTAX)
			fail_msg("<%s> was taken", bad[i]);
	}
}

/* ---- resets ---- */

static struct keeper_reset ask(struct factor_kit *w, uint64_t account, const char *network)
{
	struct keeper_reset out;
	struct err err;
	int rc = recover_reset(
		w->factors, factor_kit_change(w), account, slice_str(network), &out, &err);

	assert_int_equal(secrets_change_end(w->secrets, rc, &err), 0);
	return out;
}

static int open_link(struct factor_kit *w, const char *code, struct recover_link *out)
{
	struct err err;
	int rc = recover_open(w->factors, factor_kit_change(w), slice_str(code), out, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static int use_link(struct factor_kit *w, const struct recover_link *link)
{
	struct err err;
	int rc = recover_use(factor_kit_change(w), link, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static void test_reset(void **state)
{
	struct factor_kit *w = *state;
	struct keeper_reset first, second;
	struct recover_link link, same, other;
	struct err err;
	int rc;

	assert_string_equal(ask(w, 7, "here").to, ""); /* no address */
	assert_string_equal(ask(w, 0, "here").to, "");
	settle(w, 7, OLD);
	first = ask(w, 7, "here");
	assert_string_equal(first.to, OLD);
	second = ask(w, 7, "here");
	assert_int_equal(open_link(w, first.code, &link), 0);
	assert_int_equal(link.account, 7);
	assert_int_equal(open_link(w, first.code, &same), 0);
	assert_int_equal(open_link(w, second.code, &other), 0);
	assert_int_equal(use_link(w, &link), 0);
	assert_int_equal(use_link(w, &same), -ERR_DENIED); /* of two with one link */
	assert_int_equal(use_link(w, &other), -ERR_DENIED);
	assert_int_equal(open_link(w, first.code, &link), -ERR_DENIED);
	rc = recover_allow_mail(factor_kit_change(w), 7, false, &err);
	assert_int_equal(secrets_change_end(w->secrets, rc, &err), 0);
	assert_string_equal(ask(w, 7, "elsewhere").to, "");
}

static void test_reset_limits(void **state)
{
	struct factor_kit *w = *state;
	struct keeper_reset reset = {.to = ""};
	struct recover_link link;

	settle(w, 7, OLD);
	settle(w, 8, NEW);
	for (int i = 0; i < RECOVER_OF_ACCOUNT; i++) {
		reset = ask(w, 7, "one");
		assert_string_equal(reset.to, OLD);
	}
	assert_string_equal(ask(w, 7, "two").to, "");
	for (int i = RECOVER_OF_ACCOUNT; i < RECOVER_OF_NETWORK; i++)
		ask(w, 0, "one");
	assert_string_equal(ask(w, 8, "one").to, "");
	assert_string_equal(ask(w, 8, "two").to, NEW);
	for (int i = 0; i < RECOVER_RESET_TRIES; i++)
		assert_int_equal(open_link(w, reset.code, &link), 0);
	assert_int_equal(open_link(w, reset.code, &link), -ERR_DENIED);
	clock_shift(INT64_C(1000000) * (RECOVER_RESET_S + 1));
	reset = ask(w, 7, "one");
	clock_shift(INT64_C(1000000) * (RECOVER_RESET_S + 1));
	assert_int_equal(open_link(w, reset.code, &link), -ERR_DENIED);
}

/* ---- cases ---- */

static int evidence(
	struct factor_kit *w, uint64_t id, uint64_t staff, const char *kind, char stop[MINT_TEXT])
{
	struct err err;
	int rc = case_evidence(w->factors, factor_kit_change(w), id, staff, slice_str(kind),
		slice_lit("seen"), stop, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static int approve(struct factor_kit *w, uint64_t id, uint64_t staff)
{
	struct err err;
	int rc = case_approve(factor_kit_change(w), id, staff, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static int grant(struct factor_kit *w, uint64_t id, uint64_t staff)
{
	struct case_row row;
	struct err err;
	int rc = case_grant(factor_kit_change(w), id, staff, slice_lit("done"), &row, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static int open_case(struct factor_kit *w, uint64_t id, bool removes, char stop[MINT_TEXT])
{
	const struct case_new new = {.id = id,
		.staff = 100,
		.account = 7,
		.removes_factors = removes,
		.note = slice_lit("telephoned")};
	struct err err;
	int rc = case_open(w->factors, factor_kit_change(w), &new, stop, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static int stop_case(struct factor_kit *w, const char *code)
{
	struct case_row row;
	struct err err;
	int rc = case_stop(w->factors, factor_kit_change(w), slice_str(code), &row, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static void test_case(void **state)
{
	struct factor_kit *w = *state;
	char first[MINT_TEXT], stop[MINT_TEXT];

	assert_int_equal(open_case(w, 50, true, first), 0);
	assert_int_equal(open_case(w, 51, true, stop), -ERR_EXISTS);
	assert_int_equal(grant(w, 50, 100), -ERR_CONFLICT);
	assert_int_equal(evidence(w, 50, 100, "identity", stop), 0);
	assert_int_equal(evidence(w, 50, 101, "identity", stop), -ERR_EXISTS);
	assert_int_equal(evidence(w, 50, 100, "rumour", stop), -ERR_SYNTAX);
	assert_int_equal(evidence(w, 99, 100, "phone", stop), -ERR_NOTFOUND);
	assert_int_equal(evidence(w, 50, 100, "phone", stop), 0);
	assert_string_equal(stop, "");
	assert_int_equal(approve(w, 50, 102), -ERR_CONFLICT); /* 70 points */
	assert_int_equal(evidence(w, 50, 101, "payment", stop), 0);
	assert_string_not_equal(stop, "");
	assert_int_equal(stop_case(w, first), -ERR_DENIED); /* another took its place */
	/* Neither who opened it, nor who entered evidence, nor the account itself. */
	assert_int_equal(approve(w, 50, 100), -ERR_DENIED);
	assert_int_equal(approve(w, 50, 101), -ERR_DENIED);
	assert_int_equal(approve(w, 50, 7), -ERR_DENIED);
	clock_shift(INT64_C(1000000) * (CASE_WAIT_S + 1));
	assert_int_equal(grant(w, 50, 100), -ERR_CONFLICT);
	assert_int_equal(approve(w, 50, 102), 0);
	assert_int_equal(grant(w, 50, 100), 0);
	assert_int_equal(grant(w, 50, 100), -ERR_CONFLICT);
	assert_int_equal(stop_case(w, stop), -ERR_CONFLICT);
}

static void test_case_waits(void **state)
{
	struct factor_kit *w = *state;
	char stop[MINT_TEXT];

	assert_int_equal(open_case(w, 50, false, stop), 0);
	assert_int_equal(evidence(w, 50, 100, "person", stop), 0);
	assert_int_equal(evidence(w, 50, 100, "identity", stop), 0);
	assert_int_equal(evidence(w, 50, 100, "contents", stop), 0);
	assert_int_equal(grant(w, 50, 100), -ERR_CONFLICT);
	clock_shift(INT64_C(1000000) * (CASE_WAIT_S - 60));
	assert_int_equal(grant(w, 50, 100), -ERR_CONFLICT);
	/* Who reads a notice stops it; then nothing goes on. */
	assert_int_equal(stop_case(w, stop), 0);
	clock_shift(INT64_C(1000000) * 120);
	assert_int_equal(grant(w, 50, 100), -ERR_CONFLICT);
	assert_int_equal(evidence(w, 50, 100, "phone", stop), -ERR_CONFLICT);
	assert_int_equal(open_case(w, 51, false, stop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_active_confirmation, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_taken_back, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_addresses, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_reset, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_reset_limits, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(test_case, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_case_waits, factor_kit_set_up, factor_kit_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
