/*
 * settle.c - what became of reports that are on their way: the courier's history of each one's
 * message is looked up now and then, until it is delivered or given up.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/internal.h"
#include "track/rows.h"

enum {
	WAIT_MS = 10000,
	TARGET_MAX = 512,
	LOOK_FIRST_S = 15,
	LOOK_MAX_S = 2 * 3600,
	GIVEN_UP_S = 8 * DAY_S, /* longer than anything is tried */
	REPLY_MAX = 300,
};

struct settling {
	struct reports *reports;
	void (*then)(struct reports *reports, bool was_any);
	struct arena arena;
	int64_t of, number, at_s;
	unsigned looks;
	struct slice target;
	enum report_outcome outcome;
	struct slice reply;
};

static void end(struct settling *s, bool was_any)
{
	struct reports *r = s->reports;
	void (*then)(struct reports *, bool) = s->then;

	arena_done(&s->arena);
	free(s);
	then(r, was_any);
}

static int64_t pause_s(const struct settling *s)
{
	const int64_t pause = (int64_t)LOOK_FIRST_S << (s->looks < 10 ? s->looks : 10);

	return pause < LOOK_MAX_S ? pause : LOOK_MAX_S;
}

static void mark(struct settling *s)
{
	const int64_t now = clock_wall_s();
	struct db *db;
	struct err err;
	int rc;

	if (s->outcome == OUTCOME_WAITING && now - s->at_s > GIVEN_UP_S)
		s->outcome = OUTCOME_UNKNOWN;
	db = later_lock(&s->reports->later);
	rc = db_begin(db, &err);
	if (rc == 0)
		rc = db_do(db, &err,
			"UPDATE dispatch SET outcome = ?, looks = looks + 1, due = ?,"
			" reply = CASE WHEN ?3 = '' THEN reply ELSE ?3 END"
			" WHERE of = ? AND target = ?",
			db_i(s->outcome), db_i(now + pause_s(s)), db_t(s->reply), db_i(s->of),
			db_t(s->target));
	rc = reports_finish(s->reports, rc, &err);
	if (rc < 0)
		log_error(&report_log, "settle", log_e(&err));
	end(s, rc == 0);
}

/* The host's own words, behind the last key of the event. */
static struct slice reply_of(struct slice what, struct arena *arena)
{
	const struct slice key = slice_lit("reply=");
	const size_t at = slice_find(what, key);
	struct slice text;

	if (at == SIZE_MAX)
		return (struct slice){0};
	text = slice_from(what, at + key.len);
	if (text.len >= 2 && text.ptr[0] == '"')
		text = (struct slice){text.ptr + 1, text.len - 2};
	return feedback_text(slice_head(text, REPLY_MAX), arena);
}

static void take_row(struct settling *s, const json_t *row)
{
	static const struct {
		const char *event;
		enum report_outcome outcome;
	} events[] = {{"delivered", OUTCOME_DELIVERED}, {"relayed", OUTCOME_DELIVERED},
		{"stored", OUTCOME_DELIVERED}, {"failed", OUTCOME_REFUSED},
		{"not-stored", OUTCOME_REFUSED}, {"deferred", OUTCOME_WAITING}};
	const char *event = json_string_value(json_object_get(row, "event"));
	const char *what = json_string_value(json_object_get(row, "what"));

	for (size_t i = 0; event && what && i < sizeof(events) / sizeof(events[0]); i++) {
		if (!slice_eq(slice_str(event), slice_str(events[i].event)))
			continue;
		s->outcome = events[i].outcome;
		s->reply = reply_of(slice_str(what), &s->arena);
	}
}

static void take_rows(struct settling *s, const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++)
		take_row(s, json_array_get(rows, i));
}

/* What the server knows itself, of an address here. */
static void look_here(struct settling *s, struct slice id)
{
	json_t *rows;
	struct err err;

	if (!s->reports->service->track ||
		track_rows(s->reports->service->track, id, 0, &rows, &err) < 0)
		return;
	take_rows(s, rows);
	json_decref(rows);
}

static void on_history(void *context, struct frame *f, int rc, const struct err *err)
{
	struct settling *s = context;
	const struct slice text = rc == 0 ? frame_bytes(f) : (struct slice){0};
	json_t *reply = text.len ? json_loadb(text.ptr, text.len, 0, NULL) : NULL;

	(void)err; /* a courier that is away is asked again */
	take_rows(s, json_object_get(reply, "rows"));
	json_decref(reply);
	if (reports_are_closing(s->reports))
		end(s, false);
	else
		mark(s);
}

static int read_due(struct db *db, struct settling *s, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	const int rc = db_row(db, &row, err,
		"SELECT of, target, number, at, looks FROM dispatch WHERE outcome = 0 AND due <= ?"
		" ORDER BY due LIMIT 1",
		db_i(clock_wall_s()));

	if (rc <= 0)
		return rc < 0 ? rc : err_set(err, ERR_NOTFOUND, "nothing is due");
	s->of = db_int(row, 0);
	s->target = arena_dup(&s->arena, db_text(row, 1));
	s->number = db_int(row, 2);
	s->at_s = db_int(row, 3);
	s->looks = (unsigned)db_int(row, 4);
	return 0;
}

void settle_next(struct reports *r, void (*then)(struct reports *reports, bool was_any))
{
	struct settling *s = mem_new(struct settling);
	struct buf id AUTO(buf_done);
	struct err err;
	int rc;

	*s = (struct settling){.reports = r, .then = then};
	arena_init(&s->arena, 1 << 20);
	buf_init(&id, 17);
	rc = read_due(later_lock(&r->later), s, &err);
	later_unlock(&r->later);
	if (rc < 0) {
		if (rc != -ERR_NOTFOUND)
			log_error(&report_log, "settle", log_e(&err));
		end(s, false);
		return;
	}
	buf_printf(&id, "%016llx", (unsigned long long)s->number);
	look_here(s, buf_slice(&id));
	if (s->outcome == OUTCOME_WAITING && r->service->ask)
		reports_wish(r, json_pack("{s:s, s:s%}", "do", "trace", "what", id.ptr, id.len),
			WAIT_MS, on_history, s);
	else
		mark(s);
}
