/* policy.c - see policy.h for the contract: settings, the clock, and who must not come in. */
#include "policy/policy.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/conn.h"
#include "notice/notice.h"
#include "policy/internal.h"

enum { TICK_MS = 1000 };

const struct log_ctx policy_log = {.service = "policy"};

static const struct db_migration schema[] = {
	{"CREATE TABLE login (at INTEGER NOT NULL, service TEXT NOT NULL, account INTEGER NOT NULL,"
	 " program TEXT NOT NULL, peer TEXT NOT NULL);"
	 "CREATE INDEX login_at ON login (at);"
	 /* A program of a user's at a service: when it came without TLS, and with it since (0: it
	  * has not). */
	 "CREATE TABLE seen (service TEXT NOT NULL, account INTEGER NOT NULL, program TEXT NOT "
	 "NULL,"
	 " peer TEXT NOT NULL, logins INTEGER NOT NULL, clear_s INTEGER NOT NULL,"
	 " tls_s INTEGER NOT NULL, PRIMARY KEY (service, account, program)) WITHOUT ROWID;"
	 /* A user at a service: what was sent, for which date the last warning, and when anything
	  * of theirs came with TLS; is_due: came without since it was
	  * last looked whether to tell them. */
	 "CREATE TABLE told (service TEXT NOT NULL, account INTEGER NOT NULL,"
	 " notices INTEGER NOT NULL, last_s INTEGER NOT NULL, warned INTEGER NOT NULL,"
	 " tls_s INTEGER NOT NULL, is_due INTEGER NOT NULL, PRIMARY KEY (service, account)) "
	 "WITHOUT ROWID;"
	 "CREATE INDEX told_due ON told (service) WHERE is_due;"
	 "CREATE TABLE asked (account INTEGER PRIMARY KEY, by_s INTEGER NOT NULL,"
	 " reason TEXT NOT NULL, reminded INTEGER NOT NULL);"},
};

/* ---- a closed port that says why ---- */

static size_t refusal_frame(struct conn *c, struct slice in, bool is_full)
{
	(void)c;
	(void)is_full;
	return in.len;
}

static void refusal_execute(struct conn *c, struct slice unit)
{
	(void)c;
	(void)unit;
}

static void refusal_goodbye(struct conn *c, enum conn_goodbye why)
{
	(void)c;
	(void)why;
}

static void refusal_done(struct conn *c)
{
	(void)c;
}

static void imap_greet(struct conn *c)
{
	buf_lit(conn_out(c), "* BYE [ALERT] ");
	policy_refusal(conn_context(c), "imap", conn_out(c));
	buf_lit(conn_out(c), "\r\n");
	conn_close(c);
}

static const struct protocol imap_refusal = {
	.name = "imap",
	.unit_max = 1024,
	.greet = imap_greet,
	.frame = refusal_frame,
	.execute = refusal_execute,
	.goodbye = refusal_goodbye,
	.done = refusal_done,
};

/* ---- the services ---- */

const struct policy_row policy_rows[CONFIG_SERVICES] = {
	[CONFIG_IMAP] = {"IMAP", {"cleartext", "cleartext-last"}, &imap_refusal},
	[CONFIG_SUBMISSION] = {"SMTP", {"cleartext", "cleartext-last"}, NULL},
	[CONFIG_WEB] = {"HTTP", {"cleartext-web", "cleartext-web-last"}, NULL},
};

int policy_find(const char *name)
{
	for (int i = 0; i < CONFIG_SERVICES; i++) {
		if (strcmp(config_services[i].name, name) == 0)
			return i;
	}
	return -1;
}

struct policy_state policy_state(struct policy *p, int row)
{
	struct policy_state state;

	pthread_mutex_lock(&p->lock);
	state = p->states[row];
	pthread_mutex_unlock(&p->lock);
	return state;
}

bool policy_is_last(const struct policy_state *state, int64_t now_s)
{
	const int64_t date = (int64_t)state->settings.date_s;

	return date && now_s >= date - (int64_t)POLICY_LAST_DAYS * DAY_S && now_s < date;
}

struct slice policy_day(int64_t wall_s, char out[16])
{
	const time_t t = (time_t)wall_s;
	struct tm tm;

	if (!wall_s)
		return (struct slice){0};
	gmtime_r(&t, &tm);
	return (struct slice){out, strftime(out, 16, "%Y-%m-%d", &tm)};
}

bool policy_may_cleartext(struct service *service, const char *name)
{
	const int row = policy_find(name);

	return row >= 0 && clock_wall_s() < atomic_load(&service->cleartext_until_s[row]);
}

const struct protocol *policy_port(
	struct service *service, const char *name, const struct protocol *protocol)
{
	const int row = policy_find(name);

	if (row < 0 || policy_may_cleartext(service, name))
		return protocol;
	if (!policy_state(service->policy, row).keeps_port)
		return NULL;
	return policy_rows[row].refusal ? policy_rows[row].refusal : protocol;
}

void policy_refusal(struct service *service, const char *name, struct buf *out)
{
	const int row = policy_find(name);

	if (row < 0 || !service->policy)
		return;
	buf_printf(out, "%s without TLS is closed. Use port %u with TLS, see %.*s",
		policy_rows[row].protocol, policy_state(service->policy, row).tls_port,
		SLICE_ARG(notice_help(service)));
}

void policy_tell(struct policy *p, const struct policy_user *user, bool is_last)
{
	const struct policy_row *row = &policy_rows[user->row];
	const struct policy_state state = policy_state(p, user->row);
	const struct slice program = user->program.len ? user->program : user->peer;
	const struct slice host = p->service->host_name;
	struct buf key AUTO(buf_done);
	char day[16];
	const struct slice by = policy_day((int64_t)state.settings.date_s, day);

	buf_init(&key, 200);
	buf_printf(&key, "cleartext:%s:%llu:%lld", config_services[user->row].name,
		(unsigned long long)user->account, (long long)user->notices + 1);
	notice_send_once(p->service, user->account, row->notices[is_last],
		json_pack("{s:o, s:s, s:s%, s:i, s:s, s:s%}", "program", notice_text(program),
			"protocol", row->protocol, "server", host.ptr, host.len, "port",
			(int)state.tls_port, "security", "SSL/TLS", "by", by.len ? by.ptr : "",
			by.len),
		(struct slice){0}, buf_slice(&key));
}

/* ---- who is affected, in memory: their logins with TLS are worth a record ---- */

void policy_affect(struct policy *p, uint64_t account, bool is_affected)
{
	struct policy_account *a;

	pthread_mutex_lock(&p->lock);
	a = map_get(&p->affected, map_key_u64(&account));
	if (is_affected && !a) {
		a = mem_new(struct policy_account);
		a->account = account;
		map_put(&p->affected, map_key_u64(&a->account), a);
	} else if (!is_affected && a) {
		map_del(&p->affected, map_key_u64(&account));
		free(a);
	}
	pthread_mutex_unlock(&p->lock);
}

bool policy_is_affected(struct policy *p, uint64_t account)
{
	bool is_affected;

	pthread_mutex_lock(&p->lock);
	is_affected = map_get(&p->affected, map_key_u64(&account)) != NULL;
	pthread_mutex_unlock(&p->lock);
	return is_affected;
}

static int load_affected(struct policy *p, struct err *err)
{
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	int rc = db_query(
		p->reader, &rows, err, "SELECT DISTINCT account FROM seen WHERE tls_s = 0");

	while (rc == 0 && (rc = db_step(rows, err)) > 0) {
		policy_affect(p, (uint64_t)db_int(rows, 0), true);
		rc = 0;
	}
	return rc;
}

/* ---- the clock ---- */

/* What opened or closed since the last look. */
static bool look(struct policy *p)
{
	const int64_t now = clock_wall_s();
	bool has_changed = false;

	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < CONFIG_SERVICES; i++) {
		const bool is_open = config_is_cleartext_open(&p->states[i].settings, now);

		if (is_open != p->was_open[i]) {
			log_info(&policy_log, is_open ? "cleartext-open" : "cleartext-closed",
				log_c("for", config_services[i].name));
			has_changed = true;
		}
		p->was_open[i] = is_open;
	}
	pthread_mutex_unlock(&p->lock);
	return has_changed;
}

static void tick(struct pool_job *job)
{
	struct policy *p = (struct policy *)((char *)job - offsetof(struct policy, timer.job));

	if (look(p))
		p->on_change(p->context);
	policy_tell_due(p);
	policy_remind(p);
	policy_purge(p);
	pool_timer_set(p->service->pool, &p->timer, clock_mono_ms() + TICK_MS);
}

void policy_start(struct service *service)
{
	struct policy *p = service->policy;

	pool_timer_set(service->pool, &p->timer, clock_mono_ms() + TICK_MS);
}

static void take_config(struct policy *p, const struct config *config)
{
	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < CONFIG_SERVICES; i++) {
		const struct config_listen *listen =
			(const void *)((const char *)config + config_services[i].tls_at);

		p->states[i] = (struct policy_state){.settings = config->cleartext[i],
			.tls_port = listen->n ? listen->at[0].port : 0,
			.keeps_port = config_keeps_port(config, (enum config_service)i)};
		atomic_store(&p->service->cleartext_until_s[i],
			config_cleartext_until(&config->cleartext[i]));
	}
	pthread_mutex_unlock(&p->lock);
}

void policy_apply(struct service *service, const struct config *config)
{
	struct policy *p = service->policy;

	if (!p)
		return;
	take_config(p, config);
	look(p);
	p->on_change(p->context); /* also when only the answer of a closed port is another one */
}

/* ---- life ---- */

int policy_open(struct service *service, const struct config *config, policy_changed_fn *on_change,
	void *context, struct err *err)
{
	const struct db_config file = {
		.path = "policy.db", .may_create = true, .cache_kib = DB_CACHE_SMALL_KIB};
	struct policy *p = mem_new(struct policy);
	int rc;

	p->service = service;
	p->on_change = on_change;
	p->context = context;
	p->timer = (struct pool_timer){.job = {.run = tick}, .class = POOL_BULK};
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->reader_lock, NULL);
	service->policy = p;
	take_config(p, config);
	look(p);
	rc = db_open(&file, &p->db, err);
	if (rc == 0)
		rc = db_migrate(p->db, schema, sizeof(schema) / sizeof(schema[0]), err);
	if (rc == 0)
		rc = db_open(
			&(struct db_config){.path = "policy.db", .cache_kib = DB_CACHE_SMALL_KIB},
			&p->reader, err);
	group_init(&p->group, p->db, service->pool);
	if (rc == 0)
		rc = load_affected(p, err);
	if (rc < 0)
		policy_close(service);
	return rc;
}

void policy_close(struct service *service)
{
	struct policy *p = service->policy;
	struct policy_account *a;

	service->policy = NULL;
	if (!p)
		return;
	group_done(&p->group);
	db_close(&p->reader);
	db_close(&p->db);
	for (size_t at = 0; (a = map_next(&p->affected, &at));)
		free(a);
	map_done(&p->affected);
	pthread_mutex_destroy(&p->reader_lock);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
