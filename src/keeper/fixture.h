/* fixture.h - for tests: a keeper as a real process, in a directory of its own. */
#ifndef KEEPER_FIXTURE_H
#define KEEPER_FIXTURE_H

#include <sys/types.h>

#include "base/temp.h"
#include "chain/chain.h"
#include "keeper/keeper.h"

enum { FIXTURE_SPARES = 16 };

struct fixture {
	char dir[TEMP_MAX];
	struct keeper_config config;
	pid_t pid; /* 0: none runs */
	struct {
		pid_t pid;   /* waits to be told to run */
		int in, out; /* a pipe to it */
	} spares[FIXTURE_SPARES];
	size_t spares_n;
	int64_t shift_s; /* how late it is for the next keeper that is run */
};

#define FIXTURE_SERVER "server.sock"
#define FIXTURE_CLI "cli.sock"
#define FIXTURE_COURIER "courier.sock"

/* fixture_start - a new directory, which becomes the current one, its sockets, and a keeper. */
void fixture_start(struct fixture *f, const struct keeper_config *config);
/* fixture_run - the keeper again, after it was stopped or killed; the sockets stayed. */
void fixture_run(struct fixture *f);
/* fixture_spare - make a process that a later fixture_run() sets going: to be called while the test
 * has one thread only, since a copy of more is no good start. */
void fixture_spare(struct fixture *f);
/* fixture_stop - end it and insist on a clean end. fixture_kill - as by kill -9. */
void fixture_stop(struct fixture *f);
void fixture_kill(struct fixture *f);
/* fixture_done - stop it if it runs, and remove everything. */
void fixture_done(struct fixture *f);

/* fixture_set - give an account this password or hash; fails the test if that fails. */
void fixture_set(uint64_t account, const char *password, bool is_hash);

/* fixture_make_key - a certificate NAME for localhost; key_out is what its key is called. */
void fixture_make_key(const char *name, char key_out[CHAIN_KEY_NAME_MAX]);
/* fixture_cpu_s - what a process has used of the CPU, in seconds. */
double fixture_cpu_s(pid_t pid);
/* fixture_open - a connection to the server's socket. */
int fixture_open(void);
/* fixture_put_enter - append a frame that asks for this login. */
void fixture_put_enter(
	struct buf *out, uint32_t id, uint64_t account, const char *password, const char *peer);

#endif
