/* queue_desk.c - see queue_desk.h for the contract. */
#include "courier/queue_desk.h"

#include <stdlib.h>

#include "ask/verbs.h"
#include "base/clock.h"
#include "base/mem.h"
#include "courier/queue_wish.h"
#include "courier/report_desk.h"
#include "courier/runner.h"
#include "courier/unsubscribe.h"
#include "queue/lanes.h"
#include "queue/manage.h"
#include "track/rows.h"
#include "wire/mime/report.h"

enum { LIMIT_MAX = 1000000, LIST_DEFAULT = 200, HEADER_MAX = 64 << 10 };

/* ---- arguments and values ---- */

static struct slice text_of(const struct wish *w, const char *name)
{
	const json_t *value = json_object_get(w->args, name);

	return (struct slice){json_string_value(value), json_string_length(value)};
}

json_t *wish_json_text(struct slice s)
{
	json_t *text = json_stringn(s.len ? s.ptr : "", s.len);

	return text ? text : json_string("?");
}

static const char *const states[] = {"waiting", "held", "delivered", "relayed", "bounced"};

static const char *state_of(const struct queue_entry *e)
{
	if (e->is_taken)
		return "taken back";
	if (e->state == QUEUE_WAITING && !e->is_running && e->not_before_s > clock_wall_s())
		return "scheduled";
	return e->is_running ? "running" : states[e->state];
}

static struct queue_filter filter_of(const struct wish *w)
{
	struct queue_filter f = {.id = json_integer_value(json_object_get(w->args, "id")),
		.address = text_of(w, "address"),
		.sender = text_of(w, "sender"),
		.state = -1,
		.accepted_until_s = json_integer_value(json_object_get(w->args, "until"))};
	const struct slice state = text_of(w, "state");

	for (int i = 0; i <= QUEUE_BOUNCED; i++) {
		if (slice_eq(state, slice_str(states[i])))
			f.state = i;
	}
	if (slice_eq(state, slice_lit("scheduled"))) {
		f.state = QUEUE_WAITING;
		f.held_after_s = clock_wall_s();
	}
	return f;
}

/* Of a list: what is told of each entry, and by which runner. */
struct listing {
	struct runner *runner;
	json_t *rows;
};

static void add_entry(void *context, const struct queue_entry *e)
{
	const struct listing *listing = context;
	int64_t until = 0;
	const char *why = e->state == QUEUE_WAITING && !e->is_running
				  ? runner_why(listing->runner, e->destination_id, &until)
				  : NULL;
	json_t *row = json_pack("{s:I, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:i, s:I, s:I, s:I, s:I}",
		"id", (json_int_t)e->id, "number", (int)e->number, "state", state_of(e), "sender",
		wish_json_text(e->sender), "address", wish_json_text(e->address), "destination",
		wish_json_text(e->destination), "reply", wish_json_text(e->reply), "host",
		wish_json_text(e->host), "attempts", (int)e->attempts, "accepted",
		(json_int_t)e->accepted_s, "due", (json_int_t)e->due_s, "expires",
		(json_int_t)e->expires_s, "size", (json_int_t)e->size);

	if (why) {
		json_object_set_new(row, "waits", json_string(why));
		json_object_set_new(row, "until", json_integer(until));
	}
	json_array_append_new(listing->rows, row);
}

static void add_pair(void *context, struct slice name, struct slice value)
{
	json_array_append_new(context, json_pack("{s:o, s:o}", "name", wish_json_text(name),
					       "value", wish_json_text(value)));
}

struct queue *wish_queue(const struct wish *w)
{
	return runner_queue(w->courier->runner);
}

/* ---- what can be done ---- */

static int do_list(struct wish *w, json_t *out, struct err *err)
{
	const struct queue_filter filter = filter_of(w);
	json_int_t max = json_integer_value(json_object_get(w->args, "max"));
	struct slice number, id = slice_cut(text_of(w, "after"), '.', &number);
	uint64_t after_id = 0, after_number = 0;
	struct listing listing = {.runner = w->courier->runner, .rows = json_array()};
	bool more = false;
	int rc;

	if (max <= 0 || max > QUEUE_LIST_MAX)
		max = LIST_DEFAULT;
	if (id.len && (!slice_to_u64(id, INT64_MAX, &after_id) ||
			      !slice_to_u64(number, UINT32_MAX, &after_number))) {
		json_decref(listing.rows);
		return err_set(err, ERR_SYNTAX, "after is not ID.NUMBER");
	}
	rc = queue_list(wish_queue(w), &filter, (int64_t)after_id, (unsigned)after_number,
		(size_t)max, add_entry, &listing, &more, err);
	json_object_set_new(out, "rows", listing.rows);
	json_object_set_new(out, "more", json_boolean(more));
	return rc;
}

static int do_count(struct wish *w, json_t *out, struct err *err)
{
	const struct queue_filter filter = filter_of(w);
	uint64_t n = 0;
	const int rc = queue_count(wish_queue(w), &filter, &n, err);

	json_object_set_new(out, "count", json_integer((json_int_t)n));
	return rc;
}

static int do_show(struct wish *w, json_t *out, struct err *err)
{
	const json_int_t id = json_integer_value(json_object_get(w->args, "id"));
	struct buf text AUTO(buf_done);
	int rc;

	buf_init(&text, QUEUE_CHUNK);
	if (id <= 0)
		return err_set(err, ERR_SYNTAX, "which message?");
	rc = do_list(w, out, err);
	if (rc == 0 && json_array_size(json_object_get(out, "rows")) == 0)
		rc = err_set(err, ERR_NOTFOUND, "there is no such message in the queue");
	if (rc == 0)
		rc = queue_read(wish_queue(w), id, 0, &text, err);
	json_object_set_new(out, "header",
		wish_json_text(mime_report_header_of(slice_head(buf_slice(&text), HEADER_MAX))));
	return rc;
}

static int compare_keys(const void *a, const void *b)
{
	const struct queue_key *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* "ID.NUMBER" each; in order, each once. */
static int take_keys(const json_t *rows, struct queue_key *keys, size_t *n_out, struct err *err)
{
	const json_t *row;
	size_t i, n = 0, kept = 0;

	json_array_foreach(rows, i, row)
	{
		struct slice number, id = {json_string_value(row), json_string_length(row)};
		uint64_t n_id, n_number;

		id = slice_cut(id, '.', &number);
		if (n == QUEUE_KEYS_MAX || !slice_to_u64(id, INT64_MAX, &n_id) ||
			!slice_to_u64(number, UINT32_MAX, &n_number))
			return err_set(err, ERR_SYNTAX, "which recipients?");
		keys[n++] = (struct queue_key){(int64_t)n_id, (unsigned)n_number};
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (i = 0; i < n; i++) {
		if (kept == 0 || compare_keys(&keys[kept - 1], &keys[i]) != 0)
			keys[kept++] = keys[i];
	}
	*n_out = kept;
	return 0;
}

static int change_rows(
	struct wish *w, enum queue_change_kind kind, uint64_t *changed_out, struct err *err)
{
	struct queue_key keys[QUEUE_KEYS_MAX];
	size_t n = 0;
	int rc = take_keys(json_object_get(w->args, "rows"), keys, &n, err);

	*changed_out = 0;
	return rc < 0 ? rc : queue_change_keys(wish_queue(w), keys, n, kind, changed_out, err);
}

static int change(struct wish *w, json_t *out, enum queue_change_kind kind, struct err *err)
{
	const bool has_rows = json_is_array(json_object_get(w->args, "rows"));
	const struct queue_filter f = filter_of(w);
	uint64_t changed = 0;
	int rc;

	if (!has_rows && !f.id && !f.address.len && !f.sender.len && f.state < 0 &&
		!json_is_true(json_object_get(w->args, "all")))
		return err_set(err, ERR_SYNTAX, "which messages?");
	rc = has_rows ? change_rows(w, kind, &changed, err)
		      : queue_change(wish_queue(w), &f, kind, &changed, err);
	json_object_set_new(out, "changed", json_integer((json_int_t)changed));
	if (rc == 0 && (kind == QUEUE_RELEASE || kind == QUEUE_RETRY))
		runner_hurry(w->courier->runner);
	return rc;
}

static int do_hold(struct wish *w, json_t *out, struct err *err)
{
	return change(w, out, QUEUE_HOLD, err);
}

static int do_release(struct wish *w, json_t *out, struct err *err)
{
	return change(w, out, QUEUE_RELEASE, err);
}

static int do_retry(struct wish *w, json_t *out, struct err *err)
{
	return change(w, out, QUEUE_RETRY, err);
}

static int do_stop(struct wish *w, json_t *out, struct err *err)
{
	(void)out;
	return queue_stop(wish_queue(w),
		(uint64_t)json_integer_value(json_object_get(w->args, "submitter")), err);
}

static int do_allow(struct wish *w, json_t *out, struct err *err)
{
	(void)out;
	return queue_allow(wish_queue(w),
		(uint64_t)json_integer_value(json_object_get(w->args, "submitter")), err);
}

static int do_drop(struct wish *w, json_t *out, struct err *err)
{
	return change(w, out, QUEUE_DROP, err);
}

static int do_bounce(struct wish *w, json_t *out, struct err *err)
{
	return change(w, out, QUEUE_BOUNCE, err);
}

static int do_routes(struct wish *w, json_t *out, struct err *err)
{
	json_t *rows = json_array();
	const int rc = queue_route_list(wish_queue(w), add_pair, rows, err);

	json_object_set_new(out, "rows", rows);
	return rc;
}

static int do_route(struct wish *w, json_t *out, struct err *err)
{
	const struct slice pattern = text_of(w, "pattern");
	int rc;

	(void)out;
	if (!pattern.len || pattern.len > QUEUE_NAME_MAX ||
		text_of(w, "target").len > QUEUE_NAME_MAX)
		return err_set(err, ERR_SYNTAX, "a route has a domain, .DOMAIN or *");
	rc = queue_route_set(wish_queue(w), pattern, text_of(w, "target"), err);
	if (rc == 0)
		runner_hurry(w->courier->runner);
	return rc;
}

static void add_limit(void *context, struct slice name, const struct lane_bounds *bounds)
{
	json_array_append_new(
		context, json_pack("{s:o, s:i, s:i, s:i}", "name", wish_json_text(name),
				 "connections", (int)bounds->connections, "messages",
				 (int)bounds->messages, "rate", (int)bounds->per_minute));
}

static int do_limits(struct wish *w, json_t *out, struct err *err)
{
	json_t *rows = json_array();

	json_object_set_new(out, "rows", rows);
	return queue_limit_list(wish_queue(w), add_limit, rows, err);
}

static bool take_bound(const struct wish *w, const char *name, unsigned *out)
{
	const json_int_t n = json_integer_value(json_object_get(w->args, name));

	*out = (unsigned)n;
	return n >= 0 && n <= LIMIT_MAX;
}

static int do_limit(struct wish *w, json_t *out, struct err *err)
{
	const struct slice name = text_of(w, "destination");
	struct lane_bounds bounds;

	(void)out;
	if (!name.len || name.len > QUEUE_NAME_MAX || slice_eq(name, slice_lit(QUEUE_HERE)))
		return err_set(err, ERR_SYNTAX, "a limit has a domain, or a route's host");
	if (!take_bound(w, "connections", &bounds.connections) ||
		!take_bound(w, "messages", &bounds.messages) ||
		!take_bound(w, "rate", &bounds.per_minute))
		return err_set(err, ERR_SYNTAX, "a limit is 0 (none) to %d", LIMIT_MAX);
	return runner_limit(w->courier->runner, name, &bounds, err);
}

static int do_suppressed(struct wish *w, json_t *out, struct err *err)
{
	json_t *rows = json_array();
	const int rc = queue_suppress_list(wish_queue(w), add_pair, rows, err);

	json_object_set_new(out, "rows", rows);
	return rc;
}

static int do_suppress(struct wish *w, json_t *out, struct err *err)
{
	const struct slice address = text_of(w, "address");
	struct slice reason = text_of(w, "reason");

	(void)out;
	if (!address.len)
		return err_set(err, ERR_SYNTAX, "which address?");
	if (!reason.len)
		reason = slice_lit("550 5.1.1 nothing is sent to this address any more");
	return queue_suppress(wish_queue(w), address, &reason, err);
}

static int do_unsuppress(struct wish *w, json_t *out, struct err *err)
{
	(void)out;
	return queue_suppress(wish_queue(w), text_of(w, "address"), NULL, err);
}

static void add_host(void *context, struct slice host, const char *tls)
{
	json_array_append_new(
		context, json_pack("{s:o, s:s}", "host", wish_json_text(host), "tls", tls));
}

static int do_tls(struct wish *w, json_t *out, struct err *err)
{
	const struct slice name = text_of(w, "destination");
	json_t *rows = json_array();

	json_object_set_new(out, "rows", rows);
	if (!name.len || name.len > QUEUE_NAME_MAX || slice_eq(name, slice_lit(QUEUE_HERE)))
		return err_set(err, ERR_SYNTAX, "which domain?");
	return runner_look(w->courier->runner, name, add_host, rows, err);
}

static int do_status(struct wish *w, json_t *out, struct err *err)
{
	struct queue_status queue;
	struct runner_status runner;
	json_t *all;
	const int rc = queue_status(wish_queue(w), &queue, err);

	if (rc < 0)
		return rc;
	runner_status(w->courier->runner, &runner);
	all = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "messages",
		(json_int_t)queue.messages, "recipients", (json_int_t)queue.recipients, "held",
		(json_int_t)queue.held, "bytes", (json_int_t)queue.bytes, "oldest",
		(json_int_t)queue.oldest_s, "connections", (json_int_t)runner.connections,
		"destinations", (json_int_t)runner.destinations, "sent", (json_int_t)runner.sent,
		"deferred", (json_int_t)runner.deferred, "failed", (json_int_t)runner.failed,
		"unsure", (json_int_t)runner.unsure);
	json_object_update(out, all);
	json_decref(all);
	return 0;
}

/* [beyond.2]: what is known here of messages. */
static int do_trace(struct wish *w, json_t *out, struct err *err)
{
	json_t *rows;
	const int rc = track_rows(w->courier->track, text_of(w, "what"),
		(uint64_t)json_integer_value(json_object_get(w->args, "days")), &rows, err);

	if (rc == 0)
		json_object_set_new(out, "rows", rows);
	return rc;
}

static int do_tls_results(struct wish *w, json_t *out, struct err *err)
{
	return report_desk_results(w->courier, w->args, out, err);
}

static int do_tls_forget(struct wish *w, json_t *out, struct err *err)
{
	return report_desk_forget(w->courier, w->args, out, err);
}

static int do_unsubscribe(struct wish *w, json_t *out, struct err *err)
{
	return unsubscribe_post(w->courier, w->args, out, err);
}

static int do_tls_post(struct wish *w, json_t *out, struct err *err)
{
	return report_desk_post(w->courier, w->args, out, err);
}

static const struct {
	const char *name;
	wish_fn *run;
} rows[] = {
	{"list", do_list},
	{"count", do_count},
	{"show", do_show},
	{"hold", do_hold},
	{"release", do_release},
	{"retry", do_retry},
	{"drop", do_drop},
	{"stop", do_stop},
	{"allow", do_allow},
	{"bounce", do_bounce},
	{"routes", do_routes},
	{"route", do_route},
	{"limits", do_limits},
	{"limit", do_limit},
	{"suppressed", do_suppressed},
	{"suppress", do_suppress},
	{"unsuppress", do_unsuppress},
	{"tls", do_tls},
	{"status", do_status},
	{"trace", do_trace},
	{"tls-results", do_tls_results},
	{"tls-forget", do_tls_forget},
	{"tls-post", do_tls_post},
	{"unsubscribe", do_unsubscribe},
	{"own", wish_own_list},
	{"own-take", wish_own_take},
	{"own-forget", wish_own_forget},
	{"own-send", wish_own_send},
};

/* ---- the verb ---- */

static int run_wish(struct wish *w, json_t *out, struct err *err)
{
	const struct slice what = text_of(w, "do");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (slice_eq(what, slice_str(rows[i].name)))
			return rows[i].run(w, out, err);
	}
	return err_set(err, ERR_SYNTAX, "nothing of that name can be done");
}

/* What is done waits for flushes: not on a thread that others need for them. */
static void run_job(struct pool_job *job)
{
	struct wish *w = (struct wish *)job;
	struct buf fields AUTO(buf_done);
	json_t *out = json_object();
	struct err err;
	int rc = run_wish(w, out, &err);
	char *text = rc == 0 ? json_dumps(out, JSON_COMPACT) : NULL;

	buf_init(&fields, ASK_ANSWER_MAX);
	frame_put(&fields, slice_str(text ? text : ""));
	if (rc == 0)
		asked_answer(w->asked, &fields);
	else
		asked_fail(w->asked, &err);
	free(text);
	json_decref(out);
	json_decref(w->args);
	free(w);
}

void desk_queue(struct courier *courier, struct asked *asked, struct frame *f, int fd)
{
	const struct slice text = frame_bytes(f);
	json_t *args = frame_end(f) ? json_loadb(text.ptr, text.len, 0, NULL) : NULL;
	struct wish *w;
	struct err err;

	(void)fd;
	if (!json_is_object(args)) {
		json_decref(args);
		err_set(&err, ERR_SYNTAX, "this is no wish");
		asked_fail(asked, &err);
		return;
	}
	w = mem_new(struct wish);
	*w = (struct wish){
		.job = {.run = run_job}, .courier = courier, .asked = asked, .args = args};
	pool_run(courier->pool, POOL_BULK, &w->job);
}
