/* server.c - see server.h for the contract. */
#include "server/server.h"

#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "ask/ask.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/random.h"
#include "certificate/certificate.h"
#include "door/door.h"
#include "mail/conduct.h"
#include "mail/country.h"
#include "mail/external.h"
#include "mail/limits.h"
#include "mail/return_paths.h"
#include "mail/sent.h"
#include "notice/notice.h"
#include "policy/policy.h"
#include "report/report.h"

enum { SAYS_MAX = 64 << 10, MS = 1000, DRAIN_STEP_MS = 1000 };

void server_wake(struct server *server)
{
	const uint64_t one = 1;

	while (write(server->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* What may change while sessions run. Each is one word that sessions read when they need it. */
void server_apply(struct server *server, const struct config *config)
{
	log_open("server", (enum log_level)config->log_level);
	atomic_store(
		&server->customers.is_on, config->acme_customers && config->acme_directory.len);
	if (server->tls)
		tls_allow_old(server->tls, config->tls_old_signatures != 0);
	atomic_store(&server->stop_ms, (int64_t)config->stop_s * MS);
	__atomic_store_n(&server->service.limits.recipients_max, (size_t)config->recipients_max,
		__ATOMIC_RELAXED);
	__atomic_store_n(&server->service.limits.imap_idle_ms, (int64_t)config->imap_idle_s * MS,
		__ATOMIC_RELAXED);
	__atomic_store_n(&server->service.limits.smtp_idle_ms, (int64_t)config->smtp_idle_s * MS,
		__ATOMIC_RELAXED);
	__atomic_store_n(
		&server->service.limits.login_ms, (int64_t)config->login_s * MS, __ATOMIC_RELAXED);
	__atomic_store_n(&server->service.limits.login_failures_max,
		(unsigned)config->login_failures_max, __ATOMIC_RELAXED);
	__atomic_store_n(&server->service.limits.quota_grace_s, (int64_t)config->quota_grace_s,
		__ATOMIC_RELAXED);
	__atomic_store_n(&server->service.limits.account_messages, config->account_messages,
		__ATOMIC_RELAXED);
	__atomic_store_n(
		&server->service.limits.domain_messages, config->domain_messages, __ATOMIC_RELAXED);
	__atomic_store_n(&server->service.limits.domain_recipients, config->domain_recipients,
		__ATOMIC_RELAXED);
	__atomic_store_n(
		&server->service.limits.undo_web_s, (int)config->undo_web_s, __ATOMIC_RELAXED);
	__atomic_store_n(&server->service.limits.undo_program_s, (int)config->undo_program_s,
		__ATOMIC_RELAXED);
	policy_apply(&server->service, config);
}

/* ---- the parts ---- */

static int open_pool(struct server *server, struct err *err)
{
	const struct pool_config config = {
		.threads = (unsigned)server->config->threads,
		.connections_max = server->config->connections_max,
		.per_address_max = server->config->per_address_max,
	};

	return pool_new(&config, &server->service.pool, err);
}

static int open_store(struct server *server, struct err *err)
{
	const struct config *config = server->config;
	const struct store_config store = {
		.pool = server->service.pool,
		.open_max = config->open_max,
		.index_bytes_max = config->index_bytes_max,
		.reserve_bytes = config->reserve_bytes,
		.message_max = config->message_max,
		.past_days = (unsigned)config->past_days,
		.publish = bus_publish,
		.context = server,
	};

	return store_new(&store, &server->service.store, err);
}

/* The keeper says that logins are no longer good, and asks whom we have let in. */
static void on_revoked(void *context, const struct keeper_revocation *what)
{
	struct server *server = context;
	const size_t n =
		mail_sessions_revoke(&server->service.sessions, server->service.pool, what);

	if (n)
		log_info(NULL, "sessions-revoked", log_n("sessions", (int64_t)n));
}

static void say_live(void *context, keeper_say_live_fn *say, void *to)
{
	struct server *server = context;

	mail_sessions_each(&server->service.sessions, say, to);
}

static int open_tls(struct server *server, struct err *err)
{
	struct service *service = &server->service;
	int rc = keeper_new("../run/keeper-server.sock", &service->keeper, err);

	if (rc == 0)
		rc = tls_new(keeper_sign, service->keeper, &server->tls, err);
	if (rc == 0)
		tls_allow_old(server->tls, server->config->tls_old_signatures != 0);
	service->ask = ask_new("../run/courier-server.sock");
	if (rc == 0)
		rc = certificates_begin(server, err);
	if (rc == 0)
		rc = customers_open(server, err);
	if (rc == 0) {
		keeper_on_revoked(service->keeper, on_revoked, say_live, server);
		rc = keeper_start(service->keeper, service->pool, err);
	}
	if (rc == 0)
		ask_start(service->ask, service->pool);
	if (rc == 0)
		mail_queue_start(service->queue);
	if (rc == 0)
		conduct_start(service);
	if (rc == 0)
		mail_external_start(service);
	return rc;
}

static int open_door(struct server *server, struct err *err)
{
	struct buf made AUTO(buf_done) = {0};
	struct slice home = {0};

	if (server->config->https.n)
		home = site_home(server, &made);
	return door_open(server->config, home, server->service.pool, &server->service.door, err);
}

static int open_mail(struct server *server, struct err *err)
{
	struct service *service = &server->service;
	int rc = directory_open("directory.db", &service->directory, err);

	mail_sent_open(service);
	if (rc == 0)
		directory_set_operator(service->directory, server->config->service_operator);
	if (rc == 0)
		rc = mail_queue_open(service, &service->queue, err);
	if (rc == 0)
		rc = security_log_open("security.db", service->pool, &service->security_log, err);
	service->senders.is_checked = server->config->senders_check;
	service->senders.is_dmarc_obeyed = server->config->senders_dmarc;
	service->senders.is_signed = server->config->senders_sign;
	service->senders.arc_trusted = slice_str(mem_str(server->config->arc_trusted));
	if (rc == 0)
		rc = return_paths_open(service, server->config->senders_tag, err);
	if (rc == 0)
		rc = open_door(server, err);
	if (rc == 0)
		rc = track_open("track.db", (unsigned)server->config->trace_days, service->pool,
			&service->track, err);
	if (rc == 0)
		rc = mail_accept_open(service, &service->accept, err);
	return rc;
}

static int open_conduct(struct server *server, struct err *err)
{
	const struct config *config = server->config;
	struct conduct_config conduct = {.judge = {.mark = (unsigned)config->sending_stop}};
	struct buf home AUTO(buf_done) = {0}, link AUTO(buf_done);
	int rc = judge_weights(config->sending_weights, &conduct.judge, err);

	buf_init(&link, CONDUCT_LINK_MAX);
	if (config->https.n) {
		buf_append(&link, site_home(server, &home));
		buf_lit(&link, "/help/security#stopped");
	}
	conduct.link = link.failed ? (struct slice){0} : buf_slice(&link);
	server->service.tell_stopped = notice_stopped;
	return rc < 0 ? rc : conduct_open(&server->service, &conduct, err);
}

static int open_notices(struct server *server, struct err *err)
{
	const struct config *config = server->config;
	struct buf home AUTO(buf_done) = {0};
	const struct notice_config notices = {
		.address = config->service_address,
		.name = config->service_name,
		.operator_address = config->service_operator,
		.language = config->service_language,
		.home = site_home(server, &home),
		.help = config->service_help,
	};
	int rc = notice_open(&server->service, &notices, err);

	server->service.tell_quota = notice_quota;
	server->service.tell_flood = notice_flood;
	if (rc == 0)
		rc = mail_limits_open(&server->service, err);
	if (rc == 0)
		rc = open_conduct(server, err);
	return rc < 0 ? rc : policy_open(&server->service, config, listeners_follow, server, err);
}

static int open_reports(struct server *server, struct err *err)
{
	const struct config *config = server->config;
	const struct report_config reports = {
		.is_sent = config->reports_send,
		.tells_failures = config->reports_failures,
		.from = config->reports_from,
		.service_address = config->service_address,
		.organisation = config->reports_organisation,
		.contact = config->reports_contact,
		.trusted = config->complaints_trusted,
		.suppresses = config->complaints_suppress,
		.keep_days = (unsigned)config->reports_days,
	};

	return report_open(&server->service, &reports, err);
}

/* Paths of the settings are relative to DIR. */
static void open_country(struct server *server)
{
	const struct slice set = server->config->country_database;
	struct buf path AUTO(buf_done);

	buf_init(&path, CONFIG_TEXT_MAX);
	if (!set.len)
		return;
	buf_printf(&path, "%s%.*s", set.ptr[0] == '/' ? "" : "../", SLICE_ARG(set));
	server->service.country = country_open(buf_slice(&path));
}

static int open_bus(struct server *server, struct err *err)
{
	int64_t fd;
	const int rc = handover_get(&server->handover, "bus", &fd, err);

	return rc < 0 ? rc
		      : pool_attach(server->service.pool, (int)fd, &bus_protocol, server,
				&server->bus, err);
}

static struct slice mx_hosts_of(const struct config *config)
{
	struct buf all AUTO(buf_done);

	buf_init(&all, 2 * CONFIG_TEXT_MAX);
	buf_printf(&all, "%.*s %.*s", SLICE_ARG(config->host_name), SLICE_ARG(config->mx_hosts));
	return slice_str(mem_str(buf_slice(&all)));
}

static struct slice home_of(const struct server *server)
{
	struct buf made AUTO(buf_done) = {0};

	return slice_str(
		mem_str(server->config->https.n ? site_home(server, &made) : (struct slice){0}));
}

static int open_parts(struct server *server, struct err *err)
{
	int rc = open_pool(server, err);

	server->service.tell_revoked = bus_tell_revoked;
	server->service.context = server;
	server->service.announces_scram = server->config->scram_main != 0;
	server->service.takes_certificates = server->config->takes_certificates != 0;
	server->service.host_name = slice_str(mem_str(server->config->host_name));
	server->service.mx_hosts = mx_hosts_of(server->config);
	server->service.home = home_of(server);
	server->service.limits.message_max = server->config->message_max;
	server->service.scanning.is_on =
		server->config->scan_rspamd.len > 0 || server->config->scan_milters.len > 0;
	server->service.scanning.has_submission = server->config->scan_submission != 0;
	server->service.scanning.is_required = server->config->scan_required != 0;
	server->service.scanning.size_max = server->config->scan_size_max;
	server->service.scanning.wait_ms = (int64_t)server->config->scan_wait_s * MS;
	server_apply(server, server->config);
	if (rc == 0)
		rc = open_store(server, err);
	if (rc == 0)
		rc = open_mail(server, err);
	if (rc == 0)
		rc = open_notices(server, err);
	if (rc == 0)
		rc = open_reports(server, err);
	open_country(server);
	if (rc == 0)
		rc = open_tls(server, err);
	if (rc == 0)
		rc = site_open(server, err);
	if (rc == 0)
		rc = listeners_open(server, err);
	if (rc == 0)
		listeners_follow(server);
	if (rc == 0)
		rc = open_bus(server, err);
	return rc;
}

static void close_parts(struct server *server)
{
	struct service *service = &server->service;

	/* What waits for others is answered while all that it belongs to is there. */
	if (service->ask)
		ask_stop(service->ask);
	if (service->keeper)
		keeper_stop(service->keeper);
	if (service->pool)
		pool_stop(&service->pool);
	policy_close(service);
	mail_limits_close(service);
	notice_close(service);
	if (service->accept)
		mail_accept_close(&service->accept);
	if (service->queue)
		mail_queue_close(&service->queue);
	mail_external_stop(service);
	mail_sent_close(service);
	return_paths_close(service);
	track_close(&service->track);
	if (service->security_log)
		security_log_close(&service->security_log);
	country_close(&service->country);
	door_close(&service->door);
	if (service->directory)
		directory_close(&service->directory);
	if (service->store)
		store_free(&service->store);
	certificates_close(&service->certificates);
	customers_close(server);
	if (server->tls)
		tls_free(&server->tls);
	if (service->keeper)
		keeper_free(&service->keeper);
	ask_free(&service->ask);
	conduct_close(service); /* what was asked for it has an answer now */
	report_close(service);  /* what it asked has been answered now */
	site_close(server);
	mail_sessions_done(&service->sessions);
	mail_imports_done(&service->imports);
	free((char *)(uintptr_t)service->host_name.ptr);
	free((char *)(uintptr_t)service->mx_hosts.ptr);
	free((char *)(uintptr_t)service->home.ptr);
	free((char *)(uintptr_t)service->senders.arc_trusted.ptr);
	bus_done(server);
	control_done(&server->control);
	config_free(&server->config);
	io_close(&server->event_fd);
}

/* ---- the process ---- */

static int enter_sandbox(struct server *server, struct err *err)
{
	const struct country *country = server->service.country;
	struct sandbox_path paths[3] = {{".", true}, {"../tls", false}};
	struct sandbox_config config = {
		.paths = paths,
		.paths_n = 2,
		.may_accept = true,
		.may_connect_unix = true,
	};
	int rc;

	if (country && country_folder(country))
		paths[config.paths_n++].path = country_folder(country);
	rc = sandbox_enter(&config, &server->control.sandbox, err);
	if (rc == 0 && !server->control.sandbox.landlock_abi)
		log_warn(NULL, "sandbox", log_c("missing", "landlock"));
	if (rc == 0 && !server->control.sandbox.has_seccomp)
		log_warn(NULL, "sandbox", log_c("missing", "seccomp"));
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

/* True when nothing of a client's is left. */
static bool is_drained(struct pool *pool)
{
	const int64_t before = clock_mono_ms();

	pool_wait(pool, DRAIN_STEP_MS);
	return clock_mono_ms() - before < DRAIN_STEP_MS;
}

static void stop(struct server *server)
{
	log_info(NULL, "stop");
	pool_drain(server->service.pool, 0);
	pool_wait(server->service.pool, atomic_load(&server->stop_ms));
}

static void wait_for_end(struct server *server, int signal_fd)
{
	struct pollfd fds[] = {
		{.fd = signal_fd, .events = POLLIN}, {.fd = server->event_fd, .events = POLLIN}};
	bool is_draining = false;
	uint64_t count;

	for (;;) {
		if (poll(fds, 2, is_draining ? 0 : -1) > 0 && fds[1].revents &&
			read(server->event_fd, &count, sizeof(count)) < 0)
			continue;
		if (fds[0].revents || atomic_load(&server->must_stop)) {
			stop(server);
			return;
		}
		if (!is_draining && atomic_load(&server->drain_ms) >= 0) {
			is_draining = true;
			log_info(NULL, "drain", log_n("ms", atomic_load(&server->drain_ms)));
			pool_drain(server->service.pool, atomic_load(&server->drain_ms));
		}
		if (is_draining && is_drained(server->service.pool)) {
			log_info(NULL, "drained");
			return;
		}
	}
}

static int prepare(struct server *server, int argc, char **argv, struct err *err)
{
	size_t at = 0;
	int64_t value;
	int rc = handover_parse(argv + 2, &server->handover, err);

	if (rc == 0)
		rc = handover_config(&server->handover, &server->config, err);
	if (rc == 0)
		log_open("server", (enum log_level)server->config->log_level);
	if (rc == 0)
		rc = role_enter(&server->handover, "server", "mail", argc, argv, err);
	if (rc < 0)
		return rc;
	if (handover_next(&server->handover, "owner", &at, &value))
		server->control.owner_uid = (uint32_t)value;
	at = 0;
	if (handover_next(&server->handover, "generation", &at, &value))
		server->control.generation = (unsigned)value;
	at = 0;
	server->control.is_separate = handover_next(&server->handover, "uid", &at, &value);
	server->control.started_s = clock_wall_s();
	return 0;
}

static int run(struct server *server, int argc, char **argv, struct err *err)
{
	int signal_fd AUTO(io_close) = -1;
	int rc = prepare(server, argc, argv, err);

	if (rc == 0)
		rc = take_signals(&signal_fd, err);
	tzset(); /* the zone's file cannot be read later, nor what jansson would take its seed from
		  */
	json_object_seed((size_t)random_u64());
	if (rc == 0)
		rc = open_parts(server, err);
	if (rc == 0)
		rc = enter_sandbox(server, err);
	if (rc == 0)
		rc = pool_start(server->service.pool, err);
	if (rc < 0)
		return rc;
	tickets_start(server);
	policy_start(&server->service);
	report_start(&server->service);
	if (server->service.country)
		country_start(server->service.country, server->service.pool);
	certificates_start(server->service.certificates);
	customers_start(server);
	wait_for_end(server, signal_fd);
	return 0;
}

/* A heap for each core, not (as it would be) for each thread: what one handshake freed serves the
 * next one, whichever thread it is on. */
static void set_up_memory(void)
{
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);

	mallopt(M_ARENA_MAX, cores > 0 ? (int)cores : 1);
}

int server_main(int argc, char **argv)
{
	struct server *server = mem_new(struct server);
	struct err err;
	int rc;

	set_up_memory();
	/* Names in a zip are marked as UTF-8 only where that is the locale's; where there is no
	 * such locale they are not. Read now: later there are no files to read it from. */
	setlocale(LC_CTYPE, "C.UTF-8");
	control_init(&server->control, &server->service);
	mail_sessions_init(&server->service.sessions);
	mail_imports_init(&server->service.imports);
	pthread_mutex_init(&server->notices_lock, NULL);
	pthread_mutex_init(&server->listeners_lock, NULL);
	buf_init(&server->says, SAYS_MAX);
	server->drain_ms = -1;
	server->customers.tls_fd = -1;
	server->web_spool_fd = -1;
	server->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = run(server, argc, argv, &err);
	if (rc < 0)
		log_error(NULL, "failed", log_e(&err));
	close_parts(server);
	free(server);
	return rc < 0;
}
