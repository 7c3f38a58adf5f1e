/* cmd_dns.c - commands: what the DNS says. */
#include <stdio.h>
#include <string.h>

#include "admin/client.h"
#include "admin/dkim.h"
#include "admin/record.h"
#include "admin/table.h"
#include "wire/smtp/addr.h"

enum { ARENA_MAX = 4096 };

int command_dns_lookup(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"name", "NAME", TABLE_TEXT},
		{"ttl", "TTL", TABLE_NUMBER},
		{"secure", "SIGNED", TABLE_YES},
		{"data", "DATA", TABLE_TEXT},
	};
	json_t *request = json_pack("{s:s, s:s, s:s}", "verb", "dns-lookup", "name", cli->args[0],
		"type", cli->args_n > 1 ? cli->args[1] : "A");

	return cli_list(cli, request, columns, sizeof(columns) / sizeof(columns[0]));
}

/* ---- check ---- */

static const char *text_at(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

static void keep_row(void *context, const json_t *row)
{
	json_array_append_new(context, json_deep_copy(row));
}

static bool is_state(const json_t *row, const char *state)
{
	return strcmp(text_at(row, "state"), state) == 0;
}

/* What should stand in the zone file, for each row that is not well. */
static void print_wanted(const json_t *rows)
{
	const json_t *row;
	size_t i;
	bool has_title = false;

	json_array_foreach(rows, i, row)
	{
		if (is_state(row, "ok") || is_state(row, "unknown"))
			continue;
		if (!has_title)
			printf("\nIn the DNS there should be:\n");
		has_title = true;
		if (strcmp(text_at(row, "type"), "TXT") == 0)
			record_print_txt(text_at(row, "name"), slice_str(text_at(row, "wanted")));
		else if (strcmp(text_at(row, "type"), "-") == 0)
			printf("(what this prints: %s)\n", text_at(row, "wanted"));
		else
			printf("%s.\tIN %s %s\n", text_at(row, "name"), text_at(row, "type"),
				text_at(row, "wanted"));
	}
}

static int print_checked(const struct cli *cli, const json_t *rows)
{
	static const struct table_column columns[] = {
		{"what", "RECORD", TABLE_TEXT},
		{"name", "NAME", TABLE_TEXT},
		{"state", "STATE", TABLE_TEXT},
		{"found", "FOUND", TABLE_TEXT},
	};
	struct table table;
	const json_t *row;
	bool is_bad = false;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), cli->is_json);
	json_array_foreach(rows, i, row)
	{
		table_row(&table, row);
		is_bad = is_bad || !(is_state(row, "ok") || is_state(row, "optional"));
	}
	table_end(&table);
	if (!cli->is_json)
		print_wanted(rows);
	return is_bad ? CLI_PROBLEMS : CLI_OK;
}

/* Keys that sign no more need no record. */
static void drop_former(json_t *keys)
{
	for (size_t i = json_array_size(keys); i-- > 0;)
		if (is_state(json_array_get(keys, i), "former"))
			json_array_remove(keys, i);
}

int command_dns_check(struct cli *cli)
{
	struct client client AUTO(client_close) = {.fd = -1};
	struct arena arena AUTO(arena_done);
	json_t *keys = json_array(), *rows = json_array();
	struct slice domain;
	struct err err;
	int code, rc;

	arena_init(&arena, ARENA_MAX);
	rc = smtp_domain_parse(slice_str(cli->args[0]), &arena, &domain, &err);
	if (rc == 0)
		rc = dkim_rows(domain, keys, &err);
	drop_former(keys);
	code = rc == 0 ? cli_connect(cli, &client) : cli_fail(cli, &err);
	if (code == CLI_OK)
		code = cli_end(cli,
			client_ask(&client,
				json_pack("{s:s, s:s%, s:O}", "verb", "dns-check", "domain",
					domain.ptr, domain.len, "dkim", keys),
				keep_row, rows, NULL, &err),
			&err);
	if (code == CLI_OK)
		code = print_checked(cli, rows);
	json_decref(keys);
	json_decref(rows);
	return code;
}
