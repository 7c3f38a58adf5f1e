/*
 * record.c - counting what was seen of a domain's mail.
 *
 * A stranger may invent domains (with a wildcard in a zone of theirs), senders, signatures and come
 * from many addresses: rows of a period, domains of an organisation and domains in all are bounded,
 * and nothing here waits.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "mailauth/domain.h"
#include "report/internal.h"

enum {
	ROW_MAX = 16 << 10,
	ARENA_MAX = 64 << 10,
	RUA_MAX = 2000,
	INTERVAL_DAYS_MAX = 7,
	PAUSE_S = 600,       /* for what is still on its way to the table */
	SPREAD_S = 4 * 3600, /* so that not all reports of the world meet at midnight */
};

struct noted {
	struct later_item item;
	struct record_period period;
	struct slice row;
	char text[]; /* of all slices */
};

/* ---- from a verdict to a row ---- */

static struct slice result_text(enum auth_result result)
{
	return slice_str(auth_result_name(result));
}

/* As it is, as nearly everything may be, it is not copied. */
struct slice record_text(struct slice text, struct arena *arena)
{
	bool is_clean = text.len <= FEEDBACK_TEXT_MAX;

	for (size_t i = 0; i < text.len && is_clean; i++)
		is_clean = text.ptr[i] > ' ' && text.ptr[i] < 0x7f;
	return is_clean ? text : feedback_text(text, arena);
}

/* Those that are good first. */
static void put_dkim(struct feedback_row *row, const struct dkim *dkim, struct arena *arena)
{
	for (int is_good = 1; is_good >= 0; is_good--) {
		for (size_t i = 0; i < dkim->n && row->dkim_n < FEEDBACK_DKIM_MAX; i++) {
			const struct signature *sig = &dkim->list[i].sig;

			if ((sig->result == AUTH_PASS) != is_good || sig->result == AUTH_PENDING)
				continue;
			row->dkim[row->dkim_n++] =
				(struct feedback_dkim){.domain = record_text(sig->domain, arena),
					.selector = record_text(sig->selector, arena),
					.result = result_text(sig->result)};
		}
	}
}

/* RFC 9990 3.1.1.8: why less happened than is published. */
static void put_reason(struct feedback_row *row, const struct report_seen *seen)
{
	const struct dmarc_outcome *dmarc = &seen->verdict->dmarc;

	if (dmarc->result != AUTH_FAIL || seen->done >= dmarc->policy)
		return;
	if (dmarc->override) {
		row->reason = slice_lit("local_policy");
		row->comment = slice_str(dmarc->override);
	} else if (seen->done < dmarc->wanted) {
		row->reason = slice_lit("local_policy");
	} else if (dmarc->record.is_testing) {
		row->reason = slice_lit("policy_test_mode");
	} else {
		row->reason = slice_lit("other");
		row->comment = slice_lit("sampled_out");
	}
}

static void make_row(
	const struct report_seen *seen, struct arena *arena, char *ip, struct feedback_row *row)
{
	const struct mailauth_verdict *v = seen->verdict;
	const bool is_good = v->dmarc.result == AUTH_PASS;

	ip_write(&seen->ip, ip);
	*row = (struct feedback_row){.ip = slice_str(ip),
		.disposition = slice_str(is_good && v->dmarc.policy != DMARC_NONE ? "pass"
					 : is_good                                ? "none"
						   : dmarc_policy_name(seen->done)),
		.is_dkim_aligned = v->dmarc.is_dkim_aligned,
		.is_spf_aligned = v->dmarc.is_spf_aligned,
		.header_from = record_text(v->dmarc.author, arena),
		.envelope_from = record_text(
			slice_from(seen->sender, slice_rchr(seen->sender, '@') + 1), arena),
		.envelope_to = record_text(seen->recipient_domain, arena),
		.spf_domain = record_text(v->spf.domain, arena),
		.spf_result = result_text(v->spf.result)};
	put_dkim(row, &v->dkim, arena);
	put_reason(row, seen);
}

/* What is published, in a line: p, sp, np, adkim, aspf, t. */
static void put_policy(const struct dmarc_record *r, struct buf *out)
{
	const char modes[] = {' ', r->is_dkim_strict ? 's' : 'r', ' ', r->is_spf_strict ? 's' : 'r',
		' ', r->is_testing ? 'y' : 'n'};

	buf_str(out, dmarc_policy_name(r->policy));
	buf_byte(out, ' ');
	buf_str(out, dmarc_policy_name(r->below));
	buf_byte(out, ' ');
	buf_str(out, r->has_missing ? dmarc_policy_name(r->missing) : "-");
	buf_append(out, (struct slice){modes, sizeof(modes)});
}

/* ---- noting ---- */

static struct slice keep(char **at, struct slice text)
{
	const struct slice kept = {*at, text.len};

	if (text.len)
		memcpy(*at, text.ptr, text.len);
	*at += text.len;
	return kept;
}

/* Whole days, as many as the record asks for within reason. */
static struct record_period period_of(const struct dmarc_outcome *dmarc, struct slice policy)
{
	const int64_t asked = dmarc->record.interval_s / DAY_S;
	const int64_t len = (asked < 1                          ? 1
				    : asked > INTERVAL_DAYS_MAX ? INTERVAL_DAYS_MAX
								: asked) *
			    DAY_S;
	const int64_t now = clock_wall_s();

	return (struct record_period){.kind = REPORT_DMARC,
		.domain = dmarc->found_at,
		.policy = policy,
		.rua = dmarc->record.rua,
		.begin_s = now - now % len,
		.end_s = now - now % len + len - 1};
}

static struct noted *noted_new(const struct record_period *period, struct slice row)
{
	struct noted *n = mem_alloc(
		sizeof(*n) + period->domain.len + period->policy.len + period->rua.len + row.len);
	char *at = n->text;

	*n = (struct noted){.period = *period};
	n->period.domain = keep(&at, period->domain);
	n->period.policy = keep(&at, period->policy);
	n->period.rua = keep(&at, period->rua);
	n->row = keep(&at, row);
	return n;
}

void record_note(struct reports *r, const struct record_period *period, struct slice row)
{
	later_add(&r->later, &noted_new(period, row)->item);
}

static void count_seen(struct reports *reports, const struct report_seen *seen)
{
	const struct dmarc_outcome *dmarc = &seen->verdict->dmarc;
	struct arena arena AUTO(arena_done);
	struct buf row AUTO(buf_done), policy AUTO(buf_done);
	struct record_period period;
	struct feedback_row made;
	char ip[IP_TEXT_MAX];

	arena_init(&arena, ARENA_MAX);
	buf_init(&row, ROW_MAX);
	buf_init(&policy, ROW_MAX);
	if (!reports->config.is_sent || dmarc->record.rua.len == 0 ||
		dmarc->record.rua.len > RUA_MAX ||
		(dmarc->result != AUTH_PASS && dmarc->result != AUTH_FAIL))
		return;
	make_row(seen, &arena, ip, &made);
	row_pack(&made, &row);
	put_policy(&dmarc->record, &policy);
	period = period_of(dmarc, buf_slice(&policy));
	record_note(reports, &period, buf_slice(&row));
}

void report_seen(struct service *service, const struct report_seen *seen)
{
	if (!service->reports)
		return;
	count_seen(service->reports, seen);
	failure_seen(service->reports, seen);
}

/* ---- counting ---- */

static int check_room(struct db *db, enum report_kind kind, struct slice home, bool *has_room_out,
	struct err *err)
{
	int64_t all, same;
	int rc = db_get_int(db, &all, err,
		"SELECT count(*) FROM (SELECT 1 FROM sending WHERE state = 0 AND kind = ? LIMIT ?)",
		db_i(kind), db_i(REPORT_DOMAINS_MAX));

	if (rc == 0)
		rc = db_get_int(db, &same, err,
			"SELECT count(*) FROM sending WHERE state = 0 AND kind = ? AND home = ?",
			db_i(kind), db_t(home));
	if (rc == 0)
		*has_room_out = all < REPORT_DOMAINS_MAX && same < REPORT_HOME_MAX;
	return rc;
}

static int add_domain(
	struct db *db, const struct record_period *p, int64_t *id_out, struct err *err)
{
	const struct slice registrable = domain_registrable(p->domain);
	const struct slice home = registrable.len ? registrable : p->domain;
	const int64_t due_s = p->end_s + 1 + PAUSE_S + (int64_t)(random_u64() % SPREAD_S);
	bool has_room = false;
	int rc = check_room(db, p->kind, home, &has_room, err);

	*id_out = 0;
	if (rc < 0 || !has_room)
		return rc;
	rc = db_do(db, err,
		"INSERT INTO sending (id, kind, domain, home, begin, until, due, policy, rua, rows,"
		" beyond, attempts, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)",
		db_i((int64_t)random_dated()), db_i(p->kind), db_t(p->domain), db_t(home),
		db_i(p->begin_s), db_i(p->end_s), db_i(due_s), db_t(p->policy), db_t(p->rua),
		db_i(p->rows));
	if (rc == 0)
		*id_out = db_last_id(db);
	return rc;
}

int record_domain(struct db *db, const struct record_period *p, int64_t *id_out, struct err *err)
{
	const int rc = db_get_int(db, id_out, err,
		"SELECT id FROM sending WHERE kind = ? AND domain = ? AND begin = ?", db_i(p->kind),
		db_t(p->domain), db_i(p->begin_s));

	return rc == -ERR_NOTFOUND ? add_domain(db, p, id_out, err) : rc;
}

/* The period is told with what was published last. */
static int count_new(
	struct db *db, int64_t of, const struct noted *n, bool has_room, struct err *err)
{
	int rc = db_do(db, err,
		"UPDATE sending SET rows = rows + 1, policy = ?, rua = ? WHERE id = ? AND state = 0"
		" AND rows < ?",
		db_t(n->period.policy), db_t(n->period.rua), db_i(of),
		db_i(has_room ? REPORT_ROWS_MAX : 0));

	if (rc < 0)
		return rc;
	if (db_changes(db))
		return db_do(db, err, "INSERT INTO seen VALUES (?, ?, 1)", db_i(of), db_b(n->row));
	return db_do(db, err, "UPDATE sending SET beyond = beyond + 1 WHERE id = ?", db_i(of));
}

static int count(struct db *db, const struct noted *n, bool has_room, struct err *err)
{
	int64_t of = 0;
	int rc;

	if (n->period.kind == REPORT_FAILURE)
		return has_room ? failure_count(db, &n->period, n->row, err) : 0;
	rc = record_domain(db, &n->period, &of, err);

	if (rc < 0 || !of)
		return rc;
	rc = db_do(db, err, "UPDATE seen SET n = n + 1 WHERE of = ? AND what = ?", db_i(of),
		db_b(n->row));
	return rc < 0 || db_changes(db) ? rc : count_new(db, of, n, has_room, err);
}

int record_write(struct later *later, struct later_item *first, struct err *err)
{
	bool has_room = false;
	int rc = reports_have_room(later->db, &has_room, err);

	for (struct later_item *item = first; item && rc == 0; item = item->next)
		rc = count(later->db, (const struct noted *)item, has_room, err);
	return rc;
}
