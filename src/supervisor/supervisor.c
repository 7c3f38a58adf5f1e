/* supervisor.c - see supervisor.h for the contract. */
#include "supervisor/supervisor.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "process/sandbox.h"
#include "supervisor/state.h"

enum {
	PORT_PATIENCE_MS = 5000, /* for what a killed instance leaves behind */
	LOOK_MS = 1000,
};

/* ---- events ---- */

static void on_signal(struct supervisor *sup)
{
	struct signalfd_siginfo info;

	if (read(sup->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		processes_reap(sup);
		break;
	case SIGHUP:
		if (!sup->is_stopping && sup->was_ready)
			change_reload(sup);
		break;
	case SIGUSR2:
		if (!sup->is_stopping && sup->was_ready)
			change_upgrade(sup);
		break;
	default:
		processes_stop(sup, info.ssi_signo == SIGINT ? "interrupted" : "asked");
	}
}

static void tell_others(
	struct supervisor *sup, const struct child *from, enum role to, struct slice line)
{
	for (size_t i = 0; i < sup->n; i++) {
		struct child *other = &sup->children[i];

		if (other != from && other->role == to)
			child_send(other, "%.*s\n", SLICE_ARG(line));
	}
}

static void on_line(struct supervisor *sup, struct child *child, struct slice line)
{
	if (slice_eq(line, slice_lit("ready"))) {
		if (child->state == CHILD_STARTING && child->role == ROLE_SERVER)
			processes_ready(sup, child);
		return;
	}
	if (child->role == ROLE_COURIER && slice_starts(line, slice_lit("acme-")))
		tell_others(sup, child, ROLE_SERVER, line);
	else if (line.len > 64 || child->role != ROLE_SERVER)
		return;
	else if (slice_starts(line, slice_lit("acme-has ")))
		tell_others(sup, child, ROLE_COURIER, line);
	else if (slice_starts(line, slice_lit("notice ")) ||
		 slice_starts(line, slice_lit("revoke ")))
		tell_others(sup, child, ROLE_SERVER, line);
}

static void on_bus(struct supervisor *sup, pid_t pid, short events)
{
	struct child *child = NULL;
	struct slice line;
	size_t at = 0;

	for (size_t i = 0; i < sup->n && !child; i++)
		child = sup->children[i].pid == pid ? &sup->children[i] : NULL;
	if (!child || child->bus < 0)
		return;
	if (events & POLLOUT)
		child_flush(child);
	if (!(events & (POLLIN | POLLHUP | POLLERR)))
		return;
	if (!child_read(child)) {
		io_close(&child->bus); /* its end is told by waitpid() */
		return;
	}
	while (child_line(child, &at, &line))
		on_line(sup, child, line);
	child_taken(child, at);
}

/* A server that reads too slowly holds back those who write to it, not our memory. */
static bool is_bus_full(const struct supervisor *sup, const struct child *from)
{
	for (size_t i = 0; i < sup->n; i++) {
		if (&sup->children[i] != from && sup->children[i].out.len > BUS_OUT_FULL)
			return true;
	}
	return false;
}

/* The wall clock may be set: while a date is to come it is looked at each second. */
static int timeout(const struct supervisor *sup)
{
	const int ms = processes_timeout(sup);

	return sockets_have_date(sup->config) && (ms < 0 || ms > LOOK_MS) ? LOOK_MS : ms;
}

static void wait_and_act(struct supervisor *sup)
{
	struct pollfd fds[CHILDREN_MAX + 1] = {{.fd = sup->signal_fd, .events = POLLIN}};
	pid_t pids[CHILDREN_MAX + 1] = {0};
	nfds_t n = 1;

	for (size_t i = 0; i < sup->n; i++) {
		const struct child *child = &sup->children[i];

		if (child->bus < 0)
			continue;
		pids[n] = child->pid;
		fds[n].fd = child->bus;
		fds[n++].events = (short)((is_bus_full(sup, child) ? 0 : POLLIN) |
					  (child->out.len ? POLLOUT : 0));
	}
	if (poll(fds, n, timeout(sup)) > 0) {
		for (nfds_t i = 1; i < n; i++) {
			if (fds[i].revents)
				on_bus(sup, pids[i], fds[i].revents);
		}
		if (fds[0].revents)
			on_signal(sup);
	}
	processes_time(sup);
	change_date(sup);
}

/* ---- the whole ---- */

static int take_signals(struct supervisor *sup, struct err *err)
{
	static const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		sigaddset(&set, wanted[i]);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_errno(err, "cannot block signals");
	sup->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return sup->signal_fd < 0 ? err_errno(err, "cannot take signals") : 0;
}

/* Children inherit it: connections are descriptors. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int prepare(struct supervisor *sup, const char *dir, struct err *err)
{
	int rc = program_open(&sup->program, err);

	if (rc == 0)
		rc = layout_enter(dir, &sup->layout, err);
	if (rc == 0)
		rc = layout_config(&sup->config_text, &sup->config, err);
	if (rc == 0)
		rc = layout_users(&sup->layout, sup->config, err);
	if (rc == 0)
		rc = layout_make(&sup->layout, err);
#ifdef PH_FAULTS
	if (rc == 0)
		clock_share();
#endif
	if (rc == 0)
		rc = sockets_open(&sup->layout, sup->config, NULL,
			sup->layout.was_interrupted ? PORT_PATIENCE_MS : 0, &sup->sockets, err);
	if (rc == 0)
		rc = take_signals(sup, err);
	raise_descriptors();
	if (rc == 0)
		rc = layout_limit(&sup->layout, err);
	return rc;
}

static void supervisor_done(struct supervisor *sup)
{
	sockets_close(&sup->sockets, NULL);
	layout_leave(&sup->layout);
	program_close(&sup->program);
	io_close(&sup->signal_fd);
	config_free(&sup->config);
	buf_done(&sup->config_text);
}

int supervisor_run(int argc, char **argv, const char *dir, struct err *err)
{
	struct supervisor sup AUTO(supervisor_done) = {
		.signal_fd = -1, .layout = {.dir_fd = -1, .lock_fd = -1}};
	int rc;

	buf_init(&sup.config_text, CONFIG_TEXT_MAX);
	program_init(&sup.program);
	umask(022);
	rc = prepare(&sup, dir, err);
	if (rc < 0)
		return rc;
	process_title(argc, argv, "supervisor");
	log_open("supervisor", (enum log_level)sup.config->log_level);
	processes_start(&sup, ROLE_KEEPER);
	if (!sup.is_stopping)
		processes_start(&sup, ROLE_COURIER);
	if (!sup.is_stopping)
		processes_start(&sup, layout_has_certificate() ? ROLE_SERVER : ROLE_SETUP);
	while (sup.n || !sup.is_stopping)
		wait_and_act(&sup);
	log_info(NULL, "stopped");
	return sup.has_failed;
}
