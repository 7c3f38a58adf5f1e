/*
 * script_kit.h - for tests of clients: a server that follows a script, on a thread of its own.
 *
 * Its steps: "<" and what it says, with "|" for line ends; ">" and a line that it hears, or "*" for
 * lines up to a dot, or "#N" for N bytes; "!" closes. What it hears is kept.
 */
#ifndef COURIER_SCRIPT_KIT_H
#define COURIER_SCRIPT_KIT_H

#include <pthread.h>

#include "base/buf.h"

struct script {
	int fd;
	const char *const *script;
	struct buf in, heard;
	pthread_t thread;
};

/* script_start - the client's end, which does not block. The script ends with NULL. */
int script_start(struct script *s, const char *const *script);
/* script_stop - after the client has closed its end; s->heard is the caller's. */
void script_stop(struct script *s);

#endif
