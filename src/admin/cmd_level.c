/* cmd_level.c - commands: service levels, groups, login screens. What must be true at the keeper
 * too is told to it here: only the command line may. */
#include <stdio.h>
#include <string.h>

#include "admin/client.h"
#include "admin/instance.h"
#include "admin/table.h"
#include "base/encode.h"
#include "directory/group.h"
#include "keeper/client.h"
#include "keeper/credentials.h"
#include "keeper/keeper.h"

static int usage(const struct cli *cli, const char *what, const char *got)
{
	struct err err;

	err_set(&err, ERR_SYNTAX, "%s, not %.60s", what, got);
	cli_fail(cli, &err);
	return CLI_USAGE;
}

/* "key=value" arguments from the given one on. */
static int take_settings(const struct cli *cli, size_t from, json_t *out)
{
	for (size_t i = from; i < cli->args_n; i++) {
		const char *equals = strchr(cli->args[i], '=');
		char key[40];

		if (!equals || equals == cli->args[i] ||
			(size_t)(equals - cli->args[i]) >= sizeof(key))
			return usage(cli, "a setting is NAME=VALUE", cli->args[i]);
		snprintf(key, sizeof(key), "%.*s", (int)(equals - cli->args[i]), cli->args[i]);
		if (json_object_set_new(out, key, json_string(equals + 1)) < 0)
			return usage(cli, "a value is UTF-8", cli->args[i]);
	}
	return CLI_OK;
}

/* ---- levels ---- */

int command_level_list(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"name", "LEVEL", TABLE_TEXT},
		{"storage", "STORAGE", TABLE_TEXT},
		{"message", "MESSAGE", TABLE_TEXT},
		{"sends_hour", "SENDS/H", TABLE_TEXT},
		{"sends_day", "SENDS/D", TABLE_TEXT},
		{"aliases", "ALIASES", TABLE_TEXT},
		{"domains", "DOMAINS", TABLE_TEXT},
		{"default", "DEFAULT", TABLE_YES},
	};

	return cli_list(cli, json_pack("{s:s}", "verb", "level-list"), columns,
		sizeof(columns) / sizeof(columns[0]));
}

struct show {
	const struct cli *cli;
	bool is_found;
};

static void show_level(void *context, const json_t *row)
{
	struct show *show = context;
	const char *name = json_string_value(json_object_get(row, "name")), *key;
	json_t *value;

	if (!name || strcmp(name, show->cli->args[0]) != 0)
		return;
	show->is_found = true;
	if (show->cli->is_json) {
		json_dumpf(row, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)row, key, value)
	{
		if (json_is_string(value))
			printf("%s=%s\n", key, json_string_value(value));
		else if (json_is_true(value))
			printf("%s=yes\n", key);
	}
}

int command_level_show(struct cli *cli)
{
	struct client client AUTO(client_close) = {.fd = -1};
	struct show show = {.cli = cli};
	struct err err;
	int rc = cli_connect(cli, &client);

	if (rc != CLI_OK)
		return rc;
	rc = client_ask(
		&client, json_pack("{s:s}", "verb", "level-list"), show_level, &show, NULL, &err);
	if (rc == 0 && !show.is_found)
		rc = err_set(&err, ERR_NOTFOUND, "there is no service level %.40s", cli->args[0]);
	return cli_end(cli, rc, &err);
}

int command_level_set(struct cli *cli)
{
	json_t *settings = json_object();
	const int rc = take_settings(cli, 1, settings);

	if (rc != CLI_OK) {
		json_decref(settings);
		return rc;
	}
	return cli_ask(cli,
		json_pack("{s:s, s:s, s:o}", "verb", "level-set", "name", cli->args[0], "settings",
			settings),
		NULL);
}

int command_level_delete(struct cli *cli)
{
	return cli_ask(
		cli, json_pack("{s:s, s:s}", "verb", "level-delete", "name", cli->args[0]), NULL);
}

int command_account_level(struct cli *cli)
{
	return cli_ask(cli,
		json_pack("{s:s, s:s, s:s}", "verb", "account-set", "address", cli->args[0],
			"level", cli->args[1]),
		NULL);
}

int command_account_set(struct cli *cli)
{
	static const char *const names[] = {"quota", "language", "name", "disabled"};
	json_t *request = json_object();
	const char *key, *disabled;
	json_t *value;
	int rc = take_settings(cli, 1, request);

	json_object_foreach(request, key, value)
	{
		bool is_known = false;

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			is_known = is_known || strcmp(key, names[i]) == 0;
		if (!is_known && rc == CLI_OK)
			rc = usage(cli, "a setting is quota, language, name or disabled", key);
	}
	disabled = json_string_value(json_object_get(request, "disabled"));
	if (rc == CLI_OK && disabled && strcmp(disabled, "yes") != 0 && strcmp(disabled, "no") != 0)
		rc = usage(cli, "disabled is yes or no", disabled);
	if (rc != CLI_OK) {
		json_decref(request);
		return rc;
	}
	if (disabled)
		json_object_set_new(
			request, "disabled", json_boolean(strcmp(disabled, "yes") == 0));
	json_object_set_new(request, "verb", json_string("account-set"));
	json_object_set_new(request, "address", json_string(cli->args[0]));
	return cli_ask(cli, request, NULL);
}

/* ---- groups ---- */

static void put_shares(const struct cli *cli, json_t *request)
{
	const char *shares = cli_option(cli, "--shares"), *level = cli_option(cli, "--level");
	uint64_t max;

	if (shares) {
		json_object_set_new(
			request, "contacts", json_boolean(strstr(shares, "contacts") != NULL));
		json_object_set_new(
			request, "calendars", json_boolean(strstr(shares, "calendars") != NULL));
	}
	if (level)
		json_object_set_new(request, "level", json_string(level));
	if (cli_option(cli, "--members") &&
		slice_to_u64(slice_str(cli_option(cli, "--members")), INT64_MAX, &max))
		json_object_set_new(request, "members_max", json_integer((json_int_t)max));
}

static int group_ask(struct cli *cli, const char *verb)
{
	json_t *request = json_pack("{s:s, s:s}", "verb", verb, "group", cli->args[0]);

	put_shares(cli, request);
	return cli_ask(cli, request, NULL);
}

int command_group_add(struct cli *cli)
{
	return group_ask(cli, "group-add");
}

int command_group_set(struct cli *cli)
{
	return group_ask(cli, "group-set");
}

int command_group_delete(struct cli *cli)
{
	return group_ask(cli, "group-delete");
}

int command_group_list(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"group", "GROUP", TABLE_TEXT},
		{"level", "LEVEL", TABLE_TEXT},
		{"members", "MEMBERS", TABLE_NUMBER},
		{"domains", "DOMAINS", TABLE_NUMBER},
		{"shares_contacts", "CONTACTS", TABLE_YES},
		{"shares_calendars", "CALENDARS", TABLE_YES},
		{"created", "CREATED", TABLE_TIME},
	};

	return cli_list(cli, json_pack("{s:s}", "verb", "group-list"), columns,
		sizeof(columns) / sizeof(columns[0]));
}

static int list_members(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"address", "ADDRESS", TABLE_TEXT},
		{"name", "NAME", TABLE_TEXT},
		{"level", "LEVEL", TABLE_TEXT},
		{"quota", "QUOTA", TABLE_BYTES},
		{"admin", "ADMIN", TABLE_YES},
		{"disabled", "DISABLED", TABLE_YES},
	};

	return cli_list(cli,
		json_pack("{s:s, s:s}", "verb", "group-members", "group", cli->args[0]), columns,
		sizeof(columns) / sizeof(columns[0]));
}

/* The directory first, then the keeper, which decides: when it cannot be told, the command fails
 * and can be given again. Taking away goes the other way round. */
static int tell_role(struct cli *cli, const char *verb, unsigned role)
{
	json_t *done = NULL;
	struct err err;
	int rc = cli_ask(cli,
		json_pack("{s:s, s:s, s:s, s:b}", "verb", verb, "group", cli->args[0], "address",
			cli->args[1], "is_admin", role == ROLE_GROUP_ADMIN),
		&done);

	if (rc == CLI_OK &&
		keeper_set_role(INSTANCE_KEEPER_CLI,
			(uint64_t)json_integer_value(json_object_get(done, "id")), role,
			(uint64_t)json_integer_value(json_object_get(done, "group")), &err) < 0)
		rc = cli_fail(cli, &err);
	json_decref(done);
	return rc;
}

int command_group_member(struct cli *cli)
{
	if (cli->args_n == 1)
		return list_members(cli);
	return tell_role(
		cli, cli_option(cli, "--remove") ? "group-leave" : "group-join", ROLE_USER);
}

int command_group_admin(struct cli *cli)
{
	return tell_role(
		cli, "group-admin", cli_option(cli, "--remove") ? ROLE_USER : ROLE_GROUP_ADMIN);
}

int command_group_domain(struct cli *cli)
{
	static const struct table_column columns[] = {{"domain", "DOMAIN", TABLE_TEXT}};

	if (cli->args_n == 1)
		return cli_list(cli,
			json_pack("{s:s, s:s}", "verb", "group-domains", "group", cli->args[0]),
			columns, 1);
	return cli_ask(cli,
		json_pack("{s:s, s:s, s:s, s:b}", "verb", "group-domain", "group", cli->args[0],
			"domain", cli->args[1], "remove", cli_option(cli, "--remove") != NULL),
		NULL);
}

/* ---- login screens ---- */

/* The logo is a file of the user's. */
static int put_logo(const struct cli *cli, json_t *request, struct err *err)
{
	struct buf bytes AUTO(buf_done), base64 AUTO(buf_done);
	const char *path = json_string_value(json_object_get(request, "logo"));
	int rc = 0;

	buf_init(&bytes, DIRECTORY_LOGO_MAX + 1);
	buf_init(&base64, 2 * (DIRECTORY_LOGO_MAX + 4));
	if (!path)
		return 0;
	if (*path)
		rc = cli_read_file(cli, path, &bytes, err);
	if (rc < 0)
		return rc;
	base64_encode(&base64, buf_slice(&bytes));
	json_object_set_new(
		request, "logo", json_stringn(base64.len ? base64.ptr : "", base64.len));
	return 0;
}

static int show_screen(struct cli *cli)
{
	json_t *done = NULL, *value;
	const char *key;
	const int rc = cli_ask(
		cli, json_pack("{s:s, s:s}", "verb", "screen", "domain", cli->args[0]), &done);

	if (rc == CLI_OK && cli->is_json) {
		json_dumpf(done, stdout, JSON_COMPACT);
		putchar('\n');
	}
	json_object_foreach(cli->is_json ? NULL : done, key, value)
	{
		if (json_is_string(value))
			printf("%s=%s\n", key, json_string_value(value));
		else
			printf("%s=%lld\n", key, (long long)json_integer_value(value));
	}
	json_decref(done);
	return rc;
}

int command_domain_screen(struct cli *cli)
{
	static const char *const names[] = {
		"name", "text", "background", "foreground", "accent", "logo"};
	json_t *request, *value;
	const char *key;
	struct err err;
	int rc;

	if (cli->args_n == 1 && !cli_option(cli, "--delete"))
		return show_screen(cli);
	request = json_object();
	rc = take_settings(cli, 1, request);
	json_object_foreach(request, key, value)
	{
		bool is_known = false;

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			is_known = is_known || strcmp(key, names[i]) == 0;
		if (!is_known && rc == CLI_OK)
			rc = usage(cli,
				"a setting is name, text, background, foreground, accent or logo",
				key);
	}
	if (rc == CLI_OK && put_logo(cli, request, &err) < 0)
		rc = cli_fail(cli, &err);
	if (rc != CLI_OK) {
		json_decref(request);
		return rc;
	}
	json_object_set_new(request, "verb", json_string("screen-set"));
	json_object_set_new(request, "domain", json_string(cli->args[0]));
	json_object_set_new(request, "delete", json_boolean(cli_option(cli, "--delete") != NULL));
	return cli_ask(cli, request, NULL);
}
