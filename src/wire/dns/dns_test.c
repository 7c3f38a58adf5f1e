/* dns_test.c - unit tests of names, RDATA, the view and its bytes between two processes. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/dns/pack.h"
#include "wire/dns/rdata.h"

enum { ARENA_CAP = 1 << 18, OUT_MAX = 1 << 16 };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LABEL63 "aaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg"

static void assert_slice(struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want)))
		fail_msg("got <%.*s>, want <%s>", SLICE_ARG(got), want);
}

static const struct {
	const char *text, *want; /* NULL: it is no name */
} names[] = {
	{"Example.ORG", "example.org"},
	{"example.org.", "example.org"},
	{"", ""},
	{".", ""},
	{"_25._tcp.mx", "_25._tcp.mx"},
	{"a+b=c.example", "a+b=c.example"},
	{LABEL63, LABEL63},
	{LABEL63 "x", NULL},
	{"a..b", NULL},
	{".a", NULL},
	{"a..", NULL},
	{"a b", NULL},
	{"a\\.b", NULL},
	{"\xc3\xa4.org", NULL},
	{LABEL63 "." LABEL63 "." LABEL63 "." LABEL63, NULL},
};

static void test_names(void **state)
{
	struct arena arena AUTO(arena_done);

	(void)state;
	arena_init(&arena, ARENA_CAP);
	for (size_t i = 0; i < COUNT(names); i++) {
		struct slice got = slice_lit("untouched");

		if (dns_name_parse(slice_str(names[i].text), &arena, &got) != !!names[i].want)
			fail_msg("%s", names[i].text);
		assert_slice(got, names[i].want ? names[i].want : "untouched");
	}
}

/* Reads RDATA as the type says and writes it in the way of a zone file; "!": it is malformed. */
static void trace(enum dns_type type, struct slice rdata, char *out, size_t cap)
{
	struct arena arena AUTO(arena_done);
	struct slice text = {0};
	struct dns_mx mx;
	struct dns_srv srv;
	struct dns_tlsa tlsa;
	struct dns_soa soa;
	struct ip ip;
	bool is_good = false;

	arena_init(&arena, ARENA_CAP);
	if (type == DNS_A) {
		is_good = dns_read_address(rdata, &ip);
		if (is_good)
			ip_write(&ip, out);
	} else if (type == DNS_TXT || type == DNS_PTR) {
		is_good = type == DNS_TXT ? dns_read_txt(rdata, &arena, &text)
					  : dns_read_host(rdata, &arena, &text);
		snprintf(out, cap, "<%.*s>", SLICE_ARG(text));
	} else if (type == DNS_MX) {
		is_good = dns_read_mx(rdata, &arena, &mx);
		if (is_good)
			snprintf(out, cap, "%u <%.*s>", mx.preference, SLICE_ARG(mx.host));
	} else if (type == DNS_SRV) {
		is_good = dns_read_srv(rdata, &arena, &srv);
		if (is_good)
			snprintf(out, cap, "%u %u %u <%.*s>", srv.priority, srv.weight, srv.port,
				SLICE_ARG(srv.host));
	} else if (type == DNS_TLSA) {
		is_good = dns_read_tlsa(rdata, &tlsa);
		if (is_good)
			snprintf(out, cap, "%u %u %u %.*s", tlsa.usage, tlsa.selector,
				tlsa.matching, SLICE_ARG(tlsa.data));
	} else if (type == DNS_SOA) {
		is_good = dns_read_soa(rdata, &arena, &soa);
		if (is_good)
			snprintf(out, cap, "<%.*s> <%.*s> %u %u %u %u %u", SLICE_ARG(soa.primary),
				SLICE_ARG(soa.contact), soa.serial, soa.refresh, soa.retry,
				soa.expire, soa.minimum);
	}
	if (!is_good)
		snprintf(out, cap, "!");
}

static const struct {
	enum dns_type type;
	struct slice rdata;
	const char *want;
} records[] = {
	{DNS_A, {"\300\0\2\1", 4}, "192.0.2.1"},
	{DNS_A, {"\300\0\2", 3}, "!"},
	{DNS_A, {" \1\r\270\0\0\0\0\0\0\0\0\0\0\0\1", 16}, "2001:db8::1"},
	{DNS_A, {"\0\0\0\0\0\0\0\0\0\0\377\377\300\0\2\1", 16}, "192.0.2.1"},
	{DNS_PTR, {"\4Mail\7example\3org", 18}, "<mail.example.org>"},
	{DNS_PTR, {"", 1}, "<>"},
	{DNS_PTR, {"", 0}, "!"},
	{DNS_PTR, {"\4mail\7example\3org", 17}, "!"},
	{DNS_PTR, {"\4mail\0x", 7}, "!"},
	{DNS_PTR, {"\4ma.l", 6}, "!"},
	{DNS_PTR, {"\4ma l", 6}, "!"},
	{DNS_PTR, {"\300\14", 2}, "!"},
	{DNS_MX, {"\0\12\2mx\7example", 14}, "10 <mx.example>"},
	{DNS_MX, {"\0\0", 3}, "0 <>"},
	{DNS_MX, {"\0\0", 2}, "!"},
	{DNS_TXT, {"\3v=s\3pf1\0\2 -", 12}, "<v=spf1 ->"},
	{DNS_TXT, {"", 1}, "<>"},
	{DNS_TXT, {"", 0}, "!"},
	{DNS_TXT, {"\5abc", 4}, "!"},
	{DNS_SRV, {"\0\1\0\2\3\341\1a\1b", 11}, "1 2 993 <a.b>"},
	{DNS_SRV, {"\0\1\0\2\3", 5}, "!"},
	{DNS_TLSA, {"\3\1\1hash", 7}, "3 1 1 hash"},
	{DNS_TLSA, {"\3\1\1", 3}, "!"},
	{DNS_SOA, {"\2ns\0\1h\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", 27},
		"<ns> <h> 1 2 3 4 5"},
	{DNS_SOA, {"\2ns\0\1h\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5x", 28}, "!"},
};

static void test_records(void **state)
{
	char got[256];

	(void)state;
	for (size_t i = 0; i < COUNT(records); i++) {
		/* Heap copies of their exact length, so that a byte too far is seen. */
		for (size_t len = 0; len <= records[i].rdata.len; len++) {
			char *copy = mem_alloc(len);

			memcpy(copy, records[i].rdata.ptr, len);
			trace(records[i].type, (struct slice){copy, len}, got, sizeof(got));
			free(copy);
		}
		if (strcmp(got, records[i].want) != 0)
			fail_msg("record %zu: %s, not %s", i, got, records[i].want);
	}
}

static void test_reverse(void **state)
{
	static const struct {
		const char *ip, *zone, *want;
	} cases[] = {
		{"192.0.2.1", "", "1.2.0.192.in-addr.arpa"},
		{"192.0.2.1", "list.example", "1.2.0.192.list.example"},
		{"2001:db8::1", "",
			"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf out AUTO(buf_done);
		struct ip ip;

		buf_init(&out, DNS_NAME_MAX);
		assert_true(ip_parse(slice_str(cases[i].ip), &ip));
		dns_reverse_name(&ip, slice_str(cases[i].zone), &out);
		assert_slice(buf_slice(&out), cases[i].want);
	}
}

static struct dns_answer found(const struct slice *rdata, size_t n)
{
	return (struct dns_answer){
		.status = DNS_FOUND, .is_secure = true, .ttl = 60, .n = n, .rdata = rdata};
}

static void test_view(void **state)
{
	static const struct slice address = {"\300\0\2\1", 4};
	const struct dns_answer there = found(&address, 1), none = {.status = DNS_NONE};
	struct arena arena AUTO(arena_done);
	struct dns_question question;
	struct dns_answer answer;
	struct dns_view view;
	size_t at = 0;

	(void)state;
	arena_init(&arena, ARENA_CAP);
	dns_view_init(&view, &arena);
	assert_int_equal(dns_view_get(&view, slice_lit("a..b"), DNS_A, &answer), DNS_NXDOMAIN);
	assert_int_equal(dns_view_get(&view, slice_lit("A.example."), DNS_A, &answer), DNS_UNKNOWN);
	assert_int_equal(dns_view_get(&view, slice_lit("a.example"), DNS_A, &answer), DNS_UNKNOWN);
	assert_int_equal(dns_view_get(&view, slice_lit("a.example"), DNS_MX, &answer), DNS_UNKNOWN);
	assert_int_equal(view.pending, 2);

	dns_view_put(&view, slice_lit("a.EXAMPLE"), DNS_A, &there);
	dns_view_put(&view, slice_lit("a.example"), DNS_A, &none); /* what was seen stays */
	assert_int_equal(dns_view_get(&view, slice_lit("a.example."), DNS_A, &answer), DNS_FOUND);
	assert_true(answer.is_secure && answer.ttl == 60 && answer.n == 1);
	assert_true(slice_eq(answer.rdata[0], address) && answer.rdata[0].ptr != address.ptr);
	assert_slice(answer.canonical, "a.example");

	assert_true(dns_view_next_pending(&view, &at, &question));
	assert_slice(question.name, "a.example");
	assert_int_equal(question.type, DNS_MX);
	assert_false(dns_view_next_pending(&view, &at, &question));
	dns_view_fail(&view);
	assert_int_equal(view.pending, 0);
	assert_int_equal(dns_view_get(&view, slice_lit("a.example"), DNS_MX, &answer), DNS_FAILED);
}

static void test_view_bounds(void **state)
{
	static char big[DNS_RDATA_MAX + 1];
	const struct slice rdata[2] = {{big, DNS_RDATA_MAX}, {big, 1}};
	const struct dns_answer fits = found(rdata, 1), large = found(rdata, 2);
	struct arena arena AUTO(arena_done);
	struct dns_answer answer;
	struct dns_view view;
	char name[16];

	(void)state;
	arena_init(&arena, ARENA_CAP);
	dns_view_init(&view, &arena);
	for (int i = 0; i < DNS_QUESTIONS_MAX; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(dns_view_get(&view, slice_str(name), DNS_A, &answer), DNS_UNKNOWN);
	}
	assert_int_equal(dns_view_get(&view, slice_lit("more"), DNS_A, &answer), DNS_FAILED);
	dns_view_put(&view, slice_lit("n0"), DNS_A, &fits);
	assert_int_equal(dns_view_get(&view, slice_lit("n0"), DNS_A, &answer), DNS_FOUND);
	dns_view_put(&view, slice_lit("n1"), DNS_A, &large);
	assert_int_equal(dns_view_get(&view, slice_lit("n1"), DNS_A, &answer), DNS_FAILED);
	for (int i = 2; i < DNS_QUESTIONS_MAX; i++) { /* until the arena is full */
		snprintf(name, sizeof(name), "n%d", i);
		dns_view_put(&view, slice_str(name), DNS_A, &fits);
	}
	assert_int_equal(dns_view_get(&view, slice_lit("n255"), DNS_A, &answer), DNS_FAILED);
	assert_int_equal(view.pending, 0);
}

static void test_pack(void **state)
{
	static const struct slice rdata[] = {{"\300\0\2\1", 4}, {"", 0}};
	struct dns_question question = {slice_lit("a.example"), DNS_TLSA}, question_got;
	struct dns_answer answer = found(rdata, 2), got;
	struct arena arena AUTO(arena_done);
	struct buf packed AUTO(buf_done);
	struct slice in;

	(void)state;
	arena_init(&arena, ARENA_CAP);
	buf_init(&packed, OUT_MAX);
	answer.canonical = slice_lit("b.example");
	dns_pack_question(&packed, &question);
	dns_pack_answer(&packed, &answer);
	in = buf_slice(&packed);
	assert_true(dns_unpack_question(&in, &question_got));
	assert_slice(question_got.name, "a.example");
	assert_int_equal(question_got.type, DNS_TLSA);
	assert_true(dns_unpack_answer(&in, &arena, &got));
	assert_int_equal(in.len, 0);
	assert_true(got.status == DNS_FOUND && got.is_secure && got.ttl == 60 && got.n == 2);
	assert_slice(got.canonical, "b.example");
	assert_true(slice_eq(got.rdata[0], rdata[0]) && got.rdata[1].len == 0);
	for (size_t len = 0; len < packed.len; len++) { /* every prefix is refused */
		in = slice_head(buf_slice(&packed), len);
		assert_false(dns_unpack_question(&in, &question_got) &&
			     dns_unpack_answer(&in, &arena, &got));
	}
	in = slice_lit("\1\0\0\0\0"); /* found, but nothing */
	assert_false(dns_unpack_answer(&in, &arena, &got));
	in = slice_lit("\0\0\0\0\0"); /* no answer */
	assert_false(dns_unpack_answer(&in, &arena, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_reverse),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_view_bounds),
		cmocka_unit_test(test_pack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
