/*
 * return_paths.h - what mail for elsewhere says in MAIL FROM, and what it means when something
 * comes back to that (mailauth/return_path.h).
 *
 * The keys are in return-path.keys in the current directory, which the servers of an instance
 * share, two of them during an upgrade. Each month there is a new one, which signs an hour later,
 * when everybody has read it; three are kept. They are the server's own and not the keeper's: an
 * address is signed and read at each MAIL and RCPT, and who has them can do no more than put a
 * forged bounce where it is seen, or send one through us to where a forwarded message came from.
 *
 * The file also says since when addresses have been signed. What comes back without a tag is only
 * held against it when that is longer ago than a bounce may take (RETURN_SURE_S). A time without
 * signing, or without a server that knows of it, begins that anew.
 *
 * Any thread. Bounds: RETURN_KEYS_MAX keys.
 */
#ifndef MAIL_RETURN_PATHS_H
#define MAIL_RETURN_PATHS_H

#include "mail/letter.h"
#include "mailauth/return_path.h"

enum { RETURN_SURE_S = 8 * 86400 };

struct return_paths;

/* return_paths_open - sets service->return_paths. is_tagged: what users send has a tag. */
MUST_CHECK int return_paths_open(struct service *service, bool is_tagged, struct err *err);
void return_paths_close(struct service *service);

/* return_paths_keys - none if they cannot be read. */
void return_paths_keys(struct service *service, struct return_keys *out);
/* return_paths_is_sure - whatever of ours comes back has a tag. */
bool return_paths_is_sure(struct service *service);

/* return_paths_put - what MAIL says for this letter; nothing: its sender as it is. A submitted
 * letter from an address of ours gets a tag; one of somebody else's that is forwarded is rewritten
 * (SRS) for the domain that it was sent to. -ERR_IO: the directory. */
MUST_CHECK int return_paths_put(
	struct service *service, const struct letter *letter, struct buf *out, struct err *err);

#endif
