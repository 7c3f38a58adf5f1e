/* plan_test.c - from records to hosts: order, ourselves, nowhere, addresses, TLSA, and how sure. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "courier/plan.h"

enum { RECORDS_MAX = 12, TURNS = 8, RDATA_MAX = 300 };

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* "NAME TYPE DATA": "!" in front: secure; "FAIL" as data; "=NAME" behind: what an alias led to. */
struct row {
	const char *destination;
	const char *zone[RECORDS_MAX];
	const char *want;
};

static const struct row rows[] = {
	/* order of preference; addresses of both families by turns */
	{"a.ex",
		{"a.ex MX 20 m2.ex", "a.ex MX 10 m1.ex", "m1.ex A 192.0.2.1", "m1.ex A 192.0.2.2",
			"m1.ex AAAA 2001:db8::1", "m2.ex A 192.0.2.3"},
		"done 25 a.ex: m1.ex(2001:db8::1 192.0.2.1 192.0.2.2) m2.ex(192.0.2.3)"},
	{"a.ex:26", {"a.ex MX 10 m1.ex", "m1.ex A 192.0.2.1"}, "done 26 a.ex: m1.ex(192.0.2.1)"},
	/* no MX: the domain itself, and nobody vouches for another name */
	{"a.ex", {"a.ex A 192.0.2.1"}, "done 25 a.ex: a.ex(192.0.2.1)sure"},
	{"[m.ex]:2525", {"m.ex A 192.0.2.1", "m.ex MX 1 x.ex"}, "done 2525 : m.ex(192.0.2.1)sure"},
	{"[192.0.2.9]", {NULL}, "done 25 : [192.0.2.9](192.0.2.9)sure"},
	{"192.0.2.9:26", {NULL}, "done 26 : 192.0.2.9:26(192.0.2.9)sure"},
	{"[IPv6:2001:db8::9]", {NULL}, "done 25 : [IPv6:2001:db8::9](2001:db8::9)sure"},
	/* nowhere */
	{"a.ex", {NULL}, "never 5.1.2"},
	{"a.ex", {"a.ex MX 0 ."}, "never 5.1.10"},
	{"a.ex", {"a.ex MX 0 .", "a.ex MX 1 m.ex", "m.ex A 192.0.2.1"},
		"done 25 a.ex: m.ex(192.0.2.1)"},
	{"a.ex", {"a.ex TXT x"}, "never 5.4.4"},
	{"a.ex", {"a.ex MX 5 m.ex"}, "never 5.4.4"},
	/* ourselves: only who is preferred to us */
	{"a.ex", {"a.ex MX 10 HOST.here.ex", "a.ex MX 10 m1.ex", "m1.ex A 192.0.2.1"},
		"never 5.4.6"},
	{"a.ex", {"a.ex MX 10 host.here.ex", "a.ex MX 5 m1.ex", "m1.ex A 192.0.2.1"},
		"done 25 a.ex: m1.ex(192.0.2.1)"},
	{"host.here.ex", {"host.here.ex A 192.0.2.1"}, "never 5.4.6"},
	/* not now; one host that can be told is enough, and one family of it */
	{"a.ex", {"a.ex MX FAIL"}, "later 4.4.3"},
	{"a.ex", {"a.ex MX 5 m.ex", "m.ex A FAIL"}, "later 4.4.3"},
	{"a.ex", {"a.ex MX 5 m.ex", "a.ex MX 6 n.ex", "m.ex A FAIL", "n.ex A 192.0.2.1"},
		"done 25 a.ex: m.ex() unsure n.ex(192.0.2.1)"},
	{"a.ex", {"a.ex MX 5 m.ex", "m.ex AAAA FAIL", "m.ex A 192.0.2.1"},
		"done 25 a.ex: m.ex(192.0.2.1)"},
	/* MTA-STS: one record, and no other of its kind */
	{"a.ex",
		{"a.ex A 192.0.2.1", "_mta-sts.a.ex TXT v=STSv1; id=7;", "_mta-sts.a.ex TXT other"},
		"done 25 a.ex: a.ex(192.0.2.1)sure id=7"},
	{"a.ex",
		{"a.ex A 192.0.2.1", "_mta-sts.a.ex TXT v=STSv1; id=7;",
			"_mta-sts.a.ex TXT v=STSv1; id=8;"},
		"done 25 a.ex: a.ex(192.0.2.1)sure"},
	{"a.ex", {"a.ex A 192.0.2.1", "_mta-sts.a.ex TXT FAIL"},
		"done 25 a.ex: a.ex(192.0.2.1)sure"},
	/* DANE: everything on the way is signed */
	{"a.ex",
		{"!a.ex MX 5 m.ex", "!m.ex A 192.0.2.1", "!m.ex AAAA NONE",
			"!_25._tcp.m.ex TLSA 3 1 1 " DIGEST},
		"done 25 a.ex: m.ex(192.0.2.1)sure dane=m.ex/1"},
	{"a.ex",
		{"a.ex MX 5 m.ex", "!m.ex A 192.0.2.1", "!m.ex AAAA NONE",
			"!_25._tcp.m.ex TLSA 3 1 1 " DIGEST},
		"done 25 a.ex: m.ex(192.0.2.1)"},
	{"a.ex", {"!a.ex MX 5 m.ex", "m.ex A 192.0.2.1", "!_25._tcp.m.ex TLSA 3 1 1 " DIGEST},
		"done 25 a.ex: m.ex(192.0.2.1)sure"},
	{"a.ex",
		{"!a.ex MX 5 m.ex", "!m.ex A 192.0.2.1", "!m.ex AAAA NONE",
			"_25._tcp.m.ex TLSA 3 1 1 " DIGEST},
		"done 25 a.ex: m.ex(192.0.2.1)sure"},
	{"[m.ex]", {"!m.ex A 192.0.2.1", "!m.ex AAAA NONE", "!_25._tcp.m.ex TLSA 3 1 1 " DIGEST},
		"done 25 : m.ex(192.0.2.1)sure dane=m.ex/1"},
	/* what cannot be used is counted out, and there is TLS all the same */
	{"a.ex",
		{"!a.ex MX 5 m.ex", "!m.ex A 192.0.2.1", "!m.ex AAAA NONE",
			"!_25._tcp.m.ex TLSA 1 1 1 " DIGEST, "!_25._tcp.m.ex TLSA 3 2 1 " DIGEST,
			"!_25._tcp.m.ex TLSA 3 1 2 " DIGEST, "!_25._tcp.m.ex TLSA 3 1 3 " DIGEST,
			"!_25._tcp.m.ex TLSA 2 0 1 abcd"},
		"done 25 a.ex: m.ex(192.0.2.1)sure dane=m.ex/0"},
	/* who makes lookups fail does not make TLS go away */
	{"a.ex",
		{"!a.ex MX 5 m.ex", "!m.ex A 192.0.2.1", "m.ex AAAA FAIL",
			"!_25._tcp.m.ex TLSA 3 1 1 " DIGEST},
		"done 25 a.ex: m.ex(192.0.2.1)sure dane=m.ex/1"},
	{"a.ex",
		{"!a.ex MX 5 m.ex", "!m.ex A 192.0.2.1", "!m.ex AAAA NONE",
			"_25._tcp.m.ex TLSA FAIL"},
		"done 25 a.ex: m.ex(192.0.2.1)sure unsure tlsa-unsure"},
	/* aliases: where they lead to, then the alias; out of what is signed, the alias alone */
	{"a.ex",
		{"!a.ex MX 5 m.ex", "!m.ex A 192.0.2.1 =c.ex", "!m.ex AAAA NONE",
			"!_25._tcp.c.ex TLSA 3 1 1 " DIGEST},
		"done 25 a.ex: m.ex(192.0.2.1)sure dane=c.ex/1"},
	{"a.ex",
		{"!a.ex MX 5 m.ex", "!m.ex A 192.0.2.1 =c.ex", "!m.ex AAAA NONE",
			"!_25._tcp.m.ex TLSA 3 1 1 " DIGEST},
		"done 25 a.ex: m.ex(192.0.2.1)sure dane=m.ex/1"},
	{"a.ex",
		{"!a.ex MX 5 m.ex", "m.ex A 192.0.2.1 =c.ex", "!m.ex CNAME c.ex",
			"!_25._tcp.m.ex TLSA 3 1 1 " DIGEST, "!_25._tcp.c.ex TLSA 3 1 1 " DIGEST},
		"done 25 a.ex: m.ex(192.0.2.1)sure dane=m.ex/1"},
	{"a.ex",
		{"!a.ex MX 5 m.ex", "m.ex A 192.0.2.1 =c.ex", "m.ex CNAME c.ex",
			"!_25._tcp.m.ex TLSA 3 1 1 " DIGEST},
		"done 25 a.ex: m.ex(192.0.2.1)sure"},
};

/* ---- the zone ---- */

static void put_name(struct buf *out, struct slice name)
{
	while (name.len) {
		const struct slice label = slice_cut(name, '.', &name);

		if (label.len) {
			buf_byte(out, (char)label.len);
			buf_append(out, label);
		}
	}
	buf_byte(out, 0);
}

static uint64_t next_number(struct slice *data)
{
	uint64_t n = 0;

	assert_true(slice_to_u64(slice_cut(*data, ' ', data), UINT16_MAX, &n));
	return n;
}

static void put_rdata(struct buf *out, enum dns_type type, struct slice data)
{
	unsigned char bytes[64];
	struct ip ip;

	switch (type) {
	case DNS_MX:
		buf_byte(out, 0);
		buf_byte(out, (char)next_number(&data));
		put_name(out, data);
		break;
	case DNS_TXT:
		buf_byte(out, (char)data.len);
		buf_append(out, data);
		break;
	case DNS_CNAME:
		put_name(out, data);
		break;
	case DNS_TLSA:
		for (int i = 0; i < 3; i++)
			buf_byte(out, (char)next_number(&data));
		assert_true(hex_decode(data, bytes, data.len / 2));
		buf_append(out, (struct slice){(const char *)bytes, data.len / 2});
		break;
	default:
		assert_true(ip_parse(data, &ip));
		buf_append(out, (struct slice){(const char *)ip.bytes, ip.len});
		break;
	}
}

static const struct {
	const char *name;
	enum dns_type type;
} types[] = {{"A", DNS_A}, {"AAAA", DNS_AAAA}, {"MX", DNS_MX}, {"TXT", DNS_TXT},
	{"CNAME", DNS_CNAME}, {"TLSA", DNS_TLSA}};

struct record {
	struct slice name, type, data, canonical;
	bool is_secure;
};

static struct record read_record(const char *text)
{
	struct slice rest = slice_str(text);
	struct record r = {.is_secure = text[0] == '!'};
	size_t equals;

	r.name = slice_cut(slice_from(rest, r.is_secure), ' ', &rest);
	r.type = slice_cut(rest, ' ', &r.data);
	equals = slice_find(r.data, slice_lit(" ="));
	if (equals != SIZE_MAX) {
		r.canonical = slice_from(r.data, equals + 2);
		r.data = slice_head(r.data, equals);
	}
	return r;
}

static void answer_one(struct dns_view *view, const char *const *zone, struct dns_question q)
{
	struct slice rdata[RECORDS_MAX];
	struct buf bytes[RECORDS_MAX];
	struct dns_answer answer = {.status = DNS_NXDOMAIN, .rdata = rdata, .canonical = q.name};

	for (size_t i = 0; i < RECORDS_MAX && zone[i]; i++) {
		const struct record r = read_record(zone[i]);

		if (!slice_eq_nocase(r.name, q.name))
			continue;
		if (answer.status == DNS_NXDOMAIN)
			answer.status = DNS_NONE;
		for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
			if (types[k].type != q.type || !slice_eq(r.type, slice_str(types[k].name)))
				continue;
			answer.is_secure = r.is_secure;
			if (r.canonical.len)
				answer.canonical = r.canonical;
			if (slice_eq(r.data, slice_lit("FAIL"))) {
				answer.status = DNS_FAILED;
			} else if (!slice_eq(r.data, slice_lit("NONE"))) {
				answer.status = DNS_FOUND;
				buf_init(&bytes[answer.n], RDATA_MAX);
				put_rdata(&bytes[answer.n], q.type, r.data);
				rdata[answer.n] = buf_slice(&bytes[answer.n]);
				answer.n++;
			}
		}
	}
	dns_view_put(view, q.name, q.type, &answer);
	for (size_t i = 0; i < answer.n; i++)
		buf_done(&bytes[i]);
}

/* ---- what came of it ---- */

static void put_host(const struct plan_host *host, struct buf *out)
{
	buf_printf(out, " %.*s(", SLICE_ARG(host->name));
	for (size_t i = 0; i < host->addresses_n; i++) {
		char text[IP_TEXT_MAX];

		ip_write(&host->addresses[i], text);
		buf_printf(out, "%s%s", i ? " " : "", text);
	}
	buf_printf(out, ")%s%s%s", host->is_sure ? "sure" : "", host->is_unsure ? " unsure" : "",
		host->is_tlsa_unsure ? " tlsa-unsure" : "");
	if (host->has_tlsa)
		buf_printf(out, " dane=%s/%zu", host->tlsa_base, host->tlsa_n);
}

static void put_plan(const struct plan *plan, struct buf *out)
{
	buf_printf(out, "done %u %.*s:", plan->port, SLICE_ARG(plan->domain));
	for (size_t i = 0; i < plan->n; i++)
		put_host(&plan->hosts[i], out);
	if (plan->sts_id.len)
		buf_printf(out, " id=%.*s", SLICE_ARG(plan->sts_id));
}

static void run(const struct row *row, struct buf *out)
{
	const struct plan_question question = {.destination = slice_str(row->destination),
		.host_name = slice_lit("host.here.ex"),
		.port = 25,
		.chance = 1};
	enum plan_result result = PLAN_ASK;
	struct arena arena AUTO(arena_done);
	struct dns_question q;
	struct dns_view view;
	char why[PLAN_WHY];
	struct plan plan;

	arena_init(&arena, 1 << 20);
	dns_view_init(&view, &arena);
	for (int i = 0; i < TURNS && result == PLAN_ASK; i++) {
		result = plan_make(&view, &question, &arena, &plan, why);
		for (size_t at = 0; result == PLAN_ASK && dns_view_next_pending(&view, &at, &q);)
			answer_one(&view, row->zone, q);
	}
	assert_int_not_equal(result, PLAN_ASK);
	if (result == PLAN_DONE)
		put_plan(&plan, out);
	else
		buf_printf(out, "%s %.*s", result == PLAN_LATER ? "later" : "never",
			(int)strcspn(why, " "), why);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out AUTO(buf_done);

		buf_init(&out, 4096);
		run(&rows[i], &out);
		if (!slice_eq(buf_slice(&out), slice_str(rows[i].want)))
			fail_msg("row %zu: got <%.*s>, want <%s>", i, SLICE_ARG(buf_slice(&out)),
				rows[i].want);
	}
}

/* Hosts of one preference come in any order, but in the same one while a plan is made. */
static void test_chance(void **state)
{
	static const struct row row = {"a.ex",
		{"a.ex MX 5 m1.ex", "a.ex MX 5 m2.ex", "m1.ex A 192.0.2.1", "m2.ex A 192.0.2.2"},
		""};
	unsigned first = 0;

	(void)state;
	for (uint64_t chance = 0; chance < 64; chance++) {
		struct arena arena AUTO(arena_done);
		const struct plan_question question = {.destination = slice_str(row.destination),
			.host_name = slice_lit("host.here.ex"),
			.port = 25,
			.chance = chance * 0x9e3779b97f4a7c15u};
		struct dns_question q;
		struct dns_view view;
		char why[PLAN_WHY];
		struct plan plan;

		arena_init(&arena, 1 << 20);
		dns_view_init(&view, &arena);
		while (plan_make(&view, &question, &arena, &plan, why) == PLAN_ASK) {
			for (size_t at = 0; dns_view_next_pending(&view, &at, &q);)
				answer_one(&view, row.zone, q);
		}
		assert_int_equal(plan.n, 2);
		first += slice_eq(plan.hosts[0].name, slice_lit("m1.ex"));
	}
	assert_in_range(first, 16, 48);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
