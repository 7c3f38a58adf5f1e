/* send.c - one notice: who gets it, in which language, and its delivery. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "keeper/credentials.h"
#include "mail/country.h"
#include "notice/compose.h"
#include "notice/internal.h"

enum {
	RETRY_FIRST_S = 30,
	RETRY_MAX_S = 3600,
	ATTEMPTS_MAX = 100, /* some days */
	ARENA_BYTES = 1 << 20,
};

static const struct log_ctx log_ctx = {.service = "notice"};

/* One on its way, until its delivery has ended. */
struct flight {
	struct notices *notices;
	uint64_t id;
	unsigned attempts;
	char *template;
};

static bool is_temporary(int rc)
{
	return rc == -ERR_BUSY || rc == -ERR_IO || rc == -ERR_QUOTA || rc == -ERR_CORRUPT;
}

static void flight_end(
	void *context, int rc, const struct message_added *added, const struct err *err)
{
	struct flight *f = context;
	int64_t pause = (int64_t)RETRY_FIRST_S << (f->attempts < 10 ? f->attempts : 10);

	(void)added;
	if (pause > RETRY_MAX_S)
		pause = RETRY_MAX_S;
	if (rc < 0)
		log_error(&log_ctx, "send", log_c("template", f->template),
			log_n("attempt", f->attempts), log_e(err));
	else
		log_info(&log_ctx, "sent", log_c("template", f->template));
	if (rc < 0 && is_temporary(rc) && f->attempts < ATTEMPTS_MAX)
		notices_mark(f->notices, f->id, NOTICE_WAITING, clock_wall_s() + pause);
	else
		notices_mark(f->notices, f->id, rc < 0 ? NOTICE_FAILED : NOTICE_SENT, 0);
	free(f->template);
	free(f);
}

/* ---- quota ---- */

static json_t *size_text(uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double amount = (double)bytes;
	size_t unit = 0;

	for (; amount >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		amount /= 1024;
	return json_sprintf("%.*f %s", unit ? 1 : 0, amount, units[unit]);
}

void notice_quota(struct service *service, uint64_t account, unsigned percent)
{
	struct directory_account found;
	struct account_usage usage = {.bytes = 0};
	struct arena arena AUTO(arena_done);
	struct account *store;
	struct err err;

	arena_init(&arena, ARENA_BYTES);
	if (directory_account(service->directory, account, &arena, &found, &err) < 0)
		return; /* it has just gone */
	if (store_account(service->store, account, found.quota_bytes, &store, &err) == 0) {
		account_usage(store, &usage);
		account_free(&store);
	}
	notice_send(service, account, percent < 100 ? "quota-90" : "quota-100",
		json_pack("{s:o, s:o}", "used", size_text(usage.bytes), "quota",
			size_text(found.quota_bytes)),
		(struct slice){0});
}

void notice_flood(struct service *service, uint64_t account, struct slice folder)
{
	notice_send(service, account, "flood", json_pack("{s:o}", "folder", notice_text(folder)),
		(struct slice){0});
}

/* ---- an account that may not send ---- */

struct stopped {
	struct service *service;
	uint64_t account;
};

static void on_recovery(void *context, const struct answer *answer)
{
	struct stopped *s = context;
	const struct keeper_text *text = answer->data;

	if (answer->rc < 0)
		log_warn(&log_ctx, "recovery-address", log_e(&answer->err));
	else if (text->len)
		notice_send(s->service, s->account, "sending-stopped", NULL,
			(struct slice){text->text, text->len});
	free(s);
}

/* Whoever has the password may read the mailbox, and delete what is told there. */
void notice_stopped(struct service *service, uint64_t account, const char *why)
{
	struct stopped *s = mem_new(struct stopped);
	const struct keeper_call call = {
		.keeper = service->keeper, .done = on_recovery, .context = s};
	struct directory_account found;
	struct arena arena AUTO(arena_done);
	struct err err;

	arena_init(&arena, ARENA_BYTES);
	*s = (struct stopped){service, account};
	notice_send(service, account, "sending-stopped", NULL, (struct slice){0});
	if (directory_account(service->directory, account, &arena, &found, &err) == 0)
		notice_operator(service, "sending-stopped-operator",
			json_pack("{s:o, s:s}", "account", notice_text(found.address), "why", why),
			(struct slice){0});
	keeper_recovery_address(&call, account);
}

/* ---- whom ---- */

struct recipient {
	struct directory_account account; /* id 0: nobody's */
	struct slice address;             /* in To */
	struct mail_resolved resolved;
};

static int resolve(struct service *s, struct slice to, struct arena *arena,
	struct mail_resolved *out, struct err *err)
{
	const int rc = mail_resolve_anywhere(s->directory, to, arena, out, err);

	for (size_t i = 0; rc == 0 && i < out->n; i++)
		out->targets[i].ignores_quota = true;
	return rc;
}

static int find_recipient(struct notices *n, const struct sending *sending, struct arena *arena,
	struct recipient *out, struct err *err)
{
	struct mail_target *target;
	int rc = 0;

	*out = (struct recipient){.address = sending->to};
	if (sending->account)
		rc = directory_account(
			n->service->directory, sending->account, arena, &out->account, err);
	if (rc < 0)
		return rc;
	if (sending->to.len)
		return resolve(n->service, sending->to, arena, &out->resolved, err);
	target = arena_array(arena, struct mail_target, 1);
	if (!target)
		return err_set(err, ERR_TOOBIG, "too many addresses");
	*target = (struct mail_target){.account = out->account.id,
		.quota_bytes = out->account.quota_bytes,
		.ignores_quota = true,
		.address = out->account.address};
	out->address = out->account.address;
	out->resolved = (struct mail_resolved){.targets = target, .n = 1};
	return out->account.id ? 0 : err_set(err, ERR_NOTFOUND, "nobody to send it to");
}

/* ---- what ---- */

static void set_text(json_t *values, const char *key, struct slice text)
{
	json_t *string = json_stringn(text.ptr ? text.ptr : "", text.len);

	if (string && !json_object_get(values, key))
		json_object_set_new(values, key, string);
	else
		json_decref(string);
}

/* Where the address is that the notice is about. */
static void set_country(struct notices *n, struct slice language, json_t *values)
{
	const char *peer = json_string_value(json_object_get(values, "peer"));
	struct buf name AUTO(buf_done);
	struct slice rest;

	buf_init(&name, COUNTRY_NAME_MAX);
	if (peer)
		country_put(n->service->country, slice_str(peer), slice_cut(language, '-', &rest),
			&name);
	if (name.len)
		set_text(values, "country", buf_slice(&name));
}

static json_t *values_of(struct notices *n, const struct sending *sending,
	const struct recipient *to, struct slice language, int64_t now_s)
{
	const struct notice_config *config = &n->config;
	json_t *values = json_loadb(sending->values.ptr, sending->values.len, 0, NULL);
	const time_t now = (time_t)now_s;
	char when[40];
	struct tm tm;

	if (!json_is_object(values)) {
		json_decref(values);
		values = json_object();
	}
	gmtime_r(&now, &tm);
	set_text(values, "when",
		(struct slice){when, strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &tm)});
	set_text(values, "service", config->name);
	set_text(values, "address", to->account.id ? to->account.address : to->address);
	set_text(values, "name", to->account.name);
	set_text(values, "host", n->service->host_name);
	set_text(values, "home", config->home);
	set_text(values, "help", config->help);
	set_country(n, language, values);
	return values;
}

static int make_message(struct notices *n, const struct sending *sending,
	const struct recipient *to, struct incoming **in_out, uint64_t *own_out, struct err *err)
{
	const struct notice_config *config = &n->config;
	const int64_t now = clock_wall_s();
	struct incoming *in = NULL;
	struct buf text AUTO(buf_done);
	struct compose compose = {
		.language = to->account.language.len ? to->account.language : config->language,
		.from_name = config->name,
		.from_address = config->address,
		.to = to->address,
		.host_name = n->service->host_name,
		.id = sending->id,
		.now_s = now};
	char *template = mem_str(sending->template);
	int rc;

	compose.values = values_of(n, sending, to, compose.language, now);
	buf_init(&text, NOTICE_MESSAGE_MAX);
	compose.template = template;
	rc = compose_message(&compose, &text, own_out, err);
	free(template);
	json_decref(compose.values);
	if (rc < 0)
		return rc;
	in = incoming_new(store_spool_dir(n->service->store), NOTICE_MESSAGE_MAX);
	rc = incoming_append(in, buf_slice(&text), err);
	if (rc == 0)
		rc = incoming_finish(in, err);
	if (rc < 0)
		incoming_free(&in);
	else
		*in_out = in;
	return rc;
}

void sending_start(struct notices *n, const struct sending *sending)
{
	struct flight *f = mem_new(struct flight);
	struct arena arena AUTO(arena_done);
	struct recipient to;
	struct mail_recipient recipient;
	struct mail_envelope envelope;
	struct incoming *in = NULL;
	uint64_t own = 0;
	struct err err;
	int rc;

	*f = (struct flight){.notices = n,
		.id = sending->id,
		.attempts = sending->attempts,
		.template = mem_str(sending->template)};
	arena_init(&arena, ARENA_BYTES);
	rc = find_recipient(n, sending, &arena, &to, &err);
	if (rc == 0)
		rc = make_message(n, sending, &to, &in, &own, &err);
	if (rc < 0) {
		flight_end(f, rc, NULL, &err);
		return;
	}
	recipient = (struct mail_recipient){
		.address = to.address, .notify = NOTIFY_NEVER, .resolved = to.resolved};
	envelope = (struct mail_envelope){.recipients = &recipient,
		.recipients_n = 1,
		.delivery_id = sending->id,
		.is_own = true,
		.own_bytes = own};
	mail_track_received(n->service, "notice", &envelope, in);
	mail_accept_submit(n->service, &envelope, in, flight_end, f);
	incoming_free(&in);
}
