/*
 * desk.h - what the keeper's verbs work with, and the work that a request becomes.
 *
 * A request whose verb has a grammar becomes a task: its fields are copied, and its function runs
 * on one of two threads: the reader's, where nothing waits for a disk's flush, or the clerk's, who
 * makes all changes, one after the other; hashing is done on the hashers'. A function ends the task
 * with task_reply() or task_fail(), or hands it on with task_next().
 */
#ifndef KEEPER_DESK_H
#define KEEPER_DESK_H

#include "keeper/crew.h"
#include "keeper/hash.h"
#include "keeper/keys.h"
#include "keeper/loop.h"
#include "keeper/secrets.h"

struct factors;
struct guesses;
struct logins;
struct revoker;
struct seen;

/* All of it outlives the tasks. */
struct desk {
	struct crew *reader, *clerk, *hashers;
	struct secrets *secrets;
	struct revoker *revoker;
	struct logins *logins;
	struct guesses *guesses;
	struct seen *seen;
	struct keys *keys;
	struct factors *factors;
	unsigned char *mac_key; /* MINT_KEY_LEN bytes (vault.h) */
	int dirfd, tls_fd; /* the keeper's folder, DIR/tls */
	struct hash_cost cost;
	unsigned hashers_n;
};

struct task;
typedef void task_fn(struct task *t);

struct task {
	struct crew_job job;
	struct desk *desk;
	struct caller caller;
	task_fn *run;
	struct frame_field f[FRAME_FIELDS_MAX]; /* slices point into bytes */
	struct frame frame;                     /* the same of a verb without a grammar */
	struct buf out;                         /* fields of the answer */
	void *state; /* kept between steps; freed with the task after it was wiped */
	size_t state_len;
	size_t len;
	char bytes[];
};

enum task_place { TASK_READER, TASK_CLERK, TASK_HASHER };

/* task_take - the frame's fields by that grammar (NULL: `run` reads them), to be done there. What
 * does not fit the grammar, or finds no room, is answered here. */
void task_take(struct desk *desk, struct caller caller, const struct frame *f, const char *grammar,
	enum task_place place, task_fn *run);
/* task_next - go on with another function, there. */
void task_next(struct task *t, enum task_place place, task_fn *run);
/* task_keep - zeroed memory for what is kept between steps. */
void *task_keep(struct task *t, size_t size);

/* The end of a task. task_put… append to the answer before task_reply(). */
void task_put(struct task *t, struct slice bytes);
void task_put_u64(struct task *t, uint64_t n);
void task_reply(struct task *t);
void task_fail(struct task *t, const struct err *err);
/* task_end - an empty answer if rc is 0. */
void task_end(struct task *t, int rc, const struct err *err);
/* task_drop - without any answer. */
void task_drop(struct task *t);

#endif
