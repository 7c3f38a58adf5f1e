/* courier.c - the process: see courier.h for the contract. */
#include "courier/courier.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/random.h"
#include "courier/bring.h"
#include "courier/desk.h"
#include "courier/external.h"
#include "courier/fetch.h"
#include "courier/gateway.h"
#include "courier/orders.h"
#include "courier/outcomes.h"
#include "courier/process.h"
#include "courier/runner.h"
#include "courier/scanner.h"
#include "courier/sts.h"
#include "courier/tls_results.h"
#include "process/sandbox.h"

enum { THREADS = 8, CONNECTIONS_MAX = 64, STOP_MS = 3000, CA_MAX = 4 << 20 };

static const char system_ca[] = "/etc/ssl/certs/ca-certificates.crt";

void courier_stop(struct courier *courier)
{
	const uint64_t one = 1;

	atomic_store(&courier->must_stop, true);
	while (write(courier->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

int courier_fetch(struct courier *courier, const struct fetch_request *request,
	struct fetch_reply *reply, struct err *err)
{
	const struct fetch_config config = {.dns = courier->dns,
		.ca_pem = buf_slice(&courier->ca_pem),
		.must_stop = &courier->must_stop,
		.is_public_only = !courier->settings->courier_private};
	struct fetch *fetch AUTO(fetch_free) = NULL;
	const int rc = fetch_new(&config, &fetch, err);

	return rc < 0 ? rc : fetch_do(fetch, request, reply, err);
}

bool courier_pause(struct courier *courier, int64_t ms)
{
	struct pollfd event = {.fd = courier->event_fd, .events = POLLIN};
	const int64_t end = clock_mono_ms() + ms;

	while (clock_mono_ms() < end && !atomic_load(&courier->must_stop))
		poll(&event, 1, (int)(end - clock_mono_ms()));
	return !atomic_load(&courier->must_stop);
}

/* While files can be opened: no configuration of OpenSSL's is read, then or later. */
static int open_libraries(struct err *err)
{
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_DIGESTS |
					OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
		    NULL) != 1 ||
		curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_IO, "cannot set up the libraries");
	json_object_seed((size_t)random_u64()); /* by itself it would open a file, later */
	tzset();
	return 0;
}

/* Without any nobody is known, and all that demands it waits. */
static void read_cas(struct courier *courier)
{
	const struct slice file = courier->settings->courier_ca_file;
	struct buf path AUTO(buf_done);
	struct err err;

	buf_init(&courier->ca_pem, CA_MAX);
	buf_init(&path, PATH_MAX);
	if (file.len)
		buf_append(&path, file);
	else
		buf_str(&path, system_ca);
	buf_byte(&path, '\0');
	if (buf_check(&path, "courier.ca_file", &err) < 0 ||
		io_read_file(AT_FDCWD, path.ptr, &courier->ca_pem, &err) < 0)
		log_warn(NULL, "courier-ca", log_e(&err));
}

static int open_parts(struct courier *courier, const struct courier_config *config, struct err *err)
{
	const struct pool_config pool = {.threads = THREADS, .connections_max = CONNECTIONS_MAX};
	int rc = open_libraries(err);

	read_cas(courier);
	if (rc == 0)
		rc = pool_new(&pool, &courier->pool, err);
	if (rc == 0)
		rc = dns_new(courier->settings, &courier->dns, err);
	if (rc == 0)
		rc = orders_open(courier, &courier->orders, err);
	if (rc == 0)
		rc = gateway_new(courier, &courier->gateway, err);
	if (rc == 0)
		rc = track_open("track.db", (unsigned)courier->settings->trace_days, courier->pool,
			&courier->track, err);
	if (rc == 0)
		rc = tls_results_open("tls.db", courier->pool, &courier->tls_results, err);
	courier->outcomes = outcomes_new();
	if (rc == 0)
		rc = sts_open(courier, &courier->sts, err);
	if (rc == 0)
		rc = external_open("external.db", &courier->external, err);
	if (rc == 0)
		rc = bring_open(courier, &courier->bring, err);
	if (rc == 0)
		rc = runner_open(courier, &courier->runner, err);
	if (rc == 0)
		rc = scanner_new(courier, &courier->scanner, err);
	if (rc == 0)
		rc = courier_bus_open(courier, config->bus_fd, err);
	if (rc == 0)
		rc = desk_open(courier, config->server_fd, err);
	return rc;
}

static void close_parts(struct courier *courier)
{
	if (courier->runner)
		runner_stop(courier->runner, STOP_MS);
	dns_stop(courier->dns);
	bring_stop(courier->bring);
	scanner_stop(courier->scanner);
	if (courier->pool)
		pool_stop(&courier->pool);
	scanner_free(&courier->scanner);
	runner_close(&courier->runner);
	bring_close(&courier->bring);
	external_close(&courier->external);
	sts_close(&courier->sts);
	outcomes_free(&courier->outcomes);
	tls_results_close(&courier->tls_results);
	track_close(&courier->track);
	gateway_free(&courier->gateway);
	orders_close(&courier->orders);
	dns_free(&courier->dns);
	courier_bus_done(&courier->bus);
	io_close(&courier->event_fd);
	buf_done(&courier->ca_pem);
	curl_global_cleanup();
}

static int enter_sandbox(struct err *err)
{
	static const struct sandbox_path paths[] = {{".", true}, {"../tls", false}};
	const struct sandbox_config config = {.paths = paths,
		.paths_n = sizeof(paths) / sizeof(paths[0]),
		.may_accept = true,
		.may_call_out = true};
	struct sandbox_result result;
	const int rc = sandbox_enter(&config, &result, err);

	if (rc == 0 && (!result.landlock_abi || !result.has_seccomp))
		log_warn(NULL, "sandbox_incomplete", log_n("landlock", result.landlock_abi),
			log_n("seccomp", result.has_seccomp));
	return rc;
}

/* SIGTERM comes as a descriptor; all threads inherit the blocked signals. */
static int take_signals(int *fd_out, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_errno(err, "cannot block signals");
	*fd_out = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *fd_out < 0 ? err_errno(err, "cannot take signals") : 0;
}

static void wait_for_end(struct courier *courier, int signal_fd)
{
	struct pollfd fds[] = {
		{.fd = signal_fd, .events = POLLIN}, {.fd = courier->event_fd, .events = POLLIN}};

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	courier_stop(courier); /* who pauses shall know */
	log_info(NULL, "stop");
	pool_wait(courier->pool, STOP_MS);
}

int courier_run(const struct courier_config *config, struct err *err)
{
	struct courier courier = {.settings = config->settings};
	int signal_fd AUTO(io_close) = -1;
	int rc = take_signals(&signal_fd, err);

	courier.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (rc == 0 && courier.event_fd < 0)
		rc = err_errno(err, "cannot make an event");
	if (rc == 0)
		rc = open_parts(&courier, config, err);
	if (rc == 0)
		rc = enter_sandbox(err);
	if (rc == 0)
		rc = dns_start(courier.dns, err);
	if (rc == 0)
		rc = pool_start(courier.pool, err);
	if (rc == 0)
		rc = runner_start(courier.runner, err);
	if (rc == 0)
		rc = bring_start(courier.bring, err);
	if (rc == 0) {
		orders_start(courier.orders);
		gateway_start(courier.gateway);
		scanner_start(courier.scanner);
		sts_start(courier.sts);
		log_info(NULL, "courier_ready");
		wait_for_end(&courier, signal_fd);
	}
	close_parts(&courier);
	return rc;
}
