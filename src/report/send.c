/*
 * send.c - the report of one domain's period: whom to, what, and on its way.
 *
 * Invariants
 *   1. A period is marked as sent after all its mail is in the queue. What was queued before a
 *      crash is queued again with the same delivery id, and kept once.
 *   2. Nothing is sent to an address that did not ask for it (report/target.h); the envelope's
 *      sender is empty, so nothing comes back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ask/ask.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "report/letter.h"
#include "report/pack.h"
#include "report/post.h"
#include "report/send.h"
#include "report/target.h"

enum {
	NAMES_MS = 20000,
	ROUNDS_MAX = 4,
	ATTEMPTS_MAX = 12,
	RETRY_FIRST_S = 300,
	RETRY_MAX_S = 4 * 3600,
	VIEW_BYTES = 1 << 20,
};

/* ---- its end ---- */

static int64_t pause_s(const struct flight *f)
{
	const int64_t pause = (int64_t)RETRY_FIRST_S << (f->attempts < 8 ? f->attempts : 8);

	return pause < RETRY_MAX_S ? pause : RETRY_MAX_S;
}

/* A report that is sent again keeps the history of its first message. */
static int mark_delivery(struct db *db, const struct delivery *d, struct err *err)
{
	return db_do(db, err,
		"INSERT INTO dispatch (of, target, at, number, outcome, reply, due, looks)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?3, 0) ON CONFLICT (of, target) DO UPDATE SET"
		" number = iif(number, number, excluded.number), outcome = excluded.outcome,"
		" reply = excluded.reply",
		db_i(d->flight->id), db_t(d->target), db_i(clock_wall_s()),
		db_i((int64_t)d->number), db_i(d->outcome), db_t(slice_str(d->reply)));
}

static int mark_rows(
	struct db *db, const struct flight *f, enum report_state state, struct err *err)
{
	int rc = db_do(db, err,
		"UPDATE sending SET state = ?, attempts = attempts + 1, due = ? WHERE id = ?",
		db_i(state), db_i(clock_wall_s() + pause_s(f)), db_i(f->id));

	if (rc == 0 && state != REPORT_GATHERING)
		rc = db_do(db, err, "DELETE FROM seen WHERE of = ?", db_i(f->id));
	for (size_t i = 0; rc == 0 && i < f->targets.n; i++)
		rc = f->deliveries[i].target.len ? mark_delivery(db, &f->deliveries[i], err) : 0;
	return rc;
}

static void flight_end(struct flight *f, enum report_state state)
{
	struct reports *r = f->reports;
	void (*then)(struct reports *, bool) = f->then;
	struct db *db = later_lock(&r->later);
	struct err err;
	int rc = db_begin(db, &err);

	if (rc == 0)
		rc = mark_rows(db, f, state, &err);
	if (rc == 0)
		rc = db_commit(db, &err);
	else
		db_rollback(db);
	later_unlock(&r->later);
	if (rc < 0)
		log_error(&report_log, "mark", log_e(&err));
	buf_done(&f->packed);
	pthread_mutex_destroy(&f->lock);
	arena_done(&f->arena);
	free(f);
	then(r, true);
}

static void flight_fail(struct flight *f, const struct err *err)
{
	const bool is_last = f->attempts + 1 >= ATTEMPTS_MAX;

	log_warn(&report_log, "not_sent", log_s("about", f->domain),
		log_n("attempt", f->attempts + 1), log_e(err));
	flight_end(f, is_last ? REPORT_FAILED : REPORT_GATHERING);
}

/* ---- deliveries ---- */

static bool is_temporary(int rc)
{
	return rc == -ERR_BUSY || rc == -ERR_IO || rc == -ERR_QUOTA || rc == -ERR_CORRUPT;
}

/* One of those that it waits for has ended; after the last the flight is gone. */
static void leave(struct flight *f, int rc, const struct err *err)
{
	bool is_last;

	pthread_mutex_lock(&f->lock);
	if (rc < 0 && (f->rc == 0 || is_temporary(rc))) {
		f->rc = rc;
		f->err = *err;
	}
	is_last = --f->waiting == 0;
	pthread_mutex_unlock(&f->lock);
	if (!is_last)
		return;
	if (f->rc < 0 && is_temporary(f->rc)) {
		flight_fail(f, &f->err);
		return;
	}
	if (f->rc < 0)
		log_warn(&report_log, "refused", log_s("about", f->domain), log_e(&f->err));
	log_info(&report_log, "sent", log_s("about", f->domain), log_n("kind", f->kind),
		log_n("targets", (int64_t)f->targets.n), log_n("bytes", (int64_t)f->packed.len));
	flight_end(f, REPORT_SENT);
}

void delivery_end(struct delivery *d, int rc, const struct err *err)
{
	/* What is mail has a history from here on, and what is not has arrived. */
	if (rc == 0)
		d->outcome = d->number && !d->is_here ? OUTCOME_WAITING : OUTCOME_DELIVERED;
	else if (!is_temporary(rc))
		d->outcome = OUTCOME_REFUSED;
	if (rc < 0) {
		d->number = 0;
		snprintf(d->reply, sizeof(d->reply), "%s", err->msg);
	}
	leave(d->flight, rc, err);
}

static void on_accepted(
	void *context, int rc, const struct message_added *added, const struct err *err)
{
	struct delivery *d = context;

	d->is_here = added;
	delivery_end(d, rc, err);
}

/* The same for each attempt to send this report there. */
static uint64_t delivery_id(const struct flight *f, struct slice address)
{
	unsigned char digest[SHA256_LEN];
	struct buf text AUTO(buf_done);

	buf_init(&text, TARGET_TEXT_MAX + 32);
	buf_printf(&text, "%lld %.*s", (long long)f->id, SLICE_ARG(address));
	sha256(buf_slice(&text), digest);
	return (be64_get(digest) >> 1) | 1;
}

static struct letter_of letter_of(const struct flight *f)
{
	const struct report_config *config = &f->reports->config;

	return (struct letter_of){.kind = (enum letter_kind)f->kind,
		.domain = f->domain,
		.submitter = f->reports->service->host_name,
		.from = f->from,
		.from_name = config->organisation,
		.id = (uint64_t)f->id,
		.begin_s = f->begin_s,
		.end_s = f->end_s,
		.now_s = clock_wall_s(),
		.packed = buf_slice(&f->packed),
		.failure = f->policy,
		.incidents = f->rows};
}

static int make_mail(struct flight *f, struct slice address, struct incoming **in_out,
	uint64_t *own_out, struct err *err)
{
	struct letter_of letter = letter_of(f);
	struct incoming *in;
	struct buf text AUTO(buf_done);
	int rc;

	letter.to = address;
	buf_init(&text, LETTER_MAX);
	rc = letter_put(&letter, &text, own_out, err);
	if (rc < 0)
		return rc;
	in = incoming_new(store_spool_dir(f->reports->service->store), LETTER_MAX);
	rc = incoming_append(in, buf_slice(&text), err);
	if (rc == 0)
		rc = incoming_finish(in, err);
	if (rc < 0)
		incoming_free(&in);
	else
		*in_out = in;
	return rc;
}

/* Ends in delivery_end(). */
static void send_mail(struct delivery *d)
{
	struct flight *f = d->flight;
	struct service *service = f->reports->service;
	const struct slice address = d->target;
	struct mail_recipient recipient = {.address = address, .notify = NOTIFY_NEVER};
	struct mail_envelope envelope = {.recipients = &recipient,
		.recipients_n = 1,
		/* RFC 8460 3: what is wrong with TLS must not keep the report of it back. */
		.wishes = {.priority = MAIL_BULK, .is_tls_optional = f->kind == REPORT_TLS},
		.is_report = true,
		.delivery_id = delivery_id(f, address)};
	struct incoming *in AUTO(incoming_free) = NULL;
	uint64_t own = 0;
	struct err err;
	int rc = mail_resolve_anywhere(
		service->directory, address, &f->arena, &recipient.resolved, &err);

	if (rc == 0)
		rc = make_mail(f, address, &in, &own, &err);
	if (rc < 0) {
		delivery_end(d, rc, &err);
		return;
	}
	envelope.own_bytes = own;
	d->number = in->number = random_dated();
	mail_track_received(service, "report", &envelope, in);
	mail_accept_submit(service, &envelope, in, on_accepted, d);
}

/* To ourselves, the short way. */
static int keep_own(struct flight *f, struct slice address, struct err *err)
{
	struct reports *r = f->reports;
	const struct received how = {
		r->service->host_name, slice_from(address, slice_rchr(address, '@') + 1)};

	return receive_bytes(r, buf_slice(&f->packed), &how, err);
}

static void deliver(struct delivery *d, const struct target *target)
{
	struct flight *f = d->flight;
	const struct letter_of letter = letter_of(f);
	struct err err;
	int rc;

	if (target->bytes_max && letter_travels(&letter) > target->bytes_max) {
		rc = err_set(
			&err, ERR_TOOBIG, "larger than %.*s takes", SLICE_ARG(target->address));
		delivery_end(d, rc, &err);
	} else if (target->url.len) {
		post_report(d, target->url);
	} else if (f->kind != REPORT_FAILURE &&
		   report_takes(f->reports->service, target->address)) {
		rc = keep_own(f, target->address, &err);
		delivery_end(d, rc, &err);
	} else {
		send_mail(d);
	}
}

static void deliver_all(struct flight *f)
{
	f->waiting = f->targets.n + 1;
	for (size_t i = 0; i < f->targets.n; i++) {
		const struct target *t = &f->targets.list[i];

		f->deliveries[i] =
			(struct delivery){.flight = f, .target = t->url.len ? t->url : t->address};
	}
	for (size_t i = 0; i < f->targets.n; i++)
		deliver(&f->deliveries[i], &f->targets.list[i]);
	leave(f, 0, NULL);
}

/* ---- whom to ---- */

static void look(struct flight *f);

static void on_names(void *context)
{
	struct flight *f = context;

	if (reports_are_closing(f->reports))
		flight_end(f, REPORT_GATHERING);
	else
		look(f);
}

static bool find_targets(struct flight *f)
{
	return f->kind == REPORT_TLS ? targets_of_tls(f->domain, &f->view, &f->targets)
				     : targets_of_dmarc(f->domain, f->rua, &f->view, &f->targets);
}

static void look(struct flight *f)
{
	struct err err;

	if (!find_targets(f)) {
		if (f->rounds++ < ROUNDS_MAX) {
			ask_names(f->reports->service->ask, &f->view, NAMES_MS, on_names, f);
			return;
		}
		dns_view_fail(&f->view);
		find_targets(f);
	}
	if (f->targets.n == 0 && f->targets.is_failed) {
		err_set(&err, ERR_BUSY, "where it goes cannot be looked up now");
		flight_fail(f, &err);
	} else if (f->targets.n == 0) {
		flight_end(f, REPORT_UNWANTED);
	} else if (flight_compose(f, &err) < 0) {
		flight_fail(f, &err);
	} else {
		deliver_all(f);
	}
}

/* ---- the next one ---- */

static int read_due(struct db *db, struct flight *f, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	const int rc = db_row(db, &row, err,
		"SELECT id, kind, domain, begin, until, policy, rua, beyond, attempts, rows FROM "
		"sending"
		" WHERE state = 0 AND due <= ? ORDER BY due LIMIT 1",
		db_i(clock_wall_s()));

	if (rc <= 0)
		return rc < 0 ? rc : err_set(err, ERR_NOTFOUND, "nothing is due");
	f->id = db_int(row, 0);
	f->kind = (enum report_kind)db_int(row, 1);
	f->domain = arena_dup(&f->arena, db_text(row, 2));
	f->begin_s = db_int(row, 3);
	f->end_s = db_int(row, 4);
	f->policy = arena_dup(&f->arena, db_text(row, 5));
	f->rua = arena_dup(&f->arena, db_text(row, 6));
	f->beyond = (uint64_t)db_int(row, 7);
	f->attempts = (unsigned)db_int(row, 8);
	f->rows = db_int(row, 9);
	return 0;
}

void send_next(struct reports *r, void (*then)(struct reports *reports, bool was_any))
{
	struct flight *f = mem_new(struct flight);
	struct buf from AUTO(buf_done);
	struct err err;
	int rc;

	*f = (struct flight){.reports = r, .then = then};
	arena_init(&f->arena, FEEDBACK_ARENA_MAX);
	dns_view_init(&f->view, &f->arena);
	buf_init(&f->packed, FEEDBACK_BYTES_MAX);
	buf_init(&from, REPORT_FROM_MAX);
	report_from(r, &from);
	f->from = arena_dup(&f->arena, buf_slice(&from));
	rc = read_due(later_lock(&r->later), f, &err);
	later_unlock(&r->later);
	if (rc < 0) {
		if (rc != -ERR_NOTFOUND)
			log_error(&report_log, "due", log_e(&err));
		arena_done(&f->arena);
		free(f);
		then(r, false);
		return;
	}
	pthread_mutex_init(&f->lock, NULL);
	snprintf(f->id_text, sizeof(f->id_text), "%016llx", (unsigned long long)f->id);
	f->report_id = slice_str(f->id_text);
	look(f);
}
