/* pool_rig.h - a pool that listens, for its tests. */
#ifndef NET_POOL_RIG_H
#define NET_POOL_RIG_H

#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/internal.h"
#include "net/net_kit.h"

struct pool_rig {
	struct kit kit;
	uint16_t port;
};

void pool_rig_start_with(struct pool_rig *rig, const struct pool_config *config);
void pool_rig_start(struct pool_rig *rig);
void pool_rig_stop(struct pool_rig *rig);
/* pool_rig_greeted - connect, and hear the greeting. */
void pool_rig_greeted(struct peer *peer, uint16_t port);
/* pool_rig_until - wait for something that another thread does; the test's own timeout is the
 * bound. */
void pool_rig_until(const _Atomic size_t *what, size_t least);
/* pool_rig_own_last - become the owner of the last connection once it is parked, as a thread of the
 * pool would; pool_rig_let_go - be it no longer. */
struct conn *pool_rig_own_last(struct pool_rig *rig);
void pool_rig_let_go(struct conn *c);

#endif
