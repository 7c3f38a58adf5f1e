/*
 * control.h - the control socket: the operator's commands, as a protocol of the pool.
 *
 * Lines of JSON on run/control.sock. A request names its verb, its arguments are the other
 * members: {"verb":"domain-add","domain":"example.org"}. The reply is any number of
 * {"row":{…}} lines and then one {"done":{…}} or {"error":{"code":"EXISTS","message":"…"}}.
 * `deliver` answers {"send":{}} and then takes the message as chunks (32-bit big-endian length,
 * at most CONTROL_CHUNK_MAX bytes; length 0 ends it) before its reply. `mail-import` does the same
 * with many messages: the first byte of each chunk is an enum control_import_kind. Here rows may
 * come before the end, and so may an error, which closes the connection. `mail-export` answers
 * {"send":{}} and then sends such chunks itself, an empty one at their end, before its reply.
 *
 * Only root and the instance's owner come in (SO_PEERCRED). Passwords never pass here: the CLI
 * gives them to the keeper itself. Bounds: CONTROL_LINE_MAX for a request, CONTROL_BATCH_MAX
 * accounts in one import request.
 */
#ifndef ADMIN_CONTROL_H
#define ADMIN_CONTROL_H

#include <pthread.h>

#include "mail/mail.h"
#include "process/sandbox.h"

enum {
	CONTROL_LINE_MAX = 1 << 20,
	CONTROL_CHUNK_MAX = 64 << 10,
	CONTROL_BATCH_MAX = 1000,
};

enum control_import_kind {
	CONTROL_IMPORT_SETTINGS = 'S', /* a manifest, whose settings the account shall have */
	CONTROL_IMPORT_PLACE = 'P',    /* {"path","use","subscribed","alone"}: of what follows */
	CONTROL_IMPORT_BYTES = 'B',    /* of a message */
	CONTROL_IMPORT_END = 'E',      /* {"flags","keywords","date","zone","where"}: of it */
};

/* conn_context() of control connections. */
struct control {
	struct service *service;
	uint32_t owner_uid;
	unsigned generation;
	int64_t started_s;
	bool is_separate; /* the processes have users of their own */
	struct sandbox_result sandbox;
	pthread_mutex_t lock;
	struct buf processes; /* JSON of what the supervisor last told of all processes */
};

void control_init(struct control *control, struct service *service);
void control_done(struct control *control);
/* control_set_processes - any thread. */
void control_set_processes(struct control *control, struct slice json);

extern const struct protocol control_protocol;

#endif
