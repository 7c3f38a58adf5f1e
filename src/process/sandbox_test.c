/* sandbox_test.c - each case enters a sandbox in a process of its own and tries something there. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/temp.h"
#include "process/filter.h"

/* Each returns 0, or the errno of what it tried. */
typedef int attempt(void);

static int errno_of(long rc)
{
	return rc < 0 ? errno : 0;
}

static int try_exec(void)
{
	char name[] = "true", *argv[] = {name, NULL};

	return errno_of(execv("/bin/true", argv));
}

static int try_ptrace(void)
{
	return errno_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? errno
		       : 0;
}

static int try_make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : errno_of(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int try_fork(void)
{
	const pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return errno_of(pid);
}

static int try_kill(void)
{
	return errno_of(kill(getppid(), 0));
}

static int try_abort(void)
{
	abort();
}

static int try_inet(void)
{
	return errno_of(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_netlink(void)
{
	return errno_of(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int try_unix(void)
{
	return errno_of(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int try_unlisted(void)
{
	return errno_of(syscall(SYS_acct, "x"));
}

/* Another call after a refused one: the process went on with all its registers. */
static int try_twice(void)
{
	return try_unlisted() == ENOSYS && try_unlisted() == ENOSYS ? errno_of(getpid()) : -1;
}

static int open_as(const char *path, int flags)
{
	return errno_of(open(path, flags | O_CLOEXEC, 0600));
}

static int try_read_inside(void)
{
	return open_as("rw/file", O_RDONLY);
}

static int try_write_inside(void)
{
	return open_as("rw/new", O_RDWR | O_CREAT | O_TRUNC);
}

static int try_rename_inside(void)
{
	if (mkdir("rw/d", 0700) < 0 || rename("rw/file", "rw/d/file") < 0)
		return errno;
	return errno_of(rename("rw/d/file", "rw/file")) ? errno : errno_of(rmdir("rw/d"));
}

static int try_read_only(void)
{
	return open_as("ro/file", O_RDONLY);
}

static int try_write_read_only(void)
{
	return open_as("ro/file", O_WRONLY);
}

static int try_one_file(void)
{
	return open_as("one", O_RDONLY);
}

static int try_outside(void)
{
	return open_as("/etc/passwd", O_RDONLY);
}

static int try_beside(void)
{
	return open_as("beside", O_RDONLY);
}

static int try_climb(void)
{
	return open_as("rw/../beside", O_RDONLY);
}

static void *set_seven(void *arg)
{
	*(int *)arg = 7;
	free(malloc(1 << 20));
	return NULL;
}

static int try_threads(void)
{
	int got[8] = {0};
	pthread_t threads[8];

	for (int i = 0; i < 8; i++) {
		if (pthread_create(&threads[i], NULL, set_seven, &got[i]) != 0)
			return -1;
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		if (got[i] != 7)
			return -1;
	}
	return 0;
}

static int try_events(void)
{
	struct epoll_event event = {.events = EPOLLIN}, got;
	const int set = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(1, EFD_CLOEXEC);

	if (set < 0 || fd < 0 || epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0)
		return errno;
	return epoll_wait(set, &got, 1, 0) == 1 ? 0 : -1;
}

static void *fill_database(void *arg)
{
	static const char sql[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
				  "CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB);"
				  "BEGIN; INSERT INTO t (b) VALUES (randomblob(100000)); COMMIT;"
				  "PRAGMA wal_checkpoint(TRUNCATE); DELETE FROM t; VACUUM;";
	sqlite3 *db;

	if (sqlite3_open("rw/db", &db) == SQLITE_OK)
		*(int *)arg = sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	return NULL;
}

static int try_sqlite(void)
{
	pthread_t thread;
	int rc = -1;

	if (pthread_create(&thread, NULL, fill_database, &rc) != 0)
		return -1;
	pthread_join(thread, NULL);
	return rc;
}

static int try_openssl(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	unsigned char digest[32] = {1}, sig[128];
	size_t len = sizeof(sig);
	const bool ok = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
			EVP_PKEY_sign(ctx, sig, &len, digest, sizeof(digest)) == 1;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok ? 0 : -1;
}

static int listener = -1, client = -1; /* a TCP connection that waits to be accepted */

static int try_accept(void)
{
	const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	char c;

	if (fd < 0)
		return errno;
	if (send(client, "x", 1, MSG_NOSIGNAL) != 1)
		return errno;
	return recv(fd, &c, 1, 0) == 1 && c == 'x' ? 0 : -1;
}

/* An accepted connection could be turned round and used to call out. */
static int try_reconnect(void)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct sockaddr_in to;
	socklen_t len = sizeof(to);

	if (getsockname(listener, (struct sockaddr *)&to, &len) < 0 ||
		connect(client, &none, sizeof(none)) < 0)
		return errno;
	return errno_of(connect(client, (struct sockaddr *)&to, len));
}

static int try_udp(void)
{
	const struct sockaddr_in any = {.sin_family = AF_INET};
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return errno_of(fd < 0 ? fd : bind(fd, (const struct sockaddr *)&any, sizeof(any)));
}

static int try_listen(void)
{
	return errno_of(listen(client, 1));
}

static int try_fast_open(void)
{
	return errno_of(sendto(client, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, NULL, 0));
}

enum { ACCEPTS = 1, CONNECTS = 2, NOT_SANITIZED = 4, NEEDS_NET = 8, CALLS_OUT = 16 };

static const struct {
	const char *name;
	attempt *attempt;
	int flags;
	int want_errno, want_signal;
} cases[] = {
	{"exec", try_exec, 0, 0, SIGSYS},
	{"ptrace", try_ptrace, NOT_SANITIZED, 0, SIGSYS},
	{"map code", try_map_code, 0, 0, SIGSYS},
	{"make code", try_make_code, NOT_SANITIZED, 0, SIGSYS},
	{"fork", try_fork, NOT_SANITIZED, ENOSYS, 0},
	{"kill", try_kill, NOT_SANITIZED, ENOSYS, 0},
	{"abort", try_abort, NOT_SANITIZED, 0, SIGABRT},
	{"unlisted", try_unlisted, 0, ENOSYS, 0},
	{"unlisted twice", try_twice, 0, 0, 0},
	{"inet", try_inet, CONNECTS, ENOSYS, 0},
	{"netlink", try_netlink, CONNECTS, ENOSYS, 0},
	{"unix", try_unix, CONNECTS, 0, 0},
	{"unix, not allowed", try_unix, ACCEPTS, ENOSYS, 0},
	{"accept", try_accept, ACCEPTS, 0, 0},
	{"accept, not allowed", try_accept, CONNECTS, ENOSYS, 0},
	{"connect again", try_reconnect, CONNECTS | NEEDS_NET, EACCES, 0},
	{"connect again, not allowed", try_reconnect, ACCEPTS, ENOSYS, 0},
	{"fast open", try_fast_open, ACCEPTS, ENOSYS, 0},
	{"call out", try_reconnect, CALLS_OUT, 0, 0},
	{"call out, inet", try_inet, CALLS_OUT, 0, 0},
	{"call out, unix", try_unix, CALLS_OUT, 0, 0},
	{"call out, netlink", try_netlink, CALLS_OUT, ENOSYS, 0},
	{"call out, udp", try_udp, CALLS_OUT, 0, 0},
	{"call out, listen", try_listen, CALLS_OUT, ENOSYS, 0},
	{"call out, accept", try_accept, CALLS_OUT, ENOSYS, 0},
	{"call out, exec", try_exec, CALLS_OUT, 0, SIGSYS},
	{"call out, outside", try_outside, CALLS_OUT, EACCES, 0},
	{"read inside", try_read_inside, 0, 0, 0},
	{"write inside", try_write_inside, 0, 0, 0},
	{"rename inside", try_rename_inside, 0, 0, 0},
	{"read only", try_read_only, 0, 0, 0},
	{"write read only", try_write_read_only, 0, EACCES, 0},
	{"one file", try_one_file, 0, 0, 0},
	{"outside", try_outside, 0, EACCES, 0},
	{"beside", try_beside, 0, EACCES, 0},
	{"climb", try_climb, 0, EACCES, 0},
	{"threads", try_threads, 0, 0, 0},
	{"events", try_events, 0, 0, 0},
	{"sqlite", try_sqlite, 0, 0, 0},
	{"openssl", try_openssl, 0, 0, 0},
};

enum { EXIT_SKIPPED = 200, EXIT_NO_SANDBOX = 201 };

static _Noreturn void run_case(size_t i)
{
	static const struct sandbox_path paths[] = {{"rw", true}, {"ro", false}, {"one", false}};
	const struct sandbox_config config = {.paths = paths,
		.paths_n = 3,
		.may_accept = cases[i].flags & ACCEPTS,
		.may_connect_unix = cases[i].flags & CONNECTS,
		.may_call_out = cases[i].flags & CALLS_OUT};
	struct sandbox_result result;
	struct err err;
	int rc;

	if (sandbox_enter(&config, &result, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		_exit(EXIT_NO_SANDBOX);
	}
	if (!result.has_seccomp || result.landlock_abi < (cases[i].flags & NEEDS_NET ? 4 : 1))
		_exit(EXIT_SKIPPED);
	rc = cases[i].attempt();
	_exit(rc < 0 || rc >= EXIT_SKIPPED ? EXIT_SKIPPED - 1 : rc);
}

static void open_connection(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(at);

	listener = socket(AF_INET, SOCK_STREAM, 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&at, len), 0);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status;
		pid_t pid;

		if (PROCESS_SANITIZED && cases[i].flags & NOT_SANITIZED)
			continue;
		open_connection();
		pid = fork();
		if (pid == 0)
			run_case(i);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		close(listener);
		close(client);
		if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
			print_message("skipped: %s\n", cases[i].name);
		else if (cases[i].want_signal
				 ? !WIFSIGNALED(status) || WTERMSIG(status) != cases[i].want_signal
				 : !WIFEXITED(status) || WEXITSTATUS(status) != cases[i].want_errno)
			fail_msg("%s: status %x, want errno %d, signal %d", cases[i].name, status,
				cases[i].want_errno, cases[i].want_signal);
	}
}

static void test_missing_path(void **state)
{
	static const struct sandbox_path path = {"nowhere", true};
	const struct sandbox_config config = {.paths = &path, .paths_n = 1};
	struct sandbox_result result = {.landlock_abi = -1};
	struct err err;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(sandbox_enter(&config, &result, &err) == -ERR_NOTFOUND &&
					result.landlock_abi == -1
				? 0
				: 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int drop_and_check(void)
{
	struct err err;

	if (user_drop(0, 65534, &err) != -ERR_DENIED || user_drop(65534, 65534, &err) != 0)
		return 1;
	if (getuid() != 65534 || getegid() != 65534 || getgroups(0, NULL) != 0)
		return 2;
	/* Now that we are nobody, we cannot become anybody else. */
	return user_drop(65533, 65533, &err) == -ERR_IO && open("/etc/shadow", O_RDONLY) < 0 ? 0
											     : 3;
}

static void test_user_drop(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (getuid() != 0)
		skip();
	pid = fork();
	if (pid == 0)
		_exit(drop_and_check());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_title(void **state)
{
	static const struct {
		const char *role, *want;
	} titles[] = {{"server", "posthouse: server"}, {"a-longer-one", "posthouse: a-longer-"},
		{"", "posthouse: "}};

	(void)state;
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		char space[] = "./posthouse\0serve\0-d\0HOME=/root";
		char *argv[] = {space, space + 12, space + 18, NULL};

		process_title(3, argv, titles[i].role);
		assert_string_equal(space, titles[i].want);
		assert_string_equal(space + 21, "HOME=/root");
	}
}

/* A directory of our own with what the cases look for; everything happens below it. */
static int set_up(void **state)
{
	static char dir[TEMP_MAX];
	static const char *const files[] = {"rw/file", "ro/file", "one", "beside"};

	if (!mkdtemp(temp_path(dir, "sandbox-test-XXXXXX")) || chdir(dir) < 0 ||
		mkdir("rw", 0700) < 0 || mkdir("ro", 0700) < 0)
		return -1;
	*state = dir;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd AUTO(io_close) = open(files[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	static const char *const files[] = {
		"rw/file", "rw/new", "rw/db", "rw/db-wal", "rw/db-shm", "ro/file", "one", "beside"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i]);
	return rmdir("rw") | rmdir("ro") | chdir("/") | rmdir(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_missing_path),
		cmocka_unit_test(test_user_drop),
		cmocka_unit_test(test_title),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
