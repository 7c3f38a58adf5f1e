/*
 * sandbox.h - drop privileges and everything a process does not need.
 *
 * Order of a process's start: configuration, every library initialised, own directory entered
 * (fchdir), user_drop(), then sandbox_enter(), and only then the first thread: Landlock binds the
 * calling thread. Where the kernel lacks Landlock or seccomp it is skipped, and the caller logs so.
 */
#ifndef PROCESS_SANDBOX_H
#define PROCESS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct sandbox_path {
	const char *path; /* relative to the current directory */
	bool may_write;   /* also make, remove, rename below it */
};

struct sandbox_config {
	const struct sandbox_path *paths; /* nothing else can be opened afterwards */
	size_t paths_n;
	bool may_accept;       /* accept network connections (the sockets are there already) */
	bool may_connect_unix; /* make Unix sockets and connect; never AF_INET */
	bool may_call_out;     /* TCP and UDP to anywhere, and Unix sockets; never listen */
};

struct sandbox_result {
	int landlock_abi; /* 0: the kernel has none */
	bool has_seccomp;
};

/*
 * sandbox_enter - NO_NEW_PRIVS, not dumpable, Landlock, seccomp. Afterwards execve, ptrace, mount,
 * bpf and executable mappings kill the process; any other call that is not on the list answers
 * ENOSYS, and the first of each number is said on standard error (through SIGSYS: a thread that
 * blocks that signal is killed instead). Sanitizer builds get the calls that the sanitizers need.
 */
MUST_CHECK int sandbox_enter(
	const struct sandbox_config *config, struct sandbox_result *result_out, struct err *err);

/* user_drop - become this user for good (uid, gid, no further groups, no capabilities); verified.
 * For root only; without root a process stays its caller. */
MUST_CHECK int user_drop(unsigned uid, unsigned gid, struct err *err);

/* process_title - what ps shows: "posthouse: server". argv is main()'s, used for its space: the
 * arguments are gone afterwards. Cut where they were shorter. */
void process_title(int argc, char **argv, const char *role);

#endif
