/* letter_db.c - see letter.h for the contract: the tables. */
#include <string.h>

#include "mail/letter.h"

enum {
	FLAG_SMTPUTF8 = 1,
	FLAG_8BIT = 2,
	FLAG_REPORT = 4,
	FLAG_SUSPECT = 8,
	FLAG_BY_NOTIFY = 16,
	FLAG_BY_TRACED = 32,
	FLAG_REQUIRETLS = 64,
	FLAG_TLS_OPTIONAL = 128,
	FLAG_URGENT = 256,
	FLAG_BULK = 512,
	FLAG_OWN = 1024,
	CHUNK_BITS = 20, /* of a chunk's key: its number; the rest is the letter's id */
};

static const struct db_migration schema[] = {
	{"CREATE TABLE letter("
	 " id INTEGER PRIMARY KEY, delivery INTEGER NOT NULL UNIQUE, submitter INTEGER NOT NULL,"
	 " sender TEXT NOT NULL, envid TEXT NOT NULL, ret INTEGER NOT NULL, flags INTEGER NOT NULL,"
	 " accepted_s INTEGER NOT NULL, received_s INTEGER NOT NULL, own_bytes INTEGER NOT NULL,"
	 " size INTEGER NOT NULL);"
	 "CREATE TABLE target("
	 " letter INTEGER NOT NULL, number INTEGER NOT NULL, account INTEGER NOT NULL,"
	 " address TEXT NOT NULL, recipient TEXT NOT NULL, orcpt TEXT NOT NULL,"
	 " notify INTEGER NOT NULL, PRIMARY KEY(letter, number)) WITHOUT ROWID;"
	 "CREATE TABLE chunk(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"},
	/* of the message, in its history */
	{"ALTER TABLE letter ADD COLUMN message INTEGER NOT NULL DEFAULT 0"},
	/* 1: to the folder of spam */
	{"ALTER TABLE target ADD COLUMN flags INTEGER NOT NULL DEFAULT 0"},
	/* RFC 2852 */
	{"ALTER TABLE letter ADD COLUMN by_s INTEGER NOT NULL DEFAULT 0"},
};

int letter_db_open(const char *path, struct db **db_out, struct err *err)
{
	struct db *db;
	int rc = db_open(&(struct db_config){.path = path, .may_create = true}, &db, err);

	if (rc < 0)
		return rc;
	rc = db_migrate(db, schema, sizeof(schema) / sizeof(schema[0]), err);
	if (rc < 0) {
		db_close(&db);
		return rc;
	}
	*db_out = db;
	return 0;
}

static int insert_chunk(struct db *db, int64_t key, struct slice bytes, struct err *err)
{
	return db_do(db, err, "INSERT INTO chunk(id, bytes) VALUES(?, ?)", db_i(key), db_b(bytes));
}

/* A message that is in memory goes to the database from where it stands. */
static int insert_body(
	struct db *db, int64_t id, const struct incoming *in, uint64_t at, struct err *err)
{
	const uint64_t size = spool_size(in->spool);
	int64_t key = id << CHUNK_BITS;
	struct buf b AUTO(buf_done);
	struct slice whole;
	int rc = 0;

	buf_init(&b, LETTER_CHUNK);
	if (spool_view(in->spool, &whole))
		return insert_chunk(db, key, slice_from(whole, at), err);
	for (; rc == 0 && at < size; at += b.len) {
		buf_clear(&b);
		rc = spool_read(in->spool, at, LETTER_CHUNK, &b, err);
		if (rc == 0)
			rc = insert_chunk(db, key++, buf_slice(&b), err);
		if (rc == 0 && b.len == 0)
			rc = err_set(err, ERR_IO, "spooled message is cut short");
	}
	return rc;
}

static int insert_targets(struct db *db, const struct letter *letter, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < letter->targets_n; i++) {
		const struct letter_target *t = &letter->targets[i];

		rc = db_do(db, err,
			"INSERT INTO target(letter, number, account, address, recipient, orcpt,"
			" notify, flags) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
			db_i(letter->id), db_i(t->number), db_i((int64_t)t->account),
			db_t(t->address), db_t(t->recipient), db_t(t->orcpt), db_i(t->notify),
			db_i(t->is_suspect));
	}
	return rc;
}

static int flags_of(const struct letter *l)
{
	const struct mail_wishes *w = &l->wishes;

	return (l->is_smtputf8 ? FLAG_SMTPUTF8 : 0) | (l->is_8bit ? FLAG_8BIT : 0) |
	       (l->is_report ? FLAG_REPORT : 0) | (l->is_suspect ? FLAG_SUSPECT : 0) |
	       (l->is_own ? FLAG_OWN : 0) | (w->is_by_notify ? FLAG_BY_NOTIFY : 0) |
	       (w->is_by_traced ? FLAG_BY_TRACED : 0) | (w->requires_tls ? FLAG_REQUIRETLS : 0) |
	       (w->is_tls_optional ? FLAG_TLS_OPTIONAL : 0) |
	       (w->priority == MAIL_URGENT ? FLAG_URGENT : 0) |
	       (w->priority == MAIL_BULK ? FLAG_BULK : 0);
}

static void take_flags(struct letter *l, int64_t flags)
{
	l->is_smtputf8 = flags & FLAG_SMTPUTF8;
	l->is_8bit = flags & FLAG_8BIT;
	l->is_report = flags & FLAG_REPORT;
	l->is_suspect = flags & FLAG_SUSPECT;
	l->is_own = flags & FLAG_OWN;
	l->wishes.is_by_notify = flags & FLAG_BY_NOTIFY;
	l->wishes.is_by_traced = flags & FLAG_BY_TRACED;
	l->wishes.requires_tls = flags & FLAG_REQUIRETLS;
	l->wishes.is_tls_optional = flags & FLAG_TLS_OPTIONAL;
	l->wishes.priority = flags & FLAG_URGENT ? MAIL_URGENT
			     : flags & FLAG_BULK ? MAIL_BULK
						 : MAIL_NORMAL;
}

static int insert_letter(struct db *db, const struct letter *l, const struct incoming *in,
	uint64_t skip, struct err *err)
{
	return db_do(db, err,
		"INSERT INTO letter(delivery, submitter, sender, envid, ret, flags, accepted_s,"
		" received_s, own_bytes, size, message, by_s)"
		" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT(delivery) DO NOTHING",
		db_i((int64_t)l->delivery_id), db_i((int64_t)l->submitter), db_t(l->sender),
		db_t(l->envid), db_i(l->ret), db_i(flags_of(l)), db_i(l->accepted_s),
		db_i(in->received_s), db_i((int64_t)(l->own_bytes - skip)),
		db_i((int64_t)(spool_size(in->spool) - skip)), db_i((int64_t)in->number),
		db_i(l->wishes.by_s));
}

int letter_db_insert(struct db *db, struct letter *letter, const struct incoming *in, uint64_t skip,
	struct err *err)
{
	int rc = insert_letter(db, letter, in, skip, err);

	if (rc < 0 || db_changes(db) == 0)
		return rc;
	letter->id = db_last_id(db);
	rc = insert_targets(db, letter, err);
	return rc < 0 ? rc : insert_body(db, letter->id, in, skip, err);
}

static int load_targets(struct db *db, struct letter *letter, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int64_t n;
	int rc;

	rc = db_get_int(
		db, &n, err, "SELECT count(*) FROM target WHERE letter = ?", db_i(letter->id));
	if (rc < 0)
		return rc;
	letter->targets = arena_array(&letter->arena, struct letter_target, (size_t)n);
	rc = db_query(db, &stmt, err,
		"SELECT number, account, address, recipient, orcpt, notify, flags FROM target"
		" WHERE letter = ? ORDER BY number",
		db_i(letter->id));
	while (rc >= 0 && (rc = db_step(stmt, err)) == 1) {
		struct letter_target *t = &letter->targets[letter->targets_n];

		if (!letter->targets || letter->targets_n == (size_t)n)
			return err_set(err, ERR_TOOBIG, "envelope too large");
		t->number = (unsigned)db_int(stmt, 0);
		t->account = (uint64_t)db_int(stmt, 1);
		t->address = arena_dup(&letter->arena, db_text(stmt, 2));
		t->recipient = arena_dup(&letter->arena, db_text(stmt, 3));
		t->orcpt = arena_dup(&letter->arena, db_text(stmt, 4));
		t->notify = (unsigned)db_int(stmt, 5);
		t->is_suspect = db_int(stmt, 6) & 1;
		if (!t->address.ptr || !t->recipient.ptr || !t->orcpt.ptr)
			return err_set(err, ERR_TOOBIG, "envelope too large");
		letter->targets_n++;
	}
	return rc;
}

static int load_letter(struct db *db, struct letter *l, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc;

	rc = db_query(db, &stmt, err,
		"SELECT delivery, submitter, sender, envid, ret, flags, accepted_s, own_bytes, by_s"
		" FROM letter WHERE id = ?",
		db_i(l->id));
	if (rc == 0)
		rc = db_step(stmt, err);
	if (rc <= 0)
		return rc < 0 ? rc : err_set(err, ERR_NOTFOUND, "no such letter");
	l->delivery_id = (uint64_t)db_int(stmt, 0);
	l->submitter = (uint64_t)db_int(stmt, 1);
	l->sender = arena_dup(&l->arena, db_text(stmt, 2));
	l->envid = arena_dup(&l->arena, db_text(stmt, 3));
	l->ret = (char)db_int(stmt, 4);
	take_flags(l, db_int(stmt, 5));
	l->accepted_s = db_int(stmt, 6);
	l->own_bytes = (uint64_t)db_int(stmt, 7);
	l->wishes.by_s = db_int(stmt, 8);
	return l->sender.ptr && l->envid.ptr ? 0 : err_set(err, ERR_TOOBIG, "envelope too large");
}

int letter_db_load(struct db *db, int64_t id, struct letter **letter_out, struct err *err)
{
	struct letter *letter = letter_alloc();
	int rc;

	letter->id = id;
	rc = load_letter(db, letter, err);
	if (rc == 0)
		rc = load_targets(db, letter, err);
	if (rc < 0) {
		letter_free(&letter);
		return rc;
	}
	*letter_out = letter;
	return 0;
}

static int load_chunks(struct db *db, int64_t id, struct incoming *in, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc;

	rc = db_query(db, &stmt, err,
		"SELECT bytes FROM chunk WHERE id >= ? AND id < ? ORDER BY id",
		db_i(id << CHUNK_BITS), db_i((id + 1) << CHUNK_BITS));
	while (rc >= 0 && (rc = db_step(stmt, err)) == 1)
		rc = incoming_append(in, db_blob(stmt, 0), err);
	return rc;
}

int letter_db_body(struct db *db, int64_t id, int spool_dirfd, uint64_t max,
	struct incoming **in_out, struct err *err)
{
	struct incoming *in;
	int64_t received_s, number;
	int rc;

	rc = db_get_int(
		db, &received_s, err, "SELECT received_s FROM letter WHERE id = ?", db_i(id));
	if (rc == 0)
		rc = db_get_int(
			db, &number, err, "SELECT message FROM letter WHERE id = ?", db_i(id));
	if (rc < 0)
		return rc;
	in = incoming_new(spool_dirfd, max);
	in->received_s = received_s;
	in->number = (uint64_t)number;
	rc = load_chunks(db, id, in, err);
	if (rc == 0)
		rc = incoming_finish(in, err);
	if (rc < 0) {
		incoming_free(&in);
		return rc;
	}
	*in_out = in;
	return 0;
}

int letter_db_cross(struct db *db, int64_t id, unsigned number, struct err *err)
{
	return db_do(db, err, "DELETE FROM target WHERE letter = ? AND number = ?", db_i(id),
		db_i(number));
}

int letter_db_delete(struct db *db, int64_t id, struct err *err)
{
	int rc = db_do(db, err, "DELETE FROM letter WHERE id = ?", db_i(id));

	if (rc == 0)
		rc = db_do(db, err, "DELETE FROM target WHERE letter = ?", db_i(id));
	if (rc == 0)
		rc = db_do(db, err, "DELETE FROM chunk WHERE id >= ? AND id < ?",
			db_i(id << CHUNK_BITS), db_i((id + 1) << CHUNK_BITS));
	return rc;
}

int letter_db_next(struct db *db, int64_t after, int64_t *id_out, struct err *err)
{
	return db_get_int(db, id_out, err, "SELECT coalesce(min(id), 0) FROM letter WHERE id > ?",
		db_i(after));
}
