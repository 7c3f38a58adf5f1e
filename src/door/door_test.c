/* door_test.c - each check with answers from a table, the sum of points, counts and greylisting. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/temp.h"
#include "door/internal.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LISTS "ip/bl.example/5 ip/part.example/3/127.0.0.4 ip/good.example/-8, domain/dbl.example/4"

/* A world of names: what is not here does not exist; "fail" cannot be told. */
static const struct {
	const char *name;
	enum dns_type type;
	const char *data; /* an address, a name on the wire, or a TXT string with its length byte */
} world[] = {
	{"mx.good.example", DNS_A, "192.0.2.1"},
	{"mx.liar.example", DNS_A, "192.0.2.9"},
	{"1.2.0.192.in-addr.arpa", DNS_PTR, "\2mx\4good\7example"},
	{"2.2.0.192.in-addr.arpa", DNS_PTR, "\2mx\4liar\7example"},
	{"3.2.0.192.in-addr.arpa", DNS_PTR, "fail"},
	{"4.2.0.192.bl.example", DNS_A, "127.0.0.2"},
	{"4.2.0.192.bl.example", DNS_TXT, "\7because"},
	{"5.2.0.192.bl.example", DNS_A, "127.255.255.254"},
	{"5.2.0.192.part.example", DNS_A, "127.0.0.2"},
	{"6.2.0.192.part.example", DNS_A, "127.0.0.4"},
	{"6.2.0.192.bl.example", DNS_A, "10.0.0.1"},
	{"4.2.0.192.good.example", DNS_A, "127.0.0.2"},
	{"spam.example.dbl.example", DNS_A, "127.0.1.2"},
	{"fail.example", DNS_A, "fail"},
	{"fail.example", DNS_AAAA, "fail"},
};

static void answer(struct dns_view *view, const struct dns_question *question)
{
	struct dns_answer answer = {.status = DNS_NXDOMAIN};
	struct slice rdata;
	struct ip ip;

	for (size_t i = 0; i < COUNT(world); i++) {
		if (!slice_eq(question->name, slice_str(world[i].name)) ||
			question->type != world[i].type)
			continue;
		answer.status = strcmp(world[i].data, "fail") ? DNS_FOUND : DNS_FAILED;
		rdata = slice_str(world[i].data);
		if (question->type == DNS_PTR)
			rdata.len++; /* the root's label */
		if (question->type == DNS_A && ip_parse(rdata, &ip))
			rdata = (struct slice){(const char *)ip.bytes, ip.len};
		answer.n = answer.status == DNS_FOUND;
		answer.rdata = &rdata;
	}
	dns_view_put(view, question->name, question->type, &answer);
}

static void look(struct door *door, struct door_visit *visit)
{
	struct dns_question question;

	for (int turns = 0;; turns++) {
		size_t at = 0;

		assert_true(turns < 5);
		door_look(door, visit);
		if (!visit->view.pending)
			return;
		while (dns_view_next_pending(&visit->view, &at, &question))
			answer(&visit->view, &question);
	}
}

static struct pool *pool;

static struct door *door_with(const char *text)
{
	struct config *config AUTO(config_free) = NULL;
	struct door *door = NULL;
	struct err err;

	if (config_parse(slice_str(text), "test", &config, &err) < 0 ||
		door_open(config, slice_lit("https://home.example"), pool, &door, &err) < 0)
		print_message("%s\n", err.msg);
	return door;
}

static const struct {
	const char *ip, *helo, *sender;
	bool was_early;
	const char *want; /* points and what they are made of */
	const char *says; /* in the reply; NULL: none */
} cases[] = {
	{"192.0.2.1", "mx.good.example", "a@b.example", false, "0 ", NULL},
	{"192.0.2.1", "mx.good.example", "", false, "0 ", NULL},
	{"192.0.2.1", "mx.good.example", "", true, "6 early=6", NULL},
	{"192.0.2.1", "[192.0.2.1]", "", false, "0 ", NULL},
	{"192.0.2.1", "[192.0.2.2]", "", false, "2 helo=2", NULL},
	{"192.0.2.1", "192.0.2.1", "", false, "2 helo=2", NULL},
	{"192.0.2.1", "localhost", "", false, "2 helo=2", NULL},
	{"192.0.2.1", "fail.example", "", false, "0 ", NULL},
	{"192.0.2.1", "nobody.example", "", false, "2 helo=2", NULL},
	{"192.0.2.1", "US.example", "", false, "4 helo=4", NULL},
	{"192.0.2.2", "mx.good.example", "", false, "2 iprev=2", NULL},
	{"192.0.2.3", "mx.good.example", "", false, "0 ", NULL},
	{"192.0.2.7", "mx.good.example", "", false, "2 iprev=2", NULL},
	{"192.0.2.4", "mx.good.example", "", false, "-1 iprev=2 list=-3", NULL},
	{"192.0.2.4", "mx.good.example", "x@spam.example", true, "9 early=6 iprev=2 list=1", NULL},
	{"192.0.2.5", "mx.good.example", "", false, "2 iprev=2", NULL},
	{"192.0.2.6", "mx.good.example", "x@spam.example", false, "9 iprev=2 list=7", NULL},
	{"192.0.2.6", "spam.example", "x@spam.example", false, "11 helo=2 iprev=2 list=7",
		"spam.example is listed by dbl.example; see https://h.example/x#list"},
	{"192.0.2.6", "us.example", "x@spam.example", false, "13 helo=4 iprev=2 list=7",
		"spam.example is listed by dbl.example; see https://h.example/x#list"},
	{"192.0.2.2", "us.example", "", true, "12 early=6 helo=4 iprev=2",
		"Your server spoke before it was greeted; see https://h.example/x#early"},
};

static void test_checks(void **state)
{
	struct door *door = door_with("host_name = \"us.example\";\n"
				      "door = { lists = \"" LISTS "\"; greylist = 100;\n"
				      "link = \"https://h.example/x\"; };\n");
	char got[2 * DOOR_TEXT_MAX];

	(void)state;
	assert_non_null(door);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct door_visit *visit = door_visit_new(door, slice_str(cases[i].ip));
		struct door_judgement j;

		visit->was_early = cases[i].was_early;
		visit->helo = slice_str(cases[i].helo);
		visit->sender = slice_str(cases[i].sender);
		look(door, visit);
		door_judge(door, visit, slice_lit("r@us.example"), false, &j);
		snprintf(got, sizeof(got), "%d %s", j.points, j.why);
		if (strcmp(got, cases[i].want) != 0 ||
			j.decision != (cases[i].says ? DOOR_REFUSE : DOOR_PASS) ||
			strcmp(j.text, cases[i].says ? cases[i].says : "") != 0)
			fail_msg("case %zu: <%s> <%s>", i, got, j.text);
		door_judge(door, visit, slice_lit("r@us.example"), true, &j);
		assert_int_equal(j.decision, DOOR_PASS);
		door_visit_free(&visit);
	}
	door_close(&door);
}

static void test_reason_of_a_list(void **state)
{
	struct door *door = door_with("door = { lists = \"ip/bl.example/20\"; };\n");
	struct door_visit *visit = door_visit_new(door, slice_lit("192.0.2.4"));
	struct door_judgement j;

	(void)state;
	look(door, visit);
	door_judge(door, visit, slice_lit("r@us.example"), false, &j);
	assert_string_equal(j.text, "192.0.2.4 is listed by bl.example: because; see "
				    "https://home.example/help/refused#list");
	door_visit_free(&visit);
	door_close(&door);
}

static void test_settings(void **state)
{
	static const char *const bad[] = {
		"door = { trusted = \"127.0.0.0/33\"; };",
		"door = { lists = \"bl.example\"; };",
		"door = { lists = \"ip/bl.example/many\"; };",
		"door = { lists = \"ip//5\"; };",
		"door = { lists = \"ip/bl.example/5/127\"; };",
		"door = { weights = \"nose=5\"; };",
		"door = { weights = \"helo=x\"; };",
	};
	struct door *door = door_with("door = { trusted = \"192.0.2.0/24 2001:db8::/32\"; };");
	struct door_visit *visit;

	(void)state;
	assert_null(door_visit_new(door, slice_lit("192.0.2.77")));
	assert_null(door_visit_new(door, slice_lit("2001:db8::5")));
	assert_null(door_visit_new(door, slice_lit(""))); /* a Unix socket */
	visit = door_visit_new(door, slice_lit("127.0.0.1"));
	assert_non_null(visit);
	door_visit_free(&visit);
	door_close(&door);
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (door_with(bad[i]))
			fail_msg("%s", bad[i]);
	}
}

static enum door_decision come(struct door *door, const char *ip, const char *sender)
{
	struct door_visit *visit = door_visit_new(door, slice_str(ip));
	struct door_judgement j;

	visit->helo = slice_lit("nobody.example");
	visit->sender = slice_str(sender);
	look(door, visit);
	door_judge(door, visit, slice_lit("r@us.example"), false, &j);
	door_visit_free(&visit);
	return j.decision;
}

/* Who comes again after the wait is let in; a network that did so twice is known, also after a
 * restart. */
static void test_greylist(void **state)
{
	const char *settings = "door = { greylist = 3; greylist_wait = \"1 m\"; };";
	struct door *door = door_with(settings);

	(void)state;
	assert_int_equal(come(door, "198.51.100.1", "a@x.example"), DOOR_DEFER);
	assert_int_equal(come(door, "198.51.100.1", "a@x.example"), DOOR_DEFER);
	clock_shift(61 * (int64_t)1000000);
	assert_int_equal(come(door, "198.51.100.2", "a@x.example"), DOOR_PASS);
	assert_int_equal(come(door, "198.51.100.1", "b@x.example"), DOOR_DEFER);
	door_close(&door);
	door = door_with(settings);
	assert_int_equal(come(door, "198.51.100.1", "a@x.example"), DOOR_PASS);
	clock_shift(61 * (int64_t)1000000);
	assert_int_equal(come(door, "198.51.100.1", "b@x.example"), DOOR_PASS);
	assert_int_equal(come(door, "198.51.100.1", "c@x.example"), DOOR_PASS);
	assert_int_equal(come(door, "198.51.101.1", "c@x.example"), DOOR_DEFER);
	clock_shift(37 * 86400 * (int64_t)1000000);
	assert_int_equal(come(door, "198.51.100.1", "d@x.example"), DOOR_DEFER);
	door_close(&door);
}

static void test_limits(void **state)
{
	struct door *door =
		door_with("door = { greylist = 100; per_address = 3; per_network = 5; };");
	int passed = 0;

	(void)state;
	for (int i = 0; i < 5; i++)
		passed += come(door, "203.0.113.1", "") == DOOR_PASS;
	assert_int_equal(passed, 3);
	for (int i = 0; i < 5; i++)
		passed += come(door, "203.0.113.2", "") == DOOR_PASS;
	assert_int_equal(passed, 5);
	door_close(&door);
}

static void test_probing(void **state)
{
	struct door *door = door_with("door = { greylist = 100; };");
	struct door_visit *visit = door_visit_new(door, slice_lit("192.0.2.1"));
	struct door_judgement j;

	(void)state;
	visit->helo = slice_lit("mx.good.example");
	for (int i = 1; i < DOOR_UNKNOWN_FEW; i++)
		assert_int_equal(door_note_unknown(door, visit), 0);
	assert_true(door_note_unknown(door, visit) > 0);
	look(door, visit);
	door_judge(door, visit, slice_lit("r@us.example"), false, &j);
	assert_string_equal(j.why, "probe=4");
	for (int i = 0; i < DOOR_UNKNOWN_MANY; i++)
		assert_true(door_note_unknown(door, visit) > 0);
	look(door, visit);
	door_judge(door, visit, slice_lit("r@us.example"), false, &j);
	assert_string_equal(j.why, "probe=8");
	assert_true(j.tarpit_ms > 0);
	door_visit_free(&visit);
	door_close(&door);
}

static char folder[TEMP_MAX];

static int set_up(void **state)
{
	struct err err;

	(void)state;
	if (!mkdtemp(temp_path(folder, "door-test-XXXXXX")) || chdir(folder) < 0)
		return -1;
	return pool_new(&(struct pool_config){.threads = 1, .connections_max = 1}, &pool, &err);
}

static int tear_down(void **state)
{
	(void)state;
	pool_stop(&pool);
	unlink("greylist.db");
	unlink("greylist.db-wal");
	unlink("greylist.db-shm");
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_reason_of_a_list),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_greylist),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_probing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
