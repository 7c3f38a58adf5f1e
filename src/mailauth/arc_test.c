/* arc_test.c - chains of our own making, whole and broken. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "mailauth/arc_trust.h"
#include "mailauth/check.h"
#include "mailauth/mailauth_kit.h"

static const struct kit_record zone[] = {
	{"s1._domainkey.one.example", "TXT v=DKIM1; k=ed25519; p=" KIT_ED25519},
	{"s2._domainkey.two.example", "TXT v=DKIM1; k=ed25519; p=" KIT_ED25519},
	{"s3._domainkey.three.example", "FAIL"},
	{"_dmarc.our.example", "TXT v=DMARC1; p=reject"},
	{NULL, NULL},
};

static const char *trusted, *said; /* whose seals count, and what they say */

static const char header[] =
	"From: a@our.example\r\nSubject: s\r\nTo: b@c.example\r\nDate: today\r\n";
static const char body[] = "Hey gang,\r\nThis is a test message.\r\n--J.\r\n";

static struct mailauth_check *checked(struct slice message)
{
	const struct mailauth_request request = {.ip = {.len = IP_V4},
		.helo = slice_lit("h.example"),
		.host = slice_lit("mx.our.example"),
		.arc_trusted = slice_str(trusted ? trusted : ""),
		.now = 1000};
	struct mailauth_check *check = mailauth_check_new(&request);

	mailauth_check_feed(check, message);
	mailauth_check_end(check);
	while (!mailauth_check_run(check))
		kit_answer(mailauth_check_view(check), zone);
	return check;
}

/* Put a set of ours on top of the header, as if it came from that domain. */
static int seal(struct buf *text, const char *domain, const char *selector)
{
	const struct dkim_signer signer = {
		slice_str(domain), slice_str(selector), SIGNATURE_ED25519, 1000};
	struct buf message AUTO(buf_done), sig AUTO(buf_done), fields_out AUTO(buf_done);
	struct arena arena AUTO(arena_done);
	struct mailauth_check *check;
	struct arc_seal set;
	struct fields fields;
	struct body_hash hash;
	unsigned char digest[SHA256_LEN];
	struct err err;
	int rc;

	arena_init(&arena, 1 << 20);
	buf_init(&message, 1 << 18);
	buf_init(&sig, 1000);
	buf_init(&fields_out, 1 << 18);
	buf_append(&message, buf_slice(text));
	buf_str(&message, "\r\n");
	buf_str(&message, body);
	check = checked(buf_slice(&message));
	body_hash_init(&hash, CANON_RELAXED, BODY_HASH_ALL);
	body_hash_feed(&hash, slice_str(body));
	body_hash_finish(&hash);
	assert_int_equal(fields_read(&fields, buf_slice(text), &arena, &err), 0);
	rc = arc_seal_begin(&set, &signer, &mailauth_check_verdict(check)->arc, &fields,
		slice_str(said ? said : " mx.example;\r\n\tspf=pass smtp.mailfrom=x@y.example\r\n"),
		&hash, digest, &err);
	if (rc == 0) {
		kit_sign(digest, &sig);
		assert_int_equal(arc_seal_chain(&set, &signer, &mailauth_check_verdict(check)->arc,
					 buf_slice(&sig), digest, &err),
			0);
		buf_clear(&sig);
		kit_sign(digest, &sig);
		arc_seal_end(&set, buf_slice(&sig), &fields_out);
		buf_append(&fields_out, buf_slice(text));
		buf_clear(text);
		buf_append(text, buf_slice(&fields_out));
	}
	arc_seal_done(&set);
	fields_done(&fields);
	mailauth_check_free(&check);
	return rc;
}

/* The result for that header, and the reason. */
static enum auth_result result_of(struct slice head, const char *text, const char **reason_out)
{
	struct buf message AUTO(buf_done);
	struct mailauth_check *check;
	enum auth_result result;

	buf_init(&message, 1 << 18);
	buf_append(&message, head);
	buf_str(&message, "\r\n");
	buf_str(&message, text);
	check = checked(buf_slice(&message));
	result = mailauth_check_verdict(check)->arc.result;
	*reason_out = mailauth_check_verdict(check)->arc.reason;
	mailauth_check_free(&check);
	return result;
}

static void test_chain(void **state)
{
	struct buf text AUTO(buf_done);
	const char *reason;

	(void)state;
	buf_init(&text, 1 << 18);
	buf_str(&text, header);
	assert_int_equal(result_of(buf_slice(&text), body, &reason), AUTH_NONE);
	assert_int_equal(seal(&text, "one.example", "s1"), 0);
	assert_int_equal(result_of(buf_slice(&text), body, &reason), AUTH_PASS);
	assert_int_equal(seal(&text, "two.example", "s2"), 0);
	assert_int_equal(result_of(buf_slice(&text), body, &reason), AUTH_PASS);
	for (unsigned i = 2; i < ARC_SETS_MAX; i++)
		assert_int_equal(seal(&text, "one.example", "s1"), 0);
	assert_int_equal(result_of(buf_slice(&text), body, &reason), AUTH_PASS);
	assert_int_equal(seal(&text, "one.example", "s1"), -ERR_CONFLICT);
	assert_int_equal(result_of(buf_slice(&text), "changed\r\n", &reason), AUTH_FAIL);
}

/* What `from` says becomes `to` in a chain of two. */
static const struct {
	const char *from, *to;
} breaks[] = {
	{"ARC-Seal: i=2", "ARC-Seal: i=3"},
	{"ARC-Seal: i=2", "ARC-Seal: i=1"},
	{"ARC-Seal: i=2", "ARC-Sealed: i=2"},
	{"ARC-Seal: i=2", "ARC-Seal: i=51"},
	{"ARC-Message-Signature: i=1", "ARC-Message-Signature: i=2"},
	{"ARC-Authentication-Results: i=1", "X-Results: i=1"},
	{"ARC-Authentication-Results: i=1", "ARC-Authentication-Results: i=x"},
	{"spf=pass", "spf=fail"},
	{"cv=pass", "cv=fail"},
	{"cv=none", "cv=pass"},
	{"cv=none;", "cv=none; h=from;"},
	{"Subject: s", "Subject: t"},
	{"s=s2", "s=s9"},
	{"h=from", "h=x-no"},
};

static void test_broken_chains(void **state)
{
	struct buf text AUTO(buf_done);
	const char *reason;

	(void)state;
	buf_init(&text, 1 << 18);
	buf_str(&text, header);
	assert_int_equal(seal(&text, "one.example", "s1"), 0);
	assert_int_equal(seal(&text, "two.example", "s2"), 0);
	for (size_t i = 0; i < sizeof(breaks) / sizeof(*breaks); i++) {
		const struct slice from = slice_str(breaks[i].from);
		const size_t at = slice_find(buf_slice(&text), from);
		struct buf changed AUTO(buf_done);

		buf_init(&changed, 1 << 18);
		assert_int_not_equal(at, SIZE_MAX);
		buf_append(&changed, slice_head(buf_slice(&text), at));
		buf_str(&changed, breaks[i].to);
		buf_append(&changed, slice_from(buf_slice(&text), at + from.len));
		if (result_of(buf_slice(&changed), body, &reason) != AUTH_FAIL)
			fail_msg("%s", breaks[i].to);
	}
}

/* A chain that broke is sealed once more as broken, and then never again. */
static void test_failed_chain_ends(void **state)
{
	struct buf text AUTO(buf_done);
	const char *reason;

	(void)state;
	buf_init(&text, 1 << 18);
	buf_str(&text, header);
	assert_int_equal(seal(&text, "three.example", "s3"), 0);
	assert_int_equal(result_of(buf_slice(&text), body, &reason), AUTH_FAIL);
	assert_string_equal(reason, "the key could not be looked up");
	assert_int_equal(seal(&text, "two.example", "s2"), 0);
	assert_int_not_equal(slice_find(buf_slice(&text), slice_lit("cv=fail")), SIZE_MAX);
	assert_int_equal(result_of(buf_slice(&text), body, &reason), AUTH_FAIL);
	assert_int_equal(seal(&text, "one.example", "s1"), -ERR_CONFLICT);
}

/* ---- whose word counts ---- */

#define DMARC " mx; dmarc=pass header.from=our.example"

/* What the first sealer and the second say; who is trusted; is DMARC's wish overridden? */
static const struct {
	const char *first, *second, *trusted;
	size_t voucher;
} words[] = {
	{DMARC, NULL, "one.example", 1},
	{DMARC, NULL, "nobody.example one.example", 1},
	{DMARC, NULL, "example", 1},
	{DMARC, NULL, "", 0},
	{DMARC, NULL, "two.example", 0},
	{DMARC, NULL, "ne.example", 0},
	{" mx; dmarc=pass header.from=OUR.example (p=none)", NULL, "one.example", 1},
	{" mx; dmarc (x) = pass (y) header.from = our.example", NULL, "one.example", 1},
	{" mx; spf=fail; dkim=pass reason=\"a; b\" header.d=our.example", NULL, "one.example", 1},
	{" mx; dkim=pass header.i=\"me too\"@our.example", NULL, "one.example", 1},
	{" mx; spf=pass smtp.mailfrom=x@our.example", NULL, "one.example", 1},
	{" mx; dkim=fail header.d=our.example", NULL, "one.example", 0},
	{" mx; dkim=pass header.d=other.example", NULL, "one.example", 0},
	{" mx; dkim=pass header.d=our.example; dmarc=fail header.from=our.example", NULL,
		"one.example", 0},
	{" mx; dmarc=pass header.from=other.example", NULL, "one.example", 0},
	{" mx; dmarc=pass", NULL, "one.example", 0},
	{" mx; x=\"dmarc=pass header.from=our.example\"", NULL, "one.example", 0},
	{" mx (; dmarc=pass header.from=our.example)", NULL, "one.example", 0},
	{" mx; none", NULL, "one.example", 0},
	/* Who sealed last may have changed it. */
	{DMARC, " mx; none", "one.example", 0},
	{DMARC, " mx; dmarc=fail header.from=our.example", "one.example two.example", 1},
	{DMARC, DMARC, "two.example", 2},
};

static void test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		struct buf text AUTO(buf_done);
		const struct dmarc_outcome *dmarc;
		struct mailauth_check *check;
		char want[100];

		buf_init(&text, 1 << 18);
		buf_str(&text, header);
		said = words[i].first;
		assert_int_equal(seal(&text, "one.example", "s1"), 0);
		said = words[i].second;
		if (said)
			assert_int_equal(seal(&text, "two.example", "s2"), 0);
		buf_str(&text, "\r\n");
		buf_str(&text, body);
		trusted = words[i].trusted;
		check = checked(buf_slice(&text));
		trusted = said = NULL;
		dmarc = &mailauth_check_verdict(check)->dmarc;
		assert_int_equal(dmarc->result, AUTH_FAIL);
		assert_int_equal(dmarc->policy, DMARC_REJECT);
		if (dmarc->wanted != (words[i].voucher ? DMARC_NONE : DMARC_REJECT))
			fail_msg("%zu: %s, %s: %s", i, words[i].first, words[i].trusted,
				dmarc_policy_name(dmarc->wanted));
		snprintf(want, sizeof(want), "arc=pass as[%zu].d=%s.example as[%zu].s=s%zu",
			words[i].voucher, words[i].voucher == 1 ? "one" : "two", words[i].voucher,
			words[i].voucher);
		if (words[i].voucher)
			assert_string_equal(dmarc->override, want);
		else
			assert_null(dmarc->override);
		mailauth_check_free(&check);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_broken_chains),
		cmocka_unit_test(test_failed_chain_ends),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
