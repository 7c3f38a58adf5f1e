/* personalities.c - who the account writes as: names, addresses, and the servers of addresses
 * elsewhere. A password goes through here to the courier, and never comes back. */
#include <stdlib.h>

#include "base/mem.h"
#include "mail/external.h"
#include "web/note.h"
#include "web/pages.h"
#include "web/settings.h"
#include "web/write.h"

enum { ASKED_MS = 70000 };

static const char *const fields[] = {
	"name", "address", "reply_to", "bcc", "signature", "sent", "host", "port", "login"};

/* ---- the page ---- */

static void put_values(json_t *values, const struct directory_personality *p)
{
	const struct {
		const char *key;
		struct slice text;
	} texts[] = {{"name", p->name}, {"address", p->address}, {"reply_to", p->reply_to},
		{"bcc", p->bcc}, {"signature", p->signature}, {"host", p->host},
		{"login", p->login}};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		json_set_slice(values, texts[i].key, texts[i].text);
	json_set_id(values, "id", p->id);
	if (p->port)
		json_object_set_new(values, "port", json_integer(p->port));
	json_object_set_new(values, "is_starttls", json_boolean(p->is_starttls));
	json_set_id(values, "sent", p->sent);
}

/* The folders that copies may go to, with that of values.sent chosen. False: it has answered. */
static bool put_folders(struct http *x, json_t *values)
{
	const char *chosen = json_string_value(json_object_get(values, "sent"));
	json_t *rows = json_array();
	struct mailbox_info *list;
	size_t n = 0;

	json_object_set_new(values, "folders", rows);
	if (!visit_mailboxes(x, &list, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		json_t *row;

		if (!list[i].id || list[i].is_noselect || list[i].role == ROLE_SENT)
			continue;
		row = json_object();
		json_set_id(row, "id", list[i].id);
		json_set_slice(row, "name", mail_folder_name(&list[i]));
		json_object_set_new(row, "is_chosen",
			json_boolean(chosen && json_equal(json_object_get(row, "id"),
						       json_object_get(values, "sent"))));
		json_array_append_new(rows, row);
	}
	return true;
}

static void put_rows(json_t *values, const struct directory_personality *list, size_t n)
{
	json_t *rows = json_array();

	json_object_set_new(values, "personalities", rows);
	for (size_t i = 0; i < n; i++) {
		json_t *row = json_object();

		put_values(row, &list[i]);
		json_object_set_new(row, "is_external", json_boolean(list[i].host.len > 0));
		json_object_set_new(
			row, "is_open", json_boolean(list[i].is_proven || !list[i].host.len));
		json_array_append_new(rows, row);
	}
}

static void show(struct http *x, json_t *values, unsigned status)
{
	const struct visit *v = visit_of(x);
	struct directory_personality *list;
	struct err err;
	size_t n = 0;
	const int rc = directory_personalities(
		v->service->directory, v->account.id, http_arena(x), &list, &n, &err);

	if (rc < 0) {
		json_decref(values);
		visit_fail(x, rc, &err);
		return;
	}
	if (!put_folders(x, values)) {
		json_decref(values);
		return;
	}
	put_rows(values, list, n);
	visit_page(x, status, "personalities", values);
}

/* With "?id=" the form has that one's values. */
void page_personalities(struct http *x)
{
	json_t *values = settings_values("personalities", "Personalities");
	const struct visit *v = visit_of(x);
	struct directory_personality p;
	struct err err;
	uint64_t id;

	if (visit_id(http_param(x, "id"), &id) && id &&
		directory_personality(
			v->service->directory, v->account.id, id, http_arena(x), &p, &err) == 0)
		put_values(values, &p);
	show(x, values, 200);
}

static void show_form(struct http *x, const char *field, const char *why, unsigned status)
{
	json_t *values = settings_values("personalities", "Personalities");
	uint64_t id = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		form_keep(x, values, fields[i]);
	if (visit_id(http_form(x, "id"), &id) && id)
		json_set_id(values, "id", id);
	json_object_set_new(values, "is_starttls",
		json_boolean(slice_eq(http_form(x, "security"), slice_lit("starttls"))));
	form_error(values, field, why);
	show(x, values, status);
}

/* ---- the courier is asked ---- */

struct asking {
	struct pool *pool;
	struct conn_ref who;
	uint64_t ticket;
};

static void answered(void *context, struct frame *f, int rc, const struct err *err)
{
	struct asking *a = context;
	struct answer answer = {.rc = rc};

	(void)f;
	if (rc < 0)
		answer.err = *err;
	pool_answer(a->pool, a->who, a->ticket, &answer);
	free(a);
}

static struct asking *park(struct http *x, http_resume_fn *then)
{
	struct asking *a = mem_new(struct asking);

	*a = (struct asking){.pool = conn_pool(http_conn(x)), .who = conn_ref(http_conn(x))};
	a->ticket = http_park(x, ASKED_MS, then);
	return a;
}

/* What the courier and its servers say is for the user. */
static const char *trouble(const struct answer *answer)
{
	return answer->rc == -ERR_BUSY && answer->err.msg[0] ? answer->err.msg
							     : settings_trouble(answer);
}

/* ---- save ---- */

static void saved(struct http *x)
{
	note_event(x, visit_of(x)->account.id, "personality", NULL);
	visit_say(x, "personality");
	visit_go(x, "/settings/personalities");
}

static void on_set(struct http *x, struct answer *answer)
{
	struct directory_personality *p = visit_of(x)->more;

	if (answer->rc < 0) {
		/* It is there by now, and changed: the form goes on with it. */
		json_t *values = settings_values("personalities", "Personalities");

		put_values(values, p);
		form_error(values, "password", trouble(answer));
		show(x, values, settings_status(answer->rc));
	} else {
		saved(x);
	}
	visit_answer_done(answer);
}

static const char *field_of(const struct err *err)
{
	return slice_find(slice_str(err->msg), slice_lit("server")) != SIZE_MAX ? "host"
										: "address";
}

static void take_form(struct http *x, struct directory_personality *p)
{
	uint64_t id = 0, port = 0;

	*p = (struct directory_personality){.name = slice_trim(http_form(x, "name")),
		.address = slice_trim(http_form(x, "address")),
		.reply_to = slice_trim(http_form(x, "reply_to")),
		.bcc = slice_trim(http_form(x, "bcc")),
		.signature = http_form(x, "signature"),
		.host = slice_trim(http_form(x, "host")),
		.login = slice_trim(http_form(x, "login"))};
	if (visit_id(http_form(x, "id"), &id))
		p->id = id;
	if (visit_id(http_form(x, "sent"), &id))
		p->sent = id;
	if (slice_starts(p->host, slice_lit("[")) && p->host.ptr[p->host.len - 1] == ']')
		p->host = slice_from(slice_head(p->host, p->host.len - 1), 1);
	p->is_starttls = slice_eq(http_form(x, "security"), slice_lit("starttls"));
	if (!slice_to_u64(slice_trim(http_form(x, "port")), 65535, &port))
		port = 0;
	p->port = p->host.len ? (unsigned)port : 0;
	if (!p->host.len)
		p->login = (struct slice){0};
}

/* False: the form says what is wrong with them. */
static bool has_good_copies(struct http *x, const struct directory_personality *p)
{
	const struct {
		const char *field;
		struct slice text;
	} lists[] = {{"reply_to", p->reply_to}, {"bcc", p->bcc}};

	for (size_t i = 0; i < 2; i++) {
		json_t *values = json_object();
		struct mime_address *list;
		const char *why;

		write_addresses(x, values, lists[i].field, lists[i].text, &list);
		why = json_string_value(json_object_get(
			json_array_get(json_object_get(values, "errors"), 0), "text"));
		if (why)
			show_form(x, lists[i].field, why, 422);
		json_decref(values);
		if (why)
			return false;
	}
	return true;
}

static void save(struct http *x)
{
	struct directory_personality *p = visit_keep(x, sizeof(*p), NULL);
	const struct visit *v = visit_of(x);
	struct err err;
	int rc;

	if (!p) {
		http_fail(x, 413);
		return;
	}
	take_form(x, p);
	if (!has_good_copies(x, p))
		return;
	rc = directory_personality_put(v->service->directory, v->account.id, p, &p->id, &err);
	if (rc == -ERR_NOTFOUND || rc == -ERR_IO) {
		visit_fail(x, rc, &err);
	} else if (rc < 0) {
		show_form(x, field_of(&err), err.msg, 422);
	} else if (p->host.len) {
		mail_external_set(
			v->service, p, http_form(x, "password"), answered, park(x, on_set));
	} else {
		mail_external_hurry(v->service);
		saved(x);
	}
}

/* ---- test, remove ---- */

static void on_tested(struct http *x, struct answer *answer)
{
	const struct directory_personality *p = visit_of(x)->more;
	const struct visit *v = visit_of(x);
	json_t *values;
	struct err err;
	int rc = 0;

	/* What cannot be told now proves nothing, nor that it is over. */
	if (answer->rc == 0 || answer->rc == -ERR_CONFLICT)
		rc = directory_personality_prove(
			v->service->directory, v->account.id, p, answer->rc == 0, &err);
	if (answer->rc == 0 && rc < 0) {
		visit_fail(x, rc, &err);
	} else if (answer->rc < 0) {
		values = settings_values("personalities", "Personalities");
		put_values(values, p);
		form_error(values, "host", trouble(answer));
		show(x, values, 422);
	} else {
		note_event(x, v->account.id, "personality-proven", NULL);
		visit_say(x, "personality_proven");
		visit_go(x, "/settings/personalities");
	}
	visit_answer_done(answer);
}

static void test(struct http *x, uint64_t id)
{
	struct directory_personality *p = visit_keep(x, sizeof(*p), NULL);
	const struct visit *v = visit_of(x);
	struct err err;
	int rc;

	if (!p) {
		http_fail(x, 413);
		return;
	}
	rc = directory_personality(
		v->service->directory, v->account.id, id, http_arena(x), p, &err);
	if (rc < 0 || !p->host.len)
		http_fail(x, 404);
	else
		mail_external_test(v->service, p, answered, park(x, on_tested));
}

static void remove_one(struct http *x, uint64_t id)
{
	const struct visit *v = visit_of(x);
	struct err err;
	const int rc = directory_personality_delete(v->service->directory, v->account.id, id, &err);

	if (rc < 0) {
		visit_fail(x, rc, &err);
		return;
	}
	mail_external_hurry(v->service);
	note_event(x, v->account.id, "personality-removed", NULL);
	visit_say(x, "personality_removed");
	visit_go(x, "/settings/personalities");
}

void page_personalities_change(struct http *x)
{
	const struct slice wish = http_form(x, "do");
	uint64_t id = 0;

	if (slice_eq(wish, slice_lit("save")))
		save(x);
	else if (!visit_id(http_form(x, "id"), &id) || !id)
		http_fail(x, 400);
	else if (slice_eq(wish, slice_lit("test")))
		test(x, id);
	else if (slice_eq(wish, slice_lit("remove")))
		remove_one(x, id);
	else
		http_fail(x, 400);
}
