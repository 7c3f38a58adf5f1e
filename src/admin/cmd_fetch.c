/* cmd_fetch.c - commands: mail is brought from mailboxes of other providers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/client.h"
#include "admin/table.h"
#include "base/mem.h"
#include "mail/bring.h"

static json_t *wish(const char *what)
{
	return json_pack("{s:s, s:s}", "verb", "fetch", "do", what);
}

static long long number_of(const json_t *row, const char *name)
{
	return (long long)json_integer_value(json_object_get(row, name));
}

static const char *text_of(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

/* A number that is none is refused by the server. */
static json_t *number(const char *text)
{
	char *end;
	const long long n = strtoll(text, &end, 10);

	return json_integer(*end || end == text ? -1 : n);
}

static int ask(struct cli *cli, json_t *request, json_t **done_out)
{
	const int code = cli_ask(cli, request, done_out);

	if (code == CLI_OK && cli->is_json) {
		json_dumpf(*done_out, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	return code;
}

static void wipe(struct buf *b)
{
	if (b->ptr)
		mem_wipe(b->ptr, b->cap);
	buf_done(b);
}

int command_fetch_start(struct cli *cli)
{
	const bool is_starttls = cli_option(cli, "--starttls") != NULL;
	const char *port = cli_option(cli, "--port");
	struct buf password AUTO(wipe);
	json_t *request = wish("start"), *done = NULL;
	struct err err;
	int code;

	buf_init(&password, BRING_PASSWORD_MAX);
	if (cli_read_secret("Password there", &password, &err) < 0) {
		json_decref(request);
		return cli_fail(cli, &err);
	}
	json_object_set_new(request, "address", json_string(cli->args[0]));
	json_object_set_new(request, "host", json_string(cli->args[1]));
	json_object_set_new(request, "login", json_string(cli->args[2]));
	json_object_set_new(request, "password", json_stringn(password.ptr, password.len));
	json_object_set_new(request, "starttls", json_boolean(is_starttls));
	json_object_set_new(request, "port",
		port ? number(port) : json_integer(is_starttls ? BRING_PORT_STARTTLS : BRING_PORT));
	code = ask(cli, request, &done);
	json_decref(done);
	return code;
}

int command_fetch_list(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"id", "ID", TABLE_NUMBER},
		{"address", "ADDRESS", TABLE_TEXT},
		{"host", "FROM", TABLE_TEXT},
		{"login", "LOGIN", TABLE_TEXT},
		{"state", "STATE", TABLE_TEXT},
		{"taken", "TAKEN", TABLE_NUMBER},
		{"messages", "OF", TABLE_NUMBER},
		{"why", "WHY", TABLE_TEXT},
	};
	json_t *request = wish("list");

	if (cli->args_n)
		json_object_set_new(request, "address", json_string(cli->args[0]));
	return cli_list(cli, request, columns, sizeof(columns) / sizeof(columns[0]));
}

static void print_job(void *context, const json_t *row)
{
	char bytes[32];

	(void)context;
	table_bytes((uint64_t)number_of(row, "bytes"), bytes, sizeof(bytes));
	printf("account      %s\nfrom         %s:%lld%s as %s\nstate        %s%s%s\n"
	       "folders      %lld\nmessages     %lld of %lld, %s\nnot taken    %lld\n",
		text_of(row, "address"), text_of(row, "host"), number_of(row, "port"),
		json_is_true(json_object_get(row, "starttls")) ? " (STARTTLS)" : "",
		text_of(row, "login"), text_of(row, "state"), *text_of(row, "why") ? ": " : "",
		text_of(row, "why"), number_of(row, "folders"), number_of(row, "taken"),
		number_of(row, "messages"), bytes, number_of(row, "missed"));
}

static void print_missed(const json_t *done)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(done, "missed"), i, row)
	{
		printf("%s%s", i ? "" : "\n", text_of(row, "folder"));
		if (number_of(row, "uid"))
			printf(", message %lld, %lld bytes", number_of(row, "uid"),
				number_of(row, "size"));
		printf(": %s\n", text_of(row, "why"));
	}
}

static void put_json(void *context, const json_t *row)
{
	json_object_update(context, json_deep_copy(row));
}

int command_fetch_show(struct cli *cli)
{
	struct client client AUTO(client_close) = {.fd = -1};
	json_t *request = wish("list"), *done = NULL, *all = json_object();
	struct err err;
	int code = cli_connect(cli, &client), rc;

	json_object_set_new(request, "id", number(cli->args[0]));
	if (code != CLI_OK) {
		json_decref(request);
		json_decref(all);
		return code;
	}
	rc = client_ask(&client, request, cli->is_json ? put_json : print_job, all, &done, &err);
	if (rc == 0 && cli->is_json) {
		json_object_update(all, done);
		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (rc == 0) {
		print_missed(done);
	}
	json_decref(done);
	json_decref(all);
	return cli_end(cli, rc, &err);
}

static int change(struct cli *cli, const char *what)
{
	json_t *request = wish(what), *done = NULL;
	int code;

	json_object_set_new(request, "id", number(cli->args[0]));
	code = ask(cli, request, &done);
	json_decref(done);
	return code;
}

int command_fetch_stop(struct cli *cli)
{
	return change(cli, "stop");
}

int command_fetch_forget(struct cli *cli)
{
	return change(cli, "forget");
}
