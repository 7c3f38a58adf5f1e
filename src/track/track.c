/* track.c - see track.h for the contract. */
#include "track/track.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "group/later.h"

enum { NOTE_BYTES = 16, PURGE_EACH = 2000, DAY_S = 86400 };

/* An event, or (kind NULL) an address. */
struct waiting {
	struct later_item item;
	uint64_t id, hash;
	int64_t at_us;
	const char *kind;
	size_t len;
	char text[];
};

struct track {
	struct later later;
	int64_t keep_s;
	_Atomic int64_t last_us; /* of an event: no two have the same time */
};

static const struct db_migration schema[] = {
	{"CREATE TABLE event (id INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,"
	 " text TEXT NOT NULL, PRIMARY KEY (id, at)) WITHOUT ROWID;"
	 "CREATE TABLE note (at INTEGER PRIMARY KEY, list BLOB NOT NULL)"},
};

/* FNV-1a of the address in small letters: the same in every run, and no secret. One that was made
 * to fit another's shows one message too many. */
static uint64_t address_hash(struct slice address)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < address.len; i++)
		hash = (hash ^ (unsigned char)ascii_lower((unsigned char)address.ptr[i])) *
		       1099511628211u;
	return hash;
}

/* ---- writing ---- */

static int put_event(struct db *db, const struct waiting *w, struct err *err)
{
	return db_do(db, err, "INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?)",
		db_i((int64_t)w->id), db_i(w->at_us), db_t(slice_str(w->kind)),
		db_t((struct slice){w->text, w->len}));
}

static void put_note(struct buf *notes, const struct waiting *w)
{
	buf_append(notes, (struct slice){(const char *)&w->hash, sizeof(w->hash)});
	buf_append(notes, (struct slice){(const char *)&w->id, sizeof(w->id)});
}

/* The oldest, a few at a time; both tables are in the order of time. */
static int purge(struct db *db, int64_t before_s, struct err *err)
{
	const int64_t bound = (int64_t)random_dated_from(before_s);
	int64_t first;
	int rc = db_get_int(db, &first, err, "SELECT coalesce(min(id), ?) FROM event", db_i(bound));

	if (rc < 0 || first >= bound)
		return rc;
	rc = db_do(db, err,
		"DELETE FROM event WHERE id <= (SELECT max(id) FROM (SELECT id FROM event"
		" ORDER BY id LIMIT ?)) AND id < ?",
		db_i(PURGE_EACH), db_i(bound));
	if (rc == 0)
		rc = db_do(db, err, "DELETE FROM note WHERE at < ?", db_i(before_s * 1000000));
	return rc;
}

static int write_all(struct later *later, struct later_item *first, struct err *err)
{
	const struct track *track = (const struct track *)later;
	struct db *db = later->db;
	struct buf notes AUTO(buf_done);
	int rc = 0;

	buf_init(&notes, (size_t)NOTE_BYTES * TRACK_WAITING_MAX);
	for (struct later_item *item = first; item && rc == 0; item = item->next) {
		const struct waiting *w = (const struct waiting *)item;

		if (w->kind)
			rc = put_event(db, w, err);
		else
			put_note(&notes, w);
	}
	if (rc == 0 && notes.len)
		rc = db_do(db, err,
			"INSERT INTO note VALUES (max(?, (SELECT coalesce(max(at), 0) + 1 FROM "
			"note)), ?)",
			db_i(clock_wall_us()), db_b(buf_slice(&notes)));
	return rc < 0 ? rc : purge(db, clock_wall_s() - track->keep_s, err);
}

/* ---- life ---- */

int track_open(
	const char *path, unsigned days, struct pool *pool, struct track **out, struct err *err)
{
	const struct later_config config = {
		.file = {.path = path, .may_create = true, .cache_kib = DB_CACHE_SMALL_KIB},
		.schema = schema,
		.schema_n = sizeof(schema) / sizeof(schema[0]),
		.name = "track",
		.pool = pool,
		.max = TRACK_WAITING_MAX,
		.write = write_all,
	};
	struct track *track = mem_new(struct track);
	const int rc = later_open(&track->later, &config, err);

	track->keep_s = (int64_t)days * DAY_S;
	if (rc < 0)
		free(track);
	else
		*out = track;
	return rc;
}

void track_close(struct track **track)
{
	struct track *t = *track;

	*track = NULL;
	if (!t)
		return;
	later_close(&t->later);
	free(t);
}

/* ---- adding ---- */

/* The time, but later than any event before. */
static int64_t next_us(struct track *track)
{
	const int64_t now_us = clock_wall_us();
	int64_t last_us = atomic_load(&track->last_us), us;

	do
		us = now_us > last_us ? now_us : last_us + 1;
	while (!atomic_compare_exchange_weak(&track->last_us, &last_us, us));
	return us;
}

void track_add(struct track *track, uint64_t id, const char *kind, const struct log_field *fields)
{
	struct buf text AUTO(buf_done);
	struct waiting *w;

	buf_init(&text, TRACK_TEXT_MAX);
	if (!track || !id)
		return;
	log_fields(&text, fields);
	w = mem_alloc(sizeof(*w) + text.len);
	*w = (struct waiting){.id = id, .kind = kind, .at_us = next_us(track), .len = text.len};
	if (text.len) {
		memcpy(w->text, text.ptr + 1, text.len - 1); /* without the first space */
		w->len--;
	}
	later_add(&track->later, &w->item);
}

void track_address(struct track *track, uint64_t id, struct slice address)
{
	struct waiting *w;

	if (!track || !id || address.len == 0)
		return;
	w = mem_alloc(sizeof(*w));
	*w = (struct waiting){.id = id, .hash = address_hash(address)};
	later_add(&track->later, &w->item);
}

/* ---- reading ---- */

static int read_rows(struct db_stmt *row, struct arena *arena, struct track_entry *list,
	size_t *n_out, struct err *err)
{
	size_t n = 0;
	int rc = 0;

	while (n < TRACK_EVENTS_MAX && (rc = db_step(row, err)) > 0)
		list[n++] = (struct track_entry){.at_us = db_int(row, 0),
			.kind = arena_dup(arena, db_text(row, 1)),
			.text = arena_dup(arena, db_text(row, 2))};
	*n_out = n;
	return rc < 0 ? rc : 0;
}

int track_read(struct track *track, uint64_t id, struct arena *arena, struct track_entry **list_out,
	size_t *n_out, struct err *err)
{
	struct track_entry *list = arena_array(arena, struct track_entry, TRACK_EVENTS_MAX);
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc;

	if (!list)
		return err_set(err, ERR_TOOBIG, "no room for a message's history");
	rc = db_query(later_lock(&track->later), &row, err,
		"SELECT at, kind, text FROM event WHERE id = ? ORDER BY at", db_i((int64_t)id));
	if (rc == 0)
		rc = read_rows(row, arena, list, n_out, err);
	db_reset(row);
	row = NULL;
	later_unlock(&track->later);
	if (rc == 0)
		*list_out = list;
	return rc;
}

struct found {
	uint64_t *ids;
	size_t n, max;
};

static void add_found(struct found *found, uint64_t id)
{
	for (size_t i = 0; i < found->n; i++) {
		if (found->ids[i] == id)
			return;
	}
	found->ids[found->n++] = id;
}

/* One write's notes, from the newest back. */
static void search_notes(struct slice notes, uint64_t hash, struct found *found)
{
	for (size_t at = notes.len / NOTE_BYTES; at > 0 && found->n < found->max; at--) {
		uint64_t note[2];

		memcpy(note, notes.ptr + (at - 1) * NOTE_BYTES, NOTE_BYTES);
		if (note[0] == hash)
			add_found(found, note[1]);
	}
}

int track_find(struct track *track, struct slice address, struct track_span span, size_t max,
	struct arena *arena, uint64_t **ids_out, size_t *n_out, struct err *err)
{
	const uint64_t hash = address_hash(address);
	struct found found = {.ids = arena_array(arena, uint64_t, max), .max = max};
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc;

	if (!found.ids)
		return err_set(err, ERR_TOOBIG, "no room for so many messages");
	rc = db_query(later_lock(&track->later), &row, err,
		"SELECT list FROM note WHERE at BETWEEN ? AND ? ORDER BY at DESC",
		db_i(span.since_s * 1000000), db_i(span.until_s * 1000000 + 999999));
	while (rc == 0 && found.n < max && (rc = db_step(row, err)) > 0) {
		search_notes(db_blob(row, 0), hash, &found);
		rc = 0;
	}
	db_reset(row);
	row = NULL;
	later_unlock(&track->later);
	if (rc < 0)
		return rc;
	*ids_out = found.ids;
	*n_out = found.n;
	return 0;
}
