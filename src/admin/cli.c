/* cli.c - see cli.h for the contract. */
#include "admin/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "keeper/client.h"

/* ---- usage and errors ---- */

void cli_usage_of(const struct cli_command *command, struct buf *out)
{
	if (command->group)
		buf_printf(out, "%s ", command->group);
	buf_str(out, command->name);
	for (size_t i = 0; i < CLI_OPTIONS_MAX && command->options[i].name; i++)
		buf_printf(out, " [%s%s%s]", command->options[i].name,
			command->options[i].value ? " " : "",
			command->options[i].value ? command->options[i].value : "");
	buf_printf(out, "%s%s", *command->args ? " " : "", command->args);
}

int cli_fail(const struct cli *cli, const struct err *err)
{
	if (cli->is_json) {
		json_t *json = json_pack("{s:{s:s, s:s}}", "error", "code",
			err_code_name(err->code), "message", err->msg);

		if (!json || json_dumpf(json, stdout, JSON_COMPACT) < 0)
			fputs("{\"error\":{}}", stdout);
		putchar('\n');
		json_decref(json);
	}
	fprintf(stderr, "posthouse: %s\n", err->msg);
	return CLI_FAILED;
}

static int usage_error(const struct cli_command *command, const char *what, const char *which)
{
	struct buf usage AUTO(buf_done);

	buf_init(&usage, 4096);
	fprintf(stderr, "posthouse: %s%s%s\n", what, which ? " " : "", which ? which : "");
	if (command) {
		cli_usage_of(command, &usage);
		fprintf(stderr, "usage: posthouse [--dir DIR] [--json] %.*s\n",
			SLICE_ARG(buf_slice(&usage)));
	} else {
		fputs("posthouse help lists the commands\n", stderr);
	}
	return CLI_USAGE;
}

const char *cli_option(const struct cli *cli, const char *name)
{
	for (size_t i = 0; i < CLI_OPTIONS_MAX && cli->command->options[i].name; i++) {
		if (strcmp(cli->command->options[i].name, name) == 0)
			return cli->values[i];
	}
	return NULL;
}

int cli_open(const struct cli *cli, const char *path, struct err *err)
{
	int fd;

	if (strcmp(path, "-") == 0)
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = openat(cli->start_fd, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, "cannot read %s", path) : fd;
}

int cli_read_file(const struct cli *cli, const char *path, struct buf *out, struct err *err)
{
	enum { PIECE = 64 << 10 };
	int fd AUTO(io_close) = cli_open(cli, path, err);
	ssize_t n = 1;

	while (fd >= 0 && n > 0) {
		char *room = buf_reserve(out, PIECE);

		if (!room)
			return err_set(err, ERR_TOOBIG, "%s is too large", path);
		n = read(fd, room, PIECE);
		if (n < 0)
			return err_errno(err, "cannot read %s", path);
		out->len += (size_t)n;
	}
	return fd < 0 ? fd : 0;
}

/* ---- passwords ---- */

/* One line without its end, byte by byte: what follows may be somebody else's. */
static int read_line(struct buf *out, struct err *err)
{
	char c;
	ssize_t n;

	while ((n = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
		buf_byte(out, c);
	if (out->len && out->ptr[out->len - 1] == '\r')
		out->len--;
	if (out->failed)
		return err_set(
			err, ERR_TOOBIG, "a password has at most %d bytes", KEEPER_PASSWORD_MAX);
	return n < 0 ? err_errno(err, "cannot read the password") : 0;
}

static int read_once(const char *prompt, bool is_terminal, struct buf *out, struct err *err)
{
	int rc;

	buf_reserve(out, KEEPER_PASSWORD_MAX); /* growing would leave copies behind */
	if (is_terminal)
		fputs(prompt, stderr);
	rc = read_line(out, err);
	if (is_terminal)
		fputc('\n', stderr);
	return rc;
}

static int read_twice(bool is_terminal, struct buf *out, struct err *err)
{
	struct buf again AUTO(buf_done);
	int rc;

	buf_init(&again, KEEPER_PASSWORD_MAX);
	rc = read_once("New password: ", is_terminal, out, err);
	if (rc == 0)
		rc = read_once("The same again: ", is_terminal, &again, err);
	if (rc == 0 && !slice_eq(buf_slice(out), buf_slice(&again)))
		rc = err_set(err, ERR_SYNTAX, "the two passwords differ%s",
			is_terminal ? "" : " (give the same line twice)");
	if (again.ptr)
		mem_wipe(again.ptr, again.cap);
	return rc;
}

/* Without a prompt: twice. */
static int read_silently(const char *prompt, struct buf *out, struct err *err)
{
	const bool is_terminal = isatty(STDIN_FILENO);
	struct termios before = {0}, silent;
	int rc;

	if (is_terminal && tcgetattr(STDIN_FILENO, &before) < 0)
		return err_errno(err, "cannot silence the terminal");
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	if (is_terminal && tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) < 0)
		return err_errno(err, "cannot silence the terminal");
	rc = prompt ? read_once(prompt, is_terminal, out, err) : read_twice(is_terminal, out, err);
	if (is_terminal)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	if (rc == 0 && out->len == 0)
		rc = err_set(err, ERR_SYNTAX, "an empty password is not possible");
	return rc;
}

int cli_read_password(struct buf *out, struct err *err)
{
	return read_silently(NULL, out, err);
}

int cli_read_secret(const char *prompt, struct buf *out, struct err *err)
{
	return read_silently(prompt, out, err);
}

/* ---- from argv to a command ---- */

static bool is_help_or_version(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
	       strcmp(word, "--version") == 0;
}

static const struct cli_command *find_command(const char *first, const char *second, size_t *words)
{
	if (is_help_or_version(first))
		first = strcmp(first, "--version") == 0 ? "version" : "help";
	for (size_t i = 0; i < cli_commands_n; i++) {
		const struct cli_command *command = &cli_commands[i];
		const char *word = command->group ? command->group : command->name;

		if (strcmp(word, first) != 0)
			continue;
		*words = command->group ? 2 : 1;
		if (!command->group || (second && strcmp(command->name, second) == 0))
			return command;
	}
	return NULL;
}

/* One option from argv[*at]; false if the command has none of that name, or its value is missing.
 */
static bool take_option(struct cli *cli, int argc, char **argv, int *at)
{
	for (size_t i = 0; i < CLI_OPTIONS_MAX && cli->command->options[i].name; i++) {
		const struct cli_option *option = &cli->command->options[i];
		const size_t len = strlen(option->name);

		if (option->value && strncmp(argv[*at], option->name, len) == 0 &&
			argv[*at][len] == '=') {
			cli->values[i] = argv[*at] + len + 1;
			return true;
		}
		if (strcmp(argv[*at], option->name) != 0)
			continue;
		if (option->value && *at + 1 >= argc)
			return false;
		cli->values[i] = option->value ? argv[++*at] : "";
		return true;
	}
	return false;
}

/* Options that stand before the command. */
static int take_globals(struct cli *cli, int argc, char **argv, int *at)
{
	for (*at = 1; *at < argc && argv[*at][0] == '-' && !is_help_or_version(argv[*at]);
		(*at)++) {
		if (strcmp(argv[*at], "--json") == 0)
			cli->is_json = true;
		else if (strncmp(argv[*at], "--dir=", 6) == 0)
			cli->dir = argv[*at] + 6;
		else if (strcmp(argv[*at], "--dir") == 0 && *at + 1 < argc)
			cli->dir = argv[++*at];
		else
			return usage_error(
				NULL, "unknown option, or its value is missing:", argv[*at]);
	}
	return *at < argc ? CLI_OK : usage_error(NULL, "which command?", NULL);
}

static int take_arguments(struct cli *cli, int argc, char **argv, int at)
{
	bool is_over = false;

	for (; at < argc; at++) {
		if (!is_over && strcmp(argv[at], "--") == 0)
			is_over = true;
		else if (!is_over && strcmp(argv[at], "--json") == 0)
			cli->is_json = true;
		else if (!is_over && argv[at][0] == '-' && argv[at][1] != '\0') {
			if (!take_option(cli, argc, argv, &at))
				return usage_error(cli->command,
					"unknown option, or its value is missing:", argv[at]);
		} else if (cli->args_n == cli->command->args_max) {
			return usage_error(cli->command, "too many arguments:", argv[at]);
		} else {
			cli->args[cli->args_n++] = argv[at];
		}
	}
	if (cli->args_n < cli->command->args_min)
		return usage_error(cli->command, "too few arguments", NULL);
	return CLI_OK;
}

static int enter_dir(const struct cli *cli, struct err *err)
{
	if (!cli->dir || !*cli->dir)
		return err_set(err, ERR_SYNTAX,
			"which instance? Give --dir DIR before the command, or set POSTHOUSE_DIR");
	if (cli->command->needs_dir && chdir(cli->dir) < 0)
		return err_errno(err, "cannot enter %s", cli->dir);
	return 0;
}

int command_serve(struct cli *cli)
{
	struct err err;
	int rc = enter_dir(cli, &err);

	if (rc == 0)
		rc = cli->serve(cli->argc, cli->argv, cli->dir, &err);
	return rc < 0 ? cli_fail(cli, &err) : rc;
}

static int run_command(struct cli *cli)
{
	struct err err;
	int rc;

	if (cli->command->needs_dir && enter_dir(cli, &err) < 0) {
		rc = cli_fail(cli, &err);
		return err.code == ERR_SYNTAX ? CLI_USAGE : rc;
	}
	rc = cli->command->run(cli);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fputs("posthouse: cannot write the output\n", stderr);
		return rc == CLI_OK ? CLI_FAILED : rc;
	}
	return rc;
}

int cli_main(int argc, char **argv, cli_serve_fn *serve)
{
	struct cli cli = {
		.argc = argc,
		.argv = argv,
		.dir = getenv("POSTHOUSE_DIR"),
		.serve = serve,
		.start_fd = -1,
	};
	size_t words = 1;
	int at, rc;

	signal(SIGPIPE, SIG_IGN); /* a pipe that closes is an error like others */
	rc = take_globals(&cli, argc, argv, &at);
	if (rc != CLI_OK)
		return rc;
	cli.command = find_command(argv[at], at + 1 < argc ? argv[at + 1] : NULL, &words);
	if (!cli.command)
		return usage_error(NULL, "there is no command", argv[at]);
	cli.args = mem_zalloc_array((size_t)argc, sizeof(*cli.args));
	cli.start_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	rc = take_arguments(&cli, argc, argv, at + (int)words);
	if (rc == CLI_OK)
		rc = run_command(&cli);
	io_close(&cli.start_fd);
	free(cli.args);
	return rc;
}
