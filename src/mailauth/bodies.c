/* bodies.c - see bodies.h. */
#include "mailauth/bodies.h"

bool bodies_add(struct bodies *bodies, enum canon canon, uint64_t limit, size_t *at_out)
{
	size_t at = 0;

	while (at < bodies->n &&
		(bodies->list[at].canon != canon || bodies->list[at].limit != limit))
		at++;
	if (at == BODIES_MAX)
		return false;
	if (at == bodies->n)
		body_hash_init(&bodies->list[bodies->n++], canon, limit);
	*at_out = at;
	return true;
}

void bodies_feed(struct bodies *bodies, struct slice bytes)
{
	for (size_t i = 0; i < bodies->n; i++)
		body_hash_feed(&bodies->list[i], bytes);
}

void bodies_finish(struct bodies *bodies)
{
	for (size_t i = 0; i < bodies->n; i++)
		body_hash_finish(&bodies->list[i]);
}

void bodies_done(struct bodies *bodies)
{
	for (size_t i = 0; i < bodies->n; i++)
		body_hash_done(&bodies->list[i]);
}
