/* deliver.c - one message into one account, through the account's write queue. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "mail/flood.h"
#include "mail/limits.h"

struct mail_delivery {
	struct account_write write;
	struct service *service;
	uint64_t id;   /* the account's */
	char *address; /* the target's */
	char *named;   /* as its sender named it; empty: the same */
	struct account *account;
	struct incoming *in;
	uint64_t mailbox, delivery_id;
	bool is_inbox; /* whose owner did not say where it goes */
	struct flood flood;
	struct message_added added;
	mail_done_fn *done;
	void *context;
};

static void delivery_free(struct mail_delivery *d)
{
	account_free(&d->account);
	incoming_free(&d->in);
	free(d->address);
	free(d->named);
	free(d);
}

static int delivery_run(struct account_write *w, struct account_tx *tx, struct err *err)
{
	struct mail_delivery *d = (struct mail_delivery *)w;

	if (d->is_inbox)
		return flood_add(tx, &d->flood, &d->added, err);
	return tx_add(tx, d->mailbox, d->in, 0, d->delivery_id, &d->added, err);
}

static void track_outcome(const struct mail_delivery *d, int rc, const struct err *err)
{
	struct track *track = d->service->track;

	if (rc < 0)
		track_event(track, d->in->number, "not-stored", log_c("to", d->address),
			log_c("for", d->named), track_account(d->id), log_e(err));
	else
		track_event(track, d->in->number, d->added.is_repeat ? "stored-before" : "stored",
			log_c("to", d->address), log_c("for", d->named), track_account(d->id),
			log_n("mailbox", (int64_t)d->added.mailbox),
			log_n("uid", (int64_t)d->added.uid), log_n("bytes", (int64_t)d->in->size));
}

static void delivery_done(struct account_write *w, int rc, const struct err *err)
{
	struct mail_delivery *d = (struct mail_delivery *)w;
	struct account_usage usage;

	track_outcome(d, rc, err);
	if (rc == 0 && !w->ignores_quota) {
		account_usage(d->account, &usage);
		mail_quota_stored(d->service, d->id, usage.bytes, usage.quota_bytes);
	}
	if (rc == 0 && d->flood.has_begun && d->service->tell_flood)
		d->service->tell_flood(
			d->service, d->id, flood_folder(slice_str(d->flood.language)));
	d->done(d->context, rc, rc < 0 ? NULL : &d->added, err);
	delivery_free(d);
}

/* An account that was deleted after its address was accepted must not come to life again. It is
 * looked up after account was taken: from then on store_remove() finds that very object. */
static int check_exists(struct mail_delivery *d, struct err *err)
{
	struct directory_account account;
	struct arena arena AUTO(arena_done);
	int rc;

	arena_init(&arena, 4096);
	rc = directory_account(d->service->directory, d->id, &arena, &account, err);
	if (rc == 0)
		snprintf(d->flood.language, sizeof(d->flood.language), "%.*s",
			SLICE_ARG(account.language));
	return rc;
}

/* What the service itself says is never part of a flood. */
static void look_for_flood(struct mail_delivery *d, bool is_own)
{
	d->is_inbox = true;
	d->flood.look = flood_look(buf_slice(&d->in->prepared));
	d->flood.account = d->account;
	d->flood.inbox = d->mailbox;
	d->flood.delivery_id = d->delivery_id;
	d->flood.in = d->in;
	if (is_own)
		d->flood.look.kind = FLOOD_SECURITY;
}

static int find_mailbox(struct account *account, struct slice name, bool is_suspect,
	uint64_t *id_out, struct err *err)
{
	struct mailbox_info info;
	struct arena arena AUTO(arena_done);
	int rc = -ERR_NOTFOUND;

	arena_init(&arena, 4 * MAILBOX_NAME_MAX);
	if (is_suspect && name.len == 0)
		rc = account_mailbox(account, name, 0, ROLE_JUNK, &arena, &info, err);
	if (rc == -ERR_NOTFOUND)
		rc = account_mailbox(
			account, name, 0, name.len ? ROLE_NONE : ROLE_INBOX, &arena, &info, err);
	if (rc == 0)
		*id_out = info.id;
	return rc;
}

void mail_deliver(struct service *service, const struct mail_target *target, struct slice mailbox,
	struct incoming *in, uint64_t delivery_id, mail_done_fn *done, void *context)
{
	struct mail_delivery *d = mem_new(struct mail_delivery);
	struct err err;
	int rc;

	*d = (struct mail_delivery){
		.write = {.run = delivery_run, .done = delivery_done, .is_adding = true},
		.service = service,
		.id = target->account,
		.delivery_id = delivery_id,
		.done = done,
		.context = context};
	d->write.ignores_quota = target->ignores_quota;
	d->address = mem_str(target->address);
	d->named = mem_str(
		slice_eq(target->named, target->address) ? (struct slice){0} : target->named);
	d->in = incoming_ref(in);
	rc = store_account(service->store, target->account, target->quota_bytes, &d->account, &err);
	if (rc == 0)
		rc = check_exists(d, &err);
	if (rc == 0)
		rc = find_mailbox(d->account, mailbox, target->is_suspect, &d->mailbox, &err);
	if (rc < 0) {
		track_outcome(d, rc, &err);
		done(context, rc, NULL, &err);
		delivery_free(d);
		return;
	}
	if (mailbox.len == 0)
		look_for_flood(d, target->ignores_quota);
	account_submit(d->account, &d->write);
}

void mail_revoke(struct service *service, uint64_t account)
{
	const size_t n = mail_sessions_end(&service->sessions, service->pool, account);

	if (n)
		log_info(NULL, "sessions-revoked", log_n("sessions", (int64_t)n));
	if (service->tell_revoked)
		service->tell_revoked(service->context, account);
}

bool mail_is_over_quota(struct service *service, const struct mail_target *target, uint64_t bytes)
{
	struct account_usage usage;
	struct account *account;
	struct err err;

	if (!target->account || !target->quota_bytes ||
		store_account(
			service->store, target->account, target->quota_bytes, &account, &err) < 0)
		return false;
	account_usage(account, &usage);
	account_free(&account);
	return usage.bytes > target->quota_bytes || bytes > target->quota_bytes - usage.bytes;
}
