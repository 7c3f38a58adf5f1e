/* compose.c - see send.h: what a report says. */
#include "report/pack.h"
#include "report/post.h"
#include "report/send.h"

static struct slice next_word(struct slice *line)
{
	const struct slice word = slice_next_word(line);

	return slice_eq(word, slice_lit("-")) ? (struct slice){0} : word;
}

static void describe(const struct flight *f, struct feedback *out)
{
	const struct report_config *config = &f->reports->config;
	struct slice policy = f->policy;

	*out = (struct feedback){.org = config->organisation,
		.email = f->from,
		.contact = config->contact,
		.id = f->report_id,
		.begin_s = f->begin_s,
		.end_s = f->end_s,
		.domain = f->domain};
	out->policy = next_word(&policy);
	out->below = next_word(&policy);
	out->missing = next_word(&policy);
	out->is_dkim_strict = slice_eq(next_word(&policy), slice_lit("s"));
	out->is_spf_strict = slice_eq(next_word(&policy), slice_lit("s"));
	out->is_testing = slice_eq(next_word(&policy), slice_lit("y"));
}

static int read_rows(struct flight *f, struct db *db, struct feedback *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &row, err,
		"SELECT what, n FROM seen WHERE of = ? ORDER BY n DESC LIMIT ?", db_i(f->id),
		db_i(REPORT_ROWS_MAX));

	out->rows = arena_array(&f->arena, struct feedback_row, REPORT_ROWS_MAX);
	if (!out->rows)
		return err_set(err, ERR_TOOBIG, "no room for a report");
	while (rc >= 0 && out->rows_n < REPORT_ROWS_MAX && (rc = db_step(row, err)) > 0) {
		const struct slice what = arena_dup(&f->arena, db_blob(row, 0));

		if (!what.ptr)
			return err_set(err, ERR_TOOBIG, "no room for a report");
		if (!row_unpack(what, &out->rows[out->rows_n]))
			continue;
		out->rows[out->rows_n++].count = (uint64_t)db_int(row, 1);
	}
	return rc < 0 ? rc : 0;
}

static int write_dmarc(struct flight *f, struct buf *out, struct err *err)
{
	struct feedback report;
	struct buf problem AUTO(buf_done);
	int rc;

	describe(f, &report);
	rc = read_rows(f, later_lock(&f->reports->later), &report, err);
	later_unlock(&f->reports->later);
	buf_init(&problem, FEEDBACK_TEXT_MAX);
	if (f->beyond) {
		buf_printf(&problem, "%llu further messages are of kinds beyond the first %d",
			(unsigned long long)f->beyond, REPORT_ROWS_MAX);
		report.problem = buf_slice(&problem);
	}
	return rc < 0 ? rc : feedback_write(&report, out, err);
}

int flight_compose(struct flight *f, struct err *err)
{
	struct buf text AUTO(buf_done);
	int rc;

	buf_init(&text, FEEDBACK_BYTES_MAX);
	if (f->kind == REPORT_FAILURE)
		return 0; /* it is written as it was noted */
	rc = f->kind == REPORT_TLS ? post_write_tls(f, &text, err) : write_dmarc(f, &text, err);
	return rc < 0 ? rc : pack_gzip(buf_slice(&text), &f->packed, err);
}
