/* client_internal.h - what the parts of the server's side share; nobody else includes it. */
#ifndef KEEPER_CLIENT_INTERNAL_H
#define KEEPER_CLIENT_INTERNAL_H

#include <pthread.h>

#include "keeper/channel.h"
#include "keeper/credentials.h"
#include "line/line.h"

enum { CLIENT_FREE_MAX = 64 };

struct keeper {
	char *path;
	struct line *line; /* for all that is waited for parked */
	bool is_started;
	keeper_revoked_fn *revoked;
	keeper_live_fn *live;
	void *revoked_context;
	pthread_mutex_t lock; /* guards all below */
	bool was_subscribed;
	uint64_t heard; /* up to which number revocations were heard of */
	int free_fds[CLIENT_FREE_MAX];
	size_t free_n;
};

struct line *client_line_new(struct keeper *keeper);

/* ---- asking: one typed function of credentials.h is one client_ask() and one client_read_fn ----
 */

struct client_field {
	struct slice s;
	uint64_t n;
	bool is_number;
};
static inline struct client_field ask_n(uint64_t n)
{
	return (struct client_field){.n = n, .is_number = true};
}
static inline struct client_field ask_s(struct slice s)
{
	return (struct client_field){.s = s};
}
/* ask_text - a name, an address: cut where no more would be taken. */
static inline struct client_field ask_text(struct slice s)
{
	return ask_s(slice_head(s, FRAME_TEXT_MAX));
}

/* client_read_fn - the answer's data, made with malloc(), from its fields. */
typedef line_read_fn client_read_fn;

void client_ask_fields(const struct keeper_call *call, enum frame_verb verb, client_read_fn *read,
	const struct client_field *fields, size_t n);
#define client_ask(call, verb, read, ...)                                                          \
	client_ask_fields(call, verb, read, (const struct client_field[]){__VA_ARGS__},            \
		sizeof((const struct client_field[]){__VA_ARGS__}) / sizeof(struct client_field))

/* Readers that many answers have: a struct keeper_text, keeper_list, keeper_web. */
client_read_fn client_read_text, client_read_list, client_read_web;
void client_take_entry(struct frame *f, struct keeper_entry *out);
/* client_copy - the next field, NUL-terminated, into zeroed memory. */
void client_copy(char *out, size_t size, struct frame *f);

/* client_fail - the answer without asking: what is given cannot be. */
void client_fail(const struct keeper_call *call, enum err_code code, const char *reason);

#endif
