/* cmd_dkim.c - commands: keys that sign mail, which the keeper makes and keeps. */
#include <stdio.h>

#include "admin/dkim.h"
#include "admin/instance.h"
#include "admin/record.h"
#include "admin/table.h"
#include "keeper/keeper.h"
#include "wire/smtp/addr.h"

enum { DAY_S = 86400, DAYS_MAX = 90, DAYS = 2, RECORD_MAX = 2048, ARENA_MAX = 4096 };

static const char *const states[] = {[KEEPER_DKIM_NEXT] = "next",
	[KEEPER_DKIM_SIGNS] = "signs",
	[KEEPER_DKIM_FORMER] = "former"};

static void add_row(void *context, const struct keeper_dkim *key)
{
	struct buf name AUTO(buf_done), value AUTO(buf_done);

	buf_init(&name, RECORD_MAX);
	buf_init(&value, RECORD_MAX);
	buf_append(&name, key->selector);
	buf_lit(&name, "._domainkey.");
	buf_append(&name, key->domain);
	buf_printf(&value, "v=DKIM1; k=%s; p=", key->is_rsa ? "rsa" : "ed25519");
	buf_append(&value, key->public_key);
	json_array_append_new(context,
		json_pack("{s:s%, s:s%, s:s, s:s, s:I, s:I, s:s%, s:s%}", "domain", key->domain.ptr,
			key->domain.len, "selector", key->selector.ptr, key->selector.len, "kind",
			key->is_rsa ? "rsa" : "ed25519", "state", states[key->state], "from",
			(json_int_t)key->from_s, "until", (json_int_t)key->until_s, "name",
			name.ptr, name.len, "value", value.ptr, value.len));
}

int dkim_rows(struct slice domain, json_t *rows, struct err *err)
{
	return keeper_dkim_list(INSTANCE_KEEPER_CLI, domain, add_row, rows, err);
}

static void print_records(const json_t *rows)
{
	const json_t *row;
	size_t i;

	if (json_array_size(rows) > 0)
		printf("\nIn the DNS:\n");
	json_array_foreach(rows, i, row)
	{
		record_print_txt(json_string_value(json_object_get(row, "name")),
			slice_str(json_string_value(json_object_get(row, "value"))));
	}
}

static int show(const struct cli *cli, struct slice domain)
{
	static const struct table_column columns[] = {
		{"domain", "DOMAIN", TABLE_TEXT},
		{"selector", "SELECTOR", TABLE_TEXT},
		{"kind", "KIND", TABLE_TEXT},
		{"state", "STATE", TABLE_TEXT},
		{"from", "FROM", TABLE_TIME},
		{"until", "UNTIL", TABLE_TIME},
	};
	json_t *rows = json_array();
	struct table table;
	struct err err;
	const int rc = dkim_rows(domain, rows, &err);

	if (rc < 0) {
		json_decref(rows);
		return cli_fail(cli, &err);
	}
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), cli->is_json);
	for (size_t i = 0; i < json_array_size(rows); i++)
		table_row(&table, json_array_get(rows, i));
	table_end(&table);
	if (!cli->is_json)
		print_records(rows);
	json_decref(rows);
	return CLI_OK;
}

/* The domain of the first argument, as the DNS writes it. */
static int read_domain(
	const struct cli *cli, struct arena *arena, struct slice *out, struct err *err)
{
	return smtp_domain_parse(slice_str(cli->args[0]), arena, out, err);
}

static int add(struct cli *cli, uint64_t days, bool is_rotation)
{
	struct arena arena AUTO(arena_done);
	struct slice domain;
	struct err err;
	int rc;

	arena_init(&arena, ARENA_MAX);
	rc = read_domain(cli, &arena, &domain, &err);
	if (rc == 0)
		rc = keeper_dkim_add(INSTANCE_KEEPER_CLI, domain, days * DAY_S, is_rotation, &err);
	return rc < 0 ? cli_fail(cli, &err) : show(cli, domain);
}

int command_dkim_add(struct cli *cli)
{
	return add(cli, 0, false);
}

int command_dkim_rotate(struct cli *cli)
{
	const char *given = cli_option(cli, "--after");
	uint64_t days = DAYS;
	struct err err;

	if (given && !slice_to_u64(slice_str(given), DAYS_MAX, &days)) {
		err_set(&err, ERR_SYNTAX, "--after is a number of days, at most %d", DAYS_MAX);
		return cli_fail(cli, &err);
	}
	return add(cli, days, true);
}

int command_dkim_list(struct cli *cli)
{
	struct arena arena AUTO(arena_done);
	struct slice domain = {0};
	struct err err;

	arena_init(&arena, ARENA_MAX);
	if (cli->args_n > 0 && read_domain(cli, &arena, &domain, &err) < 0)
		return cli_fail(cli, &err);
	return show(cli, domain);
}

int command_dkim_remove(struct cli *cli)
{
	struct arena arena AUTO(arena_done);
	struct slice domain;
	struct err err;
	int rc;

	arena_init(&arena, ARENA_MAX);
	rc = read_domain(cli, &arena, &domain, &err);
	if (rc == 0)
		rc = keeper_dkim_remove(INSTANCE_KEEPER_CLI, domain,
			cli->args_n > 1 ? slice_str(cli->args[1]) : slice_lit(""), &err);
	return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}
