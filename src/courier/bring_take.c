/* bring_take.c - the messages of one folder: what there is, their texts, and into the account. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "courier/bring_run.h"

enum {
	BATCH_ARENA = 4 << 20,
	FAILURES_MAX = 3, /* without any progress, then a folder is left out */
	KEYWORD_MAX = 100,
};

static const char too_large[] = "it is larger than this service takes",
		  broken[] = "the other server gives no text of it";

/* Messages that are asked for together. */
struct group {
	struct bring_run *run;
	struct imap_message *list;
	size_t n;
	size_t carried[SMTP_IMPORT_BATCH]; /* places in the list, in the order of the batch */
	uint64_t sizes[SMTP_IMPORT_BATCH];
	size_t carried_n;
	struct bring_batch batch;
	struct slice objects[IMAP_BATCH];
};

static struct imap_message *find(const struct group *g, uint32_t uid)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->list[i].uid == uid)
			return &g->list[i];
	}
	return NULL;
}

static void miss(struct group *g, struct imap_message *m, const char *why)
{
	m->is_done = true;
	g->batch.missed[g->batch.missed_n++] = (struct bring_missed){m->uid, m->size, why};
}

/* ---- a text comes ---- */

static bool is_good_keyword(struct slice keyword)
{
	for (size_t i = 0; i < keyword.len; i++) {
		if (keyword.ptr[i] == ']')
			return false;
	}
	return keyword.len && keyword.len <= KEYWORD_MAX;
}

static int carry_text(struct group *g, struct imap_message *m, struct spool *text, struct err *err)
{
	struct slice keywords[IMAP_KEYWORDS_MAX];
	struct smtp_import_message head = {.size = spool_size(text),
		.once = g->run->folder.once | m->uid,
		.flags = m->flags,
		.received_s = m->has_date ? m->date.seconds : clock_wall_s(),
		.zone_min = m->has_date ? m->date.zone_min : 0,
		.keywords = keywords};

	for (size_t i = 0; i < m->keywords_n; i++) {
		if (is_good_keyword(m->keywords[i]))
			keywords[head.keywords_n++] = m->keywords[i];
	}
	m->is_done = true;
	g->sizes[g->carried_n] = head.size;
	g->carried[g->carried_n++] = (size_t)(m - g->list);
	return bring_run_here(g->run, carry_message(g->run->carry, &head, text, err));
}

static int on_text(void *context, uint32_t uid, struct spool *text, struct err *err)
{
	struct group *g = context;
	struct imap_message *m = find(g, uid);
	int rc = 0;

	if (m && !m->is_done && spool_size(text) == 0)
		miss(g, m, "it is empty");
	else if (m && !m->is_done)
		rc = carry_text(g, m, text, err);
	spool_free(&text);
	return rc;
}

static int fetch(struct group *g, const uint32_t *uids, size_t n, struct err *err)
{
	const struct bring_turn *t = g->run->turn;

	return imap_client_fetch(
		g->run->imap, uids, n, t->spool_dir, t->settings->message_max, on_text, g, err);
}

/* All at once; what did not come, one by one: somewhere there is one that the server cannot read.
 */
static int fetch_all(struct group *g, struct err *err)
{
	uint32_t uids[IMAP_BATCH];
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < g->n; i++) {
		if (!g->list[i].is_done)
			uids[n++] = g->list[i].uid;
	}
	if (n)
		rc = fetch(g, uids, n, err);
	for (size_t i = 0; i < g->n && (rc == 0 || rc == -ERR_CONFLICT); i++) {
		if (g->list[i].is_done)
			continue;
		rc = fetch(g, &g->list[i].uid, 1, err);
		if ((rc == 0 || rc == -ERR_CONFLICT) && !g->list[i].is_done)
			miss(g, &g->list[i], broken);
	}
	return rc == -ERR_CONFLICT ? 0 : rc;
}

/* ---- the batch is stored ---- */

static uint32_t first_without_room(const struct group *g, const char *results)
{
	uint32_t uid = 0;

	for (size_t i = 0; i < g->carried_n; i++) {
		const uint32_t its = g->list[g->carried[i]].uid;

		if (results[i] == SMTP_IMPORT_NO_ROOM && (!uid || its < uid))
			uid = its;
	}
	return uid;
}

static void count(struct group *g, const char *results, uint32_t up_to)
{
	for (size_t i = 0; i < g->carried_n; i++) {
		struct imap_message *m = &g->list[g->carried[i]];

		if (m->uid > up_to)
			continue;
		if (results[i] == SMTP_IMPORT_TOO_LARGE) {
			miss(g, m, too_large);
		} else if (results[i] == SMTP_IMPORT_BROKEN) {
			miss(g, m, "it could not be stored");
		} else {
			g->batch.taken++;
			g->batch.bytes += g->sizes[i];
			if (g->run->has_all && m->object.len)
				g->objects[g->batch.objects_n++] = m->object;
		}
	}
}

static int store(struct group *g, struct err *err)
{
	struct bring_run *r = g->run;
	char results[SMTP_IMPORT_BATCH] = {0};
	uint32_t full;
	int rc = 0;

	if (g->carried_n)
		rc = bring_run_here(r, carry_store(r->carry, results, err));
	if (rc < 0)
		return rc;
	full = first_without_room(g, results);
	g->batch.last_uid = full ? full - 1 : g->list[g->n - 1].uid;
	g->batch.objects = g->objects;
	count(g, results, g->batch.last_uid);
	rc = bring_run_here(
		r, bring_book_note(r->turn->book, r->turn->job.id, r->folder.id, &g->batch, err));
	r->turn->job.tries = 0;
	if (rc == 0 && full) {
		r->is_full = true;
		rc = err_set(err, ERR_QUOTA, "the account is full");
	}
	return rc;
}

/* ---- folders ---- */

/* Somebody waits, or wants us to stop. */
static int may_go_on(struct bring_run *r, struct err *err)
{
	struct bring_turn *t = r->turn;

	r->is_over = clock_mono_ms() >= t->until_ms && t->is_wanted(t->bring);
	if (r->is_over || bring_turn_is_stopped(t))
		return err_set(err, ERR_BUSY, "the turn is over");
	return 0;
}

/* Those that need not be asked for. */
static int sift(struct group *g, bool is_all, struct err *err)
{
	struct bring_run *r = g->run;
	bool has = false;
	int rc = 0;

	for (size_t i = 0; i < g->n && rc == 0; i++) {
		struct imap_message *m = &g->list[i];

		if (is_all && m->object.len)
			rc = bring_run_here(r, bring_book_has(r->turn->book, r->turn->job.id,
						       m->object, &has, err));
		if (is_all && has)
			m->is_done = true;
		else if (m->size > r->turn->settings->message_max)
			miss(g, m, too_large);
	}
	return rc;
}

/* As many as make a batch, from the list's front. */
static size_t measure(const struct imap_message *list, size_t n)
{
	uint64_t bytes = 0;
	size_t i = 0;

	while (i < n && (i == 0 || bytes + list[i].size <= SMTP_IMPORT_BYTES))
		bytes += list[i++].size;
	return i;
}

static int take_list(
	struct bring_run *r, struct imap_message *list, size_t n, bool is_all, struct err *err)
{
	int rc = 0;

	while (n && rc == 0) {
		struct group g = {.run = r, .list = list, .n = measure(list, n)};

		rc = may_go_on(r, err);
		if (rc == 0)
			rc = sift(&g, is_all, err);
		if (rc == 0)
			rc = fetch_all(&g, err);
		if (rc == 0)
			rc = store(&g, err);
		list += g.n;
		n -= g.n;
	}
	return rc;
}

/* UIDs have gaps: a range is chosen so wide that about a batch is in it. */
static int take_new(
	struct bring_run *r, const struct imap_folder *there, bool is_all, struct err *err)
{
	const uint64_t end = !there->messages ? 0
			     : there->uidnext ? there->uidnext - 1
					      : UINT32_MAX;
	uint64_t width = IMAP_BATCH * (1 + end / (there->messages + 1));
	uint32_t first = r->folder.last_uid + 1;
	int rc = 0;

	while (rc == 0 && first && first <= end) {
		const uint64_t to = first + width - 1 < end ? first + width - 1 : end;
		struct arena arena AUTO(arena_done);
		struct imap_message *list;
		uint32_t next = 0;
		size_t n = 0;

		arena_init(&arena, BATCH_ARENA);
		rc = imap_client_look(r->imap, first, (uint32_t)to, &arena, &list, &n, &next, err);
		if (rc == 0)
			rc = take_list(r, list, n, is_all, err);
		if (n < IMAP_BATCH / 4 && width < UINT32_MAX)
			width *= 4;
		first = next;
	}
	if (rc == 0 && there->uidnext && r->folder.last_uid < end) {
		const struct bring_batch all = {.last_uid = (uint32_t)end};

		rc = bring_run_here(r,
			bring_book_note(r->turn->book, r->turn->job.id, r->folder.id, &all, err));
	}
	return rc;
}

static int open_here(struct bring_run *r, const struct bring_place *place, struct err *err)
{
	const struct smtp_import_folder here = {.account = r->turn->job.account,
		.path = place->path,
		.role = place->role,
		.is_by_content = r->folder.is_by_content};
	char none[SMTP_IMPORT_BATCH];
	int rc = bring_run_carry(r, err);

	if (rc == 0)
		rc = carry_folder(r->carry, &here, err);
	if (rc == 0) /* it is made, though it may be empty */
		rc = carry_store(r->carry, none, err);
	return bring_run_here(r, rc);
}

int bring_run_folder(struct bring_run *r, const struct imap_listed *folder,
	const struct bring_place *place, struct err *err)
{
	struct imap_folder there;
	int rc = may_go_on(r, err);

	if (rc == 0)
		rc = imap_client_examine(r->imap, folder->name, &there, err);
	if (rc < 0)
		return rc;
	rc = bring_run_here(
		r, bring_book_folder(r->turn->book, r->turn->job.id, folder->name, place->path,
			   there.uidvalidity, there.messages, &r->folder, err));
	if (rc < 0)
		return rc;
	if (r->folder.failures >= FAILURES_MAX)
		return err_set(
			err, ERR_CONFLICT, "the other server breaks off whenever it is read");
	rc = open_here(r, place, err);
	return rc < 0 ? rc : take_new(r, &there, place->is_all, err);
}
