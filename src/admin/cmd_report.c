/* cmd_report.c - commands: what others reported of our domains, and what we reported. */
#include "admin/client.h"
#include "admin/table.h"

enum { DAYS_MAX = 3650 };

/* False: it has told what is wrong. */
static bool read_days(const struct cli *cli, uint64_t *out, int *exit_out)
{
	const char *given = cli_option(cli, "--days");
	struct err err;

	*out = 0;
	if (!given || (slice_to_u64(slice_str(given), DAYS_MAX, out) && *out))
		return true;
	err_set(&err, ERR_SYNTAX, "--days is a number from 1 to %d", DAYS_MAX);
	*exit_out = cli_fail(cli, &err);
	return false;
}

static int show(const struct cli *cli, const char *verb, const char *what,
	const struct table_column *columns, size_t n)
{
	uint64_t days;
	int code;

	if (!read_days(cli, &days, &code))
		return code;
	return cli_list(cli,
		json_pack("{s:s, s:s, s:s, s:I}", "verb", verb, "what", what, "domain",
			cli->args_n ? cli->args[0] : "", "days", (json_int_t)days),
		columns, n);
}

int command_report_list(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"domain", "DOMAIN", TABLE_TEXT},
		{"reports", "REPORTS", TABLE_NUMBER},
		{"messages", "MESSAGES", TABLE_NUMBER},
		{"passed", "PASSED", TABLE_NUMBER},
		{"failed", "FAILED", TABLE_NUMBER},
		{"tls_reports", "TLS REPORTS", TABLE_NUMBER},
		{"sessions", "SESSIONS", TABLE_NUMBER},
		{"tls_failed", "FAILED", TABLE_NUMBER},
	};

	return show(cli, "report-list", "list", columns, sizeof(columns) / sizeof(columns[0]));
}

int command_report_show(struct cli *cli)
{
	static const struct table_column sources[] = {
		{"source", "SOURCE", TABLE_TEXT},
		{"messages", "MESSAGES", TABLE_NUMBER},
		{"passed", "PASSED", TABLE_NUMBER},
		{"failed", "FAILED", TABLE_NUMBER},
		{"disposition", "DONE", TABLE_TEXT},
		{"author", "AUTHOR", TABLE_TEXT},
		{"signed", "SIGNED BY", TABLE_TEXT},
		{"envelope", "ENVELOPE", TABLE_TEXT},
	};
	static const struct table_column tls[] = {
		{"host", "HOST", TABLE_TEXT},
		{"result", "RESULT", TABLE_TEXT},
		{"sessions", "SESSIONS", TABLE_NUMBER},
		{"source", "SOURCE", TABLE_TEXT},
		{"reason", "REASON", TABLE_TEXT},
		{"reporters", "REPORTERS", TABLE_NUMBER},
	};
	static const struct table_column reports[] = {
		{"kind", "KIND", TABLE_TEXT},
		{"reporter", "REPORTER", TABLE_TEXT},
		{"via", "KNOWN AS", TABLE_TEXT},
		{"begin", "BEGIN", TABLE_TIME},
		{"end", "END", TABLE_TIME},
		{"good", "GOOD", TABLE_NUMBER},
		{"failed", "FAILED", TABLE_NUMBER},
		{"id", "ID", TABLE_TEXT},
	};

	if (cli_option(cli, "--tls"))
		return show(cli, "report-show", "tls", tls, sizeof(tls) / sizeof(tls[0]));
	if (cli_option(cli, "--reports"))
		return show(cli, "report-show", "reports", reports,
			sizeof(reports) / sizeof(reports[0]));
	return show(cli, "report-show", "sources", sources, sizeof(sources) / sizeof(sources[0]));
}

int command_report_complaints(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"at", "CAME", TABLE_TIME},
		{"via", "KNOWN AS", TABLE_TEXT},
		{"type", "TYPE", TABLE_TEXT},
		{"proof", "PROOF", TABLE_TEXT},
		{"account", "SENT BY", TABLE_TEXT},
		{"counts", "COUNTS", TABLE_YES},
		{"recipient", "RECIPIENT", TABLE_TEXT},
		{"message", "MESSAGE", TABLE_TEXT},
	};

	return show(
		cli, "report-show", "complaints", columns, sizeof(columns) / sizeof(columns[0]));
}

int command_report_failures(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"at", "CAME", TABLE_TIME},
		{"via", "KNOWN AS", TABLE_TEXT},
		{"source", "SOURCE", TABLE_TEXT},
		{"author", "AUTHOR", TABLE_TEXT},
		{"failure", "FAILED", TABLE_TEXT},
		{"alignment", "NOT ALIGNED", TABLE_TEXT},
		{"result", "DONE", TABLE_TEXT},
		{"incidents", "TIMES", TABLE_NUMBER},
	};

	return show(cli, "report-show", "failures", columns, sizeof(columns) / sizeof(columns[0]));
}

int command_report_sent(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"at", "TIME", TABLE_TIME},
		{"kind", "KIND", TABLE_TEXT},
		{"about", "ABOUT", TABLE_TEXT},
		{"begin", "FROM", TABLE_TIME},
		{"rows", "ROWS", TABLE_NUMBER},
		{"to", "TO", TABLE_TEXT},
		{"outcome", "OUTCOME", TABLE_TEXT},
		{"reply", "REPLY", TABLE_TEXT},
	};

	return show(cli, "report-show", "sent", columns, sizeof(columns) / sizeof(columns[0]));
}
