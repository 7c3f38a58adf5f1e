/* cmd_dns.c - commands: what the DNS says. */
#include "admin/client.h"
#include "admin/table.h"

int command_dns_lookup(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"name", "NAME", TABLE_TEXT},
		{"ttl", "TTL", TABLE_NUMBER},
		{"secure", "SIGNED", TABLE_YES},
		{"data", "DATA", TABLE_TEXT},
	};
	json_t *request = json_pack("{s:s, s:s, s:s}", "verb", "dns-lookup", "name", cli->args[0],
		"type", cli->args_n > 1 ? cli->args[1] : "A");

	return cli_list(cli, request, columns, sizeof(columns) / sizeof(columns[0]));
}
