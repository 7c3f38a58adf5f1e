/* cmd_queue.c - commands: the queue of mail for elsewhere. What they ask: courier/queue_desk.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/client.h"
#include "admin/table.h"
#include "base/clock.h"

static json_t *wish(const char *what)
{
	return json_pack("{s:s, s:s}", "verb", "queue", "do", what);
}

static void set_text(json_t *request, const char *name, const char *value)
{
	if (value)
		json_object_set_new(request, name, json_string(value));
}

/* Messages are named by a number, recipients by an address or "@domain". */
static void set_which(json_t *request, const char *which)
{
	char *end;
	const long long id = strtoll(which, &end, 10);

	if (id > 0 && !*end)
		json_object_set_new(request, "id", json_integer(id));
	else if (strcmp(which, "all") == 0)
		json_object_set_new(request, "all", json_true());
	else
		set_text(request, "address", which);
}

int command_queue_list(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"id", "ID", TABLE_NUMBER},
		{"state", "STATE", TABLE_TEXT},
		{"sender", "FROM", TABLE_TEXT},
		{"address", "TO", TABLE_TEXT},
		{"attempts", "TRIED", TABLE_NUMBER},
		{"due", "NEXT", TABLE_TIME},
		{"size", "SIZE", TABLE_BYTES},
		{"reply", "LAST REPLY", TABLE_TEXT},
	};
	json_t *request = wish("list");

	if (cli->args_n)
		set_which(request, cli->args[0]);
	set_text(request, "state", cli_option(cli, "--state"));
	set_text(request, "sender", cli_option(cli, "--sender"));
	set_text(request, "after", cli_option(cli, "--after"));
	if (cli_option(cli, "--max"))
		json_object_set_new(
			request, "max", json_integer(strtol(cli_option(cli, "--max"), NULL, 10)));
	return cli_list(cli, request, columns, sizeof(columns) / sizeof(columns[0]));
}

/* A reply of an object: as JSON, or by a function for people. */
static int ask(struct cli *cli, json_t *request, void (*print)(const json_t *done))
{
	json_t *done = NULL;
	const int code = cli_ask(cli, request, &done);

	if (code == CLI_OK && cli->is_json) {
		json_dumpf(done, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (code == CLI_OK) {
		print(done);
	}
	json_decref(done);
	return code;
}

static const char *text_of(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

static long long number_of(const json_t *row, const char *name)
{
	return (long long)json_integer_value(json_object_get(row, name));
}

static void print_time(const char *what, int64_t s)
{
	const time_t at = (time_t)s;
	struct tm tm;
	char text[40];

	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", localtime_r(&at, &tm));
	printf("%s%s\n", what, text);
}

static void print_recipient(void *context, const json_t *row)
{
	bool *is_first = context;

	if (*is_first) {
		printf("message      %lld\nfrom         <%s>\nsize         %lld\n",
			number_of(row, "id"), text_of(row, "sender"), number_of(row, "size"));
		print_time("accepted     ", number_of(row, "accepted"));
		print_time("expires      ", number_of(row, "expires"));
	}
	*is_first = false;
	printf("\nto           <%s>\nstate        %s\nby way of    %s\ntried        %lld\n",
		text_of(row, "address"), text_of(row, "state"), text_of(row, "destination"),
		number_of(row, "attempts"));
	print_time("next         ", number_of(row, "due"));
	if (*text_of(row, "waits"))
		printf("waits        %s\n", text_of(row, "waits"));
	if (number_of(row, "until"))
		print_time("until        ", number_of(row, "until"));
	if (*text_of(row, "reply"))
		printf("last reply   %s%s%s\n", text_of(row, "host"),
			*text_of(row, "host") ? ": " : "", text_of(row, "reply"));
}

static void put_json(void *context, const json_t *row)
{
	json_array_append_new(context, json_deep_copy(row));
}

int command_queue_show(struct cli *cli)
{
	struct client client AUTO(client_close) = {.fd = -1};
	json_t *request = wish("show"), *done = NULL, *rows = json_array();
	bool is_first = true;
	struct err err;
	int code = cli_connect(cli, &client), rc;

	set_which(request, cli->args[0]);
	if (code != CLI_OK) {
		json_decref(request);
		json_decref(rows);
		return code;
	}
	rc = client_ask(&client, request, cli->is_json ? put_json : print_recipient,
		cli->is_json ? (void *)rows : (void *)&is_first, &done, &err);
	if (rc == 0 && cli->is_json) {
		json_object_set(done, "recipients", rows);
		json_dumpf(done, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (rc == 0) {
		printf("\n%s", text_of(done, "header"));
	}
	json_decref(rows);
	json_decref(done);
	return cli_end(cli, rc, &err);
}

/* ---- changes ---- */

static void print_changed(const json_t *done)
{
	printf("changed %lld\n", number_of(done, "changed"));
}

static int change(struct cli *cli, const char *what)
{
	json_t *request = wish(what);

	set_which(request, cli->args[0]);
	return ask(cli, request, print_changed);
}

int command_queue_hold(struct cli *cli)
{
	return change(cli, "hold");
}

int command_queue_release(struct cli *cli)
{
	return change(cli, "release");
}

int command_queue_retry(struct cli *cli)
{
	return change(cli, "retry");
}

int command_queue_drop(struct cli *cli)
{
	return change(cli, cli_option(cli, "--bounce") ? "bounce" : "drop");
}

/* ---- routes and suppressed addresses ---- */

static void print_nothing(const json_t *done)
{
	(void)done;
}

int command_queue_route(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"name", "DOMAIN", TABLE_TEXT}, {"value", "BY WAY OF", TABLE_TEXT}};
	json_t *request;

	if (cli->args_n == 0)
		return cli_list(cli, wish("routes"), columns, 2);
	request = wish("route");
	set_text(request, "pattern", cli->args[0]);
	set_text(request, "target", cli->args_n > 1 ? cli->args[1] : "");
	return ask(cli, request, print_nothing);
}

static void set_number(struct cli *cli, json_t *request, const char *name, const char *option)
{
	const char *text = cli_option(cli, option);
	char *end = NULL;
	long long n = text ? strtoll(text, &end, 10) : 0;

	if (text && (end == text || *end))
		n = -1; /* refused there */
	json_object_set_new(request, name, json_integer(n));
}

int command_queue_limit(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"name", "DESTINATION", TABLE_TEXT},
		{"connections", "CONNECTIONS", TABLE_NUMBER},
		{"messages", "MESSAGES EACH", TABLE_NUMBER},
		{"rate", "A MINUTE", TABLE_NUMBER},
	};
	json_t *request;

	if (cli->args_n == 0)
		return cli_list(cli, wish("limits"), columns, 4);
	request = wish("limit");
	set_text(request, "destination", cli->args[0]);
	set_number(cli, request, "connections", "--connections");
	set_number(cli, request, "messages", "--messages");
	set_number(cli, request, "rate", "--rate");
	return ask(cli, request, print_nothing);
}

int command_queue_tls(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"host", "HOST", TABLE_TEXT}, {"tls", "WHAT IS DEMANDED OF TLS", TABLE_TEXT}};
	json_t *request = wish("tls");

	set_text(request, "destination", cli->args[0]);
	return cli_list(cli, request, columns, 2);
}

int command_queue_suppress(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"name", "ADDRESS", TABLE_TEXT}, {"value", "REASON", TABLE_TEXT}};
	json_t *request;

	if (cli->args_n == 0)
		return cli_list(cli, wish("suppressed"), columns, 2);
	request = wish(cli_option(cli, "--remove") ? "unsuppress" : "suppress");
	set_text(request, "address", cli->args[0]);
	set_text(request, "reason", cli->args_n > 1 ? cli->args[1] : "");
	return ask(cli, request, print_nothing);
}

static void print_status(const json_t *s)
{
	char bytes[32];
	const int64_t oldest = number_of(s, "oldest");

	table_bytes((uint64_t)number_of(s, "bytes"), bytes, sizeof(bytes));
	printf("waiting      %lld messages for %lld recipients, %s; %lld of them held\n",
		number_of(s, "messages"), number_of(s, "recipients"), bytes, number_of(s, "held"));
	if (oldest)
		printf("oldest       %lld s\n", (long long)(clock_wall_s() - oldest));
	printf("connections  %lld out, %lld destinations\n", number_of(s, "connections"),
		number_of(s, "destinations"));
	printf("since start  %lld delivered, %lld put off, %lld failed\n", number_of(s, "sent"),
		number_of(s, "deferred"), number_of(s, "failed"));
	if (number_of(s, "unsure"))
		printf("perhaps      %lld will come twice: their hosts were lost before they "
		       "answered\n",
			number_of(s, "unsure"));
}

int command_queue_status(struct cli *cli)
{
	return ask(cli, wish("status"), print_status);
}
