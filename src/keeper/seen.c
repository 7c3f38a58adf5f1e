/* seen.c - see seen.h for the contract. */
#include "keeper/seen.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"

enum { NOTES_MAX = 100000 };

struct note {
	uint64_t id;
	enum seen_kind kind;
	int64_t at_s;
	char *peer, *program;
};

struct seen {
	pthread_mutex_t lock; /* guards all below */
	struct map notes;     /* by id */
	int64_t due_s;
};

struct seen *seen_new(void)
{
	struct seen *seen = mem_new(struct seen);

	pthread_mutex_init(&seen->lock, NULL);
	return seen;
}

static void note_free(struct note *n)
{
	free(n->peer);
	free(n->program);
	free(n);
}

static void free_notes(struct map *notes)
{
	struct note *n;

	for (size_t at = 0; (n = map_next(notes, &at));)
		note_free(n);
	map_done(notes);
}

void seen_free(struct seen **seen)
{
	if (!*seen)
		return;
	free_notes(&(*seen)->notes);
	pthread_mutex_destroy(&(*seen)->lock);
	free(*seen);
	*seen = NULL;
}

static void set_text(char **text, struct slice s, size_t max)
{
	if (*text && slice_eq(slice_str(*text), s))
		return;
	free(*text);
	*text = mem_str(slice_head(s, max));
}

void seen_note(struct seen *seen, enum seen_kind kind, uint64_t id, struct slice peer,
	struct slice program)
{
	struct note *n;

	pthread_mutex_lock(&seen->lock);
	n = map_get(&seen->notes, map_key_u64(&id));
	if (!n && seen->notes.count < NOTES_MAX) {
		n = mem_new(struct note);
		n->id = id;
		n->kind = kind;
		map_put(&seen->notes, map_key_u64(&n->id), n);
	}
	if (n) {
		n->at_s = clock_wall_s();
		set_text(&n->peer, peer, SEEN_PEER_MAX);
		set_text(&n->program, program, SEEN_PROGRAM_MAX);
	}
	pthread_mutex_unlock(&seen->lock);
}

int64_t seen_last(struct seen *seen, uint64_t id)
{
	const struct note *n;
	int64_t at;

	pthread_mutex_lock(&seen->lock);
	n = map_get(&seen->notes, map_key_u64(&id));
	at = n ? n->at_s : 0;
	pthread_mutex_unlock(&seen->lock);
	return at;
}

bool seen_is_due(struct seen *seen)
{
	const int64_t now = clock_wall_s();
	bool is_it;

	pthread_mutex_lock(&seen->lock);
	is_it = seen->notes.count && now >= seen->due_s;
	if (is_it)
		seen->due_s = now + SEEN_EVERY_S;
	pthread_mutex_unlock(&seen->lock);
	return is_it;
}

static int write_note(struct db *change, const struct note *n, struct err *err)
{
	const struct slice peer = slice_str(n->peer), program = slice_str(n->program);

	if (n->kind == SEEN_WEB)
		return db_do(change, err, "UPDATE web SET seen_s = ?, peer = ? WHERE id = ?",
			db_i(n->at_s), db_t(peer), db_i((int64_t)n->id));
	if (n->kind == SEEN_TOKEN)
		return db_do(change, err, "UPDATE token SET seen_s = ?, peer = ? WHERE id = ?",
			db_i(n->at_s), db_t(peer), db_i((int64_t)n->id));
	return db_do(change, err, "UPDATE app SET seen_s = ?, peer = ?, program = ? WHERE id = ?",
		db_i(n->at_s), db_t(peer), db_t(program), db_i((int64_t)n->id));
}

int seen_write(struct seen *seen, struct db *change, struct err *err)
{
	struct map notes;
	const struct note *n;
	int rc = 0;

	pthread_mutex_lock(&seen->lock);
	notes = seen->notes;
	seen->notes = (struct map){0};
	pthread_mutex_unlock(&seen->lock);
	for (size_t at = 0; rc == 0 && (n = map_next(&notes, &at));)
		rc = write_note(change, n, err);
	free_notes(&notes);
	return rc;
}
