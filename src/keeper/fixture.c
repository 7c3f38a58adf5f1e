/* fixture.c - see fixture.h. */
#include "keeper/fixture.h"

#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "keeper/channel.h"
#include "keeper/credentials.h"

static int listen_at(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(listen(fd, 128), 0);
	return fd;
}

void fixture_start(struct fixture *f, const struct keeper_config *config)
{
	*f = (struct fixture){.config = *config};
	assert_non_null(mkdtemp(temp_path(f->dir, "keeper-test-XXXXXX")));
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(chdir(f->dir), 0);
	assert_int_equal(mkdir("tls", 0777), 0);
	f->config.directory = "keeper";
	f->config.tls_directory = "tls";
	f->config.server_fd = listen_at(FIXTURE_SERVER);
	f->config.cli_fd = listen_at(FIXTURE_CLI);
	f->config.courier_fd = listen_at(FIXTURE_COURIER);
	f->config.host = slice_lit("example.org");
	f->config.web_port = 443;
	fixture_run(f);
}

static _Noreturn void be_keeper(const struct fixture *f)
{
	static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS};
	struct err err;

	/* cmocka's handlers would go on with the parent's tests. */
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], SIG_DFL);
	log_open("keeper", LOG_ERROR);
	if (keeper_run(&f->config, &err) < 0) {
		fprintf(stderr, "keeper: %s\n", err.msg);
		exit(1);
	}
	exit(0); /* with the leak checker's last look */
}

void fixture_spare(struct fixture *f)
{
	int64_t shift_s;
	int ends[2];
	pid_t pid;

	assert_true(f->spares_n < FIXTURE_SPARES);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid > 0) {
		f->spares[f->spares_n].pid = pid;
		f->spares[f->spares_n].in = ends[1];
		f->spares[f->spares_n++].out = ends[0];
		return;
	}
	/* The ends of those before us must close with the test. */
	for (size_t i = 0; i < f->spares_n; i++)
		io_close(&f->spares[i].in);
	io_close(&ends[1]);
	if (read(ends[0], &shift_s, sizeof(shift_s)) != sizeof(shift_s))
		_exit(0); /* never needed */
	clock_shift(shift_s * 1000000);
	be_keeper(f);
}

void fixture_run(struct fixture *f)
{
	if (!f->spares_n)
		fixture_spare(f);
	f->spares_n--;
	f->pid = f->spares[f->spares_n].pid;
	assert_int_equal(write(f->spares[f->spares_n].in, &f->shift_s, sizeof(f->shift_s)),
		sizeof(f->shift_s));
	io_close(&f->spares[f->spares_n].in);
	io_close(&f->spares[f->spares_n].out);
}

void fixture_stop(struct fixture *f)
{
	int status;

	kill(f->pid, SIGTERM);
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	f->pid = 0;
	assert_int_equal(status, 0);
}

void fixture_kill(struct fixture *f)
{
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	f->pid = 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

void fixture_done(struct fixture *f)
{
	if (f->pid)
		fixture_stop(f);
	while (f->spares_n) {
		f->spares_n--;
		io_close(&f->spares[f->spares_n].in);
		io_close(&f->spares[f->spares_n].out);
		waitpid(f->spares[f->spares_n].pid, NULL, 0);
	}
	io_close(&f->config.server_fd);
	io_close(&f->config.cli_fd);
	io_close(&f->config.courier_fd);
	assert_int_equal(chdir("/"), 0);
	nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fixture_set(uint64_t account, const char *password, bool is_hash)
{
	struct keeper_secret secret = {
		.account = account, .password = slice_str(password), .is_hash = is_hash};
	struct err err;

	assert_int_equal(keeper_set_passwords(FIXTURE_CLI, &secret, 1, false, &err), 0);
	if (secret.rc < 0)
		fail_msg("%s: %s", password, secret.err.msg);
}

void fixture_make_key(const char *name, char key_out[CHAIN_KEY_NAME_MAX])
{
	const struct slice host = slice_lit("localhost");
	const struct keeper_certificate wish = {
		.name = slice_str(name), .names = &host, .n = 1, .days = 9};
	struct chain chain;
	struct buf pem;
	struct err err;

	buf_init(&pem, 1 << 16);
	assert_int_equal(keeper_certificate_make(FIXTURE_CLI, &wish, &pem, &err), 0);
	assert_int_equal(chain_read(NULL, buf_slice(&pem), &chain, &err), 0);
	assert_int_equal(
		chain_key_name(CHAIN_KEY_TLS, X509_get0_pubkey(chain.leaf), key_out, &err), 0);
	chain_done(&chain);
	buf_done(&pem);
}

double fixture_cpu_s(pid_t pid)
{
	unsigned long user = 0, system = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(
		fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			&system),
		2);
	fclose(f);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

int fixture_open(void)
{
	struct err err;
	const int fd = channel_open(FIXTURE_SERVER, &err);

	assert_true(fd >= 0);
	return fd;
}

void fixture_put_enter(
	struct buf *out, uint32_t id, uint64_t account, const char *password, const char *peer)
{
	const size_t begin = frame_begin(out, id, FRAME_ENTER);

	frame_put_u64(out, account);
	frame_put(out, slice_str(password));
	frame_put_u64(out, SCOPE_IMAP);
	frame_put(out, slice_str(peer));
	frame_put(out, slice_lit("fixture"));
	frame_put_u64(out, false);
	frame_finish(out, begin);
}
