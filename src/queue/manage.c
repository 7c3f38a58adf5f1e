/* manage.c - see manage.h: changes by the operator. */
#include "queue/manage.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "queue/internal.h"
#include "queue/lanes.h"

enum { SLICE = 1000 };

static_assert(QUEUE_TAKEN == 512, "flag in SQL");

static const char dropped[] = "dropped by the operator";

/* ---- recipients ---- */

static_assert((int)QUEUE_KEYS_MAX == (int)SLICE, "chosen recipients are one slice");

struct change {
	struct queue_wait wait; /* first */
	enum queue_change_kind kind;
	struct queue_key keys[SLICE]; /* copied before they are changed */
	size_t n;
	uint64_t changed;
	struct queue_changes changes;
};

/* What is to be sent later still is; what its sender took back remains his. Two statements: UPDATE
 * ... RETURNING makes SQLite keep a savepoint for each row, which costs several times the change.
 */
static int set_due(struct change *c, struct db *db, const struct queue_key *key,
	enum queue_state from, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &row, err,
		"SELECT d.id, d.name, max(?4, m.not_before_s) FROM recipient AS r"
		" JOIN destination AS d ON d.id = r.destination"
		" JOIN message AS m ON m.id = r.message"
		" WHERE r.message = ?1 AND r.number = ?2 AND r.state = ?3 AND m.flags & 512 = 0",
		db_i(key->id), db_i(key->number), db_i(from), db_i(clock_wall_s()));
	int64_t due;

	if (rc == 0)
		rc = db_step(row, err);
	if (rc <= 0)
		return rc;
	due = db_int(row, 2);
	queue_changes_add(&c->changes, db_int(row, 0), db_text(row, 1), due);
	c->changed++;
	if (from == QUEUE_WAITING)
		return db_do(db, err,
			"UPDATE recipient SET due_s = ? WHERE message = ? AND number = ?",
			db_i(due), db_i(key->id), db_i(key->number));
	return db_do(db, err,
		"UPDATE recipient SET state = 0, due_s = ? WHERE message = ? AND number = ?",
		db_i(due), db_i(key->id), db_i(key->number));
}

static int set_bounced(struct db *db, const struct queue_key *key, struct err *err)
{
	struct queue_message *m = queue_message_new();
	int64_t notify = 0;
	int rc = queue_load_message(db, key->id, m, err);

	if (rc == 0)
		rc = db_get_int(db, &notify, err,
			"SELECT notify FROM recipient WHERE message = ? AND number = ?",
			db_i(key->id), db_i(key->number));
	if (rc == 0 && queue_is_told(m, (unsigned)notify, QUEUE_NOTIFY_FAILURE))
		rc = db_do(db, err,
			"UPDATE recipient SET state = 4, reply = ?, host = ''"
			" WHERE message = ? AND number = ? AND state <= 1",
			db_t(slice_str(dropped)), db_i(key->id), db_i(key->number));
	else if (rc == 0)
		rc = db_do(db, err,
			"DELETE FROM recipient WHERE message = ? AND number = ? AND state <= 1",
			db_i(key->id), db_i(key->number));
	queue_message_free(&m);
	return rc;
}

/* What went since it was listed needs no change. */
static int change_one(struct change *c, struct db *db, const struct queue_key *key, struct err *err)
{
	int rc;

	switch (c->kind) {
	case QUEUE_RELEASE:
		return set_due(c, db, key, QUEUE_HELD, err);
	case QUEUE_RETRY:
		rc = queue_begin_now(db, key->id, err);
		return rc < 0 ? rc : set_due(c, db, key, QUEUE_WAITING, err);
	case QUEUE_HOLD:
		rc = db_do(db, err,
			"UPDATE recipient SET state = 1"
			" WHERE message = ? AND number = ? AND state = 0",
			db_i(key->id), db_i(key->number));
		break;
	case QUEUE_BOUNCE:
		rc = set_bounced(db, key, err);
		if (rc == -ERR_NOTFOUND)
			return 0;
		break;
	default:
		rc = db_do(db, err, "DELETE FROM recipient WHERE message = ? AND number = ?",
			db_i(key->id), db_i(key->number));
		break;
	}
	c->changed += rc == 0 ? (uint64_t)db_changes(db) : 0;
	return rc;
}

static int change_run(struct group_item *item, struct db *db, struct err *err)
{
	struct change *c = (struct change *)item;
	int rc = 0;

	queue_changes_clear(&c->changes);
	c->changed = 0;
	for (size_t i = 0; rc == 0 && i < c->n; i++) {
		rc = change_one(c, db, &c->keys[i], err);
		/* The last of its message in this slice. */
		if (rc == 0 && c->kind >= QUEUE_DROP &&
			(i + 1 == c->n || c->keys[i + 1].id != c->keys[i].id))
			rc = queue_settle(db, c->keys[i].id, &c->changes, err);
	}
	return rc;
}

static void take_key(void *context, const struct queue_entry *entry)
{
	struct change *c = context;

	c->keys[c->n++] = (struct queue_key){.id = entry->id, .number = entry->number};
}

int queue_change_keys(struct queue *q, const struct queue_key *keys, size_t n,
	enum queue_change_kind kind, uint64_t *changed_out, struct err *err)
{
	struct change c = {.kind = kind, .n = n};
	int rc = 0;

	assert(n <= SLICE);
	memcpy(c.keys, keys, n * sizeof(*keys));
	queue_changes_init(&c.changes);
	if (n)
		rc = queue_wait_run(q, &c.wait, change_run, err);
	if (rc == 0)
		queue_changes_tell(q, &c.changes);
	queue_changes_done(&c.changes);
	if (rc == 0)
		*changed_out = c.changed;
	return rc;
}

int queue_change(struct queue *q, const struct queue_filter *filter, enum queue_change_kind kind,
	uint64_t *changed_out, struct err *err)
{
	struct change c = {.kind = kind};
	int64_t after_id = 0;
	unsigned after_number = 0;
	uint64_t changed = 0;
	bool more = true;
	int rc = 0;

	queue_changes_init(&c.changes);
	while (rc == 0 && more) {
		c.n = 0;
		rc = queue_list(q, filter, after_id, after_number, SLICE, take_key, &c, &more, err);
		if (rc < 0 || c.n == 0)
			break;
		after_id = c.keys[c.n - 1].id;
		after_number = c.keys[c.n - 1].number;
		rc = queue_wait_run(q, &c.wait, change_run, err);
		if (rc == 0)
			queue_changes_tell(q, &c.changes);
		changed += rc == 0 ? c.changed : 0;
	}
	queue_changes_done(&c.changes);
	*changed_out = changed;
	return rc;
}

/* ---- routes ---- */

struct move {
	int64_t id;
	unsigned number;
	struct slice address, destination;
};

struct reroute {
	struct queue_wait wait; /* first */
	struct arena arena;
	struct move moves[SLICE];
	size_t n;
};

/* What is to be sent later still is. */
static int move_one(struct reroute *r, struct db *db, const struct move *move, struct err *err)
{
	struct buf target AUTO(buf_done);
	struct slice name;
	int64_t destination;
	int rc;

	buf_init(&target, QUEUE_NAME_MAX);
	rc = queue_route_of(r->wait.queue, db, queue_domain_of(move->address), &target, &name, err);
	if (rc < 0 || slice_eq(name, move->destination))
		return rc;
	rc = queue_destination_id(db, name, &destination, err);
	return rc < 0 ? rc
		      : db_do(db, err,
				"UPDATE recipient SET destination = ?1, due_s = max(?2,"
				" (SELECT not_before_s FROM message WHERE id = ?3))"
				" WHERE message = ?3 AND number = ?4",
				db_i(destination), db_i(clock_wall_s()), db_i(move->id),
				db_i(move->number));
}

static int reroute_run(struct group_item *item, struct db *db, struct err *err)
{
	struct reroute *r = (struct reroute *)item;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->n; i++)
		rc = move_one(r, db, &r->moves[i], err);
	return rc;
}

static void take_move(void *context, const struct queue_entry *entry)
{
	struct reroute *r = context;

	r->moves[r->n++] = (struct move){.id = entry->id,
		.number = entry->number,
		.address = arena_dup(&r->arena, entry->address),
		.destination = arena_dup(&r->arena, entry->destination)};
}

/* Reports stay on their way to this host, and what has a way of its own on that. */
static size_t keep_ours(struct reroute *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (!slice_starts(r->moves[i].destination, slice_lit("<")))
			r->moves[n++] = r->moves[i];
	}
	return n;
}

/* Then each destination is looked at again: the caller walks through them. */
static int reroute(struct queue *q, struct err *err)
{
	const struct queue_filter all = {.state = -1};
	struct reroute r = {.n = 0};
	struct move last = {0};
	bool more = true;
	int rc = 0;

	arena_init(&r.arena, QUEUE_ARENA_MAX);
	while (rc == 0 && more) {
		arena_reset(&r.arena);
		r.n = 0;
		rc = queue_list(q, &all, last.id, last.number, SLICE, take_move, &r, &more, err);
		if (rc < 0 || r.n == 0)
			break;
		last = r.moves[r.n - 1];
		r.n = keep_ours(&r);
		rc = queue_wait_run(q, &r.wait, reroute_run, err);
	}
	atomic_fetch_add(&q->routing, 1);
	arena_done(&r.arena);
	return rc;
}

struct pair {
	struct queue_wait wait; /* first */
	struct slice name;
	const struct slice *value;
};

static int route_run(struct group_item *item, struct db *db, struct err *err)
{
	const struct pair *p = (const struct pair *)item;
	int rc;

	if (p->value->len)
		rc = db_do(db, err, "INSERT OR REPLACE INTO route(pattern, target) VALUES(?, ?)",
			db_t(p->name), db_t(*p->value));
	else
		rc = db_do(db, err, "DELETE FROM route WHERE pattern = ?", db_t(p->name));
	if (rc == 0 && !p->value->len && db_changes(db) == 0)
		return err_set(err, ERR_NOTFOUND, "there is no route for %.*s", SLICE_ARG(p->name));
	return rc;
}

int queue_route_set(struct queue *q, struct slice pattern, struct slice target, struct err *err)
{
	struct pair p = {.name = pattern, .value = &target};
	int rc = queue_wait_run(q, &p.wait, route_run, err);

	if (rc < 0)
		return rc;
	atomic_store(&q->has_routes, true);
	rc = reroute(q, err);
	return rc < 0 ? rc : queue_walk(q, err);
}

static int keep_smarthost(struct group_item *item, struct db *db, struct err *err)
{
	const struct queue_wait *wait = (const struct queue_wait *)item;

	return db_do(db, err, "INSERT OR REPLACE INTO setting(name, value) VALUES('smarthost', ?)",
		db_t(wait->queue->config.smarthost));
}

int queue_start(struct queue *q, struct err *err)
{
	struct queue_reader *reader = queue_reader_take(q);
	struct queue_wait wait;
	int64_t is_same;
	int rc = db_get_int(reader->db, &is_same, err,
		"SELECT coalesce((SELECT value FROM setting WHERE name = 'smarthost'), '') = ?",
		db_t(q->config.smarthost));

	queue_reader_give(reader);
	if (rc == 0 && !is_same)
		rc = reroute(q, err);
	if (rc == 0 && !is_same)
		rc = queue_wait_run(q, &wait, keep_smarthost, err);
	return rc < 0 ? rc : queue_walk(q, err);
}

/* ---- suppressed addresses ---- */

static int suppress_run(struct group_item *item, struct db *db, struct err *err)
{
	const struct pair *p = (const struct pair *)item;
	int rc;

	if (p->value)
		return db_do(db, err,
			"INSERT OR REPLACE INTO suppressed(address, reason, added_s)"
			" VALUES(?, ?, ?)",
			db_t(p->name), db_t(*p->value), db_i(clock_wall_s()));
	rc = db_do(db, err, "DELETE FROM suppressed WHERE address = ?", db_t(p->name));
	if (rc == 0 && db_changes(db) == 0)
		return err_set(err, ERR_NOTFOUND, "%.*s is not suppressed", SLICE_ARG(p->name));
	return rc;
}

int queue_suppress(
	struct queue *q, struct slice address, const struct slice *reason, struct err *err)
{
	struct pair p = {.name = address, .value = reason};
	const int rc = queue_wait_run(q, &p.wait, suppress_run, err);

	if (rc == 0 && reason)
		atomic_store(&q->has_suppressed, true);
	return rc;
}

/* ---- bounds ---- */

struct limit {
	struct queue_wait wait; /* first */
	struct slice name;
	const struct lane_bounds *bounds;
};

static int limit_run(struct group_item *item, struct db *db, struct err *err)
{
	const struct limit *l = (const struct limit *)item;
	const struct lane_bounds *b = l->bounds;

	if (!b->connections && !b->messages && !b->per_minute)
		return db_do(
			db, err, "DELETE FROM destination_limit WHERE name = ?", db_t(l->name));
	return db_do(db, err,
		"INSERT OR REPLACE INTO destination_limit(name, connections, messages, per_minute)"
		" VALUES(?, ?, ?, ?)",
		db_t(l->name), db_i(b->connections), db_i(b->messages), db_i(b->per_minute));
}

int queue_limit_set(
	struct queue *q, struct slice name, const struct lane_bounds *bounds, struct err *err)
{
	struct limit l = {.name = name, .bounds = bounds};

	return queue_wait_run(q, &l.wait, limit_run, err);
}
