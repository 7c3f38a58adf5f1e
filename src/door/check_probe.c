/* check_probe.c - a network that tries out which addresses there are. */
#include "door/internal.h"

void door_check_probe(
	struct door *door, struct door_visit *visit, int weight, struct door_verdict *verdict_out)
{
	const unsigned n = door_unknown_lately(door, visit);

	if (n >= DOOR_UNKNOWN_FEW)
		door_say(verdict_out, n >= DOOR_UNKNOWN_MANY ? 2 * weight : weight,
			"Your network wrote to %u addresses lately that do not exist", n);
}
