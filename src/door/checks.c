/* checks.c - the table of checks: one check is one row and one file. */
#include "door/internal.h"

const struct door_check door_checks[] = {
	{"early", 6, door_check_early}, {"helo", 2, door_check_helo},
	{"iprev", 2, door_check_iprev}, {"probe", 4, door_check_probe},
	{"list", 1, door_check_list}, /* times what each list counts */
};

const size_t door_checks_n = sizeof(door_checks) / sizeof(door_checks[0]);

_Static_assert(sizeof(door_checks) / sizeof(door_checks[0]) <= DOOR_CHECKS_MAX, "too many checks");
