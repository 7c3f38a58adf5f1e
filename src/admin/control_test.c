/* control_test.c - the control protocol over a socket pair: a real pool, directory and store. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/control.h"
#include "ask/ask.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/temp.h"

struct fixture {
	char dir[TEMP_MAX];
	struct service service;
	struct control control;
	int fd;
	struct buf in;
};

static void send_text(struct fixture *f, const char *text)
{
	struct err err;

	assert_int_equal(io_write_all(f->fd, slice_str(text), &err), 0);
}

/* The next line without its end; the caller frees. NULL at the end of the connection. */
static char *next_line(struct fixture *f)
{
	char chunk[4096], *line;
	size_t end;

	while ((end = slice_chr(buf_slice(&f->in), '\n')) == SIZE_MAX) {
		const ssize_t n = read(f->fd, chunk, sizeof(chunk));

		if (n <= 0)
			return NULL;
		buf_append(&f->in, (struct slice){chunk, (size_t)n});
	}
	line = mem_str(slice_head(buf_slice(&f->in), end));
	buf_consume(&f->in, end + 1);
	return line;
}

/* The next line begins so. */
static void expect(struct fixture *f, const char *want)
{
	char *line = next_line(f);

	if (!line || strncmp(line, want, strlen(want)) != 0)
		fail_msg("want %s\n got %s", want, line ? line : "the end");
	free(line);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct pool_config pool = {.threads = 4, .connections_max = 10};
	struct store_config store = {
		.open_max = 8, .index_bytes_max = 1 << 20, .message_max = 1 << 20};
	struct conn_ref ref;
	struct err err;
	int pair[2];

	assert_non_null(mkdtemp(temp_path(f->dir, "control-test-XXXXXX")));
	assert_int_equal(chdir(f->dir), 0);
	buf_init(&f->in, 64 << 20);
	mail_sessions_init(&f->service.sessions);
	mail_imports_init(&f->service.imports);
	assert_int_equal(pool_new(&pool, &f->service.pool, &err), 0);
	store.pool = f->service.pool;
	assert_int_equal(store_new(&store, &f->service.store, &err), 0);
	assert_int_equal(directory_open("directory.db", &f->service.directory, &err), 0);
	f->service.ask = ask_new("nobody.sock");
	ask_start(f->service.ask, f->service.pool);
	f->service.host_name = slice_lit("mail.example.org");
	f->service.limits.message_max = 1 << 20;
	control_init(&f->control, &f->service);
	f->control.owner_uid = geteuid();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	f->fd = pair[0];
	assert_int_equal(
		pool_attach(f->service.pool, pair[1], &control_protocol, &f->control, &ref, &err),
		0);
	assert_int_equal(pool_start(f->service.pool, &err), 0);
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	pool_stop(&f->service.pool);
	mail_sessions_done(&f->service.sessions);
	mail_imports_done(&f->service.imports);
	ask_free(&f->service.ask);
	directory_close(&f->service.directory);
	store_free(&f->service.store);
	control_done(&f->control);
	buf_done(&f->in);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(f);
	return 0;
}

static const struct {
	const char *request, *want;
} steps[] = {
	{"", "{\"error\":{\"code\":\"SYNTAX\""},
	{"[]", "{\"error\":{\"code\":\"SYNTAX\""},
	{"{\"verb\":1}", "{\"error\":{\"code\":\"SYNTAX\",\"message\":\"verb is missing\"}}"},
	{"{\"verb\":\"frob\"}",
		"{\"error\":{\"code\":\"SYNTAX\",\"message\":\"there is no verb frob\"}}"},
	{"{\"verb\":\"status\",\"verb\":\"check\"}", "{\"error\":{\"code\":\"SYNTAX\""},
	{"{\"verb\":\"domain-add\"}",
		"{\"error\":{\"code\":\"SYNTAX\",\"message\":\"domain is missing\"}}"},
	{"{\"verb\":\"domain-list\"}", "{\"done\":{}}"},
	{"{\"verb\":\"domain-add\",\"domain\":\"Example.ORG\"}", "{\"done\":{}}"},
	{"{\"verb\":\"domain-add\",\"domain\":\"example.org\"}", "{\"error\":{\"code\":\"EXISTS\""},
	{"{\"verb\":\"domain-add\",\"domain\":\"a b\"}", "{\"error\":{\"code\":\"SYNTAX\""},
	{"{\"verb\":\"account-add\",\"address\":\"a@elsewhere.example\"}",
		"{\"error\":{\"code\":\"NOTFOUND\""},
	{"{\"verb\":\"account-add\",\"address\":\"a@example.org\",\"quota\":1000}",
		"{\"done\":{\"id\":"},
	{"{\"verb\":\"account-add\",\"address\":\"A@example.org\"}",
		"{\"error\":{\"code\":\"EXISTS\""},
	{"{\"verb\":\"account-find\",\"address\":\"a@example.org\"}",
		"{\"done\":{\"address\":\"a@example.org\",\"id\":"},
	{"{\"verb\":\"account-find\",\"address\":\"b@example.org\"}",
		"{\"error\":{\"code\":\"NOTFOUND\""},
	{"{\"verb\":\"alias-add\",\"address\":\"i@example.org\"}",
		"{\"error\":{\"code\":\"SYNTAX\""},
	{"{\"verb\":\"alias-add\",\"address\":\"i@example.org\",\"targets\":[1]}",
		"{\"error\":{\"code\":\"SYNTAX\""},
	{"{\"verb\":\"alias-add\",\"address\":\"i@example.org\",\"targets\":[\"a@example.org\"]}",
		"{\"done\":{}}"},
	{"{\"verb\":\"alias-list\",\"domain\":\"elsewhere.example\"}", "{\"done\":{}}"},
	{"{\"verb\":\"account-import\"}", "{\"error\":{\"code\":\"SYNTAX\""},
	{"{\"verb\":\"account-import\",\"accounts\":[1,{},{\"address\":\"a@example.org\"}]}",
		"{\"done\":{\"results\":[{\"id\":0,\"code\":\"SYNTAX\""},
	{"{\"verb\":\"deliver\",\"address\":\"nobody@example.org\"}",
		"{\"error\":{\"code\":\"NOTFOUND\""},
	{"{\"verb\":\"alias-delete\",\"address\":\"i@example.org\"}", "{\"done\":{}}"},
	{"{\"verb\":\"account-delete\",\"address\":\"a@example.org\"}", "{\"done\":{\"id\":"},
	{"{\"verb\":\"account-list\"}", "{\"done\":{}}"},
	{"{\"verb\":\"status\"}", "{\"done\":{\"version\":"},
	{"{\"verb\":\"check\"}", "{\"done\":{\"accounts\":0,\"problems\":0"},
	{"{\"verb\":\"check\",\"addresses\":[\"x@y.example\"]}",
		"{\"row\":{\"address\":\"x@y.example\",\"problem\":"},
};

static void test_verbs(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		send_text(f, steps[i].request);
		send_text(f, "\n");
		expect(f, steps[i].want);
	}
	expect(f, "{\"done\":{\"accounts\":0,\"problems\":1");
}

/* Many accounts in one request, and lists that are longer than one page. */
static void test_import_and_list(void **state)
{
	struct fixture *f = *state;
	json_t *accounts = json_array();
	struct buf request AUTO(buf_done);
	char address[64], *text;

	send_text(f, "{\"verb\":\"domain-add\",\"domain\":\"example.org\"}\n");
	expect(f, "{\"done\":{}}");
	for (int i = 0; i < CONTROL_BATCH_MAX; i++) {
		snprintf(address, sizeof(address), "user%04d@example.org", i);
		json_array_append_new(accounts, json_pack("{s:s}", "address", address));
	}
	text = json_dumps(accounts, JSON_COMPACT);
	buf_init(&request, CONTROL_LINE_MAX);
	buf_printf(&request, "{\"verb\":\"account-import\",\"accounts\":");
	buf_str(&request, text);
	buf_lit(&request, "}\n");
	buf_byte(&request, '\0');
	send_text(f, request.ptr);
	expect(f, "{\"done\":{\"results\":[{\"id\":");
	send_text(f, "{\"verb\":\"account-list\",\"domain\":\"example.org\"}\n");
	for (int i = 0; i < CONTROL_BATCH_MAX; i++) {
		snprintf(address, sizeof(address), "{\"row\":{\"address\":\"user%04d@", i);
		expect(f, address);
	}
	expect(f, "{\"done\":{}}");
	free(text);
	json_decref(accounts);
}

static void send_chunk(struct fixture *f, const char *text)
{
	unsigned char head[4];
	struct err err;

	be32_put(head, (uint32_t)strlen(text));
	assert_int_equal(io_write_all(f->fd, (struct slice){(const char *)head, 4}, &err), 0);
	send_text(f, text);
}

static void test_deliver_and_check(void **state)
{
	struct fixture *f = *state;

	send_text(f, "{\"verb\":\"domain-add\",\"domain\":\"example.org\"}\n"
		     "{\"verb\":\"account-add\",\"address\":\"a@example.org\"}\n");
	expect(f, "{\"done\":{}}");
	expect(f, "{\"done\":{\"id\":");
	for (int i = 0; i < 2; i++) {
		send_text(f, i ? "{\"verb\":\"deliver\",\"address\":\"a@example.org\","
				 "\"mailbox\":\"Archive\"}\n"
			       : "{\"verb\":\"deliver\",\"address\":\"a+tag@example.org\"}\n");
		expect(f, "{\"send\":{}}");
		send_chunk(f, "Subject: one\r\n");
		send_chunk(f, "\r\nHello\r\n");
		send_chunk(f, "");
		expect(f, "{\"done\":{\"uid\":1,");
	}
	send_text(f, "{\"verb\":\"deliver\",\"address\":\"a@example.org\",\"mailbox\":\"No\"}\n");
	expect(f, "{\"send\":{}}");
	send_chunk(f, "x\r\n");
	send_chunk(f, "");
	expect(f, "{\"error\":{\"code\":\"NOTFOUND\"");
	send_text(f, "{\"verb\":\"check\",\"repair\":true}\n");
	expect(f, "{\"row\":{\"address\":\"a@example.org\",\"mailboxes\":6,\"messages\":2,");
	expect(f, "{\"done\":{\"accounts\":1,\"problems\":0,\"repaired\":0");
}

/* A message that grows too large is read to its end, refused, and the connection stays. */
static void test_too_large(void **state)
{
	struct fixture *f = *state;
	char *chunk = malloc(CONTROL_CHUNK_MAX + 1);

	send_text(f, "{\"verb\":\"domain-add\",\"domain\":\"example.org\"}\n"
		     "{\"verb\":\"account-add\",\"address\":\"a@example.org\"}\n"
		     "{\"verb\":\"deliver\",\"address\":\"a@example.org\"}\n");
	expect(f, "{\"done\":{}}");
	expect(f, "{\"done\":{\"id\":");
	expect(f, "{\"send\":{}}");
	memset(chunk, 'x', CONTROL_CHUNK_MAX);
	chunk[CONTROL_CHUNK_MAX] = '\0';
	for (int i = 0; i < 20; i++)
		send_chunk(f, chunk);
	send_chunk(f, "");
	expect(f, "{\"error\":{\"code\":\"TOOBIG\"");
	send_text(f, "{\"verb\":\"deliver\",\"address\":\"a@example.org\"}\n");
	expect(f, "{\"send\":{}}");
	assert_int_equal(write(f->fd, "\xff\xff\xff\xff", 4), 4);
	expect(f, "{\"error\":{\"code\":\"TOOBIG\"");
	assert_null(next_line(f));
	free(chunk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_verbs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_import_and_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deliver_and_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
