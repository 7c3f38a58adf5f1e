/*
 * supervisor.h - `posthouse serve`: the process that keeps the others alive.
 *
 * Holds the listening sockets and the bus; starts keeper and servers by exec of the program, starts
 * them again with back-off when they crash; SIGTERM and SIGINT end all, SIGHUP reads the settings
 * and certificates again, SIGUSR2 starts a new server from the program on disk and drains the old
 * one. Never reads the network. One thread.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include "base/err.h"

/* supervisor_run - until it is told to stop; returns the exit code. When it cannot start, err says
 * why and the return value is negative; when a process of it could not start, that one has said
 * why, and the return value is 1. */
MUST_CHECK int supervisor_run(int argc, char **argv, const char *dir, struct err *err);

/* What `posthouse @courier …`, `posthouse @keeper …` and `posthouse @setup …` are. */
int role_courier_main(int argc, char **argv);
int role_keeper_main(int argc, char **argv);
int role_setup_main(int argc, char **argv);

#endif
