/* accept.c - see accept.h: letters come in, and the lists they are on. */
#include "mail/accept.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mail/conduct.h"
#include "mail/external.h"
#include "mail/limits.h"
#include "mail/queue.h"
#include "wire/mime/header.h"

enum {
	TRACK_KEY_MAX = 1000,
	HELD_MAX = 256,       /* letters whose message is held in memory or a spool file */
	BACKLOG_MAX = 100000, /* letters; more are refused for now */
	CROSS_DELAY_MS = 100, /* cross-offs of so long share a flush */
	RETRY_FIRST_MS = 1000,
	RETRY_MAX_MS = 30 * 60 * 1000,
};

/* ---- lists; all under the lock ---- */

void accepted_list_init(struct accepted_list *list)
{
	list->head = NULL;
	list->tail = &list->head;
}

void accepted_list_push(struct accepted_list *list, struct accepted *a)
{
	a->next = NULL;
	*list->tail = a;
	list->tail = &a->next;
}

struct accepted *accepted_list_pop(struct accepted_list *list)
{
	struct accepted *a = list->head;

	if (a) {
		list->head = a->next;
		if (!list->head)
			list->tail = &list->head;
	}
	return a;
}

void accepted_release(struct accepted *a)
{
	if (a->letter)
		a->accept->held--;
	letter_free(&a->letter);
	incoming_free(&a->in);
}

void accepted_free(struct accepted *a)
{
	accepted_release(a);
	a->accept->count--;
	free(a);
}

void accept_arm(struct mail_accept *accept, int64_t due_ms)
{
	if (accept->timer_due_ms && accept->timer_due_ms <= due_ms)
		return;
	accept->timer_due_ms = due_ms;
	pool_timer_set(accept->service->pool, &accept->timer, due_ms);
}

void accept_start_worker(struct mail_accept *accept)
{
	for (size_t i = 0; i < ACCEPT_WORKERS; i++) {
		struct worker *w = &accept->workers[i];

		if (w->is_busy)
			continue;
		w->is_busy = true;
		pool_run(accept->service->pool, POOL_BULK, &w->job);
		return;
	}
}

void accepted_cross_soon(struct accepted *a)
{
	accepted_list_push(&a->accept->crossing, a);
	accept_arm(a->accept, clock_mono_ms() + CROSS_DELAY_MS);
}

void accepted_wait(struct accepted *a)
{
	const unsigned doublings = a->attempts < 16 ? a->attempts : 16;
	const int64_t pause = (int64_t)RETRY_FIRST_MS << doublings;

	accepted_release(a);
	a->attempts++;
	a->due_ms = clock_mono_ms() + (pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS);
	accepted_list_push(&a->accept->waiting, a);
	accept_arm(a->accept, a->due_ms);
}

bool accepted_find_waiting(struct accepted *a)
{
	while (a->next_target < a->letter->targets_n &&
		a->letter->targets[a->next_target].state != LETTER_WAITING)
		a->next_target++;
	return a->next_target < a->letter->targets_n;
}

void accepted_ready(struct accepted *a)
{
	struct mail_accept *accept = a->accept;

	a->next_target = 0;
	if (a->letter && !accepted_find_waiting(a)) {
		accepted_cross_soon(a);
		return;
	}
	accepted_list_push(&accept->ready, a);
	accept_start_worker(accept);
}

struct accepted *accepted_new(
	struct mail_accept *accept, struct letter *letter, struct incoming *in)
{
	struct accepted *a = mem_new(struct accepted);

	*a = (struct accepted){.accept = accept, .letter = letter, .in = in};
	pthread_mutex_lock(&accept->lock);
	accept->count++;
	if (letter)
		accept->held++;
	pthread_mutex_unlock(&accept->lock);
	return a;
}

/* ---- accepting ---- */

struct add {
	struct group_item item;
	struct accepted *accepted;
	mail_done_fn *done;
	void *context;
};

static int add_run(struct group_item *item, struct db *db, struct err *err)
{
	struct add *add = (struct add *)item;

	return letter_db_insert(db, add->accepted->letter, add->accepted->in, 0, err);
}

static void add_done(struct group_item *item, int rc, const struct err *err)
{
	struct add *add = (struct add *)item;
	struct accepted *a = add->accepted;
	struct mail_accept *accept = a->accept;

	add->done(add->context, rc, NULL, err);
	pthread_mutex_lock(&accept->lock);
	if (rc < 0) {
		accepted_free(a);
	} else {
		a->id = a->letter->id;
		if (accept->held > HELD_MAX)
			accepted_release(a);
		accepted_ready(a);
	}
	pthread_mutex_unlock(&accept->lock);
	free(add);
}

static void add_submit(struct mail_accept *accept, struct letter *letter, struct incoming *in,
	mail_done_fn *done, void *context)
{
	struct add *add = mem_new(struct add);

	*add = (struct add){.item = {.run = add_run, .done = add_done},
		.accepted = accepted_new(accept, letter, incoming_ref(in)),
		.done = done,
		.context = context};
	group_submit(&accept->group, &add->item);
}

static bool is_overfull(struct mail_accept *accept)
{
	bool is_full;

	pthread_mutex_lock(&accept->lock);
	is_full = accept->count >= BACKLOG_MAX;
	pthread_mutex_unlock(&accept->lock);
	return is_full;
}

/* One account and no report of success asked for: needs no log. */
static bool is_direct(const struct letter *letter)
{
	return letter->targets_n == 1 && letter->targets[0].account &&
	       !(letter->targets[0].notify & NOTIFY_SUCCESS);
}

static bool is_all_elsewhere(const struct letter *letter)
{
	for (size_t i = 0; i < letter->targets_n; i++) {
		if (letter->targets[i].account)
			return false;
	}
	return true;
}

static int check_can_accept(struct service *service, const struct letter *letter, struct err *err)
{
	if (letter->targets_n == 0)
		return err_set(err, ERR_NOTFOUND, "no recipients");
	if (store_is_full(service->store))
		return err_set(err, ERR_QUOTA, "disk is full");
	if (is_overfull(service->accept))
		return err_set(err, ERR_BUSY, "too much mail is waiting for delivery");
	return 0;
}

/* A submission is counted before it is accepted, and given back if it is not. */
struct counted {
	struct service *service;
	uint64_t account;
	size_t recipients;
	mail_done_fn *done;
	void *context;
};

static void counted_done(
	void *context, int rc, const struct message_added *added, const struct err *err)
{
	struct counted *c = context;

	if (rc < 0)
		mail_limits_give(c->service, c->account, c->recipients);
	c->done(c->context, rc, added, err);
	free(c);
}

static void submit_uncounted(struct service *service, const struct mail_envelope *envelope,
	struct incoming *in, mail_done_fn *done, void *context)
{
	struct arena arena AUTO(arena_done);
	struct mail_target first;
	struct mail_envelope as_sent;
	struct letter *letter = NULL;
	struct err err;
	int rc;

	arena_init(&arena, LETTER_ARENA_MAX);
	rc = mail_external_envelope(service, envelope, &arena, &as_sent, &err);
	if (rc == 0)
		rc = letter_new(&as_sent, &letter, &err);
	if (rc == 0)
		rc = check_can_accept(service, letter, &err);
	if (rc < 0) {
		letter_free(&letter);
		done(context, rc, NULL, &err);
	} else if (letter->wishes.not_before_s) {
		/* Those who are here, too: nobody has it early. */
		mail_queue_put(service->queue, letter, in, true, done, context);
	} else if (is_direct(letter)) {
		letter_free(&letter);
		first = envelope->recipients[0].resolved.targets[0];
		first.is_suspect = first.is_suspect || envelope->is_suspect;
		first.named = envelope->recipients[0].address;
		mail_deliver(service, &first, (struct slice){0}, in, envelope->delivery_id, done,
			context);
	} else if (is_all_elsewhere(letter)) {
		mail_queue_put(
			service->queue, letter, in, envelope->delivery_id != 0, done, context);
	} else {
		add_submit(service->accept, letter, in, done, context);
	}
}

void mail_accept_submit(struct service *service, const struct mail_envelope *envelope,
	struct incoming *in, mail_done_fn *done, void *context)
{
	struct counted *c;
	struct err err;
	int rc;

	if (!envelope->submitter) {
		submit_uncounted(service, envelope, in, done, context);
		return;
	}
	rc = mail_limits_take(service, envelope->submitter, in->size, envelope->recipients_n, &err);
	if (rc < 0) {
		done(context, rc, NULL, &err);
		return;
	}
	conduct_sent(service, envelope);
	c = mem_new(struct counted);
	*c = (struct counted){service, envelope->submitter, envelope->recipients_n, done, context};
	submit_uncounted(service, envelope, in, counted_done, c);
}

/* ---- history ---- */

bool mail_track_key(uint64_t account, struct slice header, struct buf *out)
{
	struct buf id AUTO(buf_done);
	struct mime_field field;

	buf_init(&id, TRACK_KEY_MAX);
	if (!mime_header_find(header, slice_lit("Message-ID"), &field) ||
		!mime_msgid_next(&field.value, &id))
		return false;
	buf_printf(out, "%llu ", (unsigned long long)account);
	buf_append(out, buf_slice(&id));
	return !out->failed;
}

void mail_track_addresses(
	struct service *service, uint64_t number, const struct mail_envelope *envelope)
{
	track_address(service->track, number, envelope->sender);
	for (size_t i = 0; i < envelope->recipients_n; i++)
		track_address(service->track, number, envelope->recipients[i].address);
}

void mail_track_received(struct service *service, const char *origin,
	const struct mail_envelope *envelope, const struct incoming *in)
{
	track_event(service->track, in->number, "received", log_c("service", origin),
		log_s("from", envelope->sender),
		log_n("recipients", (int64_t)envelope->recipients_n),
		track_account(envelope->submitter));
	mail_track_addresses(service, in->number, envelope);
}

/* ---- life ---- */

static int replay(struct mail_accept *accept, struct err *err)
{
	int64_t id = 0;

	for (;;) {
		struct accepted *a;
		const int rc = letter_db_next(accept->reader, id, &id, err);

		if (rc < 0 || id == 0)
			return rc;
		a = accepted_new(accept, NULL, NULL);
		a->id = id;
		pthread_mutex_lock(&accept->lock);
		accepted_ready(a);
		pthread_mutex_unlock(&accept->lock);
	}
}

int mail_accept_open(struct service *service, struct mail_accept **out, struct err *err)
{
	struct mail_accept *accept = mem_new(struct mail_accept);
	int rc;

	accept->service = service;
	accepted_list_init(&accept->ready);
	accepted_list_init(&accept->waiting);
	accepted_list_init(&accept->crossing);
	pthread_mutex_init(&accept->lock, NULL);
	pthread_mutex_init(&accept->reader_lock, NULL);
	accept->timer = (struct pool_timer){.job = {.run = accept_tick}, .class = POOL_BULK};
	for (size_t i = 0; i < ACCEPT_WORKERS; i++)
		accept->workers[i] = (struct worker){.job = {.run = accept_work}, .accept = accept};
	rc = letter_db_open("accept.db", &accept->db, err);
	if (rc == 0)
		rc = letter_db_open("accept.db", &accept->reader, err);
	group_init(&accept->group, accept->db, service->pool);
	if (rc == 0)
		rc = replay(accept, err);
	if (rc < 0) {
		mail_accept_close(&accept);
		return rc;
	}
	*out = accept;
	return 0;
}

static void free_list(struct accepted_list *list)
{
	struct accepted *a;

	while ((a = accepted_list_pop(list)))
		accepted_free(a);
}

void mail_accept_close(struct mail_accept **accept)
{
	struct mail_accept *old = *accept;

	*accept = NULL;
	if (!old)
		return;
	group_done(&old->group);
	free_list(&old->ready);
	free_list(&old->waiting);
	free_list(&old->crossing);
	pthread_mutex_destroy(&old->lock);
	pthread_mutex_destroy(&old->reader_lock);
	db_close(&old->reader);
	db_close(&old->db);
	free(old);
}
