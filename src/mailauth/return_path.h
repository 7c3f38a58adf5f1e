/*
 * return_path.h - envelope senders that we can tell from forged ones when something comes back to
 * them: SRS for what is forwarded, BATV for what our users send.
 *
 * Reads and writes:
 *   SRS0=hash=day=domain=local@forwarder           of local@domain
 *   SRS1=hash=first==hash=day=domain=local@next    of such an address at another forwarder
 *   prvs=KdddSSSSSS=local@domain                   of local@domain (draft-levine-smtp-batv)
 * Does:   hashes are of HMAC-SHA256 under the service's own keys; their letters may come back in
 *         either case. A day is given modulo 1,024 (SRS: when it was made) or 1,000 (BATV: when it
 *         ends). What ends is the same for all of a week, so that one who knows pairs of
 *         addresses (greylisting) sees a new one once a week and not each day.
 * Bounds: RETURN_PATH_MAX. Pure; nothing is looked up: whether a domain is ours is the caller's.
 */
#ifndef MAILAUTH_RETURN_PATH_H
#define MAILAUTH_RETURN_PATH_H

#include "base/arena.h"
#include "base/buf.h"

enum {
	RETURN_KEYS_MAX = 4,
	RETURN_KEY_LEN = 32,
	RETURN_PATH_MAX = 512,
	SRS_DAYS_MAX = 21, /* a bounce may come so late */
	PRVS_DAYS_MIN = 7, /* a tag is good for so long at least, and a week more at most */
};

struct return_keys {
	struct {
		unsigned id; /* one digit: K */
		unsigned char bytes[RETURN_KEY_LEN];
	} list[RETURN_KEYS_MAX]; /* the first one signs */
	size_t n;
};

enum return_verdict {
	RETURN_PLAIN, /* no address of this kind */
	RETURN_GOOD,
	RETURN_EXPIRED,
	RETURN_FORGED,
};

/* srs_put - sender (not empty) as one of forwarder's; false: it cannot be said so. */
bool srs_put(const struct return_keys *keys, struct slice sender, struct slice forwarder,
	int64_t now_s, struct buf *out);
/* srs_read - local is what stands before the "@" in an address of ours, without quotes. Only when
 * it is good *out is the address behind it, which may be one with SRS itself. */
enum return_verdict srs_read(const struct return_keys *keys, struct slice local, int64_t now_s,
	struct arena *arena, struct slice *out);

/* prvs_put - sender (not empty) with a tag; false: it cannot have one. */
bool prvs_put(const struct return_keys *keys, struct slice sender, int64_t now_s, struct buf *out);
/* prvs_read - unless it is plain, *out is the address without its tag. */
enum return_verdict prvs_read(
	const struct return_keys *keys, struct slice address, int64_t now_s, struct slice *out);
/* prvs_strip - anybody's address without its tag, to compare it with others: good or not. */
struct slice prvs_strip(struct slice address);

#endif
