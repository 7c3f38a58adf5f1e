/* bring.c - the settings page by which mail is brought from mailboxes of other providers: a form,
 * how far each is, and what could not be taken. A password goes through here to the courier. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/bring.h"
#include "web/note.h"
#include "web/pages.h"
#include "web/settings.h"

static const char *const fields[] = {"host", "port", "login"};

static struct mail_bring_wait *park(struct http *x, http_resume_fn *then)
{
	return mail_bring_wait(http_conn(x), http_park(x, VISIT_PARK_MS, then));
}

/* ---- the page ---- */

/* A form that was not good is shown together with the list, which the courier has. */
struct shown {
	json_t *values;
	unsigned status;
};

static void free_shown(void *more)
{
	json_decref(((struct shown *)more)->values);
}

static void put_state(json_t *row)
{
	static const char *const states[] = {"waiting", "running", "done", "failed", "stopped"};
	const char *state = json_string_value(json_object_get(row, "state"));
	char key[16];

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (state && strcmp(state, states[i]) == 0) {
			snprintf(key, sizeof(key), "is_%s", states[i]);
			json_set_true(row, key);
			json_object_set_new(row, "is_open", json_boolean(i < 2));
		}
	}
}

static int64_t number_of(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

static void put_row(json_t *row)
{
	put_state(row);
	json_set_size(row, "size", (uint64_t)number_of(row, "bytes"));
	json_set_when(row, "since", number_of(row, "started"));
	json_set_when(row, "until",
		number_of(row, "ended") ? number_of(row, "ended") : number_of(row, "due"));
	json_object_set_new(row, "has_missed", json_boolean(number_of(row, "missed") > 0));
	json_set_id(row, "id", (uint64_t)number_of(row, "id"));
}

static void put_missed(json_t *values, json_t *list)
{
	json_t *row;
	size_t i;

	json_array_foreach(list, i, row)
	{
		if (number_of(row, "uid"))
			json_set_size(row, "bytes", (uint64_t)number_of(row, "size"));
	}
	if (json_array_size(list))
		json_set_true(values, "has_report");
	json_object_set(values, "missed", list);
}

static void put_answer(json_t *values, const json_t *reply)
{
	json_t *rows = json_object_get(reply, "rows"), *row;
	size_t i;

	json_array_foreach(rows, i, row) put_row(row);
	json_object_set(values, "rows", rows);
	put_missed(values, json_object_get(reply, "missed"));
}

static void on_list(struct http *x, struct answer *answer)
{
	struct shown *shown = visit_of(x)->more;
	json_t *reply = answer->rc == 0 && answer->data ? json_loads(answer->data, 0, NULL) : NULL;

	if (reply)
		put_answer(shown->values, reply);
	else
		json_set_true(shown->values, "is_away");
	json_decref(reply);
	visit_answer_done(answer);
	visit_page(x, shown->status, "bring", json_incref(shown->values));
}

/* values are given away. With "?id=" there is what could not be taken of that one. */
static void show(struct http *x, json_t *values, unsigned status)
{
	const struct visit *v = visit_of(x);
	struct shown *shown = visit_keep(x, sizeof(*shown), free_shown);
	uint64_t id = 0;

	if (!shown) {
		json_decref(values);
		http_fail(x, 413);
		return;
	}
	*shown = (struct shown){values, status};
	if (!visit_id(http_param(x, "id"), &id))
		id = 0;
	if (id)
		json_set_true(values, "is_one");
	mail_bring_ask(v->service->ask, ASK_BRING_LIST, v->account.id, id, mail_bring_answered,
		park(x, on_list));
}

void page_bring(struct http *x)
{
	json_t *values = settings_values("bring", "Bring mail from another provider");

	json_object_set_new(values, "port", json_integer(BRING_PORT));
	show(x, values, 200);
}

static void show_form(struct http *x, const char *field, const char *why, unsigned status)
{
	json_t *values = settings_values("bring", "Bring mail from another provider");

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		form_keep(x, values, fields[i]);
	json_object_set_new(values, "is_starttls",
		json_boolean(slice_eq(http_form(x, "security"), slice_lit("starttls"))));
	form_error(values, field, why);
	show(x, values, status);
}

/* ---- begin ---- */

static void on_started(struct http *x, struct answer *answer)
{
	if (answer->rc < 0) {
		show_form(x, "host", settings_trouble(answer), settings_status(answer->rc));
	} else {
		note_event(x, visit_of(x)->account.id, "bring-started", NULL);
		visit_say(x, "bring");
		visit_go(x, "/settings/bring");
	}
	visit_answer_done(answer);
}

/* Which field the words are about. */
static const char *field_of(const struct err *err)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		static const char *const words[] = {"server", "port", "user name"};

		if (slice_find(slice_str(err->msg), slice_str(words[i])) != SIZE_MAX)
			return fields[i];
	}
	return "password";
}

static void start(struct http *x)
{
	const struct visit *v = visit_of(x);
	struct mail_source source = {.host = slice_trim(http_form(x, "host")),
		.login = slice_trim(http_form(x, "login")),
		.password = http_form(x, "password"),
		.is_starttls = slice_eq(http_form(x, "security"), slice_lit("starttls"))};
	uint64_t port = 0;
	struct err err;

	if (!slice_to_u64(slice_trim(http_form(x, "port")), UINT16_MAX, &port))
		port = 0;
	source.port = (unsigned)port;
	if (mail_source_check(&source, &err) < 0)
		show_form(x, field_of(&err), err.msg, 422);
	else
		mail_bring_start(v->service->ask, v->account.id, &source, mail_bring_answered,
			park(x, on_started));
}

/* ---- stop, forget ---- */

static void on_changed(struct http *x, struct answer *answer)
{
	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
	} else {
		visit_say(x, slice_eq(http_form(x, "do"), slice_lit("stop")) ? "bring_stopped"
									     : "bring_forgotten");
		visit_go(x, "/settings/bring");
	}
	visit_answer_done(answer);
}

void page_bring_change(struct http *x)
{
	const struct slice wish = http_form(x, "do");
	const bool is_stop = slice_eq(wish, slice_lit("stop"));
	const struct visit *v = visit_of(x);
	uint64_t id = 0;

	if (slice_eq(wish, slice_lit("start")))
		start(x);
	else if (!visit_id(http_form(x, "id"), &id) || !id ||
		 (!is_stop && !slice_eq(wish, slice_lit("forget"))))
		http_fail(x, 400);
	else
		mail_bring_ask(v->service->ask, is_stop ? ASK_BRING_STOP : ASK_BRING_FORGET,
			v->account.id, id, mail_bring_answered, park(x, on_changed));
}
