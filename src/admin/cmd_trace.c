/* cmd_trace.c - command: what happened to a message. */
#include "admin/client.h"
#include "admin/table.h"

enum { DAYS_MAX = 3650 };

int command_trace(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"message", "MESSAGE", TABLE_TEXT},
		{"time", "TIME (UTC)", TABLE_TEXT},
		{"event", "EVENT", TABLE_TEXT},
		{"what", "WHAT", TABLE_TEXT},
	};
	const char *given = cli_option(cli, "--days");
	uint64_t days = 0;
	struct err err;

	if (given && (!slice_to_u64(slice_str(given), DAYS_MAX, &days) || days == 0)) {
		err_set(&err, ERR_SYNTAX, "--days is a number from 1 to %d", DAYS_MAX);
		return cli_fail(cli, &err);
	}
	return cli_list(cli,
		json_pack("{s:s, s:s, s:I}", "verb", "trace", "what", cli->args[0], "days",
			(json_int_t)days),
		columns, sizeof(columns) / sizeof(columns[0]));
}
