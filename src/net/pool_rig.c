/* pool_rig.c - see pool_rig.h. */
#include "net/pool_rig.h"

#include <unistd.h>

void pool_rig_start_with(struct pool_rig *s, const struct pool_config *config)
{
	struct err err;

	*s = (struct pool_rig){0};
	assert_int_equal(pool_new(config, &s->kit.pool, &err), 0);
	s->port = kit_listen(&s->kit, NULL, false, POOL_INTERACTIVE, 0);
	assert_int_equal(pool_start(s->kit.pool, &err), 0);
}

void pool_rig_start(struct pool_rig *s)
{
	pool_rig_start_with(s, &(struct pool_config){.threads = 4, .connections_max = 100});
}

void pool_rig_stop(struct pool_rig *s)
{
	pool_stop(&s->kit.pool);
	assert_null(s->kit.pool);
}

void pool_rig_greeted(struct peer *p, uint16_t port)
{
	peer_connect(p, port);
	peer_expect(p, "+HELLO");
}

void pool_rig_until(const _Atomic size_t *what, size_t least)
{
	while (atomic_load(what) < least)
		usleep(200);
}

struct conn *pool_rig_own_last(struct pool_rig *s)
{
	const struct conn_ref ref = kit_last_ref(&s->kit);
	struct slot *slot = slot_of(s->kit.pool, ref);

	for (;; usleep(200)) {
		if ((atomic_load(&slot->word) & WORD_STATE) == WORD_PARKED &&
			slot_signal(slot, ref.generation, 0))
			break;
	}
	slot_begin(slot);
	return slot->conn;
}

void pool_rig_let_go(struct conn *c)
{
	struct slot *slot = slot_of(c->pool, c->ref);

	slot_requeue(slot);
	pool_enqueue(c->pool, slot->class, &slot->job, false);
}
