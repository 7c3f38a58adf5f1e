/* client_factor.c - factors, SCRAM, recovery and tokens: the server's side; see credentials.h for
 * the contract. */
#include <string.h>

#include "base/mem.h"
#include "keeper/client_internal.h"

/* ---- factors ---- */

void keeper_web_challenge(
	const struct keeper_call *call, struct slice cookie, enum keeper_factor factor)
{
	client_ask(call, FRAME_WEB_CHALLENGE, client_read_text, ask_text(cookie), ask_n(factor));
}

void keeper_web_passkey(const struct keeper_call *call, struct slice challenge_id,
	struct slice data, struct slice peer, struct slice program)
{
	client_ask(call, FRAME_WEB_PASSKEY, data.len ? client_read_web : client_read_text,
		ask_text(challenge_id), ask_s(data), ask_text(peer), ask_text(program));
}

void keeper_list_factors(const struct keeper_call *call, struct slice cookie, uint64_t account)
{
	client_ask(call, FRAME_LIST_FACTORS, client_read_list, ask_text(cookie), ask_n(account));
}

void keeper_factor_begin(const struct keeper_call *call, struct slice cookie,
	enum keeper_factor factor, struct slice data, struct slice address)
{
	client_ask(call, FRAME_FACTOR_BEGIN, client_read_text, ask_text(cookie), ask_n(factor),
		ask_text(data), ask_text(address));
}

void keeper_factor_confirm(const struct keeper_call *call, struct slice cookie,
	enum keeper_factor factor, struct slice name, struct slice data)
{
	client_ask(call, FRAME_FACTOR_CONFIRM, client_read_text, ask_text(cookie), ask_n(factor),
		ask_text(name), ask_s(data));
}

void keeper_factor_remove(const struct keeper_call *call, struct slice cookie, uint64_t id)
{
	client_ask(call, FRAME_FACTOR_REMOVE, NULL, ask_text(cookie), ask_n(id));
}

void keeper_recovery_codes(const struct keeper_call *call, struct slice cookie)
{
	client_ask(call, FRAME_RECOVERY_CODES, client_read_text, ask_text(cookie));
}

/* ---- SCRAM ---- */

static void *read_scram(struct frame *f)
{
	struct keeper_scram_reply *reply = mem_new(struct keeper_scram_reply);
	struct slice message;

	reply->exchange = frame_u64(f);
	client_take_entry(f, &reply->entry);
	message = frame_bytes(f);
	if (message.len > sizeof(reply->message))
		f->is_bad = true;
	else if (message.len)
		memcpy(reply->message, message.ptr, message.len);
	reply->message_len = f->is_bad ? 0 : message.len;
	return reply;
}

void keeper_scram_begin(const struct keeper_call *call, const struct keeper_scram *scram)
{
	client_ask(call, FRAME_SCRAM_BEGIN, read_scram, ask_n(scram->account), ask_n(scram->scope),
		ask_text(scram->peer), ask_text(scram->program), ask_s(scram->client_first),
		ask_s(scram->binding));
}

void keeper_scram_end(const struct keeper_call *call, uint64_t exchange, struct slice client_final)
{
	client_ask(call, FRAME_SCRAM_END, read_scram, ask_n(exchange), ask_s(client_final));
}

/* ---- recovery ---- */

static void *read_sent(struct frame *f)
{
	struct keeper_recovery_sent *sent = mem_new(struct keeper_recovery_sent);

	client_copy(sent->confirm, sizeof(sent->confirm), f);
	client_copy(sent->cancel, sizeof(sent->cancel), f);
	client_copy(sent->old_address, sizeof(sent->old_address), f);
	return sent;
}

void keeper_recovery_set(const struct keeper_call *call, struct slice cookie, struct slice address)
{
	client_ask(call, FRAME_RECOVERY_SET, read_sent, ask_text(cookie), ask_s(address));
}

void keeper_recovery_confirm(const struct keeper_call *call, struct slice cookie, struct slice code)
{
	client_ask(call, FRAME_RECOVERY_CONFIRM, NULL, ask_text(cookie), ask_text(code));
}

void keeper_recovery_cancel(const struct keeper_call *call, struct slice code)
{
	client_ask(call, FRAME_RECOVERY_CANCEL, NULL, ask_text(code));
}

void keeper_recovery_by_mail(const struct keeper_call *call, struct slice cookie, bool may_reset)
{
	client_ask(call, FRAME_RECOVERY_BY_MAIL, NULL, ask_text(cookie), ask_n(may_reset));
}

static void *read_reset(struct frame *f)
{
	struct keeper_reset *reset = mem_new(struct keeper_reset);

	client_copy(reset->to, sizeof(reset->to), f);
	client_copy(reset->code, sizeof(reset->code), f);
	return reset;
}

void keeper_reset_begin(const struct keeper_call *call, uint64_t account, struct slice peer)
{
	client_ask(call, FRAME_RESET_BEGIN, read_reset, ask_n(account), ask_text(peer));
}

void keeper_reset_challenge(
	const struct keeper_call *call, struct slice code, enum keeper_factor factor)
{
	client_ask(call, FRAME_RESET_CHALLENGE, client_read_text, ask_text(code), ask_n(factor));
}

void keeper_reset_end(const struct keeper_call *call, struct slice code, struct slice address,
	struct slice password, enum keeper_factor factor, struct slice data, struct slice peer)
{
	client_ask(call, FRAME_RESET_END, NULL, ask_text(code), ask_text(address), ask_s(password),
		ask_n(factor), ask_s(data), ask_text(peer));
}

/* ---- tokens ---- */

void keeper_grant_code(const struct keeper_call *call, struct slice cookie, struct slice client,
	struct slice redirect, unsigned scopes, struct slice challenge)
{
	client_ask(call, FRAME_GRANT_CODE, client_read_text, ask_text(cookie), ask_text(client),
		ask_s(redirect), ask_n(scopes), ask_text(challenge));
}

static void *read_tokens(struct frame *f)
{
	struct keeper_tokens *tokens = mem_new(struct keeper_tokens);

	tokens->account = frame_u64(f);
	tokens->scopes = (unsigned)frame_u64(f);
	tokens->expires_in_s = (int64_t)frame_u64(f);
	client_copy(tokens->access, sizeof(tokens->access), f);
	client_copy(tokens->refresh, sizeof(tokens->refresh), f);
	return tokens;
}

void keeper_grant_exchange(const struct keeper_call *call, struct slice client,
	struct slice redirect, struct slice code, struct slice verifier)
{
	client_ask(call, FRAME_GRANT_EXCHANGE, read_tokens, ask_text(client), ask_s(redirect),
		ask_text(code), ask_text(verifier));
}

void keeper_grant_refresh(const struct keeper_call *call, struct slice client, struct slice token)
{
	client_ask(call, FRAME_GRANT_REFRESH, read_tokens, ask_text(client), ask_text(token));
}

static void *read_device(struct frame *f)
{
	struct keeper_device *device = mem_new(struct keeper_device);

	client_copy(device->device_code, sizeof(device->device_code), f);
	client_copy(device->user_code, sizeof(device->user_code), f);
	device->expires_in_s = (int64_t)frame_u64(f);
	device->interval_s = (int64_t)frame_u64(f);
	return device;
}

void keeper_device_begin(const struct keeper_call *call, struct slice client, unsigned scopes)
{
	client_ask(call, FRAME_DEVICE_BEGIN, read_device, ask_text(client), ask_n(scopes));
}

void keeper_device_find(const struct keeper_call *call, struct slice cookie, struct slice user_code)
{
	client_ask(
		call, FRAME_DEVICE_FIND, client_read_list, ask_text(cookie), ask_text(user_code));
}

void keeper_device_decide(const struct keeper_call *call, struct slice cookie,
	struct slice user_code, bool is_allowed)
{
	client_ask(call, FRAME_DEVICE_DECIDE, NULL, ask_text(cookie), ask_text(user_code),
		ask_n(is_allowed));
}

void keeper_device_poll(const struct keeper_call *call, struct slice client, struct slice code)
{
	client_ask(call, FRAME_DEVICE_POLL, read_tokens, ask_text(client), ask_text(code));
}

void keeper_token_revoke(const struct keeper_call *call, struct slice token)
{
	client_ask(call, FRAME_TOKEN_REVOKE, NULL, ask_text(token));
}

void keeper_token_remove(const struct keeper_call *call, struct slice cookie, uint64_t id)
{
	client_ask(call, FRAME_TOKEN_REMOVE, NULL, ask_text(cookie), ask_n(id));
}

void keeper_list_tokens(const struct keeper_call *call, struct slice cookie, uint64_t account)
{
	client_ask(call, FRAME_LIST_TOKENS, client_read_list, ask_text(cookie), ask_n(account));
}
