/* bring_folders.c - see bring_book.h for the contract: how far the folders are, and what is told of
 * them. */
#include <jansson.h>
#include <stdlib.h>

#include "base/random.h"
#include "courier/bring_internal.h"

/* 31 random bits above those of a UID. */
static int64_t new_once(void)
{
	return (int64_t)(random_u64() >> 33 << 32 | (uint64_t)1 << 62);
}

/* Numbered anew, all of it is to be looked at again. */
static int put_folder(struct bring_book *b, int64_t job, struct slice name, struct slice path,
	uint32_t uidvalidity, uint64_t messages, struct err *err)
{
	return db_do(b->db, err,
		"INSERT INTO folder (job, name, path, uidvalidity, once, messages)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (job, name) DO UPDATE SET path = ?3,"
		" messages = ?6, uidvalidity = ?4,"
		" by_content = CASE WHEN uidvalidity = ?4 THEN by_content"
		" WHEN last_uid > 0 THEN 1 ELSE by_content END,"
		" once = CASE WHEN uidvalidity = ?4 AND once <> 0 THEN once ELSE ?5 END,"
		" taken = CASE WHEN uidvalidity = ?4 THEN taken ELSE 0 END,"
		" missed = CASE WHEN uidvalidity = ?4 THEN missed ELSE 0 END,"
		" last_uid = CASE WHEN uidvalidity = ?4 THEN last_uid ELSE 0 END",
		db_i(job), db_b(name), db_t(path), db_i(uidvalidity), db_i(new_once()),
		db_i((int64_t)messages));
}

static int get_folder(struct bring_book *b, int64_t job, struct slice name,
	struct bring_folder *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	const int rc = db_row(b->db, &row, err,
		"SELECT id, last_uid, once, by_content, failures FROM folder"
		" WHERE job = ? AND name = ?",
		db_i(job), db_b(name));

	if (rc <= 0)
		return rc < 0 ? rc : err_set(err, ERR_NOTFOUND, "the folder was forgotten");
	*out = (struct bring_folder){.id = db_int(row, 0),
		.last_uid = (uint32_t)db_int(row, 1),
		.once = (uint64_t)db_int(row, 2),
		.is_by_content = db_int(row, 3) != 0,
		.failures = (unsigned)db_int(row, 4)};
	return 0;
}

int bring_book_folder(struct bring_book *b, uint64_t job, struct slice name, struct slice path,
	uint32_t uidvalidity, uint64_t messages, struct bring_folder *out, struct err *err)
{
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = put_folder(b, (int64_t)job, name, path, uidvalidity, messages, err);
	if (rc == 0)
		rc = get_folder(b, (int64_t)job, name, out, err);
	if (rc == 0 && !out->last_uid)
		rc = db_do(b->db, err, "DELETE FROM missed WHERE folder = ?", db_i(out->id));
	pthread_mutex_unlock(&b->lock);
	return rc;
}

int bring_book_expect(struct bring_book *b, uint64_t job, struct slice name, struct slice path,
	uint64_t messages, struct err *err)
{
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = db_do(b->db, err,
		"INSERT OR IGNORE INTO folder (job, name, path, messages) VALUES (?, ?, ?, ?)",
		db_i((int64_t)job), db_b(name), db_t(path), db_i((int64_t)messages));
	pthread_mutex_unlock(&b->lock);
	return rc;
}

bool bring_book_knows(struct bring_book *b, uint64_t job, struct slice name)
{
	int64_t n = 0;
	struct err ignored;
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = db_get_int(b->db, &n, &ignored,
		"SELECT count(*) FROM folder WHERE job = ? AND name = ?", db_i((int64_t)job),
		db_b(name));
	pthread_mutex_unlock(&b->lock);
	return rc == 0 && n;
}

int bring_book_refuse(struct bring_book *b, uint64_t job, struct slice name, struct slice path,
	const char *why, struct err *err)
{
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = db_do(b->db, err,
		"INSERT INTO folder (job, name, path, why) VALUES (?1, ?2, ?3, ?4)"
		" ON CONFLICT (job, name) DO UPDATE SET why = ?4",
		db_i((int64_t)job), db_b(name), db_t(path), db_t(slice_str(why)));
	pthread_mutex_unlock(&b->lock);
	return rc;
}

static int note_missed(
	struct bring_book *b, int64_t folder, const struct bring_batch *batch, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < batch->missed_n && rc == 0; i++) {
		const struct bring_missed *m = &batch->missed[i];

		rc = db_do(b->db, err,
			"INSERT OR REPLACE INTO missed (folder, uid, size, why)"
			" SELECT ?1, ?2, ?3, ?4 WHERE (SELECT count(*) FROM missed"
			" WHERE folder = ?1) < ?5",
			db_i(folder), db_i(m->uid), db_i((int64_t)m->size), db_t(slice_str(m->why)),
			db_i(BRING_MISSED_MAX));
	}
	return rc;
}

static int note_locked(struct bring_book *b, int64_t job, int64_t folder,
	const struct bring_batch *batch, struct err *err)
{
	int rc = db_do(b->db, err,
		"UPDATE folder SET last_uid = ?, taken = taken + ?, missed = missed + ?,"
		" failures = 0 WHERE id = ?",
		db_i(batch->last_uid), db_i((int64_t)batch->taken), db_i((int64_t)batch->missed_n),
		db_i(folder));

	if (rc == 0)
		rc = db_do(b->db, err,
			"UPDATE job SET tries = 0, why = '', bytes = bytes + ?"
			" WHERE id = ?",
			db_i((int64_t)batch->bytes), db_i(job));
	if (rc == 0)
		rc = note_missed(b, folder, batch, err);
	for (size_t i = 0; i < batch->objects_n && rc == 0; i++)
		rc = db_do(b->db, err, "INSERT OR IGNORE INTO object (job, object) VALUES (?, ?)",
			db_i(job), db_b(batch->objects[i]));
	return rc;
}

int bring_book_note(struct bring_book *b, uint64_t job, int64_t folder,
	const struct bring_batch *batch, struct err *err)
{
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = db_begin(b->db, err);
	if (rc == 0)
		rc = note_locked(b, (int64_t)job, folder, batch, err);
	if (rc == 0)
		rc = db_commit(b->db, err);
	if (rc < 0)
		db_rollback(b->db);
	if (rc == 0 && db_log_bytes(b->db) > 4 << 20) {
		struct err ignored;

		(void)!db_empty_log(b->db, &ignored); /* another time */
	}
	pthread_mutex_unlock(&b->lock);
	return rc;
}

int bring_book_failed(struct bring_book *b, int64_t folder, struct err *err)
{
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = db_do(
		b->db, err, "UPDATE folder SET failures = failures + 1 WHERE id = ?", db_i(folder));
	pthread_mutex_unlock(&b->lock);
	return rc;
}

int bring_book_has(
	struct bring_book *b, uint64_t job, struct slice object, bool *has_out, struct err *err)
{
	int64_t n = 0;
	int rc;

	pthread_mutex_lock(&b->lock);
	rc = db_get_int(b->db, &n, err, "SELECT count(*) FROM object WHERE job = ? AND object = ?",
		db_i((int64_t)job), db_b(object));
	pthread_mutex_unlock(&b->lock);
	*has_out = rc == 0 && n;
	return rc;
}

/* ---- what is told ---- */

static json_t *text_of(struct db_stmt *row, int column)
{
	const struct slice s = db_text(row, column);
	json_t *text = json_stringn(s.len ? s.ptr : "", s.len);

	return text ? text : json_string("?");
}

static int put_jobs(
	struct bring_book *b, int64_t account, int64_t job, json_t *list, struct err *err)
{
	static const char *const states[] = {"waiting", "running", "done", "failed", "stopped"};
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(b->db, &row, err,
		"SELECT id, account, host, login, state, why, started, ended, due, bytes,"
		" (SELECT count(*) FROM folder WHERE job = job.id),"
		" (SELECT ifnull(sum(messages), 0) FROM folder WHERE job = job.id),"
		" (SELECT ifnull(sum(taken), 0) FROM folder WHERE job = job.id),"
		" (SELECT ifnull(sum(missed), 0) FROM folder WHERE job = job.id), port, is_starttls"
		" FROM job WHERE (account = ?1 OR ?1 = 0) AND (id = ?2 OR ?2 = 0) ORDER BY id",
		db_i(account), db_i(job));

	while (rc == 0 && (rc = db_step(row, err)) == 1) {
		rc = 0;
		json_array_append_new(list,
			json_pack(
				"{s:I, s:I, s:o, s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
				" s:I, s:I, s:b}",
				"id", (json_int_t)db_int(row, 0), "account",
				(json_int_t)db_int(row, 1), "host", text_of(row, 2), "login",
				text_of(row, 3), "state", states[db_int(row, 4) % 5], "why",
				text_of(row, 5), "started", (json_int_t)db_int(row, 6), "ended",
				(json_int_t)db_int(row, 7), "due", (json_int_t)db_int(row, 8),
				"bytes", (json_int_t)db_int(row, 9), "folders",
				(json_int_t)db_int(row, 10), "messages",
				(json_int_t)db_int(row, 11), "taken", (json_int_t)db_int(row, 12),
				"missed", (json_int_t)db_int(row, 13), "port",
				(json_int_t)db_int(row, 14), "starttls", db_int(row, 15) != 0));
	}
	return rc;
}

/* Folders that were not taken, then messages. */
static int put_missed(
	struct bring_book *b, int64_t account, int64_t job, json_t *list, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(b->db, &row, err,
		"SELECT path, 0, 0, f.why FROM folder AS f JOIN job ON job.id = f.job"
		" WHERE job.id = ?2 AND (account = ?1 OR ?1 = 0) AND f.why <> ''"
		" UNION ALL SELECT path, uid, size, missed.why FROM missed"
		" JOIN folder AS f ON f.id = missed.folder JOIN job ON job.id = f.job"
		" WHERE job.id = ?2 AND (account = ?1 OR ?1 = 0) LIMIT ?3",
		db_i(account), db_i(job), db_i(BRING_MISSED_MAX));

	while (rc == 0 && (rc = db_step(row, err)) == 1) {
		rc = 0;
		json_array_append_new(
			list, json_pack("{s:o, s:I, s:I, s:o}", "folder", text_of(row, 0), "uid",
				      (json_int_t)db_int(row, 1), "size",
				      (json_int_t)db_int(row, 2), "why", text_of(row, 3)));
	}
	return rc;
}

int bring_book_json(
	struct bring_book *b, uint64_t account, uint64_t job, struct buf *out, struct err *err)
{
	json_t *all = json_object(), *jobs = json_array(), *missed = json_array();
	char *text = NULL;
	int rc;

	json_object_set_new(all, "rows", jobs);
	json_object_set_new(all, "missed", missed);
	pthread_mutex_lock(&b->lock);
	rc = put_jobs(b, (int64_t)account, (int64_t)job, jobs, err);
	if (rc == 0 && job)
		rc = put_missed(b, (int64_t)account, (int64_t)job, missed, err);
	pthread_mutex_unlock(&b->lock);
	if (rc == 0)
		text = json_dumps(all, JSON_COMPACT);
	buf_str(out, text ? text : "{}");
	free(text);
	json_decref(all);
	return rc;
}
