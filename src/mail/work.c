/* work.c - see accept.h: letters are delivered, and what is done is crossed off. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mail/accept.h"
#include "mail/limits.h"
#include "mail/queue.h"
#include "mail/report.h"

enum {
	STEPS_MAX = 16, /* deliveries of one turn of a worker */
	GIVE_UP_S = 5 * 24 * 3600,
};

static const struct log_ctx log_ctx = {.service = "delivery"};

/* ---- delivering ---- */

struct attempt {
	struct accepted *accepted;
	struct letter_target *target;
	uint64_t quota_bytes;
};

/* Whether trying again can help. A full disk passes; a full account is told to the sender. */
static bool is_temporary(const struct attempt *attempt, int rc)
{
	const struct mail_target target = {
		.account = attempt->target->account, .quota_bytes = attempt->quota_bytes};
	struct service *service = attempt->accepted->accept->service;

	switch (-rc) {
	case ERR_QUOTA:
		return !mail_is_over_quota(service, &target, attempt->accepted->in->size) ||
		       mail_quota_defers(service, &target);
	case ERR_NOTFOUND:
	case ERR_DENIED:
	case ERR_TOOBIG:
		return false;
	default:
		return true;
	}
}

static void set_state(struct letter_target *t, enum letter_state state, int rc)
{
	t->state = state;
	t->code = (enum err_code)(-rc);
}

/* One delivery has ended; for elsewhere, all of the letter's at once. */
static void attempt_done(
	void *context, int rc, const struct message_added *added, const struct err *err)
{
	struct attempt *attempt = context;
	struct accepted *a = attempt->accepted;
	struct letter_target *t = attempt->target;
	struct mail_accept *accept = a->accept;
	const enum letter_state state = rc == 0                     ? LETTER_STORED
					: is_temporary(attempt, rc) ? LETTER_WAITING
								    : LETTER_FAILED;

	(void)added;
	free(attempt);
	if (rc < 0)
		log_warn(&log_ctx, "deliver", log_n("letter", a->id), log_n("attempt", a->attempts),
			log_e(err));
	pthread_mutex_lock(&accept->lock);
	set_state(t, state, rc);
	for (size_t i = 0; !t->account && i < a->letter->targets_n; i++) {
		struct letter_target *other = &a->letter->targets[i];

		if (!other->account && other->state == LETTER_RUNNING)
			set_state(other, state, rc);
	}
	if (--a->running == 0 && a->next_target == a->letter->targets_n)
		accepted_cross_soon(a);
	pthread_mutex_unlock(&accept->lock);
}

static void deliver_here(struct accepted *a, struct attempt *attempt)
{
	struct service *service = a->accept->service;
	struct directory_account account;
	struct mail_target target = {.account = attempt->target->account,
		.address = attempt->target->address,
		.named = attempt->target->recipient,
		.is_suspect = a->letter->is_suspect || attempt->target->is_suspect};
	struct arena arena AUTO(arena_done);
	struct err err;
	int rc;

	/* An account that was deleted meanwhile must not come to life again. */
	arena_init(&arena, 4096);
	rc = directory_account(service->directory, target.account, &arena, &account, &err);
	if (rc < 0) {
		attempt_done(attempt, rc, NULL, &err);
		return;
	}
	target.quota_bytes = attempt->quota_bytes = account.quota_bytes;
	mail_deliver(service, &target, (struct slice){0}, a->in, a->letter->delivery_id,
		attempt_done, attempt);
}

static void deliver_elsewhere(struct accepted *a, struct attempt *attempt)
{
	struct letter *letter;
	struct err err;
	const int rc = letter_remote(a->letter, &letter, &err);

	if (rc < 0)
		attempt_done(attempt, rc, NULL, &err);
	else
		mail_queue_put(
			a->accept->service->queue, letter, a->in, true, attempt_done, attempt);
}

static void load(struct accepted *a)
{
	struct mail_accept *accept = a->accept;
	struct service *service = accept->service;
	struct letter *letter = NULL;
	struct incoming *in = NULL;
	struct err err;
	int rc;

	pthread_mutex_lock(&accept->reader_lock);
	rc = letter_db_load(accept->reader, a->id, &letter, &err);
	if (rc == 0)
		rc = letter_db_body(accept->reader, a->id, store_spool_dir(service->store),
			UINT64_MAX, &in, &err);
	pthread_mutex_unlock(&accept->reader_lock);
	if (rc < 0) {
		letter_free(&letter);
		if (rc != -ERR_NOTFOUND)
			log_error(&log_ctx, "load", log_n("letter", a->id), log_e(&err));
	}
	pthread_mutex_lock(&accept->lock);
	if (rc == 0) {
		a->letter = letter;
		a->in = in;
		accept->held++;
		accepted_ready(a);
	} else if (rc == -ERR_NOTFOUND) {
		accepted_free(a);
	} else {
		accepted_wait(a);
	}
	pthread_mutex_unlock(&accept->lock);
}

/* The next target of the first letter, or a letter to load (*target_out NULL). */
static struct accepted *hand_out(struct worker *w, struct letter_target **target_out)
{
	struct mail_accept *accept = w->accept;
	struct accepted *a;

	pthread_mutex_lock(&accept->lock);
	a = accept->ready.head;
	*target_out = NULL;
	if (!a) {
		w->is_busy = false;
	} else if (!a->letter) {
		accepted_list_pop(&accept->ready);
	} else {
		struct letter_target *t = &a->letter->targets[a->next_target];

		for (size_t i = a->next_target; i < a->letter->targets_n && !t->account; i++) {
			if (!a->letter->targets[i].account &&
				a->letter->targets[i].state == LETTER_WAITING)
				a->letter->targets[i].state = LETTER_RUNNING;
		}
		t->state = LETTER_RUNNING;
		*target_out = t;
		a->running++;
		if (!accepted_find_waiting(a))
			accepted_list_pop(&accept->ready);
		else
			accept_start_worker(accept);
	}
	pthread_mutex_unlock(&accept->lock);
	return a;
}

void accept_work(struct pool_job *job)
{
	struct worker *w = (struct worker *)job;

	for (unsigned i = 0; i < STEPS_MAX; i++) {
		struct letter_target *target;
		struct accepted *a = hand_out(w, &target);
		struct attempt *attempt;

		if (!a)
			return;
		if (!target) {
			load(a);
			continue;
		}
		attempt = mem_new(struct attempt);
		*attempt = (struct attempt){.accepted = a, .target = target};
		if (target->account)
			deliver_here(a, attempt);
		else
			deliver_elsewhere(a, attempt);
	}
	pool_run(w->accept->service->pool, POOL_BULK, &w->job);
}

/* ---- crossing off ---- */

struct cross {
	struct group_item item;
	struct accepted *accepted, *report; /* report NULL: there is none */
	bool is_over;                       /* nothing is left to deliver */
};

/* While a server follows another both work on what was left: whoever is second must not tell of it
 * again, nor cross off a letter that has got the same number since. */
static int check_unchanged(const struct letter *letter, struct db *db, struct err *err)
{
	int64_t n = 0;
	const int rc = db_get_int(db, &n, err,
		"SELECT count(*) FROM target WHERE letter = (SELECT id FROM letter WHERE id = ?"
		" AND delivery = ?)",
		db_i(letter->id), db_i((int64_t)letter->delivery_id));

	if (rc == 0 && (uint64_t)n != letter->targets_n)
		return err_set(err, ERR_CONFLICT, "another server has delivered some of it");
	return rc;
}

static int cross_run(struct group_item *item, struct db *db, struct err *err)
{
	struct cross *cross = (struct cross *)item;
	const struct letter *letter = cross->accepted->letter;
	int rc = check_unchanged(letter, db, err);

	if (rc == 0 && cross->is_over)
		rc = letter_db_delete(db, letter->id, err);
	for (size_t i = 0; rc == 0 && !cross->is_over && i < letter->targets_n; i++) {
		if (letter->targets[i].state != LETTER_WAITING)
			rc = letter_db_cross(db, letter->id, letter->targets[i].number, err);
	}
	if (rc == 0 && cross->report)
		rc = letter_db_insert(db, cross->report->letter, cross->report->in, 0, err);
	return rc;
}

static void cross_done(struct group_item *item, int rc, const struct err *err)
{
	struct cross *cross = (struct cross *)item;
	struct accepted *a = cross->accepted;
	struct mail_accept *accept = a->accept;

	if (rc < 0 && rc != -ERR_CONFLICT)
		log_error(&log_ctx, "cross_off", log_n("letter", a->id), log_e(err));
	pthread_mutex_lock(&accept->lock);
	if (cross->report && rc == 0) {
		cross->report->id = cross->report->letter->id;
		accepted_ready(cross->report);
	} else if (cross->report) {
		accepted_free(cross->report);
	}
	if (rc == 0 && cross->is_over)
		accepted_free(a);
	else
		accepted_wait(a);
	pthread_mutex_unlock(&accept->lock);
	free(cross);
}

/* What could not be delivered for days is given up. True if nothing waits any more. */
static bool give_up_old(struct letter *letter)
{
	const struct mail_wishes *w = &letter->wishes;
	const int64_t now = clock_wall_s();
	const bool is_old = now - letter->accepted_s > GIVE_UP_S ||
			    (w->by_s && !w->is_by_notify && now >= w->by_s);
	bool is_over = true;

	for (size_t i = 0; i < letter->targets_n; i++) {
		if (letter->targets[i].state == LETTER_WAITING && is_old)
			letter->targets[i].state = LETTER_FAILED;
		if (letter->targets[i].state == LETTER_WAITING)
			is_over = false;
	}
	return is_over;
}

/* The attempt is over for all targets, and nobody else looks at the letter now. */
static void cross_off(struct accepted *a)
{
	struct mail_accept *accept = a->accept;
	struct cross *cross = mem_new(struct cross);
	struct letter *letter;
	struct incoming *in;
	struct err err;
	int rc;

	*cross = (struct cross){.item = {.run = cross_run, .done = cross_done}, .accepted = a};
	cross->is_over = give_up_old(a->letter);
	rc = mail_report(accept->service, a->letter, a->in, &letter, &in, &err);
	if (rc < 0) {
		cross_done(&cross->item, rc, &err);
		return;
	}
	if (letter)
		cross->report = accepted_new(accept, letter, in);
	group_submit(&accept->group, &cross->item);
}

/* Moves what is due from waiting to ready; the time of the next one, or 0. */
static int64_t take_due(struct mail_accept *accept)
{
	struct accepted_list still;
	struct accepted *a;
	const int64_t now = clock_mono_ms();
	int64_t next = 0;

	accepted_list_init(&still);
	while ((a = accepted_list_pop(&accept->waiting))) {
		if (a->due_ms <= now) {
			accepted_ready(a);
			continue;
		}
		if (!next || a->due_ms < next)
			next = a->due_ms;
		accepted_list_push(&still, a);
	}
	while ((a = accepted_list_pop(&still)))
		accepted_list_push(&accept->waiting, a);
	return next;
}

void accept_tick(struct pool_job *job)
{
	struct mail_accept *accept =
		(struct mail_accept *)((char *)job - offsetof(struct mail_accept, timer.job));
	struct accepted *crossing, *next;
	int64_t due;

	pthread_mutex_lock(&accept->lock);
	accept->timer_due_ms = 0;
	crossing = accept->crossing.head;
	accepted_list_init(&accept->crossing);
	due = take_due(accept);
	if (due)
		accept_arm(accept, due);
	pthread_mutex_unlock(&accept->lock);
	for (; crossing; crossing = next) {
		next = crossing->next;
		cross_off(crossing);
	}
}
