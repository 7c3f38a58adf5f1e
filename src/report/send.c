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

static int mark_rows(
	struct db *db, const struct flight *f, enum report_state state, struct err *err)
{
	int rc = db_do(db, err,
		"UPDATE sending SET state = ?, attempts = attempts + 1, due = ? WHERE id = ?",
		db_i(state), db_i(clock_wall_s() + pause_s(f)), db_i(f->id));

	if (rc == 0 && state != REPORT_GATHERING)
		rc = db_do(db, err, "DELETE FROM seen WHERE of = ?", db_i(f->id));
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

void flight_delivered(struct flight *f, int rc, const struct err *err)
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
	log_info(&report_log, "sent", log_s("about", f->domain), log_n("tls", f->is_tls),
		log_n("targets", (int64_t)f->targets.n), log_n("bytes", (int64_t)f->packed.len));
	flight_end(f, REPORT_SENT);
}

static void on_accepted(
	void *context, int rc, const struct message_added *added, const struct err *err)
{
	(void)added;
	flight_delivered(context, rc, err);
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

	return (struct letter_of){.is_tls = f->is_tls,
		.domain = f->domain,
		.submitter = f->reports->service->host_name,
		.from = config->from,
		.from_name = config->organisation,
		.id = (uint64_t)f->id,
		.begin_s = f->begin_s,
		.end_s = f->end_s,
		.now_s = clock_wall_s(),
		.packed = buf_slice(&f->packed)};
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

/* Ends in flight_delivered(). */
static void send_mail(struct flight *f, struct slice address)
{
	struct service *service = f->reports->service;
	struct mail_recipient recipient = {.address = address, .notify = NOTIFY_NEVER};
	struct mail_envelope envelope = {.recipients = &recipient,
		.recipients_n = 1,
		/* RFC 8460 3: what is wrong with TLS must not keep the report of it back. */
		.wishes = {.priority = MAIL_BULK, .is_tls_optional = f->is_tls},
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
		flight_delivered(f, rc, &err);
		return;
	}
	envelope.own_bytes = own;
	in->number = random_dated();
	mail_track_received(service, "report", &envelope, in);
	mail_accept_submit(service, &envelope, in, on_accepted, f);
}

static void deliver(struct flight *f, const struct target *target)
{
	const struct letter_of letter = letter_of(f);
	const struct slice address = target->address;
	struct reports *r = f->reports;
	const struct received how = {
		r->service->host_name, slice_from(address, slice_rchr(address, '@') + 1)};
	struct err err;
	int rc;

	if (target->bytes_max && letter_travels(&letter) > target->bytes_max) {
		rc = err_set(&err, ERR_TOOBIG, "larger than %.*s takes", SLICE_ARG(address));
		flight_delivered(f, rc, &err);
	} else if (target->url.len) {
		post_report(f, target->url);
	} else if (report_takes(r->service, address)) {
		rc = receive_bytes(r, buf_slice(&f->packed), &how, &err);
		flight_delivered(f, rc, &err);
	} else {
		send_mail(f, address);
	}
}

static void deliver_all(struct flight *f)
{
	f->waiting = f->targets.n + 1;
	for (size_t i = 0; i < f->targets.n; i++)
		deliver(f, &f->targets.list[i]);
	flight_delivered(f, 0, NULL);
}

/* ---- what it says ---- */

static struct slice next_word(struct slice *line)
{
	const struct slice word = slice_next_word(line);

	return slice_eq(word, slice_lit("-")) ? (struct slice){0} : word;
}

static void describe(const struct flight *f, struct feedback *out)
{
	const struct report_config *config = &f->reports->config;
	struct slice policy = f->policy;

	*out = (struct feedback){.org = config->organisation,
		.email = config->from,
		.contact = config->contact,
		.id = f->report_id,
		.begin_s = f->begin_s,
		.end_s = f->end_s,
		.domain = f->domain};
	out->policy = next_word(&policy);
	out->below = next_word(&policy);
	out->missing = next_word(&policy);
	out->is_dkim_strict = slice_eq(next_word(&policy), slice_lit("s"));
	out->is_spf_strict = slice_eq(next_word(&policy), slice_lit("s"));
	out->is_testing = slice_eq(next_word(&policy), slice_lit("y"));
}

static int read_rows(struct flight *f, struct db *db, struct feedback *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &row, err,
		"SELECT what, n FROM seen WHERE of = ? ORDER BY n DESC LIMIT ?", db_i(f->id),
		db_i(REPORT_ROWS_MAX));

	out->rows = arena_array(&f->arena, struct feedback_row, REPORT_ROWS_MAX);
	if (!out->rows)
		return err_set(err, ERR_TOOBIG, "no room for a report");
	while (rc >= 0 && out->rows_n < REPORT_ROWS_MAX && (rc = db_step(row, err)) > 0) {
		const struct slice what = arena_dup(&f->arena, db_blob(row, 0));

		if (!what.ptr)
			return err_set(err, ERR_TOOBIG, "no room for a report");
		if (!row_unpack(what, &out->rows[out->rows_n]))
			continue;
		out->rows[out->rows_n++].count = (uint64_t)db_int(row, 1);
	}
	return rc < 0 ? rc : 0;
}

static int write_dmarc(struct flight *f, struct buf *out, struct err *err)
{
	struct feedback report;
	struct buf problem AUTO(buf_done);
	int rc;

	describe(f, &report);
	rc = read_rows(f, later_lock(&f->reports->later), &report, err);
	later_unlock(&f->reports->later);
	buf_init(&problem, FEEDBACK_TEXT_MAX);
	if (f->beyond) {
		buf_printf(&problem, "%llu further messages are of kinds beyond the first %d",
			(unsigned long long)f->beyond, REPORT_ROWS_MAX);
		report.problem = buf_slice(&problem);
	}
	return rc < 0 ? rc : feedback_write(&report, out, err);
}

static int make_report(struct flight *f, struct err *err)
{
	struct buf text AUTO(buf_done);
	int rc;

	buf_init(&text, FEEDBACK_BYTES_MAX);
	rc = f->is_tls ? post_write_tls(f, &text, err) : write_dmarc(f, &text, err);
	return rc < 0 ? rc : pack_gzip(buf_slice(&text), &f->packed, err);
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
	return f->is_tls ? targets_of_tls(f->domain, &f->view, &f->targets)
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
	} else if (make_report(f, &err) < 0) {
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
		"SELECT id, kind, domain, begin, until, policy, rua, beyond, attempts FROM sending"
		" WHERE state = 0 AND due <= ? ORDER BY due LIMIT 1",
		db_i(clock_wall_s()));

	if (rc <= 0)
		return rc < 0 ? rc : err_set(err, ERR_NOTFOUND, "nothing is due");
	f->id = db_int(row, 0);
	f->is_tls = db_int(row, 1) == REPORT_TLS;
	f->domain = arena_dup(&f->arena, db_text(row, 2));
	f->begin_s = db_int(row, 3);
	f->end_s = db_int(row, 4);
	f->policy = arena_dup(&f->arena, db_text(row, 5));
	f->rua = arena_dup(&f->arena, db_text(row, 6));
	f->beyond = (uint64_t)db_int(row, 7);
	f->attempts = (unsigned)db_int(row, 8);
	return 0;
}

void send_next(struct reports *r, void (*then)(struct reports *reports, bool was_any))
{
	struct flight *f = mem_new(struct flight);
	struct err err;
	int rc;

	*f = (struct flight){.reports = r, .then = then};
	arena_init(&f->arena, FEEDBACK_ARENA_MAX);
	dns_view_init(&f->view, &f->arena);
	buf_init(&f->packed, FEEDBACK_BYTES_MAX);
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
