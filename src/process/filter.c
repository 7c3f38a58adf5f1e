/*
 * filter.c - which system calls a sandboxed process may make.
 *
 * Three answers: what is listed works; what only an attacker would call kills the process; all else
 * raises SIGSYS, whose handler says so once per call number and lets the call answer ENOSYS, so
 * that a library which probes for something new falls back.
 */
#include "process/filter.h"

#include <asm/unistd.h>
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <ucontext.h>
#include <unistd.h>

enum { CALLS_LOGGED = 1024 };

/* Memory, threads, signals, time. fork is not among them: see add_thread_rules(). */
static const int basic_calls[] = {SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(madvise), SCMP_SYS(mlock), SCMP_SYS(mlock2), SCMP_SYS(munlock), SCMP_SYS(msync),
	SCMP_SYS(mincore), SCMP_SYS(membarrier), SCMP_SYS(futex), SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq), SCMP_SYS(set_tid_address), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_setattr), SCMP_SYS(getcpu),
	SCMP_SYS(setpriority), SCMP_SYS(getpriority), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sigaltstack),
	SCMP_SYS(signalfd4), SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(getrusage), SCMP_SYS(times), SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(umask),
	SCMP_SYS(getrandom), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time)};

/* Files (Landlock says which), SQLite's locks and syncs among them. */
static const int file_calls[] = {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(close),
	SCMP_SYS(close_range), SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv),
	SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(lseek),
	SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
	SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(getcwd), SCMP_SYS(getdents64), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(fcntl), SCMP_SYS(flock), SCMP_SYS(fsync),
	SCMP_SYS(fdatasync), SCMP_SYS(sync_file_range), SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
	SCMP_SYS(fadvise64), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(rename),
	SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(fchmodat),
	SCMP_SYS(fchown), SCMP_SYS(utimensat), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3),
	SCMP_SYS(copy_file_range), SCMP_SYS(sendfile)};

/* Descriptors that exist already: waiting, reading, writing. */
static const int socket_calls[] = {SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(eventfd2), SCMP_SYS(pipe2),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	SCMP_SYS(shutdown), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername)};

static const int accept_calls[] = {SCMP_SYS(accept), SCMP_SYS(accept4)};
static const int connect_calls[] = {SCMP_SYS(connect)};
/* A resolver binds its UDP sockets to ports of its own choice; nobody may listen. */
static const int call_out_calls[] = {SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(sendto),
	SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg)};

static const unsigned long ioctls[] = {FIONBIO, FIONREAD, TIOCOUTQ, TCGETS, FIOCLEX};

/* What a mail server has no use for and an intruder has. */
static const int deadly_calls[] = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(mount),
	SCMP_SYS(umount2), SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen),
	SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(init_module),
	SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load), SCMP_SYS(keyctl),
	SCMP_SYS(add_key), SCMP_SYS(process_vm_writev), SCMP_SYS(io_uring_setup)};
static const int peeking_calls[] = {SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv)};

/* The leak checker stops the threads from a helper process; reports read /proc. */
static const int sanitizer_calls[] = {SCMP_SYS(clone), SCMP_SYS(ptrace), SCMP_SYS(wait4),
	SCMP_SYS(prctl), SCMP_SYS(personality), SCMP_SYS(process_vm_readv), SCMP_SYS(prlimit64),
	SCMP_SYS(kill), SCMP_SYS(tgkill), SCMP_SYS(tkill), SCMP_SYS(pipe), SCMP_SYS(mprotect),
	SCMP_SYS(getdents)};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* libseccomp's errors are gathered: 0 or the first one. */
static int add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add(ctx, action, calls[i], 0);
	return rc;
}

/* allow_if - the call works if the masked bits of an argument have this value. */
static int allow_if(scmp_filter_ctx ctx, int call, unsigned arg, uint64_t mask, uint64_t value)
{
	return seccomp_rule_add(
		ctx, SCMP_ACT_ALLOW, call, 1, SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, mask, value));
}

static int kill_if(scmp_filter_ctx ctx, int call, unsigned arg, uint64_t mask, uint64_t value)
{
	return seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, call, 1,
		SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, mask, value));
}

/* No memory becomes code: PROT_EXEC kills. */
static int add_memory_rules(scmp_filter_ctx ctx)
{
	int rc = allow_if(ctx, SCMP_SYS(mmap), 2, PROT_EXEC, 0);

	rc = rc ? rc : kill_if(ctx, SCMP_SYS(mmap), 2, PROT_EXEC, PROT_EXEC);
	rc = rc ? rc : kill_if(ctx, SCMP_SYS(pkey_mprotect), 2, PROT_EXEC, PROT_EXEC);
	if (PROCESS_SANITIZED)
		return rc;
	rc = rc ? rc : allow_if(ctx, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
	return rc ? rc : kill_if(ctx, SCMP_SYS(mprotect), 2, PROT_EXEC, PROT_EXEC);
}

/*
 * A thread, never a process. clone3 hides its flags behind a pointer, where no filter can look;
 * ENOSYS without a signal (glibc blocks them there) makes glibc take clone. Signals go to ourselves
 * only, which is what abort() and raise() do.
 */
static int add_thread_rules(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	if (PROCESS_SANITIZED)
		return rc ? rc
			  : add_all(ctx, SCMP_ACT_ALLOW, sanitizer_calls, COUNT(sanitizer_calls));
	rc = rc ? rc : allow_if(ctx, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);
	rc = rc ? rc : allow_if(ctx, SCMP_SYS(tgkill), 0, UINT32_MAX, (uint32_t)getpid());
	rc = rc ? rc : allow_if(ctx, SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_NAME);
	/* Reading a limit, not setting one: the new value is NULL. */
	rc = rc ? rc : allow_if(ctx, SCMP_SYS(prlimit64), 2, UINT64_MAX, 0);
	return rc ? rc : add_all(ctx, SCMP_ACT_KILL_PROCESS, peeking_calls, COUNT(peeking_calls));
}

/* Who may not call out does not connect by sending either: that is TCP Fast Open, which libunbound
 * uses. */
static int add_socket_rules(scmp_filter_ctx ctx, const struct sandbox_config *config)
{
	int rc = add_all(ctx, SCMP_ACT_ALLOW, socket_calls, COUNT(socket_calls));

	if (!config->may_call_out) {
		rc = rc ? rc : allow_if(ctx, SCMP_SYS(sendto), 3, MSG_FASTOPEN, 0);
		rc = rc ? rc : allow_if(ctx, SCMP_SYS(sendmsg), 2, MSG_FASTOPEN, 0);
	}
	rc = rc ? rc : allow_if(ctx, SCMP_SYS(socketpair), 0, UINT32_MAX, AF_UNIX);
	if (config->may_accept)
		rc = rc ? rc : add_all(ctx, SCMP_ACT_ALLOW, accept_calls, COUNT(accept_calls));
	if (config->may_connect_unix) {
		rc = rc ? rc : allow_if(ctx, SCMP_SYS(socket), 0, UINT32_MAX, AF_UNIX);
		rc = rc ? rc : add_all(ctx, SCMP_ACT_ALLOW, connect_calls, COUNT(connect_calls));
	}
	if (config->may_call_out) {
		rc = rc ? rc : allow_if(ctx, SCMP_SYS(socket), 0, UINT32_MAX, AF_UNIX);
		rc = rc ? rc : allow_if(ctx, SCMP_SYS(socket), 0, UINT32_MAX, AF_INET);
		rc = rc ? rc : allow_if(ctx, SCMP_SYS(socket), 0, UINT32_MAX, AF_INET6);
		rc = rc ? rc : add_all(ctx, SCMP_ACT_ALLOW, call_out_calls, COUNT(call_out_calls));
	}
	for (size_t i = 0; i < COUNT(ioctls); i++)
		rc = rc ? rc : allow_if(ctx, SCMP_SYS(ioctl), 1, UINT32_MAX, ioctls[i]);
	return rc;
}

static int add_rules(scmp_filter_ctx ctx, const struct sandbox_config *config)
{
	int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	/* A sanitizer may have a thread of its own already. */
	rc = rc ? rc : seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	rc = rc ? rc : seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	rc = rc ? rc : seccomp_attr_set(ctx, SCMP_FLTATR_API_SYSRAWRC, 1);
	rc = rc ? rc : add_all(ctx, SCMP_ACT_ALLOW, basic_calls, COUNT(basic_calls));
	rc = rc ? rc : add_all(ctx, SCMP_ACT_ALLOW, file_calls, COUNT(file_calls));
	rc = rc ? rc : add_all(ctx, SCMP_ACT_KILL_PROCESS, deadly_calls, COUNT(deadly_calls));
	rc = rc ? rc : add_memory_rules(ctx);
	rc = rc ? rc : add_thread_rules(ctx);
	return rc ? rc : add_socket_rules(ctx, config);
}

/* Runs in the middle of anything: no malloc, no stdio, no lock. */
static void on_refused(int signo, siginfo_t *info, void *context)
{
	static atomic_flag seen[CALLS_LOGGED];
	char line[] = "posthouse: sandbox refused system call      \n";
	ucontext_t *uc = context;
	int call = info->si_syscall;
	ssize_t n;

	(void)signo;
#if defined(__x86_64__)
	uc->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#elif defined(__aarch64__)
	uc->uc_mcontext.regs[0] = (unsigned long long)-ENOSYS;
#else
#error "say which register holds a system call's answer"
#endif
	if (call < 0 || call >= CALLS_LOGGED || atomic_flag_test_and_set(&seen[call]))
		return;
	for (size_t at = sizeof(line) - 3; call; call /= 10)
		line[at--] = (char)('0' + call % 10);
	n = write(STDERR_FILENO, line, sizeof(line) - 1);
	(void)n; /* nowhere to complain */
}

int filter_load(const struct sandbox_config *config, bool *has_seccomp_out, struct err *err)
{
	const struct sigaction action = {
		.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
	scmp_filter_ctx ctx;
	int rc;

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) {
		*has_seccomp_out = false;
		return 0;
	}
	if (sigaction(SIGSYS, &action, NULL) < 0)
		return err_errno(err, "cannot handle SIGSYS");
	ctx = seccomp_init(SCMP_ACT_TRAP);
	if (!ctx)
		return err_set(err, ERR_IO, "cannot make a seccomp filter");
	rc = add_rules(ctx, config);
	rc = rc ? rc : seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc < 0)
		return err_set(err, ERR_IO, "cannot load the seccomp filter: %s", strerror(-rc));
	*has_seccomp_out = true;
	return 0;
}
