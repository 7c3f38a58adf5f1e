/*
 * greylist.c - see internal.h. A real mail server tries again; most programs that send spam do not.
 *
 * What was asked for is a triple (network, sender, recipient), known by its hash. A network whose
 * triples came again twice, or that brought mail which was kept, is known and not asked again for
 * 36 days after its last mail. All is in memory and written to greylist.db every ten seconds: a
 * crash forgets those, and a sender waits once more. So it is with two servers during an upgrade:
 * the new one reads at its start what the old one wrote, and does not know who came to that in the
 * seconds before; strangers who connect from then on come to the new one alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"
#include "db/db.h"
#include "door/internal.h"

enum {
	KEY_LEN = 16,
	ENTRIES_MAX = 200000,
	NETWORK_PASSES = 2,
	WRITE_MS = 10000,
	RETRY_MAX_S = 24 * 3600, /* a triple that did not come again by then is a new one */
	KNOWN_S = 36 * 24 * 3600,
};

static const struct log_ctx log_ctx = {.service = "greylist"};

struct entry {
	char key[KEY_LEN];
	int64_t first_s, last_s;
	int64_t passes; /* of a network: how many triples came again, or messages were kept */
	bool is_dirty;
};

struct greylist {
	struct pool *pool;
	int64_t wait_s;
	struct db *db; /* the timer's job alone uses it */
	struct pool_timer timer;
	pthread_mutex_t lock; /* guards what follows */
	struct map entries;
	bool is_armed;
};

static const struct db_migration schema[] = {
	{"CREATE TABLE entry (key BLOB PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,"
	 " passes INTEGER NOT NULL) WITHOUT ROWID"},
};

/* ---- keys ---- */

static void make_key(const struct ip_network *network, struct slice sender, struct slice recipient,
	char out[KEY_LEN])
{
	unsigned char hash[SHA256_LEN];
	struct buf text AUTO(buf_done);

	buf_init(&text, 4096);
	buf_append(&text, (struct slice){(const char *)network->ip.bytes, network->ip.len});
	buf_append(&text, sender);
	buf_byte(&text, '\0');
	buf_append(&text, recipient);
	sha256(buf_slice(&text), hash);
	memcpy(out, hash, KEY_LEN);
}

/* ---- entries; the caller holds the lock ---- */

static struct entry *find(struct greylist *g, const char key[KEY_LEN])
{
	return map_get(&g->entries, (struct slice){key, KEY_LEN});
}

static bool is_past(const struct entry *e, int64_t now)
{
	return now - e->last_s > (e->passes ? KNOWN_S : RETRY_MAX_S);
}

static void touch(struct greylist *g, struct entry *e)
{
	e->last_s = clock_wall_s();
	e->is_dirty = true;
	if (g->is_armed)
		return;
	g->is_armed = true;
	pool_timer_set(g->pool, &g->timer, clock_mono_ms() + WRITE_MS);
}

/* NULL: no room. */
static struct entry *make(struct greylist *g, const char key[KEY_LEN])
{
	struct entry *e;

	if (g->entries.count >= ENTRIES_MAX)
		return NULL;
	e = mem_new(struct entry);
	memcpy(e->key, key, KEY_LEN);
	e->first_s = clock_wall_s();
	map_put(&g->entries, (struct slice){e->key, KEY_LEN}, e);
	return e;
}

static void add_pass(struct greylist *g, const char key[KEY_LEN])
{
	struct entry *e = find(g, key);

	if (!e)
		e = make(g, key);
	if (!e)
		return;
	e->passes++;
	touch(g, e);
}

/* ---- asking ---- */

static int64_t ask_locked(struct greylist *g, const char network[KEY_LEN], const char key[KEY_LEN])
{
	const int64_t now = clock_wall_s();
	struct entry *e = find(g, network);

	if (e && e->passes >= NETWORK_PASSES && !is_past(e, now))
		return 0;
	e = find(g, key);
	if (!e) {
		e = make(g, key);
		if (!e)
			return 0;
		touch(g, e);
		return g->wait_s;
	}
	if (is_past(e, now)) {
		e->first_s = now;
		e->passes = 0;
	}
	if (e->passes == 0 && now - e->first_s < g->wait_s)
		return g->wait_s - (now - e->first_s);
	if (e->passes++ == 0)
		add_pass(g, network);
	touch(g, e);
	return 0;
}

int64_t greylist_ask(struct greylist *g, const struct ip_network *network, struct slice sender,
	struct slice recipient)
{
	char key[KEY_LEN], network_key[KEY_LEN];
	int64_t wait;

	make_key(network, sender, recipient, key);
	make_key(network, (struct slice){0}, (struct slice){0}, network_key);
	pthread_mutex_lock(&g->lock);
	wait = ask_locked(g, network_key, key);
	pthread_mutex_unlock(&g->lock);
	return wait;
}

void greylist_learn(struct greylist *g, const struct ip_network *network)
{
	char key[KEY_LEN];

	make_key(network, (struct slice){0}, (struct slice){0}, key);
	pthread_mutex_lock(&g->lock);
	add_pass(g, key);
	pthread_mutex_unlock(&g->lock);
}

/* ---- writing ---- */

static int write_one(struct db *db, const struct entry *e, struct err *err)
{
	const struct slice key = {e->key, KEY_LEN};

	if (is_past(e, clock_wall_s()))
		return db_do(db, err, "DELETE FROM entry WHERE key = ?", db_b(key));
	return db_do(db, err, "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)", db_b(key),
		db_i(e->first_s), db_i(e->last_s), db_i(e->passes));
}

/* Copies of what changed or is past; the latter leaves the map. */
static struct entry *take_changed(struct greylist *g, size_t *n_out)
{
	const int64_t now = clock_wall_s();
	struct entry *list, *e;
	size_t n = 0;

	pthread_mutex_lock(&g->lock);
	g->is_armed = false;
	list = mem_zalloc_array(g->entries.count + 1, sizeof(*list));
	for (size_t at = 0; (e = map_next(&g->entries, &at));) {
		const bool is_gone = is_past(e, now);

		if (!e->is_dirty && !is_gone)
			continue;
		e->is_dirty = false;
		list[n++] = *e;
		if (is_gone) {
			map_del(&g->entries, (struct slice){e->key, KEY_LEN});
			free(e);
		}
	}
	pthread_mutex_unlock(&g->lock);
	*n_out = n;
	return list;
}

static void write_changed(struct greylist *g)
{
	struct err err;
	size_t n;
	struct entry *list = take_changed(g, &n);
	int rc = db_begin(g->db, &err);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = write_one(g->db, &list[i], &err);
	if (rc == 0)
		rc = db_commit(g->db, &err);
	else if (db_in_transaction(g->db))
		db_rollback(g->db);
	if (rc < 0)
		log_error(&log_ctx, "write", log_e(&err));
	free(list);
}

static void tick(struct pool_job *job)
{
	write_changed((struct greylist *)((char *)job - offsetof(struct greylist, timer.job)));
}

/* ---- life ---- */

static int load(struct greylist *g, struct err *err)
{
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	int rc = db_query(g->db, &rows, err, "SELECT key, first, last, passes FROM entry");

	while (rc == 0 && (rc = db_step(rows, err)) > 0) {
		const struct slice key = db_blob(rows, 0);
		struct entry *e = key.len == KEY_LEN ? make(g, key.ptr) : NULL;

		rc = 0;
		if (!e)
			continue;
		e->first_s = db_int(rows, 1);
		e->last_s = db_int(rows, 2);
		e->passes = db_int(rows, 3);
	}
	return rc;
}

int greylist_open(struct pool *pool, int64_t wait_s, struct greylist **out, struct err *err)
{
	const struct db_config file = {
		.path = "greylist.db", .may_create = true, .cache_kib = DB_CACHE_SMALL_KIB};
	struct greylist *g AUTO(greylist_close) = mem_new(struct greylist);
	int rc;

	g->pool = pool;
	g->wait_s = wait_s;
	g->timer = (struct pool_timer){.job = {.run = tick}, .class = POOL_BULK};
	pthread_mutex_init(&g->lock, NULL);
	rc = db_open(&file, &g->db, err);
	if (rc == 0)
		rc = db_migrate(g->db, schema, sizeof(schema) / sizeof(schema[0]), err);
	if (rc == 0)
		rc = load(g, err);
	if (rc < 0)
		return rc;
	*out = g;
	g = NULL;
	return 0;
}

void greylist_close(struct greylist **greylist)
{
	struct greylist *g = *greylist;
	struct entry *e;

	if (!g)
		return;
	if (g->db)
		write_changed(g);
	for (size_t at = 0; (e = map_next(&g->entries, &at));)
		free(e);
	map_done(&g->entries);
	db_close(&g->db);
	pthread_mutex_destroy(&g->lock);
	free(g);
	*greylist = NULL;
}
