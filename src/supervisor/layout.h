/*
 * layout.h - DIR: what is in it, whose it is, and that only one instance uses it.
 *
 *   posthouse.conf   the settings (root or the caller writes, all may read)
 *   tls/NAME.pem     certificate chains (public)
 *   mail/            the server's: directory.db, accept.db, queue.db, accounts/, spool/
 *   keeper/          the keeper's: keys/, secrets.db
 *   courier/         the courier's
 *   run/             lock and Unix sockets
 *
 * Names are relative to the current directory, which is DIR once layout_enter() has returned.
 */
#ifndef SUPERVISOR_LAYOUT_H
#define SUPERVISOR_LAYOUT_H

#include <sys/types.h>

#include "base/config.h"

struct layout {
	int dir_fd, lock_fd;
	bool is_separate;     /* started by root: the processes have users of their own */
	bool was_interrupted; /* the instance before did not end cleanly */
	uid_t owner;          /* may command the instance, beside root */
	uid_t server_uid, keeper_uid, courier_uid;
	gid_t server_gid, keeper_gid, courier_gid;
};

/* layout_enter - make DIR where it is missing, enter it, take its lock. -ERR_BUSY: another
 * instance runs there. */
MUST_CHECK int layout_enter(const char *dir, struct layout *out, struct err *err);
/* layout_users - whom the processes run as, by these settings. -ERR_NOTFOUND. */
MUST_CHECK int layout_users(struct layout *layout, const struct config *config, struct err *err);
/* layout_make - the folders, with their owners and modes. */
MUST_CHECK int layout_make(const struct layout *layout, struct err *err);
/* layout_leave - a clean end; the lock is given back. */
void layout_leave(struct layout *layout);

/* layout_limit - keep only the capabilities that starting, stopping and binding need. */
MUST_CHECK int layout_limit(const struct layout *layout, struct err *err);

/* layout_config - read posthouse.conf; all defaults where there is none. text_out has its text. */
MUST_CHECK int layout_config(struct buf *text_out, struct config **config_out, struct err *err);
/* layout_has_certificate - is there any chain in tls/? */
bool layout_has_certificate(void);

#endif
