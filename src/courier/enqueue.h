/* enqueue.h - letters that the servers hand over: ASK_ENQUEUE of ask/verbs.h. */
#ifndef COURIER_ENQUEUE_H
#define COURIER_ENQUEUE_H

#include "courier/desk.h"

/* desk_enqueue - answered when the letter is on disk. -ERR_QUOTA: no room; -ERR_SYNTAX. */
desk_fn desk_enqueue;

#endif
