/* cmd_certificate.c - commands: certificates, which the keeper makes and keeps the keys of. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/client.h"
#include "admin/instance.h"
#include "admin/table.h"
#include "base/io.h"
#include "base/mem.h"
#include "keeper/keeper.h"
#include "keeper/order.h"

enum { PEM_MAX = 1 << 20, DAYS = 365, DAYS_MAX = 36500, DAY_S = 86400 };

static const char *text_at(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

/* ---- list and show ---- */

static void keep_row(void *context, const json_t *row)
{
	json_array_append_new(context, json_deep_copy(row));
}

/* All rows of the server, or NULL after the error was told. */
static json_t *ask_list(struct cli *cli, int *code_out)
{
	struct client client AUTO(client_close) = {.fd = -1};
	json_t *rows = json_array();
	struct err err;

	*code_out = cli_connect(cli, &client);
	if (*code_out == CLI_OK)
		*code_out = cli_end(cli,
			client_ask(&client, json_pack("{s:s}", "verb", "certificate-list"),
				keep_row, rows, NULL, &err),
			&err);
	if (*code_out == CLI_OK)
		return rows;
	json_decref(rows);
	return NULL;
}

static void put_hosts(const json_t *row, const char *between, struct buf *out)
{
	const json_t *hosts = json_object_get(row, "hosts");

	for (size_t i = 0; i < json_array_size(hosts); i++)
		buf_printf(
			out, "%s%s", i ? between : "", json_string_value(json_array_get(hosts, i)));
}

static void put_state(const json_t *row, struct buf *out)
{
	const json_t *order = json_object_get(row, "order");
	const char *error = text_at(row, "error");

	buf_str(out, json_is_true(json_object_get(row, "is_used")) ? "used" : "not used");
	if (json_is_true(json_object_get(row, "is_default")))
		buf_lit(out, ", default");
	if (json_is_true(json_object_get(row, "is_old")))
		buf_lit(out, ", for old clients");
	if (*error)
		buf_printf(out, "; the file: %s", error);
	if (order)
		buf_printf(out, "; order: %s%s%s", text_at(order, "state"),
			*text_at(order, "error") ? ": " : "", text_at(order, "error"));
}

static json_t *table_json(const json_t *row)
{
	struct buf hosts AUTO(buf_done), state AUTO(buf_done);
	json_t *flat;

	buf_init(&hosts, PEM_MAX);
	buf_init(&state, PEM_MAX);
	put_hosts(row, " ", &hosts);
	put_state(row, &state);
	flat = json_pack("{s:s, s:s, s:s%, s:s%}", "name", text_at(row, "name"), "key",
		text_at(row, "key"), "hosts", hosts.len ? hosts.ptr : "", hosts.len, "state",
		state.ptr, state.len);
	if (json_is_true(json_object_get(row, "is_used")))
		json_object_set(flat, "until", json_object_get(row, "until"));
	return flat;
}

int command_certificate_list(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"name", "NAME", TABLE_TEXT},
		{"key", "KEY", TABLE_TEXT},
		{"until", "UNTIL", TABLE_TIME},
		{"hosts", "HOSTS", TABLE_TEXT},
		{"state", "STATE", TABLE_TEXT},
	};
	struct table table;
	int code;
	json_t *rows = ask_list(cli, &code);

	if (!rows)
		return code;
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), cli->is_json);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *flat = cli->is_json ? json_incref(json_array_get(rows, i))
					    : table_json(json_array_get(rows, i));

		table_row(&table, flat);
		json_decref(flat);
	}
	table_end(&table);
	json_decref(rows);
	return CLI_OK;
}

static void print_time(const char *what, const json_t *object, const char *name)
{
	const time_t when = (time_t)json_integer_value(json_object_get(object, name));
	char text[40] = "";
	struct tm tm;

	if (gmtime_r(&when, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm);
	printf("%-12s %s\n", what, text);
}

static void print_one(const json_t *row)
{
	struct buf text AUTO(buf_done);
	const json_t *parts = json_object_get(row, "parts");

	buf_init(&text, PEM_MAX);
	put_state(row, &text);
	printf("%-12s %s\n%-12s %.*s\n", "name", text_at(row, "name"), "state",
		SLICE_ARG(buf_slice(&text)));
	if (!parts)
		return;
	buf_clear(&text);
	put_hosts(row, " ", &text);
	printf("%-12s %.*s\n%-12s %s\n%-12s %s\n%-12s %s\n", "hosts", SLICE_ARG(buf_slice(&text)),
		"key", text_at(row, "key"), "issuer", text_at(row, "issuer"), "sha256",
		text_at(row, "sha256"));
	print_time("from", row, "from");
	print_time("until", row, "until");
	for (size_t i = 0; i < json_array_size(parts); i++) {
		const json_t *part = json_array_get(parts, i);

		printf("%-12s %s\n", text_at(part, "kind"), text_at(part, "subject"));
	}
}

int command_certificate_show(struct cli *cli)
{
	int code;
	json_t *rows = ask_list(cli, &code);
	struct err err;

	if (!rows)
		return code;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		if (strcmp(text_at(row, "name"), cli->args[0]) != 0)
			continue;
		if (cli->is_json)
			json_dumpf(row, stdout, JSON_INDENT(2));
		else
			print_one(row);
		if (cli->is_json)
			putchar('\n');
		json_decref(rows);
		return CLI_OK;
	}
	json_decref(rows);
	err_set(&err, ERR_NOTFOUND, "there is no certificate %.60s", cli->args[0]);
	return cli_fail(cli, &err);
}

/* ---- what the keeper does ---- */

int command_certificate_import(struct cli *cli)
{
	struct buf pem[2];
	struct err err;
	int rc = 0;

	for (int i = 0; i < 2; i++) {
		buf_init(&pem[i], PEM_MAX);
		if (rc == 0)
			rc = cli_read_file(cli, cli->args[1 + i], &pem[i], &err);
	}
	if (rc == 0)
		rc = keeper_certificate_import(INSTANCE_KEEPER_CLI, slice_str(cli->args[0]),
			buf_slice(&pem[1]), buf_slice(&pem[0]), &err);
	if (pem[1].ptr)
		mem_wipe(pem[1].ptr, pem[1].cap);
	buf_done(&pem[0]);
	buf_done(&pem[1]);
	return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

/* NAME HOST... with the options of make and order. */
static int read_wish(const struct cli *cli, struct slice hosts[FRAME_NAMES_MAX],
	struct keeper_certificate *out, struct err *err)
{
	const char *given = cli_option(cli, "--days");
	uint64_t days = DAYS;

	if (given && (!slice_to_u64(slice_str(given), DAYS_MAX, &days) || days == 0))
		return err_set(err, ERR_SYNTAX, "--days is a number from 1 to %d", DAYS_MAX);
	for (size_t i = 1; i < cli->args_n; i++)
		hosts[i - 1] = slice_str(cli->args[i]);
	*out = (struct keeper_certificate){.name = slice_str(cli->args[0]),
		.names = hosts,
		.n = cli->args_n - 1,
		.days = (unsigned)days,
		.is_rsa = cli_option(cli, "--rsa") != NULL,
		.is_unchecked = cli_option(cli, "--unchecked") != NULL};
	return 0;
}

int command_certificate_make(struct cli *cli)
{
	struct slice hosts[FRAME_NAMES_MAX];
	struct keeper_certificate wish;
	struct buf pem AUTO(buf_done);
	struct err err;
	int rc = read_wish(cli, hosts, &wish, &err);

	buf_init(&pem, PEM_MAX);
	if (rc == 0)
		rc = keeper_certificate_make(INSTANCE_KEEPER_CLI, &wish, &pem, &err);
	return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

int command_certificate_order(struct cli *cli)
{
	struct slice hosts[FRAME_NAMES_MAX];
	struct keeper_certificate wish;
	struct err err;
	int rc = read_wish(cli, hosts, &wish, &err);

	if (rc == 0)
		rc = keeper_certificate_order(INSTANCE_KEEPER_CLI, &wish, &err);
	return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

int command_certificate_drop(struct cli *cli)
{
	struct err err;
	const int rc = keeper_certificate_drop(INSTANCE_KEEPER_CLI, slice_str(cli->args[0]), &err);

	return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

int command_certificate_account(struct cli *cli)
{
	struct buf key AUTO(buf_done);
	struct err err;
	int rc;

	buf_init(&key, PEM_MAX);
	rc = cli_read_file(cli, "-", &key, &err);
	if (rc == 0)
		rc = keeper_certificate_bind(INSTANCE_KEEPER_CLI, slice_str(cli->args[0]),
			slice_trim(buf_slice(&key)), &err);
	if (key.ptr)
		mem_wipe(key.ptr, key.cap);
	return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

/* ---- replace-all ---- */

/* Order it again: the courier sees that it must be newer than this moment. */
static int order_again(struct slice name, struct err *err)
{
	struct buf text AUTO(buf_done);
	struct keeper_certificate wish;
	struct order order;
	char path[128];
	int rc;

	buf_init(&text, ORDER_TEXT_MAX);
	snprintf(path, sizeof(path), "tls/%.*s.order", SLICE_ARG(slice_head(name, 100)));
	rc = io_read_file(AT_FDCWD, path, &text, err);
	if (rc == 0)
		rc = order_read(buf_slice(&text), &order, err);
	if (rc < 0)
		return rc;
	wish = (struct keeper_certificate){.name = name,
		.names = order.hosts,
		.n = order.n,
		.is_rsa = order.is_rsa,
		.is_unchecked = order.is_unchecked,
		.is_renewed = true};
	return keeper_certificate_order(INSTANCE_KEEPER_CLI, &wish, err);
}

/* The same once more, if it signed itself. -ERR_CONFLICT: somebody else did. */
static int make_again(const json_t *row, struct err *err)
{
	const json_t *hosts = json_object_get(row, "hosts");
	const json_t *leaf = json_array_get(json_object_get(row, "parts"), 0);
	const json_int_t lifetime = json_integer_value(json_object_get(row, "until")) -
				    json_integer_value(json_object_get(row, "from"));
	struct slice names[FRAME_NAMES_MAX];
	struct keeper_certificate wish = {.name = slice_str(text_at(row, "name")),
		.names = names,
		.days = (unsigned)(lifetime / DAY_S),
		.is_rsa = strncmp(text_at(row, "key"), "RSA", 3) == 0};
	struct buf pem AUTO(buf_done);

	buf_init(&pem, PEM_MAX);
	if (strcmp(text_at(row, "issuer"), text_at(leaf, "subject")) != 0)
		return err_set(err, ERR_CONFLICT, "it was imported: certificate import a new one");
	for (; wish.n < json_array_size(hosts) && wish.n < FRAME_NAMES_MAX; wish.n++)
		names[wish.n] = slice_str(json_string_value(json_array_get(hosts, wish.n)));
	return keeper_certificate_make(INSTANCE_KEEPER_CLI, &wish, &pem, err);
}

int command_certificate_replace_all(struct cli *cli)
{
	int code, failed = 0;
	json_t *rows = ask_list(cli, &code);
	struct err err;

	if (!rows)
		return code;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *name = text_at(row, "name");
		int rc = order_again(slice_str(name), &err);
		const bool is_ordered = rc == 0;

		if (rc == -ERR_NOTFOUND)
			rc = make_again(row, &err);
		failed += rc < 0;
		if (rc < 0)
			printf("%s: NOT replaced: %s\n", name, err.msg);
		else
			printf("%s: %s\n", name, is_ordered ? "ordered anew" : "replaced");
	}
	json_decref(rows);
	return failed ? CLI_FAILED : CLI_OK;
}
