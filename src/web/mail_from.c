/* mail_from.c - who a message is from: one of the account's addresses, or a personality's. */
#include "mail/resolve.h"
#include "web/pages.h"
#include "web/write.h"
#include "wire/mime/header.h"
#include "wire/smtp/addr.h"

enum { SIGNED_MAX = 4 * WEB_BODY_TEXT_MAX };

static bool may_write_as(struct http *x, struct slice address)
{
	const struct visit *v = visit_of(x);
	struct err err;
	bool may = false;

	return address.len &&
	       mail_may_send_as(v->service->directory, v->account.id, address, &may, &err) == 0 &&
	       may;
}

static void use(struct http *x, struct write *w, struct slice address)
{
	const struct visit *v = visit_of(x);
	struct directory_personality p;
	struct err err;

	w->from = address;
	w->name = v->account.name;
	if (mail_personality_of(
		    v->service->directory, v->account.id, address, http_arena(x), &p, &err) < 0)
		return;
	w->name = p.name.len ? p.name : w->name;
	w->reply_to = p.reply_to;
	w->reply_list = mime_address_parse(p.reply_to, WRITE_ADDRESSES_MAX, http_arena(x));
	w->signature = p.signature;
	w->copies = p.bcc;
	w->sent = p.sent;
}

void write_take_from(struct http *x, struct write *w)
{
	const struct slice from = http_form(x, "from");

	use(x, w, may_write_as(x, from) ? from : visit_of(x)->account.address);
}

void write_begin_from(struct http *x, struct write *w)
{
	const struct slice from = http_param(x, "from");

	use(x, w, may_write_as(x, from) ? from : visit_of(x)->account.address);
}

void write_draft_from(struct http *x, struct write *w, struct slice header)
{
	struct mime_address *from;
	struct mime_field field;
	struct smtp_addr addr;
	struct err err;

	if (!mime_header_find(header, slice_lit("From"), &field))
		return;
	from = mime_address_parse(field.value, 1, http_arena(x));
	if (from && from->kind == MIME_ADDRESS_MAILBOX &&
		smtp_addr_make(from->mailbox, from->domain, http_arena(x), &addr, &err) == 0 &&
		may_write_as(x, addr.text))
		use(x, w, addr.text);
}

void write_add_copies(struct http *x, struct write *w)
{
	struct mime_address **end = &w->bcc_list;

	while (*end)
		end = &(*end)->next;
	if (w->copies.len)
		*end = mime_address_parse(w->copies, WRITE_ADDRESSES_MAX, http_arena(x));
}

static void add_from(json_t *list, struct slice address, struct slice chosen)
{
	json_t *row = json_object();

	json_set_slice(row, "address", address);
	json_object_set_new(row, "is_chosen", json_boolean(slice_eq(address, chosen)));
	json_array_append_new(list, row);
}

/* Every alias that leads here and is one address. */
static void add_aliases(struct http *x, json_t *list, struct slice chosen)
{
	const struct visit *v = visit_of(x);
	struct directory_alias *aliases;
	struct err err;
	size_t n = 0;

	if (directory_account_aliases(
		    v->service->directory, v->account.id, http_arena(x), &aliases, &n, &err) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (aliases[i].address.len && aliases[i].address.ptr[0] != '@' &&
			slice_chr(aliases[i].address, '*') == SIZE_MAX &&
			(i == 0 || !slice_eq(aliases[i].address, aliases[i - 1].address)))
			add_from(list, aliases[i].address, chosen);
	}
}

/* Those elsewhere, whose servers have taken a login. */
static void add_personalities(struct http *x, json_t *list, struct slice chosen)
{
	const struct visit *v = visit_of(x);
	struct directory_personality *all;
	struct err err;
	size_t n = 0;

	if (directory_personalities(
		    v->service->directory, v->account.id, http_arena(x), &all, &n, &err) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (all[i].host.len && may_write_as(x, all[i].address))
			add_from(list, all[i].address, chosen);
	}
}

void write_put_from(struct http *x, json_t *values, struct slice chosen)
{
	json_t *list = json_array();

	json_object_set_new(values, "from_list", list);
	add_from(list, visit_of(x)->account.address, chosen);
	add_aliases(x, list, chosen);
	add_personalities(x, list, chosen);
	json_object_set_new(values, "has_from", json_boolean(json_array_size(list) > 1));
}

/* RFC 3676 4.3: the line before it. */
void write_put_signed(json_t *values, const struct write *w, struct slice after)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, SIGNED_MAX);
	buf_lit(&text, "\n\n-- \n");
	buf_append(&text, w->signature);
	buf_append(&text, after);
	json_set_slice(values, "body", buf_slice(&text));
}
