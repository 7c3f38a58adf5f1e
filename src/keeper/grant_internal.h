/* grant_internal.h - what grant.c and grant_device.c share. */
#ifndef KEEPER_GRANT_INTERNAL_H
#define KEEPER_GRANT_INTERNAL_H

#include "keeper/frame.h"
#include "keeper/grant.h"

/* What waits in memory is written as fields of a frame; the first says how far it is. */
enum { GRANT_FRESH = 1, GRANT_USED };

static inline struct slice grant_mac_slice(const unsigned char mac[MINT_MAC_LEN])
{
	return (struct slice){(const char *)mac, MINT_MAC_LEN};
}

/* grant_make - a new grant with its first tokens. */
struct grant_new {
	uint64_t id, account;
	unsigned scopes;
	struct slice client;
};
MUST_CHECK int grant_make(struct factors *f, struct db *change, const struct grant_new *grant,
	struct grant_result *out, struct err *err);

#endif
