/*
 * seen.h - when and from where a session or an app password was last used.
 *
 * Noted in memory, written to secrets.db together once a minute; a crash forgets a minute.
 * Any thread.
 */
#ifndef KEEPER_SEEN_H
#define KEEPER_SEEN_H

#include "keeper/secrets.h"

enum { SEEN_EVERY_S = 60, SEEN_PEER_MAX = 64, SEEN_PROGRAM_MAX = 256 };

enum seen_kind { SEEN_APP, SEEN_WEB, SEEN_TOKEN, SEEN_KINDS };

struct seen;

struct seen *seen_new(void);
void seen_free(struct seen **seen);

void seen_note(struct seen *seen, enum seen_kind kind, uint64_t id, struct slice peer,
	struct slice program);
/* seen_last - what is noted and not written yet; 0: nothing. */
int64_t seen_last(struct seen *seen, uint64_t id);
/* seen_write - inside a change. */
MUST_CHECK int seen_write(struct seen *seen, struct db *change, struct err *err);
/* seen_is_due - there is something to write, and it is time. */
bool seen_is_due(struct seen *seen);

#endif
