/* cmd_instance.c - commands: status, stop, reload, upgrade; help and version. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "admin/client.h"
#include "admin/instance.h"
#include "admin/table.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/io.h"

enum { WAIT_MS = 50, STOP_GRACE_MS = 30000, UPGRADE_MS = 60000 };

/* ---- status ---- */

static json_int_t number_at(const json_t *json, const char *group, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(json, group), name));
}

static void print_processes(const json_t *status)
{
	static const struct table_column columns[] = {
		{"role", "PROCESS", TABLE_TEXT},
		{"pid", "PID", TABLE_NUMBER},
		{"state", "STATE", TABLE_TEXT},
		{"generation", "GENERATION", TABLE_NUMBER},
		{"restarts", "RESTARTS", TABLE_NUMBER},
	};
	const json_t *list = json_object_get(status, "processes");
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), false);
	for (size_t i = 0; i < json_array_size(list); i++)
		table_row(&table, json_array_get(list, i));
	table_end(&table);
}

static void print_status(const json_t *status)
{
	char bytes[32], index[32];

	table_bytes((uint64_t)number_at(status, "queue", "bytes"), bytes, sizeof(bytes));
	table_bytes((uint64_t)number_at(status, "store", "index_bytes"), index, sizeof(index));
	printf("posthouse %s on %s, up %lld s\n\n",
		json_string_value(json_object_get(status, "version")),
		json_string_value(json_object_get(status, "host_name")),
		(long long)json_integer_value(json_object_get(status, "uptime")));
	print_processes(status);
	printf("\nseparation   %s\n",
		json_is_true(json_object_get(status, "separate_users"))
			? "each process has a user of its own"
			: "all run as the same user: it rests on Landlock alone");
	printf("sandbox      Landlock %lld, seccomp %s\n",
		(long long)json_integer_value(json_object_get(status, "landlock")),
		json_is_true(json_object_get(status, "seccomp")) ? "on" : "OFF");
	printf("connections  %lld open, %lld accepted, %lld refused\n",
		(long long)number_at(status, "server", "connections"),
		(long long)number_at(status, "server", "accepted"),
		(long long)number_at(status, "server", "refused"));
	printf("store        %lld accounts in use, %lld open, indexes %s, %lld commits%s\n",
		(long long)number_at(status, "store", "accounts"),
		(long long)number_at(status, "store", "open"), index,
		(long long)number_at(status, "store", "commits"),
		json_is_true(json_object_get(json_object_get(status, "store"), "full"))
			? ", DISK FULL"
			: "");
	printf("queue        %lld messages for %lld recipients elsewhere, %s\n",
		(long long)number_at(status, "queue", "messages"),
		(long long)number_at(status, "queue", "recipients"), bytes);
	printf("notices      %lld waiting, %lld sent in the last day\n",
		(long long)number_at(status, "notices", "waiting"),
		(long long)number_at(status, "notices", "sent_day"));
	printf("reports      from %s%s\n",
		json_string_value(json_object_get(json_object_get(status, "reports"), "from")),
		json_is_true(json_object_get(json_object_get(status, "reports"), "signed"))
			? ""
			: ", NOT SIGNED: posthouse dkim add makes keys for a domain");
}

int command_status(struct cli *cli)
{
	json_t *status = NULL;
	const int code = cli_ask(cli, json_pack("{s:s}", "verb", "status"), &status);

	if (code == CLI_OK && cli->is_json) {
		json_dumpf(status, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (code == CLI_OK) {
		print_status(status);
	}
	json_decref(status);
	return code;
}

/* ---- signals to the supervisor ---- */

/* Send a signal to the supervisor of DIR; an enum cli_exit. */
static int send_signal(const struct cli *cli, int signal, pid_t *pid_out)
{
	struct err err;
	pid_t pid;

	if (instance_process(cli->dir, &pid, &err) < 0) {
		cli_fail(cli, &err);
		return err.code == ERR_NOTFOUND ? CLI_NOT_RUNNING : CLI_FAILED;
	}
	if (pid <= 0 || kill(pid, signal) < 0) {
		err_errno(&err, "cannot signal the supervisor of %.100s", cli->dir);
		return cli_fail(cli, &err);
	}
	*pid_out = pid;
	return CLI_OK;
}

/* The settings decide how long a stop may take; broken ones do not prevent it. */
static int read_config(struct config **out, struct err *err)
{
	struct buf text AUTO(buf_done);
	int rc;

	buf_init(&text, CONFIG_TEXT_MAX);
	rc = io_read_file(AT_FDCWD, "posthouse.conf", &text, err);
	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	return config_parse(buf_slice(&text), "posthouse.conf", out, err);
}

int command_stop(struct cli *cli)
{
	struct config *config AUTO(config_free) = NULL;
	int64_t end = clock_mono_ms() + STOP_GRACE_MS;
	pid_t pid, now;
	struct err err;
	int code = send_signal(cli, SIGTERM, &pid);

	if (code != CLI_OK)
		return code;
	if (read_config(&config, &err) == 0)
		end += (int64_t)config->stop_s * 1000;
	while (instance_process(cli->dir, &now, &err) == 0 && now == pid) {
		if (clock_mono_ms() > end) {
			err_set(&err, ERR_BUSY, "process %d does not end", (int)pid);
			return cli_fail(cli, &err);
		}
		poll(NULL, 0, WAIT_MS);
	}
	return CLI_OK;
}

int command_reload(struct cli *cli)
{
	struct config *config AUTO(config_free) = NULL;
	struct err err;
	pid_t pid;

	if (read_config(&config, &err) < 0)
		return cli_fail(cli, &err);
	return send_signal(cli, SIGHUP, &pid);
}

/* The generation of the server that answers; 0 when none does. */
static json_int_t answering_generation(const struct cli *cli)
{
	struct client client AUTO(client_close) = {.fd = -1};
	json_t *status = NULL;
	json_int_t generation = 0;
	struct err err;

	if (client_open(cli, &client, &err) == 0 &&
		client_ask(&client, json_pack("{s:s}", "verb", "status"), NULL, NULL, &status,
			&err) == 0)
		generation = json_integer_value(json_object_get(status, "generation"));
	json_decref(status);
	return generation;
}

int command_upgrade(struct cli *cli)
{
	const json_int_t before = answering_generation(cli);
	const int64_t end = clock_mono_ms() + UPGRADE_MS;
	struct err err;
	pid_t pid;
	int code = send_signal(cli, SIGUSR2, &pid);

	while (code == CLI_OK && answering_generation(cli) <= before) {
		if (clock_mono_ms() > end) {
			err_set(&err, ERR_BUSY, "no new server came up; see the log");
			return cli_fail(cli, &err);
		}
		poll(NULL, 0, WAIT_MS);
	}
	return code;
}

/* ---- help ---- */

/* Lines of at most 80 letters, each behind indent spaces. */
static void put_wrapped(struct buf *out, int indent, const char *text)
{
	size_t column = 0;

	while (*text) {
		const size_t word = strcspn(text, " ");

		if (column && column + 1 + word > (size_t)(80 - indent)) {
			buf_byte(out, '\n');
			column = 0;
		}
		if (column == 0)
			buf_printf(out, "%*s", indent, "");
		else
			buf_byte(out, ' ');
		buf_append(out, (struct slice){text, word});
		column += word + (column != 0);
		text += word + (text[word] == ' ');
	}
	buf_byte(out, '\n');
}

static void help_overview(void)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, 64 << 10);
	buf_str(&text, "posthouse [--dir DIR] [--json] COMMAND ...\n\n"
		       "DIR is the instance's directory; POSTHOUSE_DIR names it, too.\n\n");
	for (size_t i = 0; i < cli_commands_n; i++) {
		buf_str(&text, "  ");
		cli_usage_of(&cli_commands[i], &text);
		buf_byte(&text, '\n');
		put_wrapped(&text, 6, cli_commands[i].help);
	}
	buf_byte(&text, '\n');
	put_wrapped(&text, 0,
		"Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 nothing is running in "
		"DIR, 4 check found problems.");
	fwrite(text.ptr, 1, text.len, stdout);
}

static void help_command(const struct cli_command *command)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, 64 << 10);
	buf_str(&text, "posthouse [--dir DIR] [--json] ");
	cli_usage_of(command, &text);
	buf_byte(&text, '\n');
	put_wrapped(&text, 2, command->help);
	for (size_t i = 0; i < CLI_OPTIONS_MAX && command->options[i].name; i++)
		buf_printf(
			&text, "  %-12s %s\n", command->options[i].name, command->options[i].help);
	fwrite(text.ptr, 1, text.len, stdout);
}

static int help_config(const struct cli *cli)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, 256 << 10);
	if (cli_option(cli, "--mdoc"))
		config_manual(&text);
	else
		config_help(&text);
	fwrite(text.ptr, 1, text.len, stdout);
	return CLI_OK;
}

int command_help(struct cli *cli)
{
	bool is_known = false;
	struct err err;

	if (cli->args_n == 0) {
		help_overview();
		return CLI_OK;
	}
	if (strcmp(cli->args[0], "config") == 0)
		return help_config(cli);
	for (size_t i = 0; i < cli_commands_n; i++) {
		const struct cli_command *command = &cli_commands[i];
		const char *first = command->group ? command->group : command->name;

		if (strcmp(first, cli->args[0]) != 0 ||
			(command->group && cli->args_n > 1 &&
				strcmp(command->name, cli->args[1]) != 0))
			continue;
		help_command(command);
		is_known = true;
	}
	if (is_known)
		return CLI_OK;
	err_set(&err, ERR_NOTFOUND, "there is no command %.60s", cli->args[0]);
	cli_fail(cli, &err);
	return CLI_USAGE;
}

int command_version(struct cli *cli)
{
	printf(cli->is_json ? "{\"version\":\"%s\"}\n" : "posthouse %s\n", POSTHOUSE_VERSION);
	return CLI_OK;
}
