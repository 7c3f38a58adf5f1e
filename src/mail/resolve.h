/*
 * resolve.h - from an envelope recipient to the accounts and remote addresses it means.
 *
 * Order: the exact address (account or alias); user+tag@domain and tag@user.domain as a
 * subaddress of user@domain; a wildcard alias; the domain's catch-all. Aliases nest to depth 10;
 * loops and repeats are dropped; at most DIRECTORY_TARGETS_MAX results.
 */
#ifndef MAIL_RESOLVE_H
#define MAIL_RESOLVE_H

#include "directory/personality.h"

struct mail_target {
	uint64_t account; /* 0: elsewhere */
	uint64_t quota_bytes;
	bool ignores_quota;   /* what the service itself has to say */
	bool is_suspect;      /* to the folder of spam, if there is one */
	struct slice address; /* the account's login name, or the remote address */
	struct slice detail;  /* the tag, or empty */
	struct slice named;   /* as the sender named it; empty: not told */
};

struct mail_resolved {
	struct mail_target *targets;
	size_t n;
};

/* mail_resolve - -ERR_NOTFOUND: the domain is ours and nobody has this address; -ERR_DENIED: the
 * domain is not ours (relaying is the caller's question); -ERR_TOOBIG, -ERR_CONFLICT (alias loop
 * that leads nowhere). */
MUST_CHECK int mail_resolve(struct directory *dir, struct slice address, struct arena *arena,
	struct mail_resolved *out, struct err *err);

/* mail_resolve_anywhere - the same, where an address elsewhere is one target: what our own part of
 * the service sends. */
MUST_CHECK int mail_resolve_anywhere(struct directory *dir, struct slice address,
	struct arena *arena, struct mail_resolved *out, struct err *err);

/* mail_personality_of - the account's own for an address elsewhere, if it may be used;
 * -ERR_NOTFOUND. */
MUST_CHECK int mail_personality_of(struct directory *dir, uint64_t account, struct slice address,
	struct arena *arena, struct directory_personality *out, struct err *err);

/* mail_serves_domain - the domain is ours, or that of a user's subaddresses (tag@user.domain). */
MUST_CHECK int mail_serves_domain(
	struct directory *dir, struct slice domain, bool *out, struct err *err);

/* mail_may_send_as - the address, or the user whose subaddress it is, belongs to the account, or is
 * of a personality. */
MUST_CHECK int mail_may_send_as(struct directory *dir, uint64_t account, struct slice address,
	bool *may_out, struct err *err);

#endif
