/* arf_test.c - feedback reports: read, written, and whose message they are about. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "mailauth/mailauth_kit.h"
#include "report/arf.h"
#include "report/feedback.h"
#include "report/origin.h"

enum { NOW = 1790000000, TEXT_MAX = 1 << 20 };

static void test_fields(void **state)
{
	static const char text[] =
		"feedback-type: Abuse (really)\r\nVersion: 1\r\nUser-Agent: x\r\n"
		"Original-Mail-From: <prvs=0123abcdef=a@b.example>\r\n"
		"Original-Rcpt-To: c@d.example\r\nOriginal-Rcpt-To: <e@f.example>\r\n"
		"Source-IP:\r\n 192.0.2.1\r\nReported-Domain: b.example\r\nIncidents: 3\r\n"
		"Delivery-Result: SPAM\r\nAuthentication-Results: h;\r\n dmarc=fail\r\n"
		"Reported-URI: x\r\nno field at all\r\n";
	struct arena arena AUTO(arena_done);
	struct arf arf, before;
	struct err err;

	(void)state;
	arena_init(&arena, TEXT_MAX);
	assert_int_equal(arf_read(slice_str(text), &arena, &arf, &err), 0);
	assert_true(slice_eq(arf.type, slice_lit("abuse")) && arf_is_complaint(&arf));
	assert_true(slice_eq(arf.mail_from, slice_lit("prvs=0123abcdef=a@b.example")));
	assert_true(slice_eq(arf.rcpt_to, slice_lit("c@d.example")));
	assert_true(slice_eq(arf.source, slice_lit("192.0.2.1")) && arf.incidents == 3);
	assert_true(slice_eq(arf.result, slice_lit("spam")));
	assert_true(slice_eq(arf.results, slice_lit("h; dmarc=fail")));
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		before = arf;
		if (arf_read(slice_head(slice_str(text), n), &arena, &arf, &err) < 0)
			assert_memory_equal(&before, &arf, sizeof(arf));
	}
	assert_int_equal(arf_read(slice_lit("Version: 1\r\n"), &arena, &arf, &err), -ERR_SYNTAX);
	assert_int_equal(arf_read((struct slice){text, ARF_FIELDS_BYTES_MAX + (size_t)1}, &arena,
				 &arf, &err),
		-ERR_TOOBIG);
}

static void test_types(void **state)
{
	static const struct {
		const char *type;
		bool is_complaint, is_failure;
	} cases[] = {{"abuse", true, false}, {"FRAUD", true, false}, {"virus", true, false},
		{"opt-out", true, false}, {"not-spam", false, false}, {"other", false, false},
		{"auth-failure", false, true}, {"x", false, false}};
	struct arena arena AUTO(arena_done);
	struct err err;

	(void)state;
	arena_init(&arena, TEXT_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf text AUTO(buf_done);
		struct arf arf;

		buf_init(&text, TEXT_MAX);
		buf_printf(&text, "Feedback-Type: %s\r\n", cases[i].type);
		assert_int_equal(arf_read(buf_slice(&text), &arena, &arf, &err), 0);
		if (arf_is_complaint(&arf) != cases[i].is_complaint ||
			arf_is_failure(&arf) != cases[i].is_failure)
			fail_msg("%s", cases[i].type);
	}
}

static void test_what_of_a_header_is_told(void **state)
{
	struct buf out AUTO(buf_done), header AUTO(buf_done);

	(void)state;
	buf_init(&out, TEXT_MAX);
	buf_init(&header, TEXT_MAX);
	buf_lit(&header, "Received: from x for <secret@a>\r\nTo: secret@a\r\nfrom: me\r\n <m@b>\r\n"
			 "Cc: secret@a\r\nSubject: s\r\nX-Original-To: secret@a\r\n"
			 "DKIM-Signature: v=1;\r\n\tb=x\r\n\r\nbody\r\n");
	arf_put_header(buf_slice(&header), &out);
	buf_byte(&out, '\0');
	assert_string_equal(out.ptr, "from: me\r\n <m@b>\r\nSubject: s\r\n"
				     "DKIM-Signature: v=1;\r\n\tb=x\r\n");
	/* A field that does not fit is left out whole. */
	buf_clear(&out);
	buf_clear(&header);
	buf_lit(&header, "Subject: ");
	for (int i = 0; i < ARF_HEADER_MAX; i++)
		buf_byte(&header, 'x');
	buf_lit(&header, "\r\nMessage-ID: <a@b>\r\n\r\n");
	arf_put_header(buf_slice(&header), &out);
	assert_true(slice_eq(buf_slice(&out), slice_lit("Message-ID: <a@b>\r\n")));
}

static void test_the_message(void **state)
{
	struct arena arena AUTO(arena_done);
	struct arf_message m;

	(void)state;
	arena_init(&arena, TEXT_MAX);
	arf_message_read(
		slice_lit("From: \"A, B\" <a@b.example>, c@d\r\nReturn-Path: <r@s.example>\r\n"
			  "Message-Id:\r\n <1@b.example> (x)\r\nSubject: a\r\n b\r\n\r\n"),
		&arena, &m);
	assert_true(slice_eq(m.author, slice_lit("a@b.example")));
	assert_true(slice_eq(m.sender, slice_lit("r@s.example")));
	assert_true(
		slice_eq(m.id, slice_lit("1@b.example")) && slice_eq(m.subject, slice_lit("a b")));
	arf_message_read(slice_lit("Return-Path: <>\r\nFrom: nobody\r\n"), &arena, &m);
	assert_int_equal(m.author.len + m.sender.len + m.id.len, 0);
}

/* ---- whose it is ---- */

#define HEAD "From: alice@our.example\r\nSubject: s\r\nMessage-ID: <1@our.example>\r\n"

static bool is_ours(void *context, struct slice domain)
{
	*(unsigned *)context += 1;
	return slice_eq(domain, slice_lit("our.example"));
}

/* The header with a signature of that domain. */
static void sign(struct slice header, const char *domain, struct arena *arena, struct buf *out)
{
	const struct dkim_signer signer = {.domain = slice_str(domain),
		.selector = slice_lit("k"),
		.algorithm = SIGNATURE_ED25519,
		.now = NOW};
	unsigned char digest[SHA256_LEN];
	struct fields fields = {0};
	struct buf bytes AUTO(buf_done);
	struct body_hash body;
	struct err err;

	buf_init(&bytes, SIGNATURE_BYTES_MAX);
	body_hash_init(&body, CANON_RELAXED, BODY_HASH_ALL);
	body_hash_feed(&body, slice_lit("Any body.\r\n"));
	body_hash_finish(&body);
	assert_int_equal(fields_read(&fields, header, arena, &err), 0);
	assert_int_equal(dkim_sign_begin(&signer, &fields, &body, out, digest, &err), 0);
	kit_sign(digest, &bytes);
	sign_end(out, buf_slice(&bytes));
	fields_done(&fields);
}

static const struct kit_record zone[] = {
	{"k._domainkey.our.example", "TXT v=DKIM1; k=ed25519; p=" KIT_ED25519},
	{"k._domainkey.far.example", "TXT v=DKIM1; k=ed25519; p=" KIT_ED25519}, {NULL, NULL}};

/* The signer that is found for the header with what was changed in it. */
static struct slice signer_of(const char *domain, const char *from, const char *to,
	const struct kit_record *records, struct arena *arena)
{
	struct buf text AUTO(buf_done), changed AUTO(buf_done);
	struct dns_view view;
	struct origin origin;
	struct slice all, found;
	unsigned asked = 0;
	size_t at;

	buf_init(&text, TEXT_MAX);
	buf_init(&changed, TEXT_MAX);
	sign(slice_lit(HEAD "\r\n"), domain, arena, &text);
	buf_lit(&text, HEAD "\r\n");
	all = buf_slice(&text);
	at = slice_find(all, slice_str(from));
	assert_true(at != SIZE_MAX);
	buf_append(&changed, slice_head(all, at));
	buf_str(&changed, to);
	buf_append(&changed, slice_from(all, at + strlen(from)));
	dns_view_init(&view, arena);
	origin_read(
		&origin, arena_dup(arena, buf_slice(&changed)), NOW + 1, arena, is_ours, &asked);
	for (int i = 0; i < 4 && !origin_check(&origin, &view); i++)
		kit_answer(&view, records);
	found = origin_signer(&origin);
	origin_done(&origin);
	return found;
}

static void test_our_signature_proves_it(void **state)
{
	static const struct kit_record none[] = {{NULL, NULL}};
	struct arena arena AUTO(arena_done);

	(void)state;
	arena_init(&arena, 8 << 20);
	assert_true(slice_eq(signer_of("our.example", "Subject", "Subject", zone, &arena),
		slice_lit("our.example")));
	assert_int_equal(signer_of("our.example", "<1@", "<2@", zone, &arena).len, 0);
	assert_int_equal(signer_of("our.example", "alice@", "mallory@", zone, &arena).len, 0);
	assert_int_equal(
		signer_of("our.example", "From:", "From: x@our.example\r\nFrom:", zone, &arena).len,
		0);
	assert_int_equal(signer_of("our.example", "Subject", "Subject", none, &arena).len, 0);
	/* Good, but nothing of ours: its key is not even asked for. */
	assert_int_equal(signer_of("far.example", "Subject", "Subject", zone, &arena).len, 0);
}

static void test_marks_prove_it(void **state)
{
	struct return_keys keys = {.n = 1, .list = {{.id = 1, .bytes = {7}}}};
	struct return_keys others = {.n = 1, .list = {{.id = 1, .bytes = {8}}}};
	struct arena arena AUTO(arena_done);
	struct buf path AUTO(buf_done);
	struct slice out;

	(void)state;
	arena_init(&arena, TEXT_MAX);
	buf_init(&path, RETURN_PATH_MAX);
	assert_true(prvs_put(&keys, slice_lit("a@our.example"), NOW, &path));
	assert_int_equal(origin_path_of(&keys, buf_slice(&path), NOW, &arena, &out), ORIGIN_SENT);
	assert_true(slice_eq(out, slice_lit("a@our.example")));
	assert_int_equal(origin_path_of(&keys, buf_slice(&path), NOW + 40 * 86400, &arena, &out),
		ORIGIN_SENT);
	assert_int_equal(
		origin_path_of(&others, buf_slice(&path), NOW, &arena, &out), ORIGIN_UNKNOWN);
	buf_clear(&path);
	assert_true(
		srs_put(&keys, slice_lit("x@far.example"), slice_lit("our.example"), NOW, &path));
	assert_int_equal(
		origin_path_of(&keys, buf_slice(&path), NOW, &arena, &out), ORIGIN_FORWARDED);
	assert_int_equal(origin_path_of(&keys, slice_lit("a@our.example"), NOW, &arena, &out),
		ORIGIN_UNKNOWN);
	assert_int_equal(origin_path_of(&keys, slice_lit(""), NOW, &arena, &out), ORIGIN_UNKNOWN);
}

static int set_up(void **state)
{
	(void)state;
	feedback_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_what_of_a_header_is_told),
		cmocka_unit_test(test_the_message),
		cmocka_unit_test(test_our_signature_proves_it),
		cmocka_unit_test(test_marks_prove_it),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
