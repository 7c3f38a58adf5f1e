/* handover.c - see handover.h for the contract. */
#include "server/handover.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "process/sandbox.h"

static void add(struct handover *h, const char *name, int64_t value, bool is_fd)
{
	assert(h->n < HANDOVER_MAX && strlen(name) < HANDOVER_NAME_MAX);
	snprintf(h->items[h->n].name, HANDOVER_NAME_MAX, "%s", name);
	h->items[h->n].value = value;
	h->items[h->n++].is_fd = is_fd;
}

void handover_add(struct handover *h, const char *name, int64_t value)
{
	add(h, name, value, false);
}

void handover_add_fd(struct handover *h, const char *name, int fd)
{
	add(h, name, fd, true);
}

void handover_args(const struct handover *h, const char *role,
	char text[HANDOVER_MAX][HANDOVER_TEXT_MAX], char *argv[HANDOVER_MAX + 3])
{
	static char program[] = "posthouse";
	size_t n = 0;

	argv[n++] = program;
	argv[n++] = (char *)(uintptr_t)role;
	for (size_t i = 0; i < h->n; i++) {
		snprintf(text[i], HANDOVER_TEXT_MAX, "%s%s=%lld", h->items[i].is_fd ? "fd:" : "",
			h->items[i].name, (long long)h->items[i].value);
		argv[n++] = text[i];
	}
	argv[n] = NULL;
}

int handover_parse(char **args, struct handover *out, struct err *err)
{
	struct handover h = {0};

	for (; *args; args++) {
		struct slice value, name = slice_cut(slice_str(*args), '=', &value);
		const bool is_fd = slice_starts(name, slice_lit("fd:"));
		uint64_t number;

		name = slice_from(name, is_fd ? 3 : 0);
		if (h.n == HANDOVER_MAX || !name.len || name.len >= HANDOVER_NAME_MAX ||
			!slice_to_u64(value, is_fd ? INT32_MAX : INT64_MAX, &number))
			return err_set(err, ERR_SYNTAX, "not for people: %.60s", *args);
		if (is_fd && fcntl((int)number, F_SETFD, FD_CLOEXEC) < 0)
			return err_errno(err, "descriptor %.60s", *args);
		memcpy(h.items[h.n].name, name.ptr, name.len);
		h.items[h.n].value = (int64_t)number;
		h.items[h.n++].is_fd = is_fd;
	}
	*out = h;
	return 0;
}

bool handover_next(const struct handover *h, const char *name, size_t *at, int64_t *out)
{
	while (*at < h->n) {
		const size_t i = (*at)++;

		if (strcmp(h->items[i].name, name) == 0) {
			*out = h->items[i].value;
			return true;
		}
	}
	return false;
}

int handover_get(const struct handover *h, const char *name, int64_t *out, struct err *err)
{
	size_t at = 0;

	return handover_next(h, name, &at, out)
		       ? 0
		       : err_set(err, ERR_NOTFOUND, "not for people: %s is missing", name);
}

int handover_config(const struct handover *h, struct config **config_out, struct err *err)
{
	enum { PIECE = 16 << 10 };
	struct buf text AUTO(buf_done);
	ssize_t n = 1;
	int64_t fd;
	int rc = handover_get(h, "config", &fd, err);

	buf_init(&text, CONFIG_TEXT_MAX + PIECE);
	while (rc == 0 && n > 0) {
		char *room = buf_reserve(&text, PIECE);

		if (!room)
			return err_set(err, ERR_TOOBIG, "the settings are too large");
		n = pread((int)fd, room, PIECE, (off_t)text.len);
		if (n < 0)
			return err_errno(err, "cannot read the settings");
		text.len += (size_t)n;
	}
	return rc < 0 ? rc : config_parse(buf_slice(&text), "posthouse.conf", config_out, err);
}

/* The supervisor's end is ours; a kill between fork and here is seen by the changed parent. */
static int follow_parent(const struct handover *h, struct err *err)
{
	int64_t parent;

	if (handover_get(h, "parent", &parent, err) < 0)
		return -(int)err->code;
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		return err_errno(err, "cannot follow the supervisor");
	return getppid() == (pid_t)parent ? 0 : err_set(err, ERR_BUSY, "the supervisor has gone");
}

int role_enter(const struct handover *h, const char *role, const char *subdirectory, int argc,
	char **argv, struct err *err)
{
	int64_t dir, uid, gid;

	io_fault_init(role);
	process_title(argc, argv, role);
	if (handover_get(h, "dir", &dir, err) < 0)
		return -(int)err->code;
	if (fchdir((int)dir) < 0)
		return err_errno(err, "cannot enter the instance's directory");
#ifdef PH_FAULTS
	clock_share();
#endif
	if (subdirectory) /* its own: nobody else reads there */
		umask(077);
	if (handover_get(h, "uid", &uid, err) == 0 && handover_get(h, "gid", &gid, err) == 0) {
		const int rc = user_drop((unsigned)uid, (unsigned)gid, err);

		if (rc < 0)
			return rc;
	}
	if (subdirectory && chdir(subdirectory) < 0) /* only its user may, not even root */
		return err_errno(err, "cannot enter %s", subdirectory);
	return follow_parent(h, err);
}
