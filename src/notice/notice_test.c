/* notice_test.c - every template in every language, and that a notice is sent once, whatever
 * happens in between. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "db/db.h"
#include "mail/mail_kit.h"
#include "notice/compose.h"
#include "wire/mime/mime.h"

#define NASTY "<b>&\"'\r\nBcc: x@y\xe2\x98\x83"

static struct mail_kit kit;

static const struct notice_config config = {.name = {"B\xc3\xb6rse & Co", 11},
	.language = {"en", 2},
	.home = {"https://www.posthouse.example", 29},
	.help = {"https://help.example/x", 22}};

static void open_notices(void)
{
	struct err err;

	if (notice_open(&kit.service, &config, &err) < 0)
		fail_msg("%s", err.msg);
}

static int setup(void **state)
{
	(void)state;
	kit_open(&kit);
	open_notices();
	return 0;
}

static void stop(void)
{
	pool_stop(&kit.service.pool);
	notice_close(&kit.service);
}

static int teardown(void **state)
{
	(void)state;
	stop();
	kit_close(&kit);
	return 0;
}

/* ---- templates ---- */

static json_t *nasty_values(void)
{
	static const char *const names[] = {"used", "quota", "peer", "program", "protocol", "app",
		"factor", "link", "recovery", "account", "text", "by", "reason", "server", "port",
		"security", "certificate", "days", "until", "error", "address", "name", "service",
		"host", "home", "help", "when"};
	json_t *values = json_object();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_object_set_new(values, names[i], json_string(NASTY));
	return values;
}

static struct mime_message *parse(struct slice text)
{
	struct mime_parser *parser = mime_parser_new(&mime_limits_default);
	struct mime_message *message;

	mime_parser_feed(parser, text);
	message = mime_parser_finish(parser);
	mime_parser_free(&parser);
	return message;
}

/* A line of the header that begins so. */
static bool has_line(struct slice text, const char *begin)
{
	while (text.len) {
		if (slice_starts_nocase(slice_cut(text, '\n', &text), slice_str(begin)))
			return true;
	}
	return false;
}

static void check_message(struct slice text, const char *name, const char *language)
{
	struct mime_message *message = parse(text);
	const struct mime_part *root = message->root, *first = root->children;
	struct slice head, html;

	if (root->kind != MIME_MULTIPART || !slice_eq(root->subtype, slice_lit("alternative")) ||
		!first || !first->next || first->next->next ||
		!slice_eq(first->subtype, slice_lit("plain")) ||
		!slice_eq(first->next->subtype, slice_lit("html")) || first->encoding != MIME_QP ||
		first->next->encoding != MIME_QP || !slice_eq(root->languages, slice_str(language)))
		fail_msg("%s: the structure is wrong", name);
	head = slice_head(text, slice_find(text, slice_lit("\r\n\r\n")));
	html = slice_from(text, slice_find(text, slice_lit("text/html")));
	assert_true(has_line(head, "Auto-Submitted: auto-generated"));
	assert_true(has_line(head, "Subject: "));
	if (has_line(head, "Bcc:") || slice_find(text, slice_lit("{{")) != SIZE_MAX ||
		slice_find(html, slice_lit("<b>")) != SIZE_MAX ||
		slice_find(html, slice_lit("&lt;b")) == SIZE_MAX)
		fail_msg("%s: a value broke out", name);
	mime_message_free(&message);
}

static void test_templates(void **state)
{
	static const char *const languages[] = {"en", "de", "de-CH", "fr", ""};
	static const char *const got[] = {"en", "de", "de", "en", "en"};
	const struct page_set *set = compose_set();
	struct err err;
	size_t seen = 0;

	(void)state;
	if (page_set_check(set, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < set->n * 5; i++) {
		const struct page_template *t = &set->templates[i / 5];
		struct compose compose = {.template = t->name + 3,
			.language = slice_str(languages[i % 5]),
			.from_name = config.name,
			.from_address = slice_lit("post@example.org"),
			.to = slice_lit("ann@example.org"),
			.host_name = slice_lit("mx.example.org"),
			.id = 7};
		struct buf out AUTO(buf_done);
		uint64_t own;

		buf_init(&out, NOTICE_MESSAGE_MAX);
		if (strncmp(t->name, "en/", 3) != 0 || strcmp(t->name, "en/footer") == 0)
			continue;
		compose.values = nasty_values();
		if (compose_message(&compose, &out, &own, &err) < 0)
			fail_msg("%s: %s", t->name, err.msg);
		json_decref(compose.values);
		check_message(buf_slice(&out), t->name, got[i % 5]);
		seen++;
	}
	assert_int_equal(seen, 25 * 5);
}

static void test_unknown_template(void **state)
{
	struct compose compose = {.template = "nothing", .values = json_object()};
	struct buf out AUTO(buf_done);
	struct err err;
	uint64_t own;

	(void)state;
	buf_init(&out, NOTICE_MESSAGE_MAX);
	assert_int_equal(compose_message(&compose, &out, &own, &err), -ERR_NOTFOUND);
	assert_int_equal(out.len, 0);
	json_decref(compose.values);
}

static void test_clean(void **state)
{
	json_t *values = json_pack("{s:s, s:i}", "a", "x\r\ny\x7f", "n", 5);
	char *longer = mem_zalloc(NOTICE_VALUE_MAX + 10);

	(void)state;
	memset(longer, 'a', NOTICE_VALUE_MAX - 1);
	memcpy(longer + NOTICE_VALUE_MAX - 1, "\xc3\xbcx", 3);
	json_object_set_new(values, "b", json_string(longer));
	compose_clean(values);
	assert_string_equal(json_string_value(json_object_get(values, "a")), "x  y ");
	assert_int_equal(json_integer_value(json_object_get(values, "n")), 5);
	assert_int_equal(json_string_length(json_object_get(values, "b")), NOTICE_VALUE_MAX - 1);
	free(longer);
	json_decref(values);
}

/* ---- sending ---- */

static void send_to(enum kit_account who, const char *key)
{
	notice_send_once(&kit.service, kit.ids[who], "new-place",
		json_pack("{s:s, s:s}", "peer", "192.0.2.1", "protocol", "IMAP"), (struct slice){0},
		slice_str(key));
}

static uint64_t waiting(void)
{
	struct notice_status status = {0};
	struct err err;

	assert_int_equal(notice_status(&kit.service, &status, &err), 0);
	return status.waiting;
}

static void await_sent(void)
{
	for (int ms = 0; waiting(); ms += 5) {
		assert_true(ms < 20000);
		poll(NULL, 0, 5);
	}
}

static void test_send(void **state)
{
	struct notice_status status;
	struct kit_queued queue;
	struct err err;

	(void)state;
	send_to(KIT_ALICE, "");
	send_to(KIT_ALICE, "");
	send_to(KIT_BOB, "same");
	send_to(KIT_BOB, "same");
	notice_send(&kit.service, kit.ids[KIT_CAROL], "reset-link",
		json_pack("{s:s}", "link", "https://x"), slice_lit("away@elsewhere.example"));
	notice_send(&kit.service, kit.ids[KIT_CAROL], "reset-link", NULL,
		slice_lit("bob@posthouse.example"));
	notice_send(&kit.service, 12345, "new-place", NULL, (struct slice){0}); /* nobody */
	kit_start(&kit);
	await_sent();
	kit_await(&kit, KIT_ALICE, 2);
	kit_await(&kit, KIT_BOB, 2);
	assert_int_equal(kit_messages(&kit, KIT_CAROL), 0);
	queue = kit_queued(&kit);
	assert_int_equal(queue.messages, 1);
	assert_int_equal(notice_status(&kit.service, &status, &err), 0);
	assert_int_equal(status.sent_day, 5);
}

/* A full account gets what the service has to say, and nothing else. */
static void test_full(void **state)
{
	const uint64_t quota = 10;
	struct err err;

	(void)state;
	assert_int_equal(directory_account_set(kit.service.directory, kit.ids[KIT_ALICE],
				 &(struct directory_change){.quota_bytes = &quota}, &err),
		0);
	send_to(KIT_ALICE, "");
	kit_start(&kit);
	await_sent();
	kit_await(&kit, KIT_ALICE, 1);
}

/* The notice was stored, and the crash came before that was marked. */
static void test_crash(void **state)
{
	struct db *db;
	struct err err;

	(void)state;
	send_to(KIT_ALICE, "once");
	kit_start(&kit);
	await_sent();
	kit_await(&kit, KIT_ALICE, 1);
	stop();
	kit_stop(&kit);
	assert_int_equal(db_open(&(struct db_config){.path = "notice.db"}, &db, &err), 0);
	assert_int_equal(db_do(db, &err, "UPDATE notice SET state = 0, ended = 0"), 0);
	db_close(&db);
	kit_resume(&kit);
	open_notices();
	send_to(KIT_ALICE, "once");
	kit_start(&kit);
	await_sent();
	assert_int_equal(kit_messages(&kit, KIT_ALICE), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_unknown_template),
		cmocka_unit_test(test_clean),
		TEST(test_send),
		TEST(test_full),
		TEST(test_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
