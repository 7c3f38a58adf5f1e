/*
 * queue.c - the operator's view of mail that waits to leave: the list, one message, routes, and
 * addresses that nothing is sent to. It is all the courier's; what is asked: courier/queue_desk.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "web/admin.h"
#include "web/pages.h"
#include "wire/http/url.h"

enum {
	ASK_MS = 20000,
	PAGE = 50,
	HOURS_MAX = 10000,
	HOUR_S = 3600,
	ROWS_MAX = 1000, /* that a form chooses */
	QUERY_MAX = 4096,
};

/* ---- asking the courier ---- */

void admin_ask_courier(struct http *x, json_t *wish, http_resume_fn *then)
{
	char *text = json_dumps(wish, JSON_COMPACT);
	const uint64_t ticket = http_park(x, VISIT_PARK_MS, then);

	ask_queue_for(visit_of(x)->service->ask, conn_ref(http_conn(x)), ticket,
		slice_str(text ? text : ""), ASK_MS);
	free(text);
	json_decref(wish);
}

json_t *admin_take_courier(struct answer *answer)
{
	struct slice text;
	json_t *reply = NULL;

	if (answer->rc == 0 && ask_queue_take(answer, &text))
		reply = json_loadb(text.ptr, text.len, 0, NULL);
	if (answer->rc == 0 && !reply)
		answer->rc = err_set(&answer->err, ERR_IO, "the courier's answer makes no sense");
	free(answer->data);
	answer->data = NULL;
	return reply;
}

/* The answer, or NULL: the page that says why not is given. */
static json_t *take(struct http *x, struct answer *answer)
{
	json_t *reply = admin_take_courier(answer);

	if (!reply)
		visit_fail(x, answer->rc, &answer->err);
	return reply;
}

static json_t *wish(const char *what)
{
	return json_pack("{s:s}", "do", what);
}

/* ---- the list ---- */

static const char *const filter_names[] = {"to", "from", "state", "hours"};
static const char *const states[] = {"waiting", "scheduled", "held"};

static void put_rows(json_t *values, json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		json_set_when(row, "since", json_integer_value(json_object_get(row, "accepted")));
		json_set_when(row, "next", json_integer_value(json_object_get(row, "due")));
		json_set_when(row, "until", json_integer_value(json_object_get(row, "expires")));
		json_set_size(
			row, "bytes", (uint64_t)json_integer_value(json_object_get(row, "size")));
	}
	json_object_set(values, "rows", rows);
}

/* The filter stands in the query of the list, and in the form that changes what it shows. */
static struct slice filter_value(struct http *x, const char *name)
{
	const struct slice posted = http_form(x, name);

	return posted.ptr ? posted : http_param(x, name);
}

static void put_states(struct http *x, json_t *values)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		json_t *row = json_pack("{s:s}", "name", states[i]);

		if (slice_eq(filter_value(x, "state"), slice_str(states[i])))
			json_set_true(row, "is_chosen");
		json_array_append_new(list, row);
	}
	json_object_set_new(values, "states", list);
}

/* "to=a%40b&from=…", without what is empty. */
static void put_query(struct http *x, struct buf *out)
{
	for (size_t i = 0; i < sizeof(filter_names) / sizeof(filter_names[0]); i++) {
		const struct slice value = filter_value(x, filter_names[i]);

		if (!value.len)
			continue;
		buf_printf(out, "%s%s=", out->len ? "&" : "", filter_names[i]);
		http_url_encode(out, value);
	}
}

static void put_filter(struct http *x, json_t *values)
{
	struct buf query AUTO(buf_done);

	buf_init(&query, QUERY_MAX);
	for (size_t i = 0; i < sizeof(filter_names) / sizeof(filter_names[0]); i++)
		json_set_slice(values, filter_names[i], filter_value(x, filter_names[i]));
	put_query(x, &query);
	json_set_slice(values, "query", buf_slice(&query));
	put_states(x, values);
}

/* The wish about what the filter lets through. */
static json_t *filtered(struct http *x, const char *what)
{
	json_t *w = wish(what);
	uint64_t hours = 0;

	json_set_slice(w, "address", slice_trim(filter_value(x, "to")));
	json_set_slice(w, "sender", slice_trim(filter_value(x, "from")));
	json_set_slice(w, "state", filter_value(x, "state"));
	if (slice_to_u64(filter_value(x, "hours"), HOURS_MAX, &hours) && hours)
		json_object_set_new(
			w, "until", json_integer(clock_wall_s() - (json_int_t)hours * HOUR_S));
	return w;
}

/* Where the next page goes on: behind the last row of this one. */
static void put_more(json_t *values, const json_t *reply)
{
	const json_t *rows = json_object_get(reply, "rows");
	const json_t *last = json_array_get(rows, json_array_size(rows) - 1);
	char after[48];

	if (!json_is_true(json_object_get(reply, "more")) || !last)
		return;
	snprintf(after, sizeof(after), "%lld.%lld",
		(long long)json_integer_value(json_object_get(last, "id")),
		(long long)json_integer_value(json_object_get(last, "number")));
	json_set_text(values, "after", after);
}

static void on_list(struct http *x, struct answer *answer)
{
	json_t *reply = take(x, answer), *values;

	if (!reply)
		return;
	values = admin_values("Queue");
	put_filter(x, values);
	put_rows(values, json_object_get(reply, "rows"));
	put_more(values, reply);
	json_object_set_new(values, "has_rows",
		json_boolean(json_array_size(json_object_get(reply, "rows")) > 0));
	json_decref(reply);
	visit_page(x, 200, "admin-queue", values);
}

void page_queue(struct http *x)
{
	json_t *w = filtered(x, "list");

	json_set_slice(w, "after", http_param(x, "after"));
	json_object_set_new(w, "max", json_integer(PAGE));
	admin_ask_courier(x, w, on_list);
}

/* ---- what is done to many at once ---- */

static const struct deed {
	const char *name, *words;
	bool is_final;
} deeds[] = {{"hold", "Hold", false}, {"release", "Release", false}, {"retry", "Try now", false},
	{"bounce", "Give back", true}, {"drop", "Drop", true}};

static const struct deed *find_deed(struct slice name)
{
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		if (slice_eq(name, slice_str(deeds[i].name)))
			return &deeds[i];
	}
	return NULL;
}

static json_t *chosen_rows(struct http *x)
{
	json_t *rows = json_array();
	struct slice row;
	size_t at = 0;

	while (json_array_size(rows) < ROWS_MAX && http_form_next(x, "pick", &at, &row))
		json_array_append_new(rows, json_slice(row));
	return rows;
}

static void go_back(struct http *x)
{
	struct buf query AUTO(buf_done);

	buf_init(&query, QUERY_MAX);
	put_query(x, &query);
	visit_go(x, "/admin/queue%s%.*s", query.len ? "?" : "", SLICE_ARG(buf_slice(&query)));
}

/* What cannot be undone is asked for once more, with how many it concerns. */
static void show_sure(struct http *x, json_int_t count)
{
	const struct deed *deed = find_deed(http_form(x, "do"));
	json_t *values = admin_values("Queue"), *rows = chosen_rows(x);

	put_filter(x, values);
	json_set_text(values, "do", deed->name);
	json_set_text(values, "words", deed->words);
	json_object_set_new(values, "is_bounce", json_boolean(strcmp(deed->name, "bounce") == 0));
	json_object_set_new(values, "is_all", json_boolean(http_form(x, "all").ptr != NULL));
	json_object_set_new(values, "count", json_integer(count));
	json_object_set_new(values, "is_one", json_boolean(count == 1));
	json_object_set_new(values, "picks", rows);
	visit_page(x, 200, "admin-queue-sure", values);
}

static void on_counted(struct http *x, struct answer *answer)
{
	json_t *reply = take(x, answer);

	if (!reply)
		return;
	show_sure(x, json_integer_value(json_object_get(reply, "count")));
	json_decref(reply);
}

static void on_many_changed(struct http *x, struct answer *answer)
{
	json_t *reply = take(x, answer);
	char said[64];

	if (!reply)
		return;
	snprintf(said, sizeof(said), "queue_changed.%lld",
		(long long)json_integer_value(json_object_get(reply, "changed")));
	json_decref(reply);
	visit_say(x, said);
	go_back(x);
}

static void change_many(struct http *x, const struct deed *deed, bool is_all)
{
	json_t *w = is_all ? filtered(x, deed->name) : wish(deed->name);

	if (is_all)
		json_set_true(w, "all");
	else
		json_object_set_new(w, "rows", chosen_rows(x));
	log_info(http_log(x), "queue", log_c("do", deed->name), log_n("all", is_all));
	admin_ask_courier(x, w, on_many_changed);
}

void page_queue_change(struct http *x)
{
	const struct deed *deed = find_deed(http_form(x, "do"));
	const bool is_all = http_form(x, "all").ptr != NULL;
	json_t *rows = chosen_rows(x);
	const size_t n = json_array_size(rows);

	json_decref(rows);
	if (!deed) {
		http_fail(x, 400);
	} else if (!is_all && !n) {
		visit_say(x, "none_chosen");
		go_back(x);
	} else if (!deed->is_final || http_form(x, "sure").ptr) {
		change_many(x, deed, is_all);
	} else if (is_all) {
		admin_ask_courier(x, filtered(x, "count"), on_counted);
	} else {
		show_sure(x, (json_int_t)n);
	}
}

/* ---- one message ---- */

/* 0: the path names none. */
static json_int_t message_of(struct http *x)
{
	uint64_t id = 0;

	return slice_to_u64(http_segment(x, "id"), INT64_MAX, &id) ? (json_int_t)id : 0;
}

static void show_message(struct http *x, struct answer *answer, const char *wrong)
{
	json_t *reply = take(x, answer), *values;
	json_t *first;

	if (!reply)
		return;
	values = admin_values("Message in the queue");
	put_rows(values, json_object_get(reply, "rows"));
	first = json_array_get(json_object_get(reply, "rows"), 0);
	json_object_update(values, first);
	json_object_set(values, "header", json_object_get(reply, "header"));
	if (wrong)
		form_error(values, "sure", wrong);
	json_decref(reply);
	visit_page(x, wrong ? 422 : 200, "admin-queued", values);
}

static void on_message(struct http *x, struct answer *answer)
{
	show_message(x, answer, NULL);
}

static void on_unsure(struct http *x, struct answer *answer)
{
	show_message(x, answer, "Please confirm that it shall go.");
}

static void ask_message(struct http *x, http_resume_fn *then)
{
	json_t *w = wish("show");

	json_object_set_new(w, "id", json_integer(message_of(x)));
	admin_ask_courier(x, w, then);
}

void page_queued(struct http *x)
{
	if (message_of(x))
		ask_message(x, on_message);
	else
		http_fail(x, 404);
}

static void on_changed(struct http *x, struct answer *answer)
{
	const bool is_gone = http_form(x, "sure").ptr != NULL;
	json_t *reply = take(x, answer);

	if (!reply)
		return;
	json_decref(reply);
	visit_say(x, "saved");
	if (is_gone)
		visit_go(x, "/admin/queue");
	else
		visit_go(x, "/admin/queue/%.*s", SLICE_ARG(http_segment(x, "id")));
}

/* What cannot be undone wants a tick. */
void page_queued_change(struct http *x)
{
	const struct deed *deed = find_deed(http_form(x, "do"));
	json_t *w;

	if (!message_of(x) || !deed) {
		http_fail(x, message_of(x) ? 400 : 404);
	} else if (deed->is_final && !http_form(x, "sure").ptr) {
		ask_message(x, on_unsure);
	} else {
		w = wish(deed->name);
		json_object_set_new(w, "id", json_integer(message_of(x)));
		log_info(http_log(x), "queue", log_c("do", deed->name), log_n("id", message_of(x)));
		admin_ask_courier(x, w, on_changed);
	}
}

/* ---- routes, and addresses that nothing is sent to ---- */

struct ways {
	json_t *routes;
	const char *field; /* that is wrong, and why; NULL: none */
	struct slice text;
};

static void free_ways(void *more)
{
	json_decref(((struct ways *)more)->routes);
}

static void on_suppressed(struct http *x, struct answer *answer)
{
	static const char *const fields[] = {"pattern", "target", "address", "reason"};
	const struct ways *ways = visit_of(x)->more;
	json_t *reply = take(x, answer), *values;
	char why[sizeof(answer->err.msg)];

	if (!reply)
		return;
	values = admin_values("Routes");
	for (size_t i = 0; ways->field && i < sizeof(fields) / sizeof(fields[0]); i++)
		form_keep(x, values, fields[i]);
	snprintf(why, sizeof(why), "%.*s", SLICE_ARG(ways->text));
	if (ways->field)
		form_error(values, ways->field, why);
	json_object_set(values, "routes", ways->routes);
	json_object_set(values, "suppressed", json_object_get(reply, "rows"));
	json_decref(reply);
	visit_page(x, ways->field ? 422 : 200, "admin-routes", values);
}

static void on_routes(struct http *x, struct answer *answer)
{
	struct ways *ways = visit_of(x)->more;
	json_t *reply = take(x, answer);

	if (!reply)
		return;
	ways->routes = json_incref(json_object_get(reply, "rows"));
	json_decref(reply);
	admin_ask_courier(x, wish("suppressed"), on_suppressed);
}

void page_routes(struct http *x)
{
	if (visit_keep(x, sizeof(struct ways), free_ways))
		admin_ask_courier(x, wish("routes"), on_routes);
	else
		http_fail(x, 413);
}

static void show_wrong(struct http *x, const char *field, const char *why)
{
	struct ways *ways = visit_keep(x, sizeof(*ways), free_ways);

	if (!ways) {
		http_fail(x, 413);
		return;
	}
	ways->field = field;
	ways->text = arena_dup(http_arena(x), slice_str(why));
	admin_ask_courier(x, wish("routes"), on_routes);
}

static void on_ways_changed(struct http *x, struct answer *answer)
{
	const bool is_route = slice_eq(http_form(x, "do"), slice_lit("route"));
	json_t *reply = admin_take_courier(answer);

	if (reply) {
		visit_say(x, "saved");
		visit_go(x, "/admin/routes");
	} else if (answer->rc == -ERR_NOTFOUND || answer->rc == -ERR_SYNTAX) {
		show_wrong(x, is_route ? "pattern" : "address", answer->err.msg);
	} else {
		visit_fail(x, answer->rc, &answer->err);
	}
	json_decref(reply);
}

void page_routes_change(struct http *x)
{
	static const struct {
		const char *name, *field, *missing;
	} changes[] = {{"route", "pattern", "Please give a domain."},
		{"suppress", "address", "Please give an address or a domain."},
		{"unsuppress", "address", "Please give an address or a domain."}};
	static const char *const fields[] = {"pattern", "target", "address", "reason"};
	const struct slice what = http_form(x, "do");

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		json_t *w;

		if (!slice_eq(what, slice_str(changes[i].name)))
			continue;
		if (!slice_trim(http_form(x, changes[i].field)).len) {
			show_wrong(x, changes[i].field, changes[i].missing);
			return;
		}
		w = wish(changes[i].name);
		for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
			json_set_slice(w, fields[k], slice_trim(http_form(x, fields[k])));
		log_info(http_log(x), "queue", log_s("do", what));
		admin_ask_courier(x, w, on_ways_changed);
		return;
	}
	http_fail(x, 400);
}
