/*
 * tls_fetch.c - the courier's results of TLS are taken over, a day that is over at a time: each
 * domain's become a period that waits for its report. The courier forgets them when all are here.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/internal.h"

enum { WAIT_MS = 60000, NAME_MAX_BYTES = 256 };

struct fetching {
	struct reports *reports;
	void (*then)(struct reports *reports);
	char after[NAME_MAX_BYTES]; /* the last domain that is here */
	bool is_forgetting;
};

static void ask_more(struct fetching *f, json_t *wish);

static void end(struct fetching *f)
{
	struct reports *r = f->reports;
	void (*then)(struct reports *) = f->then;

	free(f);
	then(r);
}

static int keep_one(struct db *db, int64_t day, const json_t *row, struct err *err)
{
	const char *domain = json_string_value(json_object_get(row, "domain"));
	char *policies = json_dumps(json_object_get(row, "policies"), JSON_COMPACT);
	struct record_period period = {.kind = REPORT_TLS,
		.domain = slice_str(domain ? domain : ""),
		.policy = slice_str(policies ? policies : "[]"),
		.begin_s = day * DAY_S,
		.end_s = (day + 1) * DAY_S - 1,
		.rows = (int64_t)json_array_size(json_object_get(row, "policies"))};
	int64_t id;
	const int rc = domain ? record_domain(db, &period, &id, err) : 0;

	free(policies);
	return rc;
}

static int keep_all(struct fetching *f, int64_t day, const json_t *rows, struct err *err)
{
	struct db *db = later_lock(&f->reports->later);
	const size_t n = json_array_size(rows);
	int rc = db_begin(db, err);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = keep_one(db, day, json_array_get(rows, i), err);
	if (rc == 0)
		rc = db_commit(db, err);
	else
		db_rollback(db);
	later_unlock(&f->reports->later);
	return rc;
}

/* All of the day is here: the courier may forget it. */
static void forget(struct fetching *f, int64_t day)
{
	f->is_forgetting = true;
	f->after[0] = '\0';
	ask_more(f, json_pack("{s:s, s:I}", "do", "tls-forget", "day", (json_int_t)day));
}

static void take(struct fetching *f, const json_t *reply)
{
	const json_t *rows = json_object_get(reply, "rows");
	const size_t n = json_array_size(rows);
	const int64_t day = json_integer_value(json_object_get(reply, "day"));
	const char *last;
	struct err err;

	if (f->is_forgetting || day <= 0) {
		end(f);
		return;
	}
	if (keep_all(f, day, rows, &err) < 0) {
		log_error(&report_log, "tls_results", log_e(&err));
		end(f);
		return;
	}
	last = n ? json_string_value(json_object_get(json_array_get(rows, n - 1), "domain")) : NULL;
	if (!json_is_true(json_object_get(reply, "more")) || !last ||
		strlen(last) >= sizeof(f->after)) {
		forget(f, day);
		return;
	}
	memcpy(f->after, last, strlen(last) + 1);
	ask_more(f, json_pack("{s:s, s:s}", "do", "tls-results", "after", f->after));
}

static void on_answer(void *context, struct frame *frame, int rc, const struct err *err)
{
	struct fetching *f = context;
	const struct slice text = rc == 0 ? frame_bytes(frame) : (struct slice){0};
	json_t *reply = text.len ? json_loadb(text.ptr, text.len, 0, NULL) : NULL;

	if (rc < 0)
		log_warn(&report_log, "tls_results", log_e(err));
	if (reply)
		take(f, reply);
	else
		end(f);
	json_decref(reply);
}

static void ask_more(struct fetching *f, json_t *wish)
{
	reports_wish(f->reports, wish, WAIT_MS, on_answer, f);
}

void tls_fetch(struct reports *reports, void (*then)(struct reports *reports))
{
	struct fetching *f = mem_new(struct fetching);

	*f = (struct fetching){.reports = reports, .then = then};
	ask_more(f, json_pack("{s:s, s:s}", "do", "tls-results", "after", ""));
}
