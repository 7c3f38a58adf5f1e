/* flood_test.c - what messages are taken for, and what becomes of a flood of them. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "mail/flood.h"
#include "mail/mail_kit.h"

enum { TEXT_MAX = 2000 };

static struct mail_kit kit;
static int64_t shifted_s;
static unsigned told;
static char told_folder[64];

static void tell(struct service *service, uint64_t account, struct slice folder)
{
	(void)service;
	assert_true(account == kit.ids[KIT_ALICE]);
	snprintf(told_folder, sizeof(told_folder), "%.*s", SLICE_ARG(folder));
	told++;
}

static int setup(void **state)
{
	(void)state;
	kit_open(&kit);
	kit.service.tell_flood = tell;
	kit_start(&kit);
	told = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kit_close(&kit);
	clock_shift(-shifted_s * 1000000);
	shifted_s = 0;
	return 0;
}

static void pass(int64_t seconds)
{
	clock_shift(seconds * 1000000);
	shifted_s += seconds;
}

/* ---- one message ---- */

#define N FLOOD_NOTHING
#define E FLOOD_ENROLMENT
#define S FLOOD_SECURITY

static const struct {
	enum flood_kind want;
	const char *header;
} looks[] = {
	/* what floods are made of */
	{E, "From: Mailman <mailman-bounces@lists.example>\n"
	    "Subject: confirm 1f0c9a3be2d47756c0ffee0123456789abcdef01\nList-Id: "
	    "<users.lists.example>"},
	{E, "From: users-request@lists.example\nSubject: Welcome to the \"Users\" mailing list"},
	{E, "From: WordPress <wordpress@blog.example>\nSubject: [A Blog] Login Details"},
	{E, "From: shop@shop.example\nSubject: Please confirm your subscription"},
	{E, "From: Shop <news@shop.example>\nSubject: "
	    "=?utf-8?B?QmVzdMOkdGlnZW4gU2llIElocmUgQW5tZWxkdW5n?="},
	{E, "From: a@b.example\nSubject: "
	    "=?iso-8859-1?Q?Bitte_best=E4tigen_Sie_Ihre_Newsletter-Anmeldung?="},
	{E, "From: a@b.example\nSubject: CONFIRM YOUR E-MAIL ADDRESS"},
	{E, "From: a@b.example\nSubject: =?utf-8?Q?Confirmez_votre_inscription_=C3=A0_la_lettre?="},
	{E, "From: a@b.example\nSubject: =?utf-8?Q?Confirma_tu_suscripci=C3=B3n?="},
	{E, "From: a@b.example\nSubject: Conferma la tua iscrizione"},
	{E, "From: a@b.example\n"
	    "Subject: =?utf-8?B?0J/QvtC00YLQstC10YDQtNC40YLQtSDRgNC10LPQuNGB0YLRgNCw0YbQuNGO?="},
	{E, "From: no-reply@forum.example\nSubject: Welcome to Forum!"},
	{E, "From: hi@app.example\nSubject: Willkommen bei App\nList-Unsubscribe: "
	    "<https://app.example/u>"},
	{E, "From: x@y.example\nSubject: Thank you for signing up"},
	{E, "From: x@y.example\nAuto-Submitted: auto-generated\nSubject: Your registration at Y"},
	/* what they hide */
	{S, "From: shop@shop.example\nSubject: Your order 4711 is on its way"},
	{S, "From: no-reply@bank.example\nSubject: You have a new transfer to confirm"},
	{S, "From: noreply@mail.example\nSubject: Your password was changed"},
	{S, "From: noreply@mail.example\nSubject: Please confirm your password change"},
	{S, "From: noreply@mail.example\nSubject: Security alert: new sign-in on Linux"},
	{S, "From: noreply@shop.example\nSubject: Your Amazon.example order #305-1 of \"Phone\""},
	{S, "From: x@y.example\nSubject: =?utf-8?Q?Ihre_=C3=9Cberweisung?="},
	{S, "From: noreply@shop.example\nSubject: =?utf-8?Q?Bestellbest=C3=A4tigung?="},
	{S, "From: noreply@air.example\nSubject: Booking confirmation ABC123"},
	{S, "From: noreply@x.example\nSubject: Welcome! Your verification code is 123456"},
	/* people, and other mail */
	{N, "From: mum@family.example\nSubject: welcome home"},
	{N, "From: bob@work.example\nSubject: Re: Please confirm your subscription"},
	{N, "From: bob@work.example\nIn-Reply-To: <1@x.example>\nSubject: AW: Willkommen"},
	{N, "From: bob@work.example\nSubject: can you confirm the date?"},
	{N, "From: news@paper.example\nSubject: Morning briefing\nList-Unsubscribe: "
	    "<https://p.example>"},
	{N, "From: bob@work.example\nSubject:"},
	{N, "From: bob@work.example"},
	{N, "Subject: hello"},
	{N, "Auto-Submitted: no\nFrom: bob@work.example\nSubject: Welcome"},
};

static struct incoming *incoming_of(const char *header)
{
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "%.1900s\n\nhello\n", header);
	return kit_incoming(&kit, text);
}

static void test_looks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		struct incoming *in = incoming_of(looks[i].header);
		const struct flood_look look = flood_look(buf_slice(&in->prepared));

		if (look.kind != looks[i].want)
			fail_msg("%s: %d, not %d", looks[i].header, look.kind, looks[i].want);
		incoming_free(&in);
	}
}

/* The domain counts, not who in it, nor how it is written. */
static void test_senders(void **state)
{
	static const char *const same[] = {"From: a@lists.example", "From: B <b@LISTS.example>",
		"From: \"c, d\" <c@lists.Example>"};
	uint64_t senders[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char header[TEXT_MAX];
		struct incoming *in;

		snprintf(header, sizeof(header), "%s\nSubject: confirm your subscription",
			i < 3 ? same[i] : "From: a@other.example");
		in = incoming_of(header);
		senders[i] = flood_look(buf_slice(&in->prepared)).sender;
		incoming_free(&in);
	}
	assert_true(senders[0] == senders[1] && senders[1] == senders[2]);
	assert_true(senders[0] != senders[3]);
	for (size_t cut = 0; cut < 40; cut++) { /* and what is no message harms nobody */
		const char zeros[40] = {1};

		assert_int_equal(flood_look((struct slice){zeros, cut}).kind, FLOOD_NOTHING);
	}
}

/* ---- many ---- */

static void take(const char *header)
{
	static const char *const alice[] = {"alice@posthouse.example", NULL};
	struct incoming *in = incoming_of(header);

	assert_int_equal(kit_submit(&kit, "sender@elsewhere.example", alice, in), 0);
	incoming_free(&in);
}

/* n enrolments, each from a domain of its own. */
static void take_flood(unsigned first, unsigned n)
{
	char header[TEXT_MAX];

	for (unsigned i = first; i < first + n; i++) {
		snprintf(header, sizeof(header),
			"From: no-reply@d%u.example\nSubject: Please confirm your subscription", i);
		take(header);
	}
}

static struct account *alice(void)
{
	struct account *account;
	struct err err;

	assert_int_equal(
		store_account(kit.service.store, kit.ids[KIT_ALICE], 0, &account, &err), 0);
	return account;
}

/* How many messages a mailbox has; -1: there is no such mailbox. */
static int count(const char *name)
{
	struct account *account AUTO(account_free) = alice();
	struct arena arena AUTO(arena_done);
	struct mailbox_info info;
	struct err err;

	arena_init(&arena, 4096);
	return account_mailbox(account, slice_str(name), 0, ROLE_NONE, &arena, &info, &err) < 0
		       ? -1
		       : (int)info.messages;
}

#define FOLDER "Sign-up mail"

static void test_flood(void **state)
{
	(void)state;
	take("From: shop@shop.example\nSubject: Your order 1");
	take_flood(0, FLOOD_SENDERS - 1);
	assert_int_equal(count("INBOX"), FLOOD_SENDERS);
	assert_int_equal(count(FOLDER), -1);
	assert_int_equal(told, 0);
	/* the next one tells what all of them are */
	take_flood(FLOOD_SENDERS - 1, 1);
	assert_int_equal(count("INBOX"), 1);
	assert_int_equal(count(FOLDER), FLOOD_SENDERS);
	assert_int_equal(told, 1);
	assert_string_equal(told_folder, FOLDER);
	take_flood(100, 200);
	assert_int_equal(count("INBOX"), 1);
	assert_int_equal(count(FOLDER), FLOOD_SENDERS + 200);
	/* what matters stays, and so does what is none of it */
	take("From: noreply@mail.example\nSubject: Your password was changed");
	take("From: mum@family.example\nSubject: dinner?");
	assert_int_equal(count("INBOX"), 3);
	assert_int_equal(told, 1);
}

/* Few, slow, or all of one sender: no flood. */
static void test_no_flood(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3 * FLOOD_REMEMBERED; i++)
		take("From: no-reply@one.example\nSubject: Welcome to One");
	assert_int_equal(count(FOLDER), -1);
	pass(2 * FLOOD_WINDOW_S);
	for (unsigned i = 0; i < 40; i++) {
		take_flood(i, 1);
		pass(FLOOD_WINDOW_S / (FLOOD_SENDERS - 1) + 20);
	}
	assert_int_equal(count(FOLDER), -1);
	assert_int_equal(told, 0);
}

/* It ends when nothing came for a while, and another one is told of again. */
static void test_end(void **state)
{
	(void)state;
	take_flood(0, FLOOD_SENDERS);
	pass(FLOOD_QUIET_S - 60);
	take_flood(50, 1);
	pass(FLOOD_QUIET_S - 60);
	take_flood(51, 1);
	assert_int_equal(count(FOLDER), FLOOD_SENDERS + 2);
	pass(FLOOD_QUIET_S + 60);
	take_flood(52, 1);
	assert_int_equal(count(FOLDER), FLOOD_SENDERS + 2);
	assert_int_equal(count("INBOX"), 1);
	take_flood(60, FLOOD_SENDERS);
	assert_int_equal(count("INBOX"), 0);
	assert_int_equal(told, 2);
}

/* The account remembers, not the process. */
static void test_restart(void **state)
{
	(void)state;
	take_flood(0, FLOOD_SENDERS - 1);
	kit_stop(&kit);
	kit_resume(&kit);
	kit_start(&kit);
	take_flood(FLOOD_SENDERS, 1);
	assert_int_equal(count("INBOX"), 0);
	assert_int_equal(count(FOLDER), FLOOD_SENDERS);
}

/* What the user does with the folder meanwhile. */
struct wish {
	struct account_write write;
	const char *from, *to; /* to: a rename; else it is deleted */
	int rc;
};

static int change(struct account_write *w, struct account_tx *tx, struct err *err)
{
	const struct wish *wish = (const struct wish *)w;

	if (wish->to)
		return tx_mailbox_rename(tx, slice_str(wish->from), slice_str(wish->to), err);
	return tx_mailbox_delete(tx, slice_str(wish->from), err);
}

static void change_done(struct account_write *w, int rc, const struct err *err)
{
	(void)err;
	((struct wish *)w)->rc = rc;
}

static void do_change(const char *from, const char *to)
{
	struct account *account AUTO(account_free) = alice();
	struct wish wish = {.write = {.run = change, .done = change_done}, from, to, 1};

	account_submit(account, &wish.write);
	assert_int_equal(wish.rc, 0);
}

static void test_the_users_folder(void **state)
{
	(void)state;
	take_flood(0, FLOOD_SENDERS);
	do_change(FOLDER, "Rubbish"); /* it is still the one */
	take_flood(100, 5);
	assert_int_equal(count("Rubbish"), FLOOD_SENDERS + 5);
	assert_int_equal(count(FOLDER), -1);
	do_change("Rubbish", NULL); /* another one is made */
	take_flood(200, 5);
	assert_int_equal(count(FOLDER), 5);
	/* and after the end, one of that name is used */
	pass(FLOOD_QUIET_S + 60);
	take_flood(300, FLOOD_SENDERS);
	assert_int_equal(count(FOLDER), 5 + FLOOD_SENDERS);
	assert_int_equal(count("INBOX"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_looks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_senders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_users_folder, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
