/*
 * cli.h - the command line: `posthouse [--dir DIR] [--json] COMMAND …`.
 *
 * One command is one row of commands.c (name, arguments, options, help) and one function in a
 * cmd_*.c. The row checks the arguments and prints usage and help. The current directory is DIR;
 * files that people name are opened from where they stood (cli_open()).
 */
#ifndef ADMIN_CLI_H
#define ADMIN_CLI_H

#include <jansson.h>

#include "base/buf.h"

/* Exit codes, as posthouse(1) tells them. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,      /* refused, or it did not work */
	CLI_USAGE = 2,       /* the command line is wrong */
	CLI_NOT_RUNNING = 3, /* nothing is running in DIR */
	CLI_PROBLEMS = 4,    /* check found what is not repaired */
};

/* Runs an instance; dir may point into argv, whose memory becomes the process title. */
typedef int cli_serve_fn(int argc, char **argv, const char *dir, struct err *err);

/* cli_main - the whole of main() but the processes' own roles; serve is `posthouse serve`. */
int cli_main(int argc, char **argv, cli_serve_fn *serve);

/* ---- for the commands ---- */

enum { CLI_OPTIONS_MAX = 4, CLI_ARGS_MAX = 10000 };

struct cli_option {
	const char *name;  /* "--quota" */
	const char *value; /* "BYTES"; NULL: a switch */
	const char *help;
};

struct cli;

struct cli_command {
	const char *group, *name; /* "account", "add"; group NULL: a single word */
	const char *args;         /* as the usage shows them */
	size_t args_min, args_max;
	struct cli_option options[CLI_OPTIONS_MAX];
	int (*run)(struct cli *cli); /* an enum cli_exit */
	bool needs_dir;
	const char *help;
};

extern const struct cli_command cli_commands[];
extern const size_t cli_commands_n;

struct cli {
	int argc;
	char **argv;
	const char *dir; /* as it was named */
	int start_fd;    /* where the user stood */
	bool is_json;
	const struct cli_command *command;
	const char **args;
	size_t args_n;
	const char *values[CLI_OPTIONS_MAX]; /* "" for a switch that is on */
	cli_serve_fn *serve;
};

/* cli_option - the value given for it, or NULL. */
const char *cli_option(const struct cli *cli, const char *name);
/* cli_open - a file of the user's, "-" is standard input. */
MUST_CHECK int cli_open(const struct cli *cli, const char *path, struct err *err);
/* cli_read_file - the whole of such a file, at most out->max bytes, appended to out. */
MUST_CHECK int cli_read_file(
	const struct cli *cli, const char *path, struct buf *out, struct err *err);
/* cli_fail - tell the error in one line (or as JSON), and which exit code it means. */
int cli_fail(const struct cli *cli, const struct err *err);
/* cli_usage_of - the usage line of one command. */
void cli_usage_of(const struct cli_command *command, struct buf *out);
/* cli_read_password - twice: from the terminal without echo, or two lines of standard input. */
MUST_CHECK int cli_read_password(struct buf *out, struct err *err);
/* cli_read_secret - once, in the same ways; not empty. The prompt is for a terminal. */
MUST_CHECK int cli_read_secret(const char *prompt, struct buf *out, struct err *err);

int command_serve(struct cli *cli);
int command_domain_add(struct cli *cli), command_domain_list(struct cli *cli),
	command_domain_mta_sts(struct cli *cli);
int command_account_add(struct cli *cli), command_account_passwd(struct cli *cli),
	command_account_list(struct cli *cli), command_account_delete(struct cli *cli),
	command_account_import(struct cli *cli), command_account_import_mail(struct cli *cli),
	command_account_export(struct cli *cli);
int command_account_role(struct cli *cli), command_account_logout(struct cli *cli),
	command_account_ask_password(struct cli *cli), command_account_sending(struct cli *cli);
int command_app_list(struct cli *cli), command_app_certificate(struct cli *cli);
int command_app_revoke(struct cli *cli);
int command_service_on(struct cli *cli), command_service_off(struct cli *cli);
int command_alias_add(struct cli *cli), command_alias_list(struct cli *cli),
	command_alias_delete(struct cli *cli);
int command_dns_lookup(struct cli *cli), command_dns_check(struct cli *cli);
int command_dkim_add(struct cli *cli), command_dkim_list(struct cli *cli),
	command_dkim_rotate(struct cli *cli), command_dkim_remove(struct cli *cli);
int command_trace(struct cli *cli);
int command_report_complaints(struct cli *cli), command_report_failures(struct cli *cli),
	command_report_sent(struct cli *cli);
int command_report_list(struct cli *cli);
int command_report_show(struct cli *cli);
int command_certificate_list(struct cli *cli), command_certificate_show(struct cli *cli),
	command_certificate_import(struct cli *cli), command_certificate_make(struct cli *cli),
	command_certificate_order(struct cli *cli), command_certificate_drop(struct cli *cli),
	command_certificate_account(struct cli *cli),
	command_certificate_replace_all(struct cli *cli);
int command_level_list(struct cli *cli), command_level_show(struct cli *cli),
	command_level_set(struct cli *cli), command_level_delete(struct cli *cli),
	command_account_level(struct cli *cli), command_account_set(struct cli *cli);
int command_group_add(struct cli *cli), command_group_set(struct cli *cli),
	command_group_delete(struct cli *cli), command_group_list(struct cli *cli),
	command_group_member(struct cli *cli), command_group_admin(struct cli *cli),
	command_group_domain(struct cli *cli), command_domain_screen(struct cli *cli);
int command_fetch_start(struct cli *cli), command_fetch_list(struct cli *cli),
	command_fetch_show(struct cli *cli), command_fetch_stop(struct cli *cli),
	command_fetch_forget(struct cli *cli);
int command_policy_status(struct cli *cli), command_policy_users(struct cli *cli);
int command_clock(struct cli *cli); /* only in builds with faults */
int command_queue_list(struct cli *cli), command_queue_show(struct cli *cli),
	command_queue_hold(struct cli *cli), command_queue_release(struct cli *cli),
	command_queue_retry(struct cli *cli), command_queue_drop(struct cli *cli),
	command_queue_route(struct cli *cli), command_queue_limit(struct cli *cli),
	command_queue_suppress(struct cli *cli), command_queue_tls(struct cli *cli),
	command_queue_status(struct cli *cli);
int command_status(struct cli *cli), command_check(struct cli *cli),
	command_deliver(struct cli *cli);
int command_stop(struct cli *cli), command_reload(struct cli *cli),
	command_upgrade(struct cli *cli);
int command_case_open(struct cli *cli), command_case_evidence(struct cli *cli),
	command_case_approve(struct cli *cli), command_case_close(struct cli *cli),
	command_case_list(struct cli *cli), command_case_show(struct cli *cli),
	command_case_flags(struct cli *cli);
int command_totp_add(struct cli *cli), command_totp_list(struct cli *cli),
	command_totp_code(struct cli *cli), command_totp_remove(struct cli *cli);
int command_help(struct cli *cli), command_version(struct cli *cli);

#endif
