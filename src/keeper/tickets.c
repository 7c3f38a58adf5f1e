/* tickets.c - see tickets.h for the contract. */
#include "keeper/tickets.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"

enum { LIFE_MS = 3600 * 1000 };

int tickets_init(struct tickets *t, struct err *err)
{
	*t = (struct tickets){.keys = sodium_allocarray(TICKETS_MAX, sizeof(*t->keys))};
	if (!t->keys)
		return err_set(err, ERR_IO, "no memory that can be locked");
	tickets_tick(t);
	return 0;
}

void tickets_done(struct tickets *t)
{
	sodium_free(t->keys);
	*t = (struct tickets){0};
}

void tickets_tick(struct tickets *t)
{
	const int64_t now = clock_mono_ms();

	if (t->n && now < t->due_ms)
		return;
	memmove(t->keys + 1, t->keys, (TICKETS_MAX - 1) * sizeof(*t->keys));
	random_bytes(t->keys[0], sizeof(*t->keys));
	if (t->n < TICKETS_MAX)
		t->n++;
	t->due_ms = now + LIFE_MS;
}
