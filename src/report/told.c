/* told.c - see told.h. */
#include "report/told.h"

#include "base/clock.h"
#include "report/internal.h"

enum { NAME_ARENA = 4096, KEY_MAX = 16 * FEEDBACK_TEXT_MAX, TRUSTED_DAY_MAX = 5000 };

/* Of a domain of ours: what the report is about, or for a complaint whose message is not known,
 * where it came. */
static int find_home(struct reports *r, const struct told *t, struct arena *arena,
	struct slice *out, struct err *err)
{
	const int rc = reports_find_home(r, t->about, arena, out, err);

	return rc == -ERR_NOTFOUND && !t->is_failure ? reports_find_home(r, t->to, arena, out, err)
						     : rc;
}

/* Those whom the operator trusts are many voices in one, and are not kept out by strangers. */
static int check_room(struct db *db, const struct told *t, struct slice domain, struct err *err)
{
	const int64_t since_s = clock_wall_s() - DAY_S;
	bool has_room = false;
	int64_t all = 0, same;
	int rc = reports_have_room(db, &has_room, err);

	if (rc == 0 && !t->is_trusted)
		rc = db_get_int(db, &all, err,
			"SELECT count(*) FROM told WHERE domain = ? AND at > ? AND is_trusted = 0",
			db_t(domain), db_i(since_s));
	if (rc == 0)
		rc = db_get_int(db, &same, err,
			"SELECT count(*) FROM told WHERE domain = ? AND at > ? AND via = ?",
			db_t(domain), db_i(since_s), db_t(t->via));
	if (rc < 0 || (has_room && all < REPORT_RECEIVED_DAY_MAX &&
			      same < (t->is_trusted ? TRUSTED_DAY_MAX : REPORT_SENDER_DAY_MAX)))
		return rc;
	return err_set(err, ERR_QUOTA, "too many reports about that domain today");
}

int told_check_room(struct reports *r, const struct told *t, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct slice domain;
	int rc;

	arena_init(&arena, NAME_ARENA);
	rc = find_home(r, t, &arena, &domain, err);
	if (rc == 0) {
		rc = check_room(later_lock(&r->later), t, domain, err);
		later_unlock(&r->later);
	}
	return rc;
}

/* The same complaint of the same host, however often it is told. One that proves nothing does not
 * stand in the way of one that does. */
static void put_key(const struct told *t, struct buf *out)
{
	const struct slice texts[] = {
		t->via, t->type, t->message, t->author, t->sender, t->recipient, t->source};

	buf_printf(out, "%d %d ", t->is_failure, t->proof);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		buf_printf(out, "%zu:%.*s", texts[i].len, SLICE_ARG(texts[i]));
}

/* Of a stranger, that is known to be one, the first of the day. */
static int count(struct db *db, struct told *t, struct err *err)
{
	int64_t others = 0;
	int rc = 0;

	t->is_counted = t->may_count && t->account && t->via.len &&
			(t->proof == TOLD_SIGNED || t->proof == TOLD_MARKED);
	if (t->is_counted && !t->is_trusted)
		rc = db_get_int(db, &others, err,
			"SELECT count(*) FROM told WHERE account = ? AND at > ? AND is_counted = 1"
			" AND is_trusted = 0",
			db_i((int64_t)t->account), db_i(clock_wall_s() - DAY_S));
	t->is_counted = t->is_counted && others == 0;
	return rc;
}

static int keep(struct db *db, struct told *t, struct slice domain, struct err *err)
{
	struct buf key AUTO(buf_done);
	unsigned char sum[SHA256_LEN];
	int rc = check_room(db, t, domain, err);

	buf_init(&key, KEY_MAX);
	put_key(t, &key);
	sha256(buf_slice(&key), sum);
	if (rc == 0)
		rc = count(db, t, err);
	if (rc == 0)
		rc = db_do(db, err,
			"INSERT OR IGNORE INTO told (is_failure, domain, via, at, what, type, "
			"source,"
			" author, sender, recipient, message, subject, result, failure, alignment,"
			" incidents, proof, account, address, is_trusted, is_counted)"
			" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			db_i(t->is_failure), db_t(domain), db_t(t->via), db_i(clock_wall_s()),
			db_b((struct slice){(const char *)sum, sizeof(sum)}), db_t(t->type),
			db_t(t->source), db_t(t->author), db_t(t->sender), db_t(t->recipient),
			db_t(t->message), db_t(t->subject), db_t(t->result), db_t(t->failure),
			db_t(t->alignment), db_i((int64_t)t->incidents), db_i(t->proof),
			db_i((int64_t)t->account), db_t(t->address), db_i(t->is_trusted),
			db_i(t->is_counted));
	t->is_new = rc == 0 && db_changes(db);
	t->is_counted = t->is_counted && t->is_new;
	return rc;
}

int told_keep(struct reports *r, struct told *t, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct slice domain;
	struct db *db;
	int rc;

	arena_init(&arena, NAME_ARENA);
	rc = find_home(r, t, &arena, &domain, err);
	if (rc < 0)
		return rc;
	db = later_lock(&r->later);
	rc = db_begin(db, err);
	if (rc == 0)
		rc = keep(db, t, domain, err);
	return reports_finish(r, rc, err);
}
