/* cmd_sending.c - commands: how an account sends, and whether it may. */
#include <stdio.h>

#include "admin/client.h"
#include "admin/table.h"

static long long number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static void print(const json_t *o)
{
	if (json_is_true(json_object_get(o, "stopped")))
		printf("stopped: %s\n", json_string_value(json_object_get(o, "why")));
	else
		printf("may send\n");
	printf("recipients in a day: %lld (usually %lld), after %lld good days\n",
		number(o, "sent"), number(o, "usual"), number(o, "good_days"));
	printf("answered: %lld, unknown: %lld, refused as spam: %lld\n", number(o, "answered"),
		number(o, "unknown"), number(o, "refused"));
	printf("complaints: %lld, scanned: %lld, spam by the scanner: %lld\n",
		number(o, "complaints"), number(o, "scanned"), number(o, "bad"));
	printf("new recipients from a new place: %lld\n", number(o, "strange"));
	printf("points: %lld (%s)\n", number(o, "points"),
		json_string_value(json_object_get(o, "signs")));
}

int command_account_sending(struct cli *cli)
{
	json_t *done = NULL;
	const int code = cli_ask(cli,
		json_pack("{s:s, s:s, s:s}", "verb", "account-sending", "do", cli->args[0],
			"address", cli->args[1]),
		&done);

	if (code == CLI_OK && cli->is_json) {
		json_dumpf(done, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (code == CLI_OK) {
		print(done);
	}
	json_decref(done);
	return code;
}
