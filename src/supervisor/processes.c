/*
 * processes.c - the processes of an instance: starting them, starting them again with back-off,
 * replacing and ending them.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "supervisor/state.h"

enum {
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MAX_MS = 10000,
	STEADY_MS = 60000,    /* who lived longer starts again without waiting */
	KILL_AFTER_MS = 5000, /* grace beyond what was promised */
	ASK_AGAIN_MS = 1000,  /* later than this a second request means now */
};

/* ---- telling the servers ---- */

static const char *state_name(const struct child *child)
{
	static const char *const names[] = {[CHILD_STARTING] = "starting",
		[CHILD_READY] = "running",
		[CHILD_DRAINING] = "draining"};

	return names[child->state];
}

static void put_processes(const struct supervisor *sup, struct buf *out)
{
	buf_printf(
		out, "[{\"role\":\"supervisor\",\"pid\":%d,\"state\":\"running\"}", (int)getpid());
	for (size_t i = 0; i < sup->n; i++) {
		const struct child *child = &sup->children[i];

		buf_printf(out, ",{\"role\":\"%s\",\"pid\":%d,\"state\":\"%s\",\"since\":%lld,",
			role_name(child->role), (int)child->pid, state_name(child),
			(long long)child->started_s);
		buf_printf(out, "\"generation\":%u,\"restarts\":%u}", child->generation,
			sup->again[child->role].failures);
	}
	buf_byte(out, ']');
}

/* Something about the processes changed: every server may be asked for its status. */
static void tell_all(struct supervisor *sup)
{
	struct buf text AUTO(buf_done);
	unsigned servers = 0;

	buf_init(&text, 16 << 10);
	put_processes(sup, &text);
	for (size_t i = 0; i < sup->n; i++)
		servers += sup->children[i].role == ROLE_SERVER;
	for (size_t i = 0; i < sup->n; i++) {
		struct child *child = &sup->children[i];

		if (child->role == ROLE_SERVER)
			child_send(child, "peers %u\nprocesses %.*s\n", servers - 1,
				SLICE_ARG(buf_slice(&text)));
		else if (child->role == ROLE_COURIER)
			child_send(child, "servers %u\n", servers);
	}
}

/* ---- starting ---- */

static void fail_start(struct supervisor *sup);

/* The settings travel as a file in memory: what was read once is what all processes have. */
static int config_fd(const struct supervisor *sup, struct err *err)
{
	int fd AUTO(io_close) = memfd_create("posthouse.conf", MFD_CLOEXEC);
	int done, rc;

	if (fd < 0)
		return err_errno(err, "cannot hand over the settings");
	rc = io_write_all(fd, buf_slice(&sup->config_text), err);
	if (rc < 0)
		return rc;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, "cannot hand over the settings");
	done = fd;
	fd = -1;
	return done;
}

static uid_t user_of(const struct layout *layout, enum role role)
{
	if (role == ROLE_COURIER)
		return layout->courier_uid;
	return role == ROLE_KEEPER ? layout->keeper_uid : layout->server_uid;
}

static gid_t group_of(const struct layout *layout, enum role role)
{
	if (role == ROLE_COURIER)
		return layout->courier_gid;
	return role == ROLE_KEEPER ? layout->keeper_gid : layout->server_gid;
}

static enum role role_of(enum socket_owner owner)
{
	static const enum role roles[] = {[SOCKET_SERVER] = ROLE_SERVER,
		[SOCKET_KEEPER] = ROLE_KEEPER,
		[SOCKET_COURIER] = ROLE_COURIER};

	return roles[owner];
}

static void hand_over(const struct supervisor *sup, enum role role, int config, struct handover *h)
{
	const struct layout *layout = &sup->layout;

	handover_add_fd(h, "dir", layout->dir_fd);
	handover_add_fd(h, "config", config);
	handover_add(h, "owner", layout->owner);
	if (layout->is_separate && role != ROLE_SETUP) {
		handover_add(h, "uid", user_of(layout, role));
		handover_add(h, "gid", group_of(layout, role));
	}
	for (size_t i = 0; i < sup->sockets.n; i++) {
		const struct socket_item *item = &sup->sockets.items[i];

		if (role == role_of(item->owner))
			handover_add_fd(h, item->name, item->fd);
	}
	if (role == ROLE_SERVER)
		handover_add(h, "generation", sup->generation);
}

static int start(struct supervisor *sup, enum role role, struct err *err)
{
	struct handover handover = {0};
	int config AUTO(io_close) = -1;
	struct child *child;
	int rc;

	if (sup->n == CHILDREN_MAX)
		return err_set(err, ERR_BUSY, "too many old servers are still draining");
	config = config_fd(sup, err);
	if (config < 0)
		return config;
	sup->generation += role == ROLE_SERVER;
	hand_over(sup, role, config, &handover);
	child = &sup->children[sup->n];
	rc = child_start(child, role, sup->program.fd, &handover,
		role == ROLE_SERVER || role == ROLE_COURIER, err);
	if (rc < 0)
		return rc;
	child->generation = role == ROLE_SERVER ? sup->generation : 0;
	child->state = role == ROLE_SERVER ? CHILD_STARTING : CHILD_READY;
	sup->n++;
	sup->again[role].due_ms = 0;
	log_info(NULL, "start", log_c("role", role_name(role)), log_n("pid", child->pid));
	tell_all(sup);
	return 0;
}

/* Start it now; if that is not possible, try again later. */
void processes_start(struct supervisor *sup, enum role role)
{
	struct err err;

	if (start(sup, role, &err) < 0) {
		log_error(NULL, "start-failed", log_c("role", role_name(role)), log_e(&err));
		sup->again[role].due_ms = clock_mono_ms() + BACKOFF_MAX_MS;
		if (!sup->was_ready)
			fail_start(sup);
	}
}

/* ---- stopping ---- */

static bool has_role(const struct supervisor *sup, enum role role)
{
	for (size_t i = 0; i < sup->n; i++) {
		if (sup->children[i].role == role)
			return true;
	}
	return false;
}

/* The keeper last: what the others still do needs it. */
static void stop_next(struct supervisor *sup)
{
	const int64_t grace = (int64_t)sup->config->stop_s * 1000 + KILL_AFTER_MS;

	for (size_t i = 0; i < sup->n; i++) {
		struct child *child = &sup->children[i];

		if (!child->is_asked &&
			(child->role != ROLE_KEEPER ||
				(!has_role(sup, ROLE_SERVER) && !has_role(sup, ROLE_COURIER))))
			child_stop(child, child->role == ROLE_SERVER ? grace : KILL_AFTER_MS);
	}
}

void processes_stop(struct supervisor *sup, const char *why)
{
	if (sup->is_stopping) {
		/* Asked again by somebody who waited: at once. A terminal's Ctrl-C may reach us
		 * twice in one moment, from it and from the script that started us. */
		if (clock_mono_ms() - sup->stop_ms < ASK_AGAIN_MS)
			return;
		for (size_t i = 0; i < sup->n; i++)
			kill(sup->children[i].pid, SIGKILL);
		return;
	}
	sup->is_stopping = true;
	sup->stop_ms = clock_mono_ms();
	log_info(NULL, "stop", log_c("why", why));
	sd_notify(0, "STOPPING=1");
	stop_next(sup);
}

static void fail_start(struct supervisor *sup)
{
	sup->has_failed = true;
	if (!sup->is_stopping)
		processes_stop(sup, "a process could not start");
}

/* ---- what happens to children ---- */

static const struct child *other_ready(const struct supervisor *sup)
{
	for (size_t i = 0; i < sup->n; i++) {
		if (sup->children[i].role == ROLE_SERVER && sup->children[i].state == CHILD_READY)
			return &sup->children[i];
	}
	return NULL;
}

void processes_restart(struct supervisor *sup, enum role role)
{
	for (size_t i = 0; i < sup->n; i++) {
		if (sup->children[i].role == role)
			child_stop(&sup->children[i], KILL_AFTER_MS);
	}
}

void processes_ready(struct supervisor *sup, struct child *child)
{
	child->state = CHILD_READY;
	for (size_t i = 0; i < sup->n; i++) {
		struct child *old = &sup->children[i];

		if (old->role != ROLE_SERVER || old == child || old->state != CHILD_READY)
			continue;
		old->state = CHILD_DRAINING;
		child_send(old, "drain %lld\n", (long long)sup->config->drain_s * 1000);
	}
	log_info(NULL, "ready", log_n("generation", child->generation), log_n("pid", child->pid));
	if (!sup->was_ready)
		sd_notify(0, "READY=1");
	sup->was_ready = true;
	if (sup->is_upgrading) {
		program_accept(&sup->program);
		processes_restart(sup, ROLE_KEEPER);
		processes_restart(sup, ROLE_COURIER);
	}
	sup->is_upgrading = false;
	tell_all(sup);
	if (sup->wants_another && !sup->is_stopping)
		processes_start(sup, ROLE_SERVER);
	sup->wants_another = false;
}

static void plan_restart(struct supervisor *sup, const struct child *child)
{
	const int64_t now = clock_mono_ms();
	unsigned *failures = &sup->again[child->role].failures;
	int64_t wait = BACKOFF_FIRST_MS;

	if (child->is_asked) {
		processes_start(sup, child->role);
		return;
	}
	*failures = now - child->started_ms > STEADY_MS ? 1 : *failures + 1;
	for (unsigned i = 1; i < *failures && wait < BACKOFF_MAX_MS; i++)
		wait *= 2;
	sup->again[child->role].due_ms = now + (wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS);
}

static void log_end(const struct child *child, int status)
{
	const bool is_clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	const enum log_level level = is_clean || child->is_asked ? LOG_INFO : LOG_ERROR;

	if (WIFSIGNALED(status))
		LOG_AT(level, NULL, "end", log_c("role", role_name(child->role)),
			log_n("pid", child->pid), log_n("signal", WTERMSIG(status)));
	else
		LOG_AT(level, NULL, "end", log_c("role", role_name(child->role)),
			log_n("pid", child->pid), log_n("code", WEXITSTATUS(status)));
}

static void child_ended(struct supervisor *sup, struct child *at, int status)
{
	struct child child = *at;
	const bool is_clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	log_end(&child, status);
	*at = sup->children[--sup->n];
	if (sup->is_stopping) {
		stop_next(sup);
	} else if (child.role == ROLE_SETUP) {
		if (is_clean)
			processes_start(sup, ROLE_SERVER);
		else
			fail_start(sup);
	} else if (!sup->was_ready) {
		fail_start(sup);
	} else if (child.role == ROLE_SERVER && child.state == CHILD_STARTING && other_ready(sup)) {
		log_error(NULL, "upgrade-failed", log_n("generation", child.generation));
		program_revert(&sup->program);
		sup->is_upgrading = false;
	} else if (child.role != ROLE_SERVER || child.state != CHILD_DRAINING) {
		plan_restart(sup, &child);
	}
	child_done(&child);
	tell_all(sup);
}

void processes_new_server(struct supervisor *sup)
{
	for (size_t i = 0; i < sup->n; i++) {
		if (sup->children[i].role == ROLE_SERVER &&
			sup->children[i].state == CHILD_STARTING) {
			sup->wants_another = true;
			return;
		}
	}
	processes_start(sup, ROLE_SERVER);
}

void processes_reap(struct supervisor *sup)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < sup->n; i++) {
			if (sup->children[i].pid == pid) {
				child_ended(sup, &sup->children[i], status);
				break;
			}
		}
	}
}

/* ---- time ---- */

/* The soonest of what is due, as poll() wants it. */
int processes_timeout(const struct supervisor *sup)
{
	const int64_t now = clock_mono_ms();
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < sup->n; i++) {
		if (sup->children[i].kill_ms && sup->children[i].kill_ms < due)
			due = sup->children[i].kill_ms;
	}
	for (int role = 0; role < ROLE_COUNT && !sup->is_stopping; role++) {
		if (sup->again[role].due_ms && sup->again[role].due_ms < due)
			due = sup->again[role].due_ms;
	}
	if (due == INT64_MAX)
		return -1;
	return due <= now ? 0 : (int)(due - now);
}

void processes_time(struct supervisor *sup)
{
	const int64_t now = clock_mono_ms();

	for (size_t i = 0; i < sup->n; i++) {
		struct child *child = &sup->children[i];

		if (child->kill_ms && child->kill_ms <= now) {
			log_warn(NULL, "kill", log_c("role", role_name(child->role)),
				log_n("pid", child->pid));
			kill(child->pid, SIGKILL);
			child->kill_ms = now + KILL_AFTER_MS;
		}
	}
	for (int role = 0; role < ROLE_COUNT && !sup->is_stopping; role++) {
		if (sup->again[role].due_ms && sup->again[role].due_ms <= now)
			processes_start(sup, (enum role)role);
	}
}
