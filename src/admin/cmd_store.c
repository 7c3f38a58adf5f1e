/* cmd_store.c - commands: check (by the server, or on the files when none runs), and deliver. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/client.h"
#include "admin/instance.h"
#include "admin/table.h"
#include "base/config.h"
#include "base/io.h"
#include "directory/directory.h"
#include "process/sandbox.h"
#include "store/check.h"
#include "store/store.h"

enum { PAGE = 100, PAGE_BYTES_MAX = 1 << 20, OPEN_MAX = 8, INDEX_MAX = 64 << 20 };

static const struct table_column columns[] = {
	{"address", "ACCOUNT", TABLE_TEXT},
	{"mailboxes", "MAILBOXES", TABLE_NUMBER},
	{"messages", "MESSAGES", TABLE_NUMBER},
	{"bytes", "BYTES", TABLE_BYTES},
	{"problems", "PROBLEMS", TABLE_NUMBER},
	{"repaired", "REPAIRED", TABLE_NUMBER},
};

struct report {
	struct table table;
	uint64_t problems, repaired;
};

static void report_problem(struct report *report, struct slice address, struct slice line)
{
	if (report->table.is_json) {
		json_t *row = json_pack("{s:o, s:o}", "address",
			json_stringn(address.len ? address.ptr : "", address.len), "problem",
			json_stringn_nocheck(line.len ? line.ptr : "", line.len));

		table_row(&report->table, row);
		json_decref(row);
	} else {
		printf("%.*s: %.*s\n", SLICE_ARG(address), SLICE_ARG(line));
	}
}

/* A row of the server's: a problem, or the sums of an account. */
static void on_row(void *context, const json_t *row)
{
	struct report *report = context;
	const json_t *problem = json_object_get(row, "problem");
	const json_t *address = json_object_get(row, "address");

	if (problem)
		report_problem(report,
			(struct slice){json_string_value(address), json_string_length(address)},
			(struct slice){json_string_value(problem), json_string_length(problem)});
	else
		table_row(&report->table, row);
}

static int report_end(struct report *report)
{
	table_end(&report->table);
	return report->problems > report->repaired ? CLI_PROBLEMS : CLI_OK;
}

static int check_live(struct cli *cli, struct client *client)
{
	json_t *addresses = json_array(), *done = NULL;
	struct report report = {.problems = 0};
	struct err err;
	int rc;

	for (size_t i = 0; i < cli->args_n; i++)
		json_array_append_new(addresses, json_string(cli->args[i]));
	table_init(&report.table, columns, sizeof(columns) / sizeof(columns[0]), cli->is_json);
	rc = client_ask(client,
		json_pack("{s:s, s:o, s:b}", "verb", "check", "addresses", addresses, "repair",
			cli_option(cli, "--repair") != NULL),
		on_row, &report, &done, &err);
	report.problems = (uint64_t)json_integer_value(json_object_get(done, "problems"));
	report.repaired = (uint64_t)json_integer_value(json_object_get(done, "repaired"));
	if (json_integer_value(json_object_get(done, "unlisted")))
		fprintf(stderr, "posthouse: more was found than is listed here\n");
	json_decref(done);
	if (rc < 0) {
		table_end(&report.table);
		return cli_fail(cli, &err);
	}
	return report_end(&report);
}

/* ---- without a server ---- */

struct offline {
	struct cli *cli;
	struct directory *directory;
	struct store *store;
	struct report report;
	struct slice address; /* of the account at hand */
};

static void on_found(void *context, struct slice line)
{
	struct offline *offline = context;

	report_problem(&offline->report, offline->address, line);
}

static void check_account(struct offline *offline, const struct directory_account *who)
{
	struct account *account AUTO(account_free) = NULL;
	struct check_result result = {0};
	struct err err;
	json_t *row;
	int rc;

	offline->address = who->address;
	rc = store_account(offline->store, who->id, who->quota_bytes, &account, &err);
	if (rc == 0)
		rc = account_check(account, cli_option(offline->cli, "--repair") != NULL, on_found,
			offline, &result, &err);
	offline->report.problems += result.problems + (rc < 0);
	offline->report.repaired += result.repaired;
	if (rc < 0) {
		on_found(offline, slice_str(err.msg));
		return;
	}
	row = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "address",
		json_stringn_nocheck(who->address.ptr, who->address.len), "mailboxes",
		(json_int_t)result.mailboxes, "messages", (json_int_t)result.messages, "bytes",
		(json_int_t)result.bytes, "problems", (json_int_t)result.problems, "repaired",
		(json_int_t)result.repaired);
	table_row(&offline->report.table, row);
	json_decref(row);
}

static int check_named(struct offline *offline, struct err *err)
{
	for (size_t i = 0; i < offline->cli->args_n; i++) {
		struct arena arena AUTO(arena_done);
		struct directory_entry entry;
		const struct slice address = slice_str(offline->cli->args[i]);
		int rc;

		arena_init(&arena, PAGE_BYTES_MAX);
		rc = directory_find(offline->directory, address, &arena, &entry, err);
		if (rc == 0 && entry.kind != DIRECTORY_ACCOUNT)
			rc = err_set(err, ERR_NOTFOUND, "there is no account %.100s",
				offline->cli->args[i]);
		if (rc < 0)
			return rc;
		check_account(offline, &entry.account);
	}
	return 0;
}

static int check_everybody(struct offline *offline, struct err *err)
{
	struct buf after AUTO(buf_done);
	size_t n = PAGE;
	int rc = 0;

	buf_init(&after, 2 * DIRECTORY_ADDRESS_MAX);
	while (rc == 0 && n == PAGE) {
		struct directory_account *accounts;
		struct arena arena AUTO(arena_done);

		arena_init(&arena, PAGE_BYTES_MAX);
		n = 0;
		rc = directory_accounts(
			offline->directory, buf_slice(&after), PAGE, &arena, &accounts, &n, err);
		for (size_t i = 0; rc == 0 && i < n; i++)
			check_account(offline, &accounts[i]);
		if (rc == 0 && n) {
			buf_clear(&after);
			buf_append(&after, accounts[n - 1].address);
		}
	}
	return rc;
}

/* Into mail/ as the user whose it is, so that no file becomes root's. */
static int enter_mail(struct err *err)
{
	struct stat st;

	if (chdir("mail") < 0 || stat(".", &st) < 0)
		return err_errno(err, "cannot enter the server's directory");
	return geteuid() == 0 && st.st_uid != 0 ? user_drop(st.st_uid, st.st_gid, err) : 0;
}

static int open_offline(struct offline *offline, struct err *err)
{
	const struct store_config config = {
		.open_max = OPEN_MAX, .index_bytes_max = INDEX_MAX, .message_max = INT64_MAX};
	int rc = enter_mail(err);

	if (rc == 0)
		rc = directory_open("directory.db", &offline->directory, err);
	return rc < 0 ? rc : store_new(&config, &offline->store, err);
}

static int check_offline(struct cli *cli)
{
	struct offline offline = {.cli = cli};
	bool was_interrupted;
	struct err err;
	int lock, rc;

	rc = instance_lock(cli->dir, &lock, &was_interrupted, &err);
	if (rc < 0)
		return cli_fail(cli, &err);
	table_init(
		&offline.report.table, columns, sizeof(columns) / sizeof(columns[0]), cli->is_json);
	rc = open_offline(&offline, &err);
	if (rc == 0)
		rc = cli->args_n ? check_named(&offline, &err) : check_everybody(&offline, &err);
	if (offline.store)
		store_free(&offline.store);
	if (offline.directory)
		directory_close(&offline.directory);
	if (was_interrupted)
		io_close(&lock); /* the mark stays for the next start */
	else
		instance_unlock(&lock);
	if (rc == 0)
		return report_end(&offline.report);
	table_end(&offline.report.table);
	return cli_fail(cli, &err);
}

int command_check(struct cli *cli)
{
	struct client client AUTO(client_close) = {.fd = -1};
	struct err err;
	const int rc = client_open(cli, &client, &err);

	if (rc == 0)
		return check_live(cli, &client);
	return rc == -ERR_NOTFOUND ? check_offline(cli) : cli_fail(cli, &err);
}

/* ---- deliver ---- */

static int deliver(struct cli *cli, struct client *client, int fd, struct err *err)
{
	const char *mailbox = cli_option(cli, "--mailbox");
	json_t *done = NULL;
	int rc = client_ask(client,
		json_pack("{s:s, s:s, s:s}", "verb", "deliver", "address", cli->args[0], "mailbox",
			mailbox ? mailbox : ""),
		NULL, NULL, NULL, err);

	if (rc == 0)
		rc = client_send(client, fd, err);
	if (rc == 0)
		rc = client_finish(client, NULL, NULL, &done, err);
	if (rc == 0 && cli->is_json) {
		json_dumpf(done, stdout, JSON_COMPACT);
		putchar('\n');
	}
	json_decref(done);
	return rc;
}

int command_deliver(struct cli *cli)
{
	struct client client AUTO(client_close) = {.fd = -1};
	struct err err;
	int fd AUTO(io_close) = cli_open(cli, cli->args_n > 1 ? cli->args[1] : "-", &err);
	int code;

	if (fd < 0)
		return cli_fail(cli, &err);
	code = cli_connect(cli, &client);
	return code != CLI_OK ? code : cli_end(cli, deliver(cli, &client, fd, &err), &err);
}
