/* client_account.c - an account's credentials, lists and settings: the server's side; see
 * credentials.h for the contract. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "keeper/client_internal.h"

enum { ITEMS_MAX = 4096 };

void client_copy(char *out, size_t size, struct frame *f)
{
	const struct slice s = frame_bytes(f);

	if (s.len >= size)
		f->is_bad = true;
	else if (s.len)
		memcpy(out, s.ptr, s.len);
}

void *client_read_text(struct frame *f)
{
	const struct slice s = frame_bytes(f);
	struct keeper_text *text = mem_zalloc(sizeof(*text) + s.len + 1);

	text->len = s.len;
	if (s.len)
		memcpy(text->text, s.ptr, s.len);
	return text;
}

static void read_item(struct frame *f, struct keeper_item *item)
{
	item->id = frame_u64(f);
	item->created_s = (int64_t)frame_u64(f);
	item->seen_s = (int64_t)frame_u64(f);
	item->kind = (unsigned)frame_u64(f);
	item->scopes = (unsigned)frame_u64(f);
	item->is_this = frame_u64(f) != 0;
	item->needs_factor = frame_u64(f) != 0;
	item->is_before_change = frame_u64(f) != 0;
	item->name = frame_bytes(f);
	item->peer = frame_bytes(f);
	item->program = frame_bytes(f);
}

static struct slice move_text(char **space, struct slice s)
{
	const struct slice moved = {*space, s.len};

	if (s.len)
		memcpy(*space, s.ptr, s.len);
	*space += s.len;
	return moved;
}

/* One piece of memory: the items, and their texts behind them. */
void *client_read_list(struct frame *f)
{
	const struct frame begin = *f;
	struct keeper_item item;
	struct keeper_list *list;
	size_t n = 0;
	char *space;

	while (f->rest.len && !f->is_bad && n < ITEMS_MAX) {
		read_item(f, &item);
		n++;
	}
	if (!frame_end(f))
		return NULL;
	list = mem_zalloc(sizeof(*list) + n * sizeof(item) + begin.rest.len);
	list->n = n;
	space = (char *)&list->items[n];
	*f = begin;
	for (size_t i = 0; i < n; i++) {
		read_item(f, &list->items[i]);
		list->items[i].name = move_text(&space, list->items[i].name);
		list->items[i].peer = move_text(&space, list->items[i].peer);
		list->items[i].program = move_text(&space, list->items[i].program);
	}
	return list;
}

void keeper_list_sessions(const struct keeper_call *call, struct slice cookie, uint64_t account)
{
	client_ask(call, FRAME_LIST_SESSIONS, client_read_list, ask_text(cookie), ask_n(account));
}

void keeper_list_apps(const struct keeper_call *call, struct slice cookie, uint64_t account)
{
	client_ask(call, FRAME_LIST_APPS, client_read_list, ask_text(cookie), ask_n(account));
}

/* ---- passwords and accounts ---- */

void keeper_change_password(const struct keeper_call *call, struct slice cookie,
	struct slice address, struct slice before, struct slice after)
{
	client_ask(call, FRAME_CHANGE_PASSWORD, NULL, ask_text(cookie), ask_text(address),
		ask_s(before), ask_s(after));
}

void keeper_reset_password(const struct keeper_call *call, struct slice cookie, uint64_t account,
	struct slice address, struct slice after)
{
	client_ask(call, FRAME_RESET_PASSWORD, NULL, ask_text(cookie), ask_n(account),
		ask_text(address), ask_s(after));
}

void keeper_account_new(const struct keeper_call *call, struct slice cookie, uint64_t account,
	uint64_t group, struct slice address, struct slice password)
{
	client_ask(call, FRAME_ACCOUNT_NEW, NULL, ask_text(cookie), ask_n(account), ask_n(group),
		ask_text(address), ask_s(password));
}

void keeper_account_gone(const struct keeper_call *call, struct slice cookie, uint64_t account)
{
	client_ask(call, FRAME_ACCOUNT_GONE, NULL, ask_text(cookie), ask_n(account));
}

/* ---- alternative logins, services ---- */

void keeper_app_add(const struct keeper_call *call, struct slice cookie, struct slice name,
	unsigned scopes, bool needs_factor)
{
	client_ask(call, FRAME_APP_ADD, client_read_text, ask_text(cookie), ask_s(name),
		ask_n(scopes), ask_n(needs_factor));
}

void keeper_app_certificate(const struct keeper_call *call, struct slice cookie, struct slice name,
	unsigned scopes, struct slice hash)
{
	client_ask(call, FRAME_APP_CERTIFICATE, NULL, ask_text(cookie), ask_s(name), ask_n(scopes),
		ask_s(hash));
}

void keeper_app_remove(const struct keeper_call *call, struct slice cookie, uint64_t id)
{
	client_ask(call, FRAME_APP_REMOVE, NULL, ask_text(cookie), ask_n(id));
}

void keeper_set_scopes(const struct keeper_call *call, struct slice cookie, unsigned open)
{
	client_ask(call, FRAME_SET_SCOPES, NULL, ask_text(cookie), ask_n(open));
}

static void *read_settings(struct frame *f)
{
	struct keeper_settings *s = mem_new(struct keeper_settings);

	s->scopes = (unsigned)frame_u64(f);
	s->factors = (unsigned)frame_u64(f);
	s->recovery_codes = (unsigned)frame_u64(f);
	s->may_reset_by_mail = frame_u64(f) != 0;
	s->password_changed_s = (int64_t)frame_u64(f);
	client_copy(s->recovery_address, sizeof(s->recovery_address), f);
	client_copy(s->recovery_address_pending, sizeof(s->recovery_address_pending), f);
	return s;
}

void keeper_get_settings(const struct keeper_call *call, struct slice cookie)
{
	client_ask(call, FRAME_GET_SETTINGS, read_settings, ask_text(cookie));
}
