/*
 * trace.c - what happened to messages (track/rows.h): for operators of all, for a group's
 * administrator of those that concern the own domains.
 *
 * An event that names a recipient of somebody else's domain is not shown to a group's
 * administrator, nor a message none of whose events names an own one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "track/rows.h"
#include "web/admin.h"
#include "web/history.h"
#include "web/pages.h"

enum { DAYS_MAX = 366 };

struct tracing {
	struct slice what;
	uint64_t days;
	struct slice *domains; /* the group's; n is 0 for an operator */
	size_t n;
	bool is_operator;
};

/* ---- whose it is ---- */

static bool is_own(const struct tracing *t, struct slice address)
{
	const struct slice domain = slice_from(address, slice_rchr(address, '@') + 1);

	for (size_t i = 0; i < t->n; i++) {
		if (slice_eq_nocase(t->domains[i], domain))
			return true;
	}
	return false;
}

enum concern { CONCERNS_NOBODY, CONCERNS_OWN, CONCERNS_OTHERS };

/* Events name whom they concern as to=ADDRESS; from=ADDRESS is who sent it. */
static enum concern concern_of(const struct tracing *t, const json_t *row)
{
	const char *what = json_string_value(json_object_get(row, "what"));
	struct slice text = slice_str(what ? what : ""), key, value;
	enum concern concern = CONCERNS_NOBODY;

	while (track_field_next(&text, &key, &value)) {
		const bool is_to = slice_eq(key, slice_lit("to"));

		if (!is_to && !slice_eq(key, slice_lit("from")))
			continue;
		if (is_own(t, value))
			concern = CONCERNS_OWN;
		else if (is_to)
			return CONCERNS_OTHERS;
	}
	return concern;
}

/* ---- messages with their events ---- */

static const char *text_of(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

/* Newest message first, its events in the order of time. */
static int compare(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	const int by_message = strcmp(text_of(y, "message"), text_of(x, "message"));

	return by_message ? by_message : strcmp(text_of(x, "time"), text_of(y, "time"));
}

json_t *history_sorted(const json_t *rows)
{
	const size_t n = json_array_size(rows);
	json_t **list = mem_zalloc_array(n, sizeof(*list)), *out = json_array();

	for (size_t i = 0; i < n; i++)
		list[i] = json_array_get(rows, i);
	qsort(list, n, sizeof(*list), compare);
	for (size_t i = 0; i < n; i++)
		json_array_append(out, list[i]);
	free(list);
	return out;
}

struct message {
	json_t *events;
	bool is_own;
};

static void end_message(const struct tracing *t, struct message *m, json_t *messages)
{
	json_t *first = json_array_get(m->events, 0);

	if (first && (m->is_own || t->is_operator))
		json_array_append_new(
			messages, json_pack("{s:O, s:O}", "message",
					  json_object_get(first, "message"), "events", m->events));
	json_decref(m->events);
	*m = (struct message){.events = json_array()};
}

static json_t *grouped(const struct tracing *t, const json_t *rows)
{
	json_t *messages = json_array(), *list = history_sorted(rows), *row;
	struct message m = {.events = json_array()};
	const char *number = "";
	size_t i;

	json_array_foreach(list, i, row)
	{
		const enum concern concern = concern_of(t, row);

		if (strcmp(number, text_of(row, "message")) != 0)
			end_message(t, &m, messages);
		number = text_of(row, "message");
		m.is_own |= concern == CONCERNS_OWN;
		if (t->is_operator || concern != CONCERNS_OTHERS)
			json_array_append(m.events, row);
	}
	end_message(t, &m, messages);
	json_decref(m.events);
	json_decref(list);
	return messages;
}

/* ---- the page ---- */

static json_t *values_of(struct http *x)
{
	const struct tracing *t = visit_of(x)->more;
	json_t *values = admin_values("Messages");

	json_set_slice(values, "what", t->what);
	json_object_set_new(values, "days", json_integer((json_int_t)t->days));
	return values;
}

static void show(struct http *x, const json_t *rows)
{
	json_t *values = values_of(x), *messages = grouped(visit_of(x)->more, rows);

	json_set_true(values, "is_asked");
	json_object_set_new(values, "has_messages", json_boolean(json_array_size(messages) > 0));
	json_object_set_new(values, "messages", messages);
	visit_page(x, 200, "admin-trace", values);
}

/* With what the courier knows, if it is there. */
static void on_courier(struct http *x, struct answer *answer)
{
	const struct tracing *t = visit_of(x)->more;
	json_t *reply = admin_take_courier(answer), *rows, *values;
	struct err err;
	const int rc = track_rows(visit_of(x)->service->track, t->what, t->days, &rows, &err);

	if (rc == 0) {
		json_array_extend(rows, json_object_get(reply, "rows"));
		show(x, rows);
		json_decref(rows);
	} else if (rc == -ERR_SYNTAX) {
		values = values_of(x);
		form_error(values, "what",
			"Please give an address, or a message's number of 16 digits.");
		visit_page(x, 422, "admin-trace", values);
	} else {
		visit_fail(x, rc, &err);
	}
	json_decref(reply);
}

void page_trace(struct http *x)
{
	struct tracing *t = visit_keep(x, sizeof(*t), NULL);
	struct err err;
	int rc = 0;

	if (!t) {
		http_fail(x, 413);
		return;
	}
	t->is_operator = visit_of(x)->session.role == ROLE_OPERATOR;
	t->what = slice_trim(http_param(x, "what"));
	if (!slice_to_u64(http_param(x, "days"), DAYS_MAX, &t->days) || t->days == 0)
		t->days = TRACK_DAYS;
	if (!t->is_operator)
		rc = admin_domains(x, &t->domains, &t->n, &err);
	if (rc < 0)
		visit_fail(x, rc, &err);
	else if (t->what.len)
		admin_ask_courier(x,
			json_pack("{s:s, s:o, s:I}", "do", "trace", "what", json_slice(t->what),
				"days", (json_int_t)t->days),
			on_courier);
	else
		visit_page(x, 200, "admin-trace", values_of(x));
}
