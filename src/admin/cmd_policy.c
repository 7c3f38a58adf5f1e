/* cmd_policy.c - commands: how an enforcement goes on; and the clock of builds for tests. */
#include <stdio.h>
#include <stdlib.h>

#include "admin/table.h"
#include "base/clock.h"

int command_policy_status(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"service", "SERVICE", TABLE_TEXT},
		{"mode", "WITHOUT TLS", TABLE_TEXT},
		{"date", "UNTIL", TABLE_TEXT},
		{"affected", "AFFECTED", TABLE_NUMBER},
		{"logins_day", "LOGINS/D", TABLE_NUMBER},
		{"told", "TOLD", TABLE_NUMBER},
		{"warned", "WARNED", TABLE_NUMBER},
	};

	return cli_list(cli, json_pack("{s:s}", "verb", "policy-status"), columns,
		sizeof(columns) / sizeof(columns[0]));
}

int command_policy_users(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"address", "ADDRESS", TABLE_TEXT},
		{"service", "SERVICE", TABLE_TEXT},
		{"program", "PROGRAM", TABLE_TEXT},
		{"peer", "FROM", TABLE_TEXT},
		{"logins", "LOGINS", TABLE_NUMBER},
		{"last", "LAST", TABLE_TEXT},
		{"told", "TOLD", TABLE_TEXT},
	};

	return cli_list(cli,
		json_pack("{s:s, s:s}", "verb", "policy-users", "service",
			cli->args_n ? cli->args[0] : ""),
		columns, sizeof(columns) / sizeof(columns[0]));
}

#ifdef PH_FAULTS
int command_clock(struct cli *cli)
{
	char *end;
	const long long seconds = strtoll(cli->args[0], &end, 10);
	struct err err;

	if (*end || end == cli->args[0] || seconds > INT32_MAX || seconds < -INT32_MAX) {
		err_set(&err, ERR_SYNTAX, "clock wants a number of seconds");
		cli_fail(cli, &err);
		return CLI_USAGE;
	}
	if (clock_move(seconds * 1000000) < 0) {
		err_errno(&err, "cannot move the clock");
		return cli_fail(cli, &err);
	}
	printf("%lld\n", (long long)clock_wall_s());
	return CLI_OK;
}
#endif
