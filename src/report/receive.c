/* receive.c - what comes to our addresses for reports: found in the mail, unpacked, read. */
#include <stdlib.h>

#include "base/mem.h"
#include "report/internal.h"
#include "report/pack.h"
#include "wire/mime/text.h"

enum {
	TAKING_MAX = 4,
	PIECE = 64 << 10,
	PACKED_MAX = 10 << 20, /* of one part, as it is in the mail */
	PARTS_MAX = 20,        /* that are looked into */
};

static const char *const names[] = {"dmarc-reports", "tls-reports"};

bool report_takes(struct service *service, struct slice address)
{
	const size_t at = slice_rchr(address, '@');
	const struct slice local = slice_head(address, at);
	struct directory_entry entry;
	struct arena arena AUTO(arena_done);
	struct err err;
	bool is_ours = false;

	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		is_ours = is_ours || slice_eq_nocase(local, slice_str(names[i]));
	if (!service->reports || at == SIZE_MAX || !is_ours ||
		directory_find(service->directory, address, &arena, &entry, &err) < 0)
		return false;
	return entry.kind == DIRECTORY_NOBODY ||
	       (entry.kind == DIRECTORY_ALIAS && entry.is_catch_all);
}

/* ---- one report ---- */

static int read_feedback(
	struct reports *r, struct slice text, const struct received *how, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct feedback report;
	int rc;

	arena_init(&arena, FEEDBACK_ARENA_MAX);
	rc = feedback_read(text, &arena, &report, err);
	return rc < 0 ? rc : keep_feedback(r, &report, how, err);
}

static int read_tls(
	struct reports *r, struct slice text, const struct received *how, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct tls_report report;
	int rc;

	arena_init(&arena, TLS_REPORT_ARENA_MAX);
	rc = tls_report_read(text, &arena, &report, err);
	return rc < 0 ? rc : keep_tls(r, &report, how, err);
}

int receive_bytes(
	struct reports *r, struct slice bytes, const struct received *how, struct err *err)
{
	struct buf text AUTO(buf_done);
	struct slice rest;
	int rc;

	buf_init(&text, FEEDBACK_BYTES_MAX);
	rc = pack_open(bytes, &text, err);
	if (rc < 0)
		return rc;
	rest = slice_trim(buf_slice(&text));
	if (slice_starts(rest, slice_lit("\xef\xbb\xbf"))) /* a byte order mark */
		rest = slice_from(rest, 3);
	if (slice_starts(rest, slice_lit("<")))
		return read_feedback(r, rest, how, err);
	if (slice_starts(rest, slice_lit("{")))
		return read_tls(r, rest, how, err);
	return err_set(err, ERR_SYNTAX, "there is no report in it");
}

/* ---- in a mail ---- */

static int read_part(
	struct incoming *in, const struct mime_section *part, struct buf *out, struct err *err)
{
	struct mime_decoder decoder;
	struct buf raw AUTO(buf_done);
	uint64_t at = part->body.start;
	int rc = 0;

	buf_init(&raw, PIECE);
	mime_decoder_init(&decoder, part->encoding, false);
	while (rc == 0 && at < part->body.end && !out->failed) {
		const uint64_t left = part->body.end - at;

		buf_clear(&raw);
		rc = spool_read(in->spool, at, left < PIECE ? (size_t)left : PIECE, &raw, err);
		mime_decoder_feed(&decoder, buf_slice(&raw), out);
		at += raw.len ? raw.len : left;
	}
	mime_decoder_finish(&decoder, out);
	return rc < 0 ? rc : buf_check(out, "the report's file", err);
}

/* Words for people stand beside a report: what is none is no error, if there is one. */
static int receive_parts(
	struct reports *r, struct incoming *in, const struct received *how, struct err *err)
{
	struct mime_prepared prepared;
	struct mime_section part;
	struct err one;
	size_t at = 0, found = 0;
	int more, rc = mime_prepared_open(buf_slice(&in->prepared), &prepared, err);
	int first = rc < 0 ? rc : err_set(err, ERR_SYNTAX, "there is no report in it");

	for (size_t i = 0; rc == 0 && i < PARTS_MAX; i++) {
		struct buf bytes AUTO(buf_done);

		buf_init(&bytes, PACKED_MAX);
		more = mime_prepared_next(&prepared, &at, &part, err);
		if (more <= 0)
			break;
		if (part.kind != MIME_LEAF)
			continue;
		rc = read_part(in, &part, &bytes, &one);
		if (rc == 0)
			rc = receive_bytes(r, buf_slice(&bytes), how, &one);
		found += rc == 0;
		if (rc < 0 && rc != -ERR_SYNTAX && first == -ERR_SYNTAX) {
			first = rc;
			*err = one;
		}
		rc = 0;
	}
	return found ? 0 : first;
}

/* ---- beside the session ---- */

struct taking {
	struct pool_job job;
	struct reports *reports;
	struct incoming *in;
	char *via, *to;
	report_done_fn *done;
	void *context;
};

static void take(struct pool_job *job)
{
	struct taking *t = (struct taking *)job;
	struct err err;
	const struct received how = {slice_str(t->via), slice_str(t->to)};
	const int rc = receive_parts(t->reports, t->in, &how, &err);

	atomic_fetch_sub(&t->reports->taking, 1);
	t->done(t->context, rc, &err);
	incoming_free(&t->in);
	free(t->via);
	free(t->to);
	free(t);
}

void report_receive(struct service *service, struct incoming *in, struct slice via,
	struct slice address, report_done_fn *done, void *context)
{
	struct reports *r = service->reports;
	struct taking *t;
	struct err err;

	if (atomic_fetch_add(&r->taking, 1) >= TAKING_MAX) {
		atomic_fetch_sub(&r->taking, 1);
		err_set(&err, ERR_BUSY, "too many reports come at once");
		done(context, -ERR_BUSY, &err);
		return;
	}
	t = mem_new(struct taking);
	*t = (struct taking){.job = {.run = take},
		.reports = r,
		.in = incoming_ref(in),
		.via = mem_str(via),
		.to = mem_str(slice_from(address, slice_rchr(address, '@') + 1)),
		.done = done,
		.context = context};
	pool_run(service->pool, POOL_BULK, &t->job);
}
