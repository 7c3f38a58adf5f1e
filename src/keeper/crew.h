/*
 * crew.h - a few threads with a priority of their own and bounded queues of jobs.
 *
 * The keeper has three crews that never wait for each other: signers, hashers (at low priority),
 * and a clerk who writes. Any thread may put jobs.
 */
#ifndef KEEPER_CREW_H
#define KEEPER_CREW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* CREW_FIRST goes before the others, which take turns. */
enum crew_class { CREW_FIRST, CREW_SECOND, CREW_BULK, CREW_CLASSES };

struct crew_job {
	/* run - do it; or, when the crew is being dismissed, only answer and free. */
	void (*run)(struct crew_job *job, bool is_dismissed);
	struct crew_job *next; /* the queue's */
};

struct crew_config {
	unsigned threads;
	int nice;
	size_t jobs_max[CREW_CLASSES]; /* waiting ones */
};

struct crew;

MUST_CHECK int crew_new(const struct crew_config *config, struct crew **out, struct err *err);
/* crew_put - false if that queue is full: the job stays the caller's. */
MUST_CHECK bool crew_put(struct crew *crew, enum crew_class class, struct crew_job *job);
/* crew_dismiss - run what waits with is_dismissed, wait for the threads; it takes no more jobs. */
void crew_dismiss(struct crew *crew);
void crew_free(struct crew **crew); /* dismisses it too */

#endif
