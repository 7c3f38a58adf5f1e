/*
 * verbs.h - everything that can be asked of the keeper: one verb, one row.
 *
 * A row says which doors may ask, how the fields read, on which thread it is done and by which
 * function. Whatever is not in the table, or not for that door, is refused and logged.
 */
#ifndef KEEPER_VERBS_H
#define KEEPER_VERBS_H

#include "keeper/desk.h"

enum {
	VERB_SERVER = 1u << LOOP_SERVER,
	VERB_CLI = 1u << LOOP_CLI,
	VERB_COURIER = 1u << LOOP_COURIER,
};

struct verb {
	const char *name; /* NULL: there is no such verb */
	unsigned doors;   /* VERB_ bits */
	/* Either a function that reads the frame itself, on the loop's thread; false: it is bad. */
	bool (*handle)(void *process, struct caller caller, struct frame *f);
	/* or a task. */
	const char *grammar;
	enum task_place place;
	task_fn *run;
};

/* By number. */
extern const struct verb verbs[FRAME_VERB_END];

#endif
