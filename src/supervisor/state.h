/*
 * state.h - what the supervisor knows, and its parts; only for src/supervisor. One thread.
 */
#ifndef SUPERVISOR_STATE_H
#define SUPERVISOR_STATE_H

#include "supervisor/child.h"
#include "supervisor/program.h"
#include "supervisor/sockets.h"

enum { CHILDREN_MAX = 16 };

struct supervisor {
	struct layout layout;
	struct program program;
	struct buf config_text;
	struct config *config;
	struct sockets sockets;
	int signal_fd;
	struct child children[CHILDREN_MAX];
	size_t n;
	struct {
		int64_t due_ms; /* start it again then; 0: not planned */
		unsigned failures;
	} again[ROLE_COUNT];
	unsigned generation; /* of the newest server */
	bool is_stopping, was_ready, has_failed;
	int64_t stop_ms;    /* when is_stopping was set, clock_mono_ms() */
	bool is_upgrading;  /* the newest server is from a new program */
	bool wants_another; /* a change came while a server was starting */
};

/* processes.c: starting, stopping, and what happens to them */
void processes_start(struct supervisor *sup, enum role role); /* now, or again later */
void processes_new_server(struct supervisor *sup); /* beside the present one, which then drains */
void processes_restart(struct supervisor *sup, enum role role); /* the keeper or the courier */
void processes_stop(struct supervisor *sup, const char *why);
void processes_reap(struct supervisor *sup); /* those that have ended */
void processes_ready(struct supervisor *sup, struct child *server);
void processes_time(struct supervisor *sup);         /* what is due: restarts, kills */
int processes_timeout(const struct supervisor *sup); /* until then, for poll(); -1: nothing is */

/* change.c: the operator's wishes while we run */
void change_reload(struct supervisor *sup);
void change_upgrade(struct supervisor *sup);
/* change_date - a port whose date has come is opened or closed. */
void change_date(struct supervisor *sup);

#endif
