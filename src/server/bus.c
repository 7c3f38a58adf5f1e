/*
 * bus.c - the server's end of the bus to the supervisor: lines of text (supervisor/child.h).
 *
 * What accounts changed is told to other servers only while there are any. Notices wait in a map,
 * one for each account with its newest modseq, so that a slow supervisor costs no memory.
 */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "certificate/certificate.h"
#include "server/server.h"

enum { LINE_MAX_BYTES = 512 << 10, OUT_FULL = 256 << 10 };

struct notice {
	uint64_t account, modseq;
	bool is_revoked;
};

static void publish(struct server *server, uint64_t account, uint64_t modseq, bool is_revoked)
{
	struct notice *notice;

	if (atomic_load(&server->peers) == 0)
		return;
	pthread_mutex_lock(&server->notices_lock);
	notice = map_get(&server->notices, map_key_u64(&account));
	if (!notice) {
		notice = mem_new(struct notice);
		notice->account = account;
		map_put(&server->notices, map_key_u64(&notice->account), notice);
	}
	if (notice->modseq < modseq)
		notice->modseq = modseq;
	notice->is_revoked |= is_revoked;
	pthread_mutex_unlock(&server->notices_lock);
	pool_wake(server->service.pool, server->bus);
}

void bus_publish(void *context, uint64_t account, uint64_t modseq)
{
	publish(context, account, modseq, false);
}

void bus_tell_revoked(void *context, uint64_t account)
{
	publish(context, account, 0, true);
}

/* The courier waits until every server has what it said. */
static void tell_courier(struct server *server, struct slice number)
{
	pthread_mutex_lock(&server->notices_lock);
	buf_printf(&server->says, "acme-has %.*s\n", SLICE_ARG(number));
	pthread_mutex_unlock(&server->notices_lock);
}

static void write_notice(const struct notice *notice, struct buf *out)
{
	if (notice->is_revoked)
		buf_printf(out, "revoke %llu\n", (unsigned long long)notice->account);
	if (notice->modseq)
		buf_printf(out, "notice %llu %llu\n", (unsigned long long)notice->account,
			(unsigned long long)notice->modseq);
}

/* As many as the connection may hold; what is left is sent after the next commit or line. */
static void on_notify(struct conn *c)
{
	struct server *server = conn_context(c);
	struct buf *out = conn_out(c);
	struct notice *notice;
	size_t at = 0;

	pthread_mutex_lock(&server->notices_lock);
	buf_append(out, buf_slice(&server->says));
	buf_clear(&server->says);
	while (out->len < OUT_FULL && (notice = map_next(&server->notices, &at))) {
		write_notice(notice, out);
		map_del(&server->notices, map_key_u64(&notice->account));
		free(notice);
	}
	pthread_mutex_unlock(&server->notices_lock);
}

void bus_done(struct server *server)
{
	struct notice *notice;
	size_t at = 0;

	while ((notice = map_next(&server->notices, &at)))
		free(notice);
	map_done(&server->notices);
	buf_done(&server->says);
}

/* ---- what the supervisor says ---- */

static void on_notice(struct server *server, struct slice rest)
{
	struct slice modseq, account = slice_cut(rest, ' ', &modseq);
	uint64_t id, at;

	if (slice_to_u64(account, UINT64_MAX, &id) && slice_to_u64(modseq, UINT64_MAX, &at))
		store_notice(server->service.store, id, at);
}

static void on_revoke(struct server *server, struct slice rest)
{
	uint64_t id;

	if (slice_to_u64(rest, UINT64_MAX, &id))
		mail_sessions_end(&server->service.sessions, server->service.pool, id);
}

static void on_peers(struct server *server, struct slice rest)
{
	uint64_t n;

	if (slice_to_u64(rest, UINT32_MAX, &n))
		atomic_store(&server->peers, (unsigned)n);
}

static void on_processes(struct server *server, struct slice rest)
{
	control_set_processes(&server->control, rest);
}

static void on_drain(struct server *server, struct slice rest)
{
	uint64_t ms;

	if (!slice_to_u64(rest, INT32_MAX, &ms))
		return;
	atomic_store(&server->drain_ms, (int64_t)ms);
	server_wake(server);
}

static void on_reload(struct server *server, struct slice rest)
{
	struct config *config AUTO(config_free) = NULL;
	struct buf text AUTO(buf_done);
	struct err err;
	int rc;

	buf_init(&text, CONFIG_TEXT_MAX);
	rc = base64_decode(&text, rest, &err);
	if (rc == 0)
		rc = config_parse(buf_slice(&text), "posthouse.conf", &config, &err);
	if (rc == 0) {
		server_apply(server, config);
		certificates_set_default(server->service.certificates, config->tls_default);
	}
	if (rc < 0)
		log_error(NULL, "reload-failed", log_e(&err));
	else
		log_info(NULL, "reloaded");
}

/* ---- what the courier says (courier/process.h) ---- */

/* acme-answer NUMBER HOST TOKEN TEXT: for the CA, over HTTP. */
static void on_acme_answer(struct server *server, struct slice rest)
{
	struct slice number = slice_cut(rest, ' ', &rest), host = slice_cut(rest, ' ', &rest);
	struct slice text, token = slice_cut(rest, ' ', &text);

	certificates_add_answer(server->service.certificates, host, token, text);
	tell_courier(server, number);
}

/* acme-tls NUMBER HOST BASE64: the same over TLS. */
static void on_acme_tls(struct server *server, struct slice rest)
{
	struct slice number = slice_cut(rest, ' ', &rest), text, host = slice_cut(rest, ' ', &text);
	struct buf pem AUTO(buf_done);
	struct err err;
	int rc;

	buf_init(&pem, LINE_MAX_BYTES);
	rc = base64_decode(&pem, text, &err);
	if (rc == 0)
		rc = certificates_add_tls_answer(
			server->service.certificates, host, buf_slice(&pem), &err);
	if (rc < 0)
		log_error(NULL, "acme-tls", log_s("host", host), log_e(&err));
	else
		tell_courier(server, number);
}

/* acme-drop HOST */
static void on_acme_drop(struct server *server, struct slice rest)
{
	certificates_drop_answers(server->service.certificates, rest);
}

/* acme-order NAME JSON; without JSON the order is no more. */
static void on_acme_order(struct server *server, struct slice rest)
{
	struct slice json, name = slice_cut(rest, ' ', &json);

	certificates_set_order(server->service.certificates, name,
		json.len ? json_loadb(json.ptr, json.len, 0, NULL) : NULL);
}

static const struct {
	const char *name;
	void (*run)(struct server *server, struct slice rest);
} lines[] = {
	{"acme-answer", on_acme_answer},
	{"acme-drop", on_acme_drop},
	{"acme-tls", on_acme_tls},
	{"acme-order", on_acme_order},
	{"notice", on_notice},
	{"revoke", on_revoke},
	{"peers", on_peers},
	{"processes", on_processes},
	{"drain", on_drain},
	{"reload", on_reload},
};

static size_t on_frame(struct conn *c, struct slice in, bool is_full)
{
	const size_t end = slice_chr(in, '\n');

	(void)c;
	(void)is_full;
	return end == SIZE_MAX ? 0 : end + 1;
}

static void on_execute(struct conn *c, struct slice unit)
{
	struct slice rest, word = slice_cut(slice_head(unit, unit.len - 1), ' ', &rest);

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (slice_eq(word, slice_str(lines[i].name)))
			lines[i].run(conn_context(c), rest);
	}
	on_notify(c);
}

/* The pool's threads run: clients are served from now on. */
static void on_greet(struct conn *c)
{
	buf_lit(conn_out(c), "ready\n");
}

static void on_goodbye(struct conn *c, enum conn_goodbye why)
{
	(void)c;
	(void)why;
}

/* The supervisor has gone: so do we, after what has begun. */
static void on_done(struct conn *c)
{
	struct server *server = conn_context(c);

	atomic_store(&server->must_stop, true);
	server_wake(server);
}

const struct protocol bus_protocol = {
	.name = "bus",
	.unit_max = LINE_MAX_BYTES,
	.greet = on_greet,
	.frame = on_frame,
	.execute = on_execute,
	.notify = on_notify,
	.goodbye = on_goodbye,
	.done = on_done,
};
