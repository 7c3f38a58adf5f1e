/* certificates.c - the chains of ../tls, and the session ticket keys; both are replaced live. */
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "certificate/certificate.h"
#include "notice/notice.h"
#include "server/server.h"

enum {
	TICKET_KEYS_MAX = 4,
	TICKET_EVERY_MS = 600000, /* the keeper replaces them hourly */
	TICKET_AGAIN_MS = 10000,
};

static int has_key(void *context, struct slice key_name, struct err *err)
{
	return keeper_has_key(((struct server *)context)->service.keeper, key_name, err);
}

/* The operator gets a mail: once for each thing, however often it is told. */
static void tell_news(void *context, const struct certificate_news *news)
{
	struct server *server = context;
	struct buf key AUTO(buf_done);
	char until[32] = "";
	const time_t when = (time_t)news->until_s;
	struct tm tm;

	buf_init(&key, 512);
	if (news->error) {
		buf_printf(&key, "certificate %.*s %s", SLICE_ARG(news->name), news->error);
		notice_operator(&server->service, "certificate-failed",
			json_pack("{s:s%, s:s}", "certificate", news->name.ptr, news->name.len,
				"error", news->error),
			buf_slice(&key));
		return;
	}
	if (gmtime_r(&when, &tm))
		strftime(until, sizeof(until), "%Y-%m-%d", &tm);
	buf_printf(&key, "certificate %.*s %lld %u", SLICE_ARG(news->name),
		(long long)news->until_s, news->days);
	notice_operator(&server->service, "certificate-expiry",
		json_pack("{s:s%, s:i, s:s}", "certificate", news->name.ptr, news->name.len, "days",
			(int)news->days, "until", until),
		buf_slice(&key));
}

int certificates_begin(struct server *server, struct err *err)
{
	const struct certificates_config config = {.folder = "../tls",
		.tls = server->tls,
		.pool = server->service.pool,
		.is_default = server->config->tls_default,
		.has_key = has_key,
		.news = tell_news,
		.context = server};

	return certificates_open(&config, &server->service.certificates, err);
}

static void fetch_tickets(struct pool_job *job)
{
	struct pool_timer *timer =
		(struct pool_timer *)(void *)((char *)job - offsetof(struct pool_timer, job));
	struct server *server =
		(struct server *)(void *)((char *)timer - offsetof(struct server, ticket_timer));
	unsigned char keys[TICKET_KEYS_MAX][48];
	int64_t wait = TICKET_EVERY_MS;
	struct err err;
	size_t n;

	if (keeper_ticket_keys(server->service.keeper, keys, TICKET_KEYS_MAX, &n, &err) == 0) {
		tls_set_ticket_keys(server->tls, (const unsigned char(*)[48])keys, n);
	} else {
		log_warn(NULL, "ticket-keys", log_e(&err));
		wait = TICKET_AGAIN_MS;
	}
	mem_wipe(keys, sizeof(keys));
	pool_timer_set(server->service.pool, timer, clock_mono_ms() + wait);
}

void tickets_start(struct server *server)
{
	server->ticket_timer.job.run = fetch_tickets;
	server->ticket_timer.class = POOL_HANDSHAKE;
	pool_timer_set(server->service.pool, &server->ticket_timer, clock_mono_ms());
}
