/*
 * main.c - the program: the command line, or one of the processes that the supervisor starts
 * (their names begin with "@", and people do not type them).
 */
#include <string.h>

#include "admin/cli.h"
#include "server/server.h"
#include "supervisor/supervisor.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} roles[] = {
	{"@courier", role_courier_main},
	{"@keeper", role_keeper_main},
	{"@server", server_main},
	{"@setup", role_setup_main},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(argv[1], roles[i].name) == 0)
			return roles[i].run(argc, argv);
	}
	return cli_main(argc, argv, supervisor_run);
}
