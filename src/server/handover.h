/*
 * handover.h - what the supervisor gives a process it starts: numbers and open descriptors, by
 * name, as arguments of the program: `posthouse @server dir=3 bus=4 uid=102 imaps=7 imaps=8`.
 *
 * The names are ours and so are both ends; what cannot be read is an error nevertheless, because
 * anybody may start the program so. Also what every such process does first: role_enter().
 */
#ifndef SERVER_HANDOVER_H
#define SERVER_HANDOVER_H

#include "base/config.h"

enum { HANDOVER_MAX = 128, HANDOVER_NAME_MAX = 24, HANDOVER_TEXT_MAX = 48 };

struct handover {
	struct {
		char name[HANDOVER_NAME_MAX];
		int64_t value;
		bool is_fd; /* stays open in the new process */
	} items[HANDOVER_MAX];
	size_t n;
};

/* handover_add, handover_add_fd - name is a literal shorter than HANDOVER_NAME_MAX; at most
 * HANDOVER_MAX of them. */
void handover_add(struct handover *h, const char *name, int64_t value);
void handover_add_fd(struct handover *h, const char *name, int fd);

/* handover_args - the arguments for exec: argv[0..1] are the program and the role. Texts live in
 * the caller's array. */
void handover_args(const struct handover *h, const char *role,
	char text[HANDOVER_MAX][HANDOVER_TEXT_MAX], char *argv[HANDOVER_MAX + 3]);

/* handover_parse - from the arguments behind the role; descriptors are closed on exec again. */
MUST_CHECK int handover_parse(char **args, struct handover *out, struct err *err);

/* handover_next - the next value of that name from *at (start with 0); false at the end. */
bool handover_next(const struct handover *h, const char *name, size_t *at, int64_t *out);
/* handover_get - the first value of that name; -ERR_NOTFOUND. */
MUST_CHECK int handover_get(
	const struct handover *h, const char *name, int64_t *out, struct err *err);

/* handover_config - the settings, from the descriptor "config". */
MUST_CHECK int handover_config(
	const struct handover *h, struct config **config_out, struct err *err);

/*
 * role_enter - the start of a process of ours: title, fault plan, DIR entered by its descriptor
 * ("dir") and subdirectory from there on (NULL: none), the user dropped to ("uid", "gid", where
 * given), and SIGTERM if the supervisor dies ("parent"). Everything before the sandbox.
 */
MUST_CHECK int role_enter(const struct handover *h, const char *role, const char *subdirectory,
	int argc, char **argv, struct err *err);

#endif
