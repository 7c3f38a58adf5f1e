/* client_enter.c - coming in: the server's side of it; see credentials.h for the contract. */
#include <stdlib.h>

#include "base/mem.h"
#include "keeper/client_internal.h"

void client_take_entry(struct frame *f, struct keeper_entry *out)
{
	out->account = frame_u64(f);
	out->seq = frame_u64(f);
	out->credential = frame_u64(f);
	out->scopes = (unsigned)frame_u64(f);
	out->is_new_place = frame_u64(f) != 0;
	out->must_change = frame_u64(f) != 0;
	out->change_by_s = (int64_t)frame_u64(f);
}

static void *read_entry(struct frame *f)
{
	struct keeper_entry *entry = mem_new(struct keeper_entry);

	client_take_entry(f, entry);
	return entry;
}

static bool is_too_long(const struct keeper_call *call, struct slice secret)
{
	if (secret.len <= FRAME_PASSWORD_MAX)
		return false;
	client_fail(call, ERR_DENIED, "no password is so long");
	return true;
}

void keeper_enter(const struct keeper_call *call, const struct keeper_attempt *a)
{
	if (is_too_long(call, a->secret))
		return;
	client_ask(call, FRAME_ENTER, read_entry, ask_n(a->account), ask_s(a->secret),
		ask_n(a->scope), ask_text(a->peer), ask_text(a->program), ask_n(a->kind));
}

void *client_read_web(struct frame *f)
{
	struct keeper_web *web = mem_new(struct keeper_web);

	web->account = frame_u64(f);
	web->session = frame_u64(f);
	web->is_pending = frame_u64(f) != 0;
	web->factors = (unsigned)frame_u64(f);
	web->fresh_until_s = (int64_t)frame_u64(f);
	web->role = (enum keeper_role)frame_u64(f);
	web->group = frame_u64(f);
	web->must_change = frame_u64(f) != 0;
	web->change_by_s = (int64_t)frame_u64(f);
	web->is_new_place = frame_u64(f) != 0;
	client_copy(web->cookie, sizeof(web->cookie), f);
	return web;
}

void keeper_web_begin(const struct keeper_call *call, const struct keeper_attempt *a, bool is_long)
{
	if (is_too_long(call, a->secret))
		return;
	client_ask(call, FRAME_WEB_BEGIN, client_read_web, ask_n(a->account), ask_s(a->secret),
		ask_n(SCOPE_WEB), ask_text(a->peer), ask_text(a->program), ask_n(a->kind),
		ask_n(is_long));
}

void keeper_web_check(const struct keeper_call *call, struct slice cookie, struct slice peer)
{
	client_ask(call, FRAME_WEB_CHECK, client_read_web, ask_text(cookie), ask_text(peer));
}

void keeper_web_factor(const struct keeper_call *call, struct slice cookie,
	enum keeper_factor factor, struct slice data, struct slice peer)
{
	if (factor == FACTOR_PASSWORD && is_too_long(call, data))
		return;
	client_ask(call, FRAME_WEB_FACTOR, client_read_web, ask_text(cookie), ask_n(factor),
		ask_s(data), ask_text(peer));
}

void keeper_web_end(const struct keeper_call *call, struct slice cookie, uint64_t session)
{
	client_ask(call, FRAME_WEB_END, NULL, ask_text(cookie), ask_n(session));
}

void keeper_web_end_all(const struct keeper_call *call, struct slice cookie)
{
	client_ask(call, FRAME_WEB_END_ALL, NULL, ask_text(cookie));
}
