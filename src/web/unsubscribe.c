/* unsubscribe.c - leaving the list that a message came by: mail/unsubscribe.h. */
#include "mail/unsubscribe.h"
#include "mail/resolve.h"
#include "web/admin.h"
#include "web/mail.h"
#include "web/pages.h"
#include "wire/http/url.h"
#include "wire/smtp/addr.h"

enum { ADDRESSES_MAX = 100, STATUS_OK = 2, HUNDRED = 100 };

/* ---- what a message's page shows ---- */

/* The address of the account that the message was sent to; empty: it does not say. */
static struct slice addressed(struct http *x, struct slice header)
{
	static const char *const fields[] = {"Delivered-To", "To", "Cc"};
	const struct visit *v = visit_of(x);

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct mime_address *a = NULL;
		struct mime_field field;

		if (mime_header_find(header, slice_str(fields[i]), &field))
			a = mime_address_parse(field.value, ADDRESSES_MAX, http_arena(x));
		for (; a; a = a->next) {
			struct smtp_addr addr;
			struct err err;
			bool may = false;

			if (a->kind == MIME_ADDRESS_MAILBOX &&
				smtp_addr_make(a->mailbox, a->domain, http_arena(x), &addr, &err) ==
					0 &&
				mail_may_send_as(v->service->directory, v->account.id, addr.text,
					&may, &err) == 0 &&
				may)
				return addr.text;
		}
	}
	return (struct slice){0};
}

/* The form for messages, filled in; it is sent when its user says so. */
static void put_mail(struct http *x, json_t *values, struct slice mail, struct slice header)
{
	struct buf query AUTO(buf_done);

	buf_init(&query, 4 * UNSUBSCRIBE_URL_MAX);
	buf_lit(&query, "mailto=");
	http_url_encode(&query, mail);
	buf_lit(&query, "&from=");
	http_url_encode(&query, addressed(x, header));
	json_set_slice(values, "unsubscribe_mail", buf_slice(&query));
}

void unsubscribe_put(struct http *x, json_t *values, struct slice header)
{
	struct mail_unsubscribe found;

	mail_unsubscribe_read(header, visit_of(x)->service->host_name, http_arena(x), &found);
	json_object_set_new(
		values, "can_unsubscribe", json_boolean(found.web.len || found.mail.len));
	if (found.is_one_click)
		json_set_true(values, "unsubscribe_at_once");
	else if (found.web.len)
		json_set_slice(values, "unsubscribe_web", found.web);
	if (found.mail.len && !found.is_one_click)
		put_mail(x, values, found.mail, header);
}

/* ---- the button ---- */

struct leaving {
	struct mail_message m;
};

static void free_leaving(void *more)
{
	mail_message_done(&((struct leaving *)more)->m);
}

static void on_posted(struct http *x, struct answer *answer)
{
	const struct leaving *l = visit_of(x)->more;
	json_t *reply = admin_take_courier(answer);
	const json_int_t status = json_integer_value(json_object_get(reply, "status"));

	if (!reply)
		log_info(http_log(x), "unsubscribe", log_e(&answer->err));
	visit_say(x, reply && status / HUNDRED == STATUS_OK ? "unsubscribed" : "not_unsubscribed");
	visit_go(x, "/mail/f/%llx/%u", (unsigned long long)l->m.folder.id, l->m.entry.uid);
	json_decref(reply);
}

static void leave(struct http *x, struct account_reader *reader)
{
	struct leaving *l = visit_of(x)->more;
	struct mail_unsubscribe found = {.is_one_click = false};
	struct err err;
	const int rc = mail_load(&l->m, reader, &err);

	if (rc == 0)
		mail_unsubscribe_read(buf_slice(&l->m.header), visit_of(x)->service->host_name,
			http_arena(x), &found);
	if (rc < 0)
		visit_fail(x, rc, &err);
	else if (!found.is_one_click)
		http_fail(x, 400);
	else
		admin_ask_courier(x,
			json_pack("{s:s, s:o}", "do", "unsubscribe", "url", json_slice(found.web)),
			on_posted);
}

void page_unsubscribe(struct http *x)
{
	struct leaving *l = visit_keep(x, sizeof(*l), free_leaving);

	if (!l)
		http_fail(x, 413);
	else if (mail_open(x, &l->m))
		visit_read(x, leave);
}
