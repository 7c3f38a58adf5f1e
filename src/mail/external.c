/* external.c - see external.h for the contract. */
#include "mail/external.h"

#include <stdio.h>
#include <stdlib.h>

#include "ask/verbs.h"
#include "base/clock.h"
#include "base/mem.h"

enum {
	LOOK_MS = 20000,
	AT_ONCE = 16,
	ASK_MS = 20000,
	TEST_MS = 60000,
	ROUTE_MAX = 40,
	FRAME_BYTES = 8192,
};

struct mail_external {
	struct service *service;
	struct pool_timer timer;
};

/* ---- passwords to be forgotten ---- */

struct forgetting {
	struct pool_job job;
	struct service *service;
	uint64_t id;
};

static void note_forgotten(struct pool_job *job)
{
	struct forgetting *f = (struct forgetting *)(void *)job;
	struct err err;

	if (directory_personality_forgotten(f->service->directory, f->id, &err) < 0)
		log_error(NULL, "personality", log_e(&err));
	free(f);
}

static void on_dropped(void *context, struct frame *answer, int rc, const struct err *err)
{
	struct forgetting *f = context;

	(void)answer;
	(void)err;
	if (rc < 0)
		free(f); /* another time */
	else
		pool_run(f->service->pool, POOL_BULK, &f->job);
}

static void forget(struct service *service, uint64_t id)
{
	struct forgetting *f = mem_new(struct forgetting);
	struct buf frame;

	*f = (struct forgetting){.job = {.run = note_forgotten}, .service = service, .id = id};
	buf_init(&frame, FRAME_BYTES);
	frame_begin(&frame, 0, ASK_EXTERNAL_DROP);
	frame_put_u64(&frame, id);
	ask_call(service->ask, &frame, -1, ASK_MS, on_dropped, f);
}

static void look(struct pool_job *job)
{
	struct mail_external *e =
		(struct mail_external *)(void *)((char *)job -
						 offsetof(struct mail_external, timer.job));
	uint64_t ids[AT_ONCE];
	struct err err;
	size_t n = 0;

	if (directory_personalities_gone(e->service->directory, ids, AT_ONCE, &n, &err) < 0)
		log_error(NULL, "personalities", log_e(&err));
	for (size_t i = 0; i < n; i++)
		forget(e->service, ids[i]);
	pool_timer_set(e->service->pool, &e->timer, clock_mono_ms() + LOOK_MS);
}

void mail_external_start(struct service *service)
{
	struct mail_external *e = mem_new(struct mail_external);

	e->service = service;
	e->timer = (struct pool_timer){.job = {.run = look}, .class = POOL_BULK};
	service->external = e;
	mail_external_hurry(service);
}

void mail_external_stop(struct service *service)
{
	free(service->external);
	service->external = NULL;
}

void mail_external_hurry(struct service *service)
{
	if (service->external)
		pool_timer_set(service->pool, &service->external->timer, clock_mono_ms());
}

/* ---- the way of a message ---- */

/* Only a user's message can have such a sender, and only one that mail_may_send_as() let through.
 */
static int is_elsewhere(struct service *service, uint64_t submitter, struct slice sender, bool *out,
	struct err *err)
{
	const size_t at = slice_rchr(sender, '@');
	bool ours = true;
	int rc = 0;

	if (submitter && at != SIZE_MAX)
		rc = mail_serves_domain(service->directory, slice_from(sender, at + 1), &ours, err);
	*out = rc == 0 && !ours;
	return rc;
}

int mail_external_envelope(struct service *service, const struct mail_envelope *envelope,
	struct arena *arena, struct mail_envelope *out, struct err *err)
{
	struct mail_target *targets;
	bool elsewhere;
	const int rc =
		is_elsewhere(service, envelope->submitter, envelope->sender, &elsewhere, err);

	*out = *envelope;
	if (rc < 0 || !elsewhere)
		return rc;
	out->recipients = arena_array(arena, struct mail_recipient, out->recipients_n);
	targets = arena_array(arena, struct mail_target, out->recipients_n);
	if (!out->recipients || !targets)
		return err_set(err, ERR_TOOBIG, "too many recipients");
	for (size_t i = 0; i < out->recipients_n; i++) {
		out->recipients[i] = envelope->recipients[i];
		targets[i] = (struct mail_target){.address = out->recipients[i].address};
		out->recipients[i].resolved = (struct mail_resolved){&targets[i], 1};
	}
	return 0;
}

int mail_external_way(struct service *service, const struct letter *letter, struct arena *arena,
	struct mail_way *out, struct err *err)
{
	struct directory_personality p = {.id = 0}; /* gone meanwhile: the courier will say so */
	struct directory_account account;
	char route[ROUTE_MAX];
	bool elsewhere;
	int rc = is_elsewhere(service, letter->submitter, letter->sender, &elsewhere, err);

	*out = (struct mail_way){.sender = letter->sender};
	if (rc < 0 || !elsewhere)
		return rc;
	rc = mail_personality_of(
		service->directory, letter->submitter, letter->sender, arena, &p, err);
	if (rc == 0 || rc == -ERR_NOTFOUND)
		rc = directory_account(service->directory, letter->submitter, arena, &account, err);
	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	snprintf(route, sizeof(route), "<external:%llu>", (unsigned long long)p.id);
	*out = (struct mail_way){.sender = rc == 0 ? account.address : letter->sender,
		.path = letter->sender,
		.route = arena_dup(arena, slice_str(route))};
	return out->route.ptr ? 0 : err_set(err, ERR_TOOBIG, "no memory for the route");
}

/* ---- what the courier is told ---- */

static void tell(struct service *service, const struct directory_personality *p,
	struct slice password, enum ask_verb verb, int64_t wait_ms, ask_done_fn *done,
	void *context)
{
	struct buf frame;

	buf_init(&frame, FRAME_BYTES);
	buf_reserve(&frame, FRAME_BYTES); /* growing would leave copies behind */
	frame_begin(&frame, 0, verb);
	frame_put_u64(&frame, p->id);
	frame_put(&frame, p->host);
	frame_put_u64(&frame, p->port);
	frame_put_u64(&frame, p->is_starttls);
	frame_put(&frame, p->login);
	frame_put(&frame, password);
	ask_call(service->ask, &frame, -1, wait_ms, done, context);
}

void mail_external_set(struct service *service, const struct directory_personality *p,
	struct slice password, ask_done_fn *done, void *context)
{
	tell(service, p, password, ASK_EXTERNAL_SET, ASK_MS, done, context);
}

void mail_external_test(struct service *service, const struct directory_personality *p,
	ask_done_fn *done, void *context)
{
	tell(service, p, (struct slice){0}, ASK_EXTERNAL_TEST, TEST_MS, done, context);
}
