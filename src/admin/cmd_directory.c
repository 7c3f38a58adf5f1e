/* cmd_directory.c - commands: domains, aliases, and accounts one at a time. */
#include <stdio.h>
#include <string.h>

#include "admin/client.h"
#include "admin/instance.h"
#include "admin/table.h"
#include "base/mem.h"
#include "base/random.h"
#include "keeper/client.h"
#include "keeper/credentials.h"
#include "keeper/keeper.h"

int command_domain_add(struct cli *cli)
{
	return cli_ask(
		cli, json_pack("{s:s, s:s}", "verb", "domain-add", "domain", cli->args[0]), NULL);
}

static const char *member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* The policy as it is served, and the records by which it is found (RFC 8461 3.1). */
int command_domain_mta_sts(struct cli *cli)
{
	json_t *done = NULL;
	json_t *request = json_pack("{s:s, s:s}", "verb", "domain-mta-sts", "domain", cli->args[0]);
	int rc;

	if (cli->args_n > 1)
		json_object_set_new(request, "mode", json_string(cli->args[1]));
	rc = cli_ask(cli, request, &done);
	if (rc == CLI_OK && cli->is_json) {
		json_dumpf(done, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (rc == CLI_OK && *member(done, "policy")) {
		for (const char *p = member(done, "policy"); *p; p++) {
			if (*p != '\r')
				putchar(*p);
		}
		printf("\n_mta-sts.%s. TXT \"v=STSv1; id=%s;\"\nmta-sts.%s. CNAME %s.\n",
			cli->args[0], member(done, "id"), cli->args[0], member(done, "host"));
	} else if (rc == CLI_OK) {
		printf("off: there is no policy\n");
	}
	json_decref(done);
	return rc;
}

/* A list verb, its rows as a table; the first argument, if any, is a domain. */
static int list(struct cli *cli, const char *verb, const struct table_column *columns, size_t n)
{
	json_t *request = json_pack("{s:s}", "verb", verb);

	if (cli->args_n)
		json_object_set_new(request, "domain", json_string(cli->args[0]));
	return cli_list(cli, request, columns, n);
}

int command_domain_list(struct cli *cli)
{
	static const struct table_column columns[] = {{"domain", "DOMAIN", TABLE_TEXT}};

	return list(cli, "domain-list", columns, 1);
}

int command_account_list(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"address", "ADDRESS", TABLE_TEXT},
		{"level", "LEVEL", TABLE_TEXT},
		{"quota", "QUOTA", TABLE_BYTES},
		{"created", "CREATED", TABLE_TIME},
		{"disabled", "DISABLED", TABLE_YES},
	};

	return list(cli, "account-list", columns, sizeof(columns) / sizeof(columns[0]));
}

int command_alias_list(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"alias", "ALIAS", TABLE_TEXT}, {"target", "TARGET", TABLE_TEXT}};

	return list(cli, "alias-list", columns, sizeof(columns) / sizeof(columns[0]));
}

int command_alias_add(struct cli *cli)
{
	json_t *targets = json_array();

	for (size_t i = 1; i < cli->args_n; i++)
		json_array_append_new(targets, json_string(cli->args[i]));
	return cli_ask(cli,
		json_pack("{s:s, s:s, s:o}", "verb", "alias-add", "address", cli->args[0],
			"targets", targets),
		NULL);
}

int command_alias_delete(struct cli *cli)
{
	return cli_ask(cli,
		json_pack("{s:s, s:s, s:s}", "verb", "alias-delete", "address", cli->args[0],
			"target", cli->args_n > 1 ? cli->args[1] : ""),
		NULL);
}

/* ---- accounts and their passwords ---- */

/* 99 random bits in letters that are not mistaken for each other, in groups of five. */
static void make_password(struct buf *out)
{
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
	unsigned char bytes[20];

	random_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (i && i % 5 == 0)
			buf_byte(out, '-');
		buf_byte(out, letters[bytes[i] % (sizeof(letters) - 1)]);
	}
	mem_wipe(bytes, sizeof(bytes));
}

static int get_password(const struct cli *cli, struct buf *out, struct err *err)
{
	if (!cli_option(cli, "--random"))
		return cli_read_password(out, err);
	make_password(out);
	return 0;
}

static int set_password(uint64_t account, struct slice password, struct err *err)
{
	struct keeper_secret secret = {.account = account, .password = password};
	const int rc = keeper_set_passwords(INSTANCE_KEEPER_CLI, &secret, 1, false, err);

	if (rc == 0 && secret.rc < 0)
		*err = secret.err;
	return rc < 0 ? rc : secret.rc;
}

static void tell_account(const struct cli *cli, struct slice password)
{
	const bool is_random = cli_option(cli, "--random") != NULL;
	json_t *json;

	if (cli->is_json) {
		json = json_pack("{s:s}", "address", cli->args[0]);
		if (is_random)
			json_object_set_new(
				json, "password", json_stringn(password.ptr, password.len));
		json_dumpf(json, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(json);
	} else if (is_random) {
		printf("%.*s\n", SLICE_ARG(password));
	}
}

/* The account exists: give it this password, tell the keeper its group, and take it away again if
 * that fails. */
static int finish_add(struct client *client, const struct cli *cli, const json_t *done,
	struct slice password, struct err *err)
{
	const uint64_t id = (uint64_t)json_integer_value(json_object_get(done, "id"));
	const uint64_t group = (uint64_t)json_integer_value(json_object_get(done, "group"));
	struct err second;
	int rc = set_password(id, password, err);

	if (rc == 0 && group)
		rc = keeper_set_role(INSTANCE_KEEPER_CLI, id, ROLE_USER, group, err);
	if (rc < 0 &&
		client_ask(client,
			json_pack("{s:s, s:s}", "verb", "account-delete", "address", cli->args[0]),
			NULL, NULL, NULL, &second) < 0)
		fprintf(stderr, "posthouse: the account stays without a password: %s\n",
			second.msg);
	return rc;
}

/* `account add` and `account passwd`: ask first, so that a typo in the address costs nothing. */
static int with_password(struct cli *cli, bool is_new, json_t *request)
{
	struct client client AUTO(client_close) = {.fd = -1};
	struct buf password AUTO(buf_done);
	json_t *done = NULL;
	struct err err;
	int rc = cli_connect(cli, &client);

	buf_init(&password, KEEPER_PASSWORD_MAX);
	if (rc != CLI_OK) {
		json_decref(request);
		return rc;
	}
	rc = is_new ? get_password(cli, &password, &err) : 0;
	if (rc == 0)
		rc = client_ask(&client, request, NULL, NULL, &done, &err);
	else
		json_decref(request);
	if (rc == 0 && is_new)
		rc = finish_add(&client, cli, done, buf_slice(&password), &err);
	if (rc == 0 && !is_new)
		rc = get_password(cli, &password, &err);
	if (rc == 0 && !is_new)
		rc = set_password((uint64_t)json_integer_value(json_object_get(done, "id")),
			buf_slice(&password), &err);
	if (rc == 0 && !is_new)
		rc = client_ask(&client,
			json_pack("{s:s, s:I}", "verb", "password-changed", "id",
				json_integer_value(json_object_get(done, "id"))),
			NULL, NULL, NULL, &err);
	json_decref(done);
	if (rc == 0)
		tell_account(cli, buf_slice(&password));
	if (password.ptr)
		mem_wipe(password.ptr, password.cap);
	return cli_end(cli, rc, &err);
}

int command_account_add(struct cli *cli)
{
	const char *quota = cli_option(cli, "--quota");
	uint64_t bytes = 0;
	json_t *request;
	struct err err;

	if (quota && !slice_to_u64(slice_str(quota), INT64_MAX, &bytes)) {
		err_set(&err, ERR_SYNTAX, "--quota wants a number of bytes, not %.60s", quota);
		cli_fail(cli, &err);
		return CLI_USAGE;
	}
	request = json_pack("{s:s, s:s, s:I}", "verb", "account-add", "address", cli->args[0],
		"quota", (json_int_t)bytes);
	if (cli_option(cli, "--level"))
		json_object_set_new(request, "level", json_string(cli_option(cli, "--level")));
	if (cli_option(cli, "--group"))
		json_object_set_new(request, "group", json_string(cli_option(cli, "--group")));
	return with_password(cli, true, request);
}

int command_account_passwd(struct cli *cli)
{
	return with_password(cli, false,
		json_pack("{s:s, s:s}", "verb", "account-find", "address", cli->args[0]));
}

int command_account_delete(struct cli *cli)
{
	json_t *done = NULL;
	struct err err;
	int code = cli_ask(cli,
		json_pack("{s:s, s:s}", "verb", "account-delete", "address", cli->args[0]), &done);

	if (code == CLI_OK &&
		keeper_delete_account(INSTANCE_KEEPER_CLI,
			(uint64_t)json_integer_value(json_object_get(done, "id")), &err) < 0)
		code = cli_fail(cli, &err);
	json_decref(done);
	return code;
}
