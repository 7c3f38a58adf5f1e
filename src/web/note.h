/* note.h - what a page did to an account's security: its log, and a mail to its user. For this room
 * only. */
#ifndef WEB_NOTE_H
#define WEB_NOTE_H

#include "web/visit.h"

/* note_event - into the account's security log; detail may be NULL. */
void note_event(struct http *x, uint64_t account, const char *kind, const char *detail);
/* note_mail - a notice (notice/notice.h) about it, with the browser's address and program, and one
 * value more if key is not NULL. */
void note_mail(struct http *x, uint64_t account, const char *template, const char *key,
	struct slice value);
/* note_policy - a login to the pages, for policy/policy.h. */
void note_policy(struct http *x, uint64_t account);

#endif
