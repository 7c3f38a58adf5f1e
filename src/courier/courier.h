/*
 * courier.h - the courier process: it calls out, for everybody else.
 *
 * Lives in DIR/courier (its own user's, mode 0700). It cannot open a mailbox or a key; what needs a
 * key it asks the keeper for (run/keeper-courier.sock, a list of verbs of its own), what the
 * servers must know it tells over the bus (courier/bus.c). Only servers connect to it, on a socket
 * that the supervisor listens with (desk.h).
 *
 * Its work is done by jobs on a pool of threads. Names are looked up by libunbound (dns.h), never
 * by the system's resolver, which would open files of its choice.
 */
#ifndef COURIER_COURIER_H
#define COURIER_COURIER_H

#include "base/config.h"

struct courier_config {
	const struct config *settings;
	int bus_fd;    /* to the supervisor */
	int server_fd; /* listening: run/courier-server.sock */
};

/* courier_run - until SIGTERM, or the supervisor's end; the current directory is DIR/courier. The
 * sandbox is entered inside, before the first thread. */
MUST_CHECK int courier_run(const struct courier_config *config, struct err *err);

#endif
