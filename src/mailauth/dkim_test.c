/* dkim_test.c - the RFCs' examples, canonical forms, and signatures of our own. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "mailauth/check.h"
#include "mailauth/mailauth_kit.h"

enum { NOW = 1528637909 };

/* RFC 8463 A.2; the keys of RFC 6376 C under "old". */
#define RSA_P                                                                                      \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"                                       \
	"iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"                    \
	"DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"                    \
	"Ip3G+2kryOTIKT+l/K4w3QIDAQAB"

static const struct kit_record zone[] = {
	{"brisbane._domainkey.football.example.com", "TXT v=DKIM1; k=ed25519; p=" KIT_ED25519},
	{"test._domainkey.football.example.com", "TXT v=DKIM1; k=rsa; p=" RSA_P},
	{"brisbane._domainkey.example.com",
		"TXT v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkM"
		"oGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/R"
		"tdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToI"
		"MmPSPDdQPNUYckcQ2QIDAQAB"},
	{"ed._domainkey.our.example", "TXT v=DKIM1; k=ed25519; p=" KIT_ED25519},
	{"rsa._domainkey.our.example", "TXT v=DKIM1; k=rsa; h=sha1:sha256; s=email; p=" RSA_P},
	{"second._domainkey.our.example", "TXT something else"},
	{"second._domainkey.our.example", "TXT v=DKIM1; k=ed25519; p=" KIT_ED25519},
	{"revoked._domainkey.our.example", "TXT v=DKIM1; k=ed25519; p="},
	{"sha1._domainkey.our.example", "TXT v=DKIM1; k=ed25519; h=sha1; p=" KIT_ED25519},
	{"chat._domainkey.our.example", "TXT v=DKIM1; k=ed25519; s=chat; p=" KIT_ED25519},
	{"rsaonly._domainkey.our.example", "TXT v=DKIM1; p=" KIT_ED25519},
	{"broken._domainkey.our.example", "TXT v=DKIM1; k=ed25519; p=AAAA"},
	{"version._domainkey.our.example", "TXT v=DKIM2; k=ed25519; p=" KIT_ED25519},
	{"away._domainkey.our.example", "FAIL"},
	{NULL, NULL},
};

#define BODY "Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n"

/* The RFC's pages have two spaces behind each full stop, the message that was signed has one. */
#define SIX_PACK                                                                                   \
	"From: Joe SixPack <joe@football.example.com>\r\n"                                         \
	"To: Suzie Q <suzie@shopping.example.net>\r\n"                                             \
	"Subject: Is dinner ready?\r\n"                                                            \
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"                                          \
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n" BODY

static const char rfc8463[] =
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	" subject : date : message-id : from : subject : date;\r\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
	" date : message-id : from : subject : date;\r\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n" SIX_PACK;

static const char rfc6376[] = "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
			      "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
			      "      h=Received : From : To : Subject : Date : Message-ID;\r\n"
			      "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
			      "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"
			      "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"
			      "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"
			      "      4bmp/YzhwvcubU4=;\r\n"
			      "Received: from client1.football.example.com  [192.0.2.1]\r\n"
			      "      by submitserver.example.com with SUBMISSION;\r\n"
			      "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n" SIX_PACK;

/* Runs all checks on a message that comes in slices of that size. */
static struct mailauth_check *checked(struct slice message, size_t step)
{
	struct mailauth_request request = {.helo = slice_lit("client.example.com"),
		.sender_local = slice_lit("joe"),
		.sender_domain = slice_lit("football.example.com"),
		.host = slice_lit("mx.our.example"),
		.now = NOW};
	struct mailauth_check *check;
	unsigned turns = 0;

	assert_true(ip_parse(slice_lit("192.0.2.1"), &request.ip));
	check = mailauth_check_new(&request);
	for (size_t at = 0; at < message.len; at += step) {
		struct slice rest = slice_from(message, at);

		mailauth_check_feed(check, slice_head(rest, rest.len < step ? rest.len : step));
	}
	mailauth_check_end(check);
	while (!mailauth_check_run(check)) {
		kit_answer(mailauth_check_view(check), zone);
		assert_true(++turns < 20);
	}
	return check;
}

static enum auth_result result_of(struct slice message, const char **reason_out)
{
	struct mailauth_check *check = checked(message, SIZE_MAX / 2);
	const struct dkim *dkim = &mailauth_check_verdict(check)->dkim;
	enum auth_result result = dkim->n > 0 ? dkim->list[0].sig.result : AUTH_NONE;

	*reason_out = dkim->n > 0 && dkim->list[0].sig.reason ? dkim->list[0].sig.reason : "";
	mailauth_check_free(&check);
	return result;
}

static void test_examples(void **state)
{
	const struct slice messages[] = {slice_str(rfc8463), slice_str(rfc6376)};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (size_t step = 1; step < 2000; step += step < 70 ? 1 : 500) {
			struct mailauth_check *check = checked(messages[i], step);
			const struct mailauth_verdict *verdict = mailauth_check_verdict(check);

			assert_int_equal(verdict->dkim.n, 2 - i);
			for (size_t n = 0; n < verdict->dkim.n; n++)
				assert_int_equal(verdict->dkim.list[n].sig.result, AUTH_PASS);
			assert_int_equal(verdict->arc.result, AUTH_NONE);
			assert_int_equal(verdict->dmarc.result, AUTH_NONE);
			mailauth_check_free(&check);
		}
	}
}

static void test_results_as_text(void **state)
{
	struct mailauth_check *check = checked(slice_str(rfc8463), 100);
	struct buf text AUTO(buf_done);
	static const char want[] =
		";\r\n\tspf=none smtp.mailfrom=joe@football.example.com;\r\n"
		"\tdkim=pass header.d=football.example.com header.i=@football.example.com\r\n"
		"\theader.s=brisbane header.a=ed25519-sha256 header.b=\"/gCrinpc\";\r\n"
		"\tdkim=pass header.d=football.example.com header.i=@football.example.com\r\n"
		"\theader.s=test header.a=rsa-sha256 header.b=F45dVWDf;\r\n"
		"\tdmarc=none header.from=football.example.com;\r\n\tarc=none";

	(void)state;
	buf_init(&text, 4096);
	mailauth_check_write(check, &text);
	buf_byte(&text, '\0');
	assert_string_equal(text.ptr, want);
	mailauth_check_free(&check);
}

/* Any byte of what was signed, changed, breaks the signature. */
static void test_each_byte_counts(void **state)
{
	struct buf copy AUTO(buf_done);
	const size_t body = slice_find(slice_str(rfc6376), slice_lit("Received:"));
	const char *reason;

	(void)state;
	buf_init(&copy, sizeof(rfc6376));
	buf_append(&copy, slice_str(rfc6376));
	for (size_t i = body; i < copy.len; i++) {
		const char was = copy.ptr[i];

		/* Changed line ends are not what a mail can have. */
		if (was == '\r' || was == '\n')
			continue;
		copy.ptr[i] = was == 'x' ? 'y' : 'x';
		if (result_of(buf_slice(&copy), &reason) == AUTH_PASS)
			fail_msg("byte %zu may be anything", i);
		copy.ptr[i] = was;
	}
	assert_int_equal(result_of(buf_slice(&copy), &reason), AUTH_PASS);
}

static const struct {
	enum canon canon;
	const char *body, *want; /* want: a text with the same SHA-256 */
} bodies[] = {
	{CANON_SIMPLE, "", "\r\n"},
	{CANON_SIMPLE, "\r\n\r\n", "\r\n"},
	{CANON_SIMPLE, "a", "a\r\n"},
	{CANON_SIMPLE, "a \r\n\r\n \r\n\r\n", "a \r\n\r\n \r\n"},
	{CANON_SIMPLE, " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n"},
	{CANON_SIMPLE, "a\rb\r", "a\rb\r\r\n"},
	{CANON_SIMPLE, "a\nb\n", "a\r\nb\r\n"},
	{CANON_RELAXED, "", ""},
	{CANON_RELAXED, "\r\n\r\n", ""},
	{CANON_RELAXED, " \r\n\t\r\n", ""},
	{CANON_RELAXED, " ", ""},
	{CANON_RELAXED, "a", "a\r\n"},
	{CANON_RELAXED, " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"},
	{CANON_RELAXED, "a \r\n b", "a\r\n b\r\n"},
	{CANON_RELAXED, "a \r b", "a \r b\r\n"},
	{CANON_RELAXED, "a\r\r\n", "a\r\r\n"},
	{CANON_RELAXED, "a\r\n \r\n\r\nb \t", "a\r\n\r\n\r\nb\r\n"},
};

static void test_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		const struct slice body = slice_str(bodies[i].body),
				   want = slice_str(bodies[i].want);
		unsigned char sum[SHA256_LEN];

		sha256(want, sum);
		for (size_t cut = 0; cut <= body.len; cut++) {
			struct body_hash hash;

			body_hash_init(&hash, bodies[i].canon, BODY_HASH_ALL);
			body_hash_feed(&hash, slice_head(body, cut));
			body_hash_feed(&hash, slice_from(body, cut));
			body_hash_finish(&hash);
			if (memcmp(hash.sum, sum, SHA256_LEN) != 0 || hash.size != want.len)
				fail_msg("body %zu cut at %zu", i, cut);
		}
	}
}

/* RFC 6376 3.4.5, and what a signature's own field becomes. */
static void test_fields(void **state)
{
	static const struct {
		enum canon canon;
		const char *raw, *want, *without_b;
	} cases[] = {
		{CANON_RELAXED, "A: X\r\n", "a:X\r\n", "a:X"},
		{CANON_RELAXED, "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n", "b:Y Z"},
		{CANON_SIMPLE, "B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  "},
		{CANON_SIMPLE, "S: a=1; b=x\r\n y ; c=2\r\n", "S: a=1; b=x\r\n y ; c=2\r\n",
			"S: a=1; b=; c=2"},
		{CANON_RELAXED, "S: b\t= x\r\n y\r\n", "s:b = x y\r\n", "s:b ="},
		{CANON_RELAXED, "S: bh=b; b=b; d=b\r\n", "s:bh=b; b=b; d=b\r\n", "s:bh=b; b=; d=b"},
		{CANON_SIMPLE, "N: a\n b\n", "N: a\r\n b\r\n", "N: a\r\n b"},
		{CANON_RELAXED, "E:\r\n", "e:\r\n", "e:"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct slice rest = slice_str(cases[i].raw);
		struct mime_field field;
		struct buf out AUTO(buf_done);

		buf_init(&out, 1000);
		assert_true(mime_header_next(&rest, &field));
		canon_field(cases[i].canon, &field, &out);
		if (!slice_eq(buf_slice(&out), slice_str(cases[i].want)))
			fail_msg("%s: %.*s", cases[i].raw, SLICE_ARG(buf_slice(&out)));
		buf_clear(&out);
		canon_without_b(cases[i].canon, &field, &out);
		if (!slice_eq(buf_slice(&out), slice_str(cases[i].without_b)))
			fail_msg("%s: %.*s", cases[i].raw, SLICE_ARG(buf_slice(&out)));
	}
}

/* A field of ours; in it `from` becomes `to` before it is signed. */
static void put_signature(struct buf *out, const char *selector, const char *from, const char *to,
	struct slice header, struct slice body)
{
	const struct dkim_signer signer = {
		slice_lit("our.example"), slice_str(selector), SIGNATURE_ED25519, NOW};
	struct arena arena AUTO(arena_done);
	struct buf field AUTO(buf_done), bytes AUTO(buf_done);
	struct fields fields;
	struct body_hash hash;
	unsigned char digest[SHA256_LEN];
	struct err err;

	arena_init(&arena, 1 << 20);
	buf_init(&field, 1 << 16);
	buf_init(&bytes, 1000);
	body_hash_init(&hash, CANON_RELAXED, BODY_HASH_ALL);
	body_hash_feed(&hash, body);
	body_hash_finish(&hash);
	assert_int_equal(fields_read(&fields, header, &arena, &err), 0);
	assert_int_equal(dkim_sign_begin(&signer, &fields, &hash, &field, digest, &err), 0);
	if (from) {
		const struct slice text = buf_slice(&field);
		const size_t at = slice_find(text, slice_str(from));
		struct buf changed AUTO(buf_done);
		struct mime_field parsed;
		struct slice rest;
		struct signature sig = {0};

		buf_init(&changed, 1 << 16);
		assert_int_not_equal(at, SIZE_MAX);
		buf_append(&changed, slice_head(text, at));
		buf_str(&changed, to);
		buf_append(&changed, slice_from(text, at + strlen(from)));
		buf_clear(&field);
		buf_append(&field, buf_slice(&changed));
		rest = buf_slice(&field);
		assert_true(mime_header_next(&rest, &parsed));
		sig.field = &parsed;
		tags_parse_loose(parsed.value, &sig.tags);
		signature_hash_fields(&sig, &fields, tags_get(&sig.tags, "h"), CANON_RELAXED);
		memcpy(digest, sig.digest, SHA256_LEN);
	}
	kit_sign(digest, &bytes);
	sign_end(&field, buf_slice(&bytes));
	buf_append(out, buf_slice(&field));
	fields_done(&fields);
}

static const char header[] = "From: a@our.example\r\nSubject: s\r\nTo: b@c.example\r\n"
			     "X-Other: o\r\nReceived: by x\r\n";

static const struct {
	const char *selector, *from, *to; /* a change before the signature is made */
	const char *add, *body;           /* a change behind it: fields on top, another body */
	enum auth_result want;
	const char *reason;
} signatures[] = {
	{"ed", NULL, NULL, "", BODY, AUTH_PASS, ""},
	{"ed", NULL, NULL, "X-New: 1\r\nReceived: by y\r\n", BODY, AUTH_PASS, ""},
	{"ed", NULL, NULL, "", " " BODY, AUTH_FAIL, "body hash did not verify"},
	{"ed", NULL, NULL, "Subject: t\r\n", BODY, AUTH_FAIL, "signature did not verify"},
	{"ed", NULL, NULL, "Reply-To: t@u.example\r\n", BODY, AUTH_FAIL,
		"signature did not verify"},
	{"second", NULL, NULL, "", BODY, AUTH_PASS, ""},
	{"missing", NULL, NULL, "", BODY, AUTH_PERMERROR, "no key for signature"},
	{"away", NULL, NULL, "", BODY, AUTH_TEMPERROR, "the key could not be looked up"},
	{"revoked", NULL, NULL, "", BODY, AUTH_FAIL, "the key was revoked"},
	{"sha1", NULL, NULL, "", BODY, AUTH_PERMERROR, "the key is not for SHA-256"},
	{"chat", NULL, NULL, "", BODY, AUTH_PERMERROR, "the key is not for mail"},
	{"rsaonly", NULL, NULL, "", BODY, AUTH_PERMERROR, "the key is for another algorithm"},
	{"broken", NULL, NULL, "", BODY, AUTH_PERMERROR, "malformed key in the DNS"},
	{"version", NULL, NULL, "", BODY, AUTH_PERMERROR, "no key in the DNS record"},
	{"ed", "v=1", "v=2", "", BODY, AUTH_PERMERROR, "unknown version"},
	{"ed", "a=ed25519-sha256", "a=rsa-sha1", "", BODY, AUTH_PERMERROR,
		"SHA-1 is no longer accepted"},
	{"ed", "a=ed25519", "a=ed25520", "", BODY, AUTH_PERMERROR, "unknown algorithm"},
	{"ed", "h=from:from", "h=to", "", BODY, AUTH_PERMERROR, "From is not signed"},
	{"ed", "s=ed;", "s=ed; s=ed;", "", BODY, AUTH_PERMERROR, "malformed signature"},
	{"ed", "s=ed;", "s=ed; i=x@our.example;", "", BODY, AUTH_PASS, ""},
	{"ed", "s=ed;", "s=ed; i=x@sub.our.example;", "", BODY, AUTH_PASS, ""},
	{"ed", "s=ed;", "s=ed; i=x@your.example;", "", BODY, AUTH_PERMERROR,
		"the identity is not in the domain"},
	{"ed", "s=ed;", "s=ed; i=x@notour.example;", "", BODY, AUTH_PERMERROR,
		"the identity is not in the domain"},
	{"ed", "s=ed;", "s=ed; x=1528637908;", "", BODY, AUTH_PERMERROR, "malformed time"},
	{"ed", "t=1528637909", "x=1528637908", "", BODY, AUTH_FAIL, "the signature has expired"},
	{"ed", "t=1528637909", "x=1528637909", "", BODY, AUTH_PASS, ""},
	{"ed", "t=1528637909", "t=1528641510", "", BODY, AUTH_POLICY,
		"the signature is from the future"},
	{"ed", "relaxed/relaxed", "relaxed/nowsp", "", BODY, AUTH_PERMERROR,
		"unknown canonicalization"},
	{"ed", "s=ed;", "s=ed; q=web;", "", BODY, AUTH_PERMERROR, "the key is not in the DNS"},
	{"ed", "s=ed;", "s=ed; l=54;", "", BODY, AUTH_PASS, ""},
	{"ed", "s=ed;", "s=ed; l=55;", "", BODY, AUTH_PERMERROR,
		"the body is shorter than what was signed"},
	{"ed", "s=ed;", "s=ed; l=54;", "", BODY "and more\r\n", AUTH_POLICY,
		"the body goes on after what was signed"},
	{"ed", "s=ed;", "s=ed; l=x;", "", BODY, AUTH_PERMERROR, "malformed body length"},
	{"ed", "bh=2jUS", "bh=2jUT", "", BODY, AUTH_FAIL, "body hash did not verify"},
};

static void test_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(signatures) / sizeof(*signatures); i++) {
		struct buf message AUTO(buf_done);
		const char *reason;
		enum auth_result got;

		buf_init(&message, 1 << 16);
		put_signature(&message, signatures[i].selector, signatures[i].from,
			signatures[i].to, slice_str(header), slice_lit(BODY));
		buf_str(&message, signatures[i].add);
		buf_append(&message, slice_str(header));
		buf_lit(&message, "\r\n");
		buf_str(&message, signatures[i].body);
		got = result_of(buf_slice(&message), &reason);
		if (got != signatures[i].want || strcmp(reason, signatures[i].reason) != 0)
			fail_msg("signature %zu: %s, %s\n%.*s", i, auth_result_name(got), reason,
				SLICE_ARG(buf_slice(&message)));
	}
}

/* However the lines of a field are, none is longer than a relay may want. */
static void test_lines_are_short(void **state)
{
	struct buf message AUTO(buf_done);
	struct slice rest;

	(void)state;
	buf_init(&message, 1 << 16);
	put_signature(&message, "ed", NULL, NULL, slice_str(header), slice_lit(BODY));
	rest = buf_slice(&message);
	while (rest.len > 0)
		assert_true(slice_cut(rest, '\n', &rest).len <= 78);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_results_as_text),
		cmocka_unit_test(test_each_byte_counts),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_lines_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
