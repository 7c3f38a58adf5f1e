/* kit.c - see kit.h. */
#include "keeper/kit.h"

#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"

#define KIT_SOCKET "kit.sock"

/* ---- the service: a unit is a pointer to a question ---- */

static void on_greet(struct conn *c)
{
	conn_set_timeout(c, 600000);
}

static size_t on_frame(struct conn *c, struct slice in, bool is_full)
{
	(void)c;
	(void)is_full;
	return in.len < sizeof(void *) ? 0 : sizeof(void *);
}

static void on_answer(struct conn *c, struct answer *answer)
{
	struct kit_ask **slot = conn_session(c);
	struct kit_ask *q = *slot;

	q->answer = *answer;
	sem_post(&q->done);
}

static void on_execute(struct conn *c, struct slice unit)
{
	struct kit_ask **slot = conn_session(c);
	struct keeper_call call = {.who = conn_ref(c)};

	memcpy(slot, unit.ptr, sizeof(*slot));
	call.keeper = (*slot)->kit->keeper;
	call.ticket = conn_park(c, KEEPER_VERIFY_TIMEOUT_MS, on_answer);
	(*slot)->ask(&call, *slot);
}

static void on_goodbye(struct conn *c, enum conn_goodbye why)
{
	(void)c;
	(void)why;
}

static void on_done(struct conn *c)
{
	(void)c;
}

static const struct protocol kit_protocol = {.name = "kit",
	.unit_max = 1024,
	.session_size = sizeof(struct kit_ask *),
	.greet = on_greet,
	.frame = on_frame,
	.execute = on_execute,
	.goodbye = on_goodbye,
	.done = on_done};

/* ---- the registry ---- */

static bool ends(const struct keeper_revocation *what, const struct kit_session *s)
{
	return (what->account == 0 || what->account == s->account) && s->seq < what->seq &&
	       (what->credential == 0 || what->credential == s->credential) &&
	       what->scopes & s->scope;
}

static void on_revoked(void *context, const struct keeper_revocation *what)
{
	struct kit *kit = context;

	pthread_mutex_lock(&kit->lock);
	assert_true(kit->revoked_n < KIT_REVOKED_MAX);
	kit->revoked[kit->revoked_n++] = *what;
	for (size_t i = 0; i < kit->sessions_n; i++) {
		if (ends(what, &kit->sessions[i]))
			kit->sessions[i].is_open = false;
	}
	pthread_mutex_unlock(&kit->lock);
}

static void on_live(void *context, keeper_say_live_fn *say, void *to)
{
	struct kit *kit = context;

	pthread_mutex_lock(&kit->lock);
	for (size_t i = 0; i < kit->sessions_n; i++) {
		const struct kit_session *s = &kit->sessions[i];

		if (s->is_open)
			say(to, s->account, s->seq, s->credential, s->scope);
	}
	pthread_mutex_unlock(&kit->lock);
}

bool kit_register(struct kit *kit, const struct keeper_entry *entry, unsigned scope, size_t *at_out)
{
	struct kit_session s = {entry->account, entry->seq, entry->credential, scope, true};

	pthread_mutex_lock(&kit->lock);
	for (size_t i = 0; i < kit->revoked_n; i++) {
		if (ends(&kit->revoked[i], &s))
			s.is_open = false;
	}
	if (s.is_open) {
		assert_true(kit->sessions_n < KIT_SESSIONS_MAX);
		*at_out = kit->sessions_n;
		kit->sessions[kit->sessions_n++] = s;
	}
	pthread_mutex_unlock(&kit->lock);
	return s.is_open;
}

bool kit_is_open(struct kit *kit, size_t at)
{
	bool is_open;

	pthread_mutex_lock(&kit->lock);
	is_open = kit->sessions[at].is_open;
	pthread_mutex_unlock(&kit->lock);
	return is_open;
}

/* ---- start and end ---- */

static struct sockaddr_un address(void)
{
	return (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = KIT_SOCKET};
}

void kit_start(struct kit *kit, const struct keeper_config *config)
{
	struct pool_listener listener = {.protocol = &kit_protocol,
		.context = kit,
		.class = POOL_INTERACTIVE,
		.is_trusted = true};
	const struct pool_config pool = {.threads = 4, .connections_max = 2000};
	const struct sockaddr_un at = address();
	struct err err;

	memset(kit, 0, sizeof(*kit));
	pthread_mutex_init(&kit->lock, NULL);
	fixture_start(&kit->fixture, config);
	while (kit->fixture.spares_n < FIXTURE_SPARES)
		fixture_spare(&kit->fixture);
	assert_int_equal(pool_new(&pool, &kit->pool, &err), 0);
	assert_int_equal(keeper_new(FIXTURE_SERVER, &kit->keeper, &err), 0);
	keeper_on_revoked(kit->keeper, on_revoked, on_live, kit);
	assert_int_equal(keeper_start(kit->keeper, kit->pool, &err), 0);
	listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener.fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener.fd, 2000), 0);
	assert_int_equal(pool_listen(kit->pool, &listener, &err), 0);
	assert_int_equal(pool_start(kit->pool, &err), 0);
	kit->fd = kit_open();
}

void kit_done(struct kit *kit)
{
	close(kit->fd);
	pool_stop(&kit->pool);
	keeper_free(&kit->keeper);
	fixture_done(&kit->fixture);
	pthread_mutex_destroy(&kit->lock);
}

/* ---- asking ---- */

int kit_open(void)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_un at = address();

	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

void kit_send(struct kit *kit, int fd, struct kit_ask *q)
{
	const void *pointer = q;
	struct err err;

	q->kit = kit;
	sem_init(&q->done, 0, 0);
	assert_int_equal(
		io_write_all(fd, (struct slice){(const char *)&pointer, sizeof(pointer)}, &err), 0);
}

int kit_wait(struct kit_ask *q)
{
	while (sem_wait(&q->done) < 0)
		continue;
	sem_destroy(&q->done);
	return q->answer.rc;
}

int kit_ask(struct kit *kit, struct kit_ask *q)
{
	kit_send(kit, kit->fd, q);
	return kit_wait(q);
}

/* The answer's struct, copied out. */
static int take(struct kit *kit, struct kit_ask *q, void *out, size_t size)
{
	const int rc = kit_ask(kit, q);

	if (rc == 0 && out)
		memcpy(out, q->answer.data, size);
	free(q->answer.data);
	return rc;
}

static void ask_enter(const struct keeper_call *call, const struct kit_ask *q)
{
	keeper_enter(call, &q->attempt);
}

int kit_enter(struct kit *kit, uint64_t account, const char *secret, unsigned scope,
	const char *peer, struct keeper_entry *out)
{
	struct kit_ask q = {.ask = ask_enter,
		.attempt = {.account = account,
			.secret = slice_str(secret),
			.scope = scope,
			.peer = slice_str(peer),
			.program = slice_lit("kit")}};

	return take(kit, &q, out, sizeof(*out));
}

int kit_enter_by_key(struct kit *kit, uint64_t account, struct slice hash, unsigned scope,
	struct keeper_entry *out)
{
	struct kit_ask q = {.ask = ask_enter,
		.attempt = {.account = account,
			.secret = hash,
			.kind = SECRET_CERTIFICATE,
			.scope = scope,
			.peer = slice_lit("192.0.2.1"),
			.program = slice_lit("kit")}};

	return take(kit, &q, out, sizeof(*out));
}

static void ask_begin(const struct keeper_call *call, const struct kit_ask *q)
{
	keeper_web_begin(call, &q->attempt, q->flag);
}

int kit_sign_in(struct kit *kit, uint64_t account, const char *secret, const char *peer,
	bool is_long, struct keeper_web *out)
{
	struct kit_ask q = {.ask = ask_begin,
		.flag = is_long,
		.attempt = {.account = account,
			.secret = slice_str(secret),
			.peer = slice_str(peer),
			.program = slice_lit("kit")}};

	return take(kit, &q, out, sizeof(*out));
}

static void ask_check(const struct keeper_call *call, const struct kit_ask *q)
{
	keeper_web_check(call, q->s[0], slice_lit("192.0.2.1"));
}

int kit_check(struct kit *kit, const char *cookie, struct keeper_web *out)
{
	struct kit_ask q = {.ask = ask_check, .s = {slice_str(cookie)}};

	return take(kit, &q, out, sizeof(*out));
}

void kit_run(struct kit *kit)
{
	struct keeper_web none;

	fixture_run(&kit->fixture);
	while (kit_check(kit, "", &none) == -ERR_BUSY)
		continue;
}

static void ask_factor(const struct keeper_call *call, const struct kit_ask *q)
{
	keeper_web_factor(call, q->s[0], (enum keeper_factor)q->n, q->s[1], slice_lit("192.0.2.1"));
}

int kit_factor(struct kit *kit, const char *cookie, enum keeper_factor factor, const char *data,
	struct keeper_web *out)
{
	struct kit_ask q = {
		.ask = ask_factor, .n = factor, .s = {slice_str(cookie), slice_str(data)}};

	return take(kit, &q, out, sizeof(*out));
}

static void ask_change(const struct keeper_call *call, const struct kit_ask *q)
{
	keeper_change_password(call, q->s[0], slice_lit("jane@example.org"), q->s[1], q->s[2]);
}

int kit_change_password(struct kit *kit, const char *cookie, const char *before, const char *after)
{
	struct kit_ask q = {
		.ask = ask_change, .s = {slice_str(cookie), slice_str(before), slice_str(after)}};

	return take(kit, &q, NULL, 0);
}

static void ask_app_add(const struct keeper_call *call, const struct kit_ask *q)
{
	keeper_app_add(call, q->s[0], slice_lit("phone"), q->n, q->flag);
}

int kit_app_add(
	struct kit *kit, const char *cookie, unsigned scopes, bool needs_factor, char *secret_out)
{
	struct kit_ask q = {
		.ask = ask_app_add, .s = {slice_str(cookie)}, .n = scopes, .flag = needs_factor};
	const int rc = kit_ask(kit, &q);

	if (rc == 0)
		snprintf(secret_out, KEEPER_SECRET_MAX, "%s",
			((struct keeper_text *)q.answer.data)->text);
	free(q.answer.data);
	return rc;
}

static void ask_app_certificate(const struct keeper_call *call, const struct kit_ask *q)
{
	keeper_app_certificate(call, q->s[0], slice_lit("key"), (unsigned)q->n, q->s[1]);
}

int kit_app_certificate(struct kit *kit, const char *cookie, unsigned scopes, struct slice hash)
{
	struct kit_ask q = {
		.ask = ask_app_certificate, .s = {slice_str(cookie), hash}, .n = scopes};

	return kit_ask(kit, &q);
}
