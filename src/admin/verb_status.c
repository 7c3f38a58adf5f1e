/* verb_status.c - `status`: how this server and the processes beside it are. */
#include "admin/verb.h"
#include "base/clock.h"
#include "notice/notice.h"
#include "report/report.h"

/* The courier may be away, or counting. */
enum { QUEUE_MS = 3000 };

static json_t *pool_json(struct pool *pool)
{
	struct pool_stats stats;

	pool_stats(pool, &stats);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "connections",
		(json_int_t)stats.connections, "threads", (json_int_t)stats.threads, "running",
		(json_int_t)stats.running, "accepted", (json_int_t)stats.accepted, "refused",
		(json_int_t)stats.refused, "handshakes_failed",
		(json_int_t)stats.handshakes_failed);
}

static json_t *store_json(struct store *store)
{
	struct store_stats stats;

	store_stats(store, &stats);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "accounts",
		(json_int_t)stats.accounts, "open", (json_int_t)stats.open, "views",
		(json_int_t)stats.views, "index_bytes", (json_int_t)stats.index_bytes, "commits",
		(json_int_t)stats.commits, "items", (json_int_t)stats.items, "checkpoints",
		(json_int_t)stats.checkpoints, "full", store_is_full(store));
}

static json_t *notices_json(struct service *service)
{
	struct notice_status status;
	struct err err;

	if (notice_status(service, &status, &err) < 0)
		return json_pack("{s:s}", "error", err.msg);
	return json_pack("{s:I, s:I}", "waiting", (json_int_t)status.waiting, "sent_day",
		(json_int_t)status.sent_day);
}

static json_t *reports_json(struct service *service)
{
	struct buf from AUTO(buf_done);
	bool is_signed;

	buf_init(&from, DIRECTORY_ADDRESS_MAX + 1);
	is_signed = service->reports && report_from(service->reports, &from);
	return json_pack("{s:o, s:b}", "from", verb_string(buf_slice(&from)), "signed", is_signed);
}

static json_t *processes_json(struct control *control)
{
	json_t *list;

	pthread_mutex_lock(&control->lock);
	list = json_loadb(control->processes.ptr ? control->processes.ptr : "",
		control->processes.len, 0, NULL);
	pthread_mutex_unlock(&control->lock);
	return list ? list : json_array();
}

static void reply_status(struct conn *c, json_t *queue)
{
	struct control *control = conn_context(c);
	struct service *service = control->service;

	verb_done(conn_out(c),
		json_pack("{s:s, s:o, s:i, s:I, s:b, s:i, s:b, s:o, s:o, s:o, s:o, s:o, s:o}",
			"version", POSTHOUSE_VERSION, "host_name", verb_string(service->host_name),
			"generation", (int)control->generation, "uptime",
			(json_int_t)(clock_wall_s() - control->started_s), "separate_users",
			control->is_separate, "landlock", control->sandbox.landlock_abi, "seccomp",
			control->sandbox.has_seccomp, "processes", processes_json(control),
			"server", pool_json(service->pool), "store", store_json(service->store),
			"queue", queue, "notices", notices_json(service), "reports",
			reports_json(service)));
}

static void on_queue(struct conn *c, struct answer *answer)
{
	json_t *queue = verb_queue_take(answer);

	reply_status(c, queue ? queue : json_pack("{s:s}", "error", answer->err.msg));
}

void verb_status(struct conn *c, const json_t *args)
{
	(void)args;
	verb_queue_ask(c, json_pack("{s:s}", "do", "status"), QUEUE_MS, on_queue);
}
