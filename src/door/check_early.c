/* check_early.c - a mail server waits for the greeting (RFC 5321 3.1). */
#include "door/internal.h"

void door_check_early(
	struct door *door, struct door_visit *visit, int weight, struct door_verdict *verdict_out)
{
	(void)door;
	if (visit->was_early)
		door_say(verdict_out, weight, "Your server spoke before it was greeted");
}
