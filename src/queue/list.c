/* list.c - see manage.h: reading. */
#include "queue/internal.h"
#include "queue/lanes.h"
#include "queue/manage.h"

/* All conditions stand in one statement; what is empty fits everything. */
#define FITS                                                                                       \
	" (?3 = 0 OR r.message = ?3)"                                                              \
	" AND (?4 = '' OR r.address = ?4 OR (substr(?4, 1, 1) = '@'"                               \
	" AND substr(r.address, -length(?4)) = ?4))"                                               \
	" AND (?5 = '' OR m.sender = ?5) AND (?6 < 0 OR r.state = ?6)"                             \
	" AND (?7 = 0 OR m.not_before_s > ?7)"

static struct queue_entry entry_of(const struct queue *q, struct db_stmt *row)
{
	struct queue_entry e = {.id = db_int(row, 0),
		.number = (unsigned)db_int(row, 1),
		.attempts = (unsigned)db_int(row, 2),
		.state = (enum queue_state)db_int(row, 3),
		.priority = (enum queue_priority)db_int(row, 4),
		.sender = db_text(row, 5),
		.address = db_text(row, 6),
		.destination = db_text(row, 7),
		.reply = db_text(row, 8),
		.host = db_text(row, 9),
		.accepted_s = db_int(row, 10),
		.due_s = db_int(row, 11),
		.expires_s = db_int(row, 12),
		.size = (uint64_t)db_int(row, 13),
		.submitter = (uint64_t)db_int(row, 14),
		.not_before_s = db_int(row, 15),
		.is_taken = db_int(row, 16) != 0,
		.destination_id = db_int(row, 17)};
	const uint64_t key = (uint64_t)e.id << QUEUE_NUMBER_BITS | e.number;

	e.is_running = map_get(&q->running, map_key_u64(&key));
	return e;
}

static int list(struct queue *q, struct db *db, const struct queue_filter *f, int64_t after_id,
	unsigned after_number, size_t max, queue_entry_fn *each, void *context, bool *more_out,
	struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	size_t n = 0;
	int rc = db_query(db, &row, err,
		"SELECT r.message, r.number, r.attempts, r.state, r.priority, m.sender, r.address,"
		" d.name, r.reply, r.host, m.accepted_s, r.due_s, m.expires_s, m.size, m.submitter,"
		" m.not_before_s, m.flags & 512, r.destination"
		" FROM recipient AS r JOIN message AS m ON m.id = r.message"
		" JOIN destination AS d ON d.id = r.destination"
		" WHERE (r.message, r.number) > (?1, ?2) AND" FITS
		" AND (?8 = 0 OR m.accepted_s <= ?8) ORDER BY r.message, r.number",
		db_i(after_id), db_i(after_id ? (int64_t)after_number : -1), db_i(f->id),
		db_t(f->address), db_t(f->sender), db_i(f->state), db_i(f->held_after_s),
		db_i(f->accepted_until_s));

	*more_out = false;
	while (rc >= 0 && (rc = db_step(row, err)) == 1) {
		struct queue_entry e;

		if (n++ == max) {
			*more_out = true;
			return 0;
		}
		pthread_mutex_lock(&q->claim_lock);
		e = entry_of(q, row);
		pthread_mutex_unlock(&q->claim_lock);
		each(context, &e);
	}
	return rc;
}

int queue_list(struct queue *q, const struct queue_filter *filter, int64_t after_id,
	unsigned after_number, size_t max, queue_entry_fn *each, void *context, bool *more_out,
	struct err *err)
{
	struct queue_reader *reader = queue_reader_take(q);
	const int rc =
		list(q, reader->db, filter, filter->id && !after_id ? filter->id - 1 : after_id,
			filter->id && !after_id ? UINT32_MAX : after_number, max, each, context,
			more_out, err);

	queue_reader_give(reader);
	return rc;
}

struct counting {
	int64_t id;
	unsigned number;
	uint64_t n;
};

static void count_one(void *context, const struct queue_entry *entry)
{
	struct counting *c = context;

	*c = (struct counting){entry->id, entry->number, c->n + 1};
}

int queue_count(
	struct queue *q, const struct queue_filter *filter, uint64_t *count_out, struct err *err)
{
	struct counting c = {0};
	bool more = true;
	int rc = 0;

	while (rc == 0 && more)
		rc = queue_list(
			q, filter, c.id, c.number, QUEUE_LIST_MAX, count_one, &c, &more, err);
	if (rc == 0)
		*count_out = c.n;
	return rc;
}

static int read_status(struct db *db, struct queue_status *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	const int rc = db_row(db, &row, err,
		"SELECT messages, bytes, waiting, held,"
		" coalesce((SELECT accepted_s FROM message ORDER BY id LIMIT 1), 0) FROM total");

	if (rc > 0)
		*out = (struct queue_status){.messages = (uint64_t)db_int(row, 0),
			.bytes = (uint64_t)db_int(row, 1),
			.recipients = (uint64_t)(db_int(row, 2) + db_int(row, 3)),
			.held = (uint64_t)db_int(row, 3),
			.oldest_s = db_int(row, 4)};
	return rc < 0 ? rc : 0;
}

int queue_status(struct queue *q, struct queue_status *out, struct err *err)
{
	struct queue_reader *reader = queue_reader_take(q);
	const int rc = read_status(reader->db, out, err);

	queue_reader_give(reader);
	return rc;
}

static int list_pairs(
	struct db_stmt *row, int rc, queue_pair_fn *each, void *context, struct err *err)
{
	while (rc >= 0 && (rc = db_step(row, err)) == 1)
		each(context, db_text(row, 0), db_text(row, 1));
	return rc;
}

int queue_route_list(struct queue *q, queue_pair_fn *each, void *context, struct err *err)
{
	struct queue_reader *reader = queue_reader_take(q);
	struct db_stmt *row = NULL;
	int rc = db_query(
		reader->db, &row, err, "SELECT pattern, target FROM route ORDER BY pattern");

	rc = list_pairs(row, rc, each, context, err);
	queue_reader_give(reader);
	return rc;
}

int queue_suppress_list(struct queue *q, queue_pair_fn *each, void *context, struct err *err)
{
	struct queue_reader *reader = queue_reader_take(q);
	struct db_stmt *row = NULL;
	int rc = db_query(
		reader->db, &row, err, "SELECT address, reason FROM suppressed ORDER BY address");

	rc = list_pairs(row, rc, each, context, err);
	queue_reader_give(reader);
	return rc;
}

static int list_limits(struct db *db, queue_limit_fn *each, void *context, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &row, err,
		"SELECT name, connections, messages, per_minute FROM destination_limit"
		" ORDER BY name");

	while (rc >= 0 && (rc = db_step(row, err)) == 1) {
		const struct lane_bounds bounds = {.connections = (unsigned)db_int(row, 1),
			.messages = (unsigned)db_int(row, 2),
			.per_minute = (unsigned)db_int(row, 3)};

		each(context, db_text(row, 0), &bounds);
	}
	return rc;
}

int queue_limit_list(struct queue *q, queue_limit_fn *each, void *context, struct err *err)
{
	struct queue_reader *reader = queue_reader_take(q);
	const int rc = list_limits(reader->db, each, context, err);

	queue_reader_give(reader);
	return rc;
}
