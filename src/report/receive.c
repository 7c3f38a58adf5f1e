/* receive.c - what comes to our addresses for reports: found in the mail, unpacked, read. */
#include <stdlib.h>

#include "base/mem.h"
#include "mailauth/fields.h"
#include "report/internal.h"
#include "report/pack.h"
#include "wire/mime/text.h"

enum {
	TAKING_MAX = 4,
	PIECE = 64 << 10,
	PACKED_MAX = 10 << 20, /* of one part, as it is in the mail */
	PARTS_MAX = 20,        /* that are looked into */
};

static const char *const names[] = {"dmarc-reports", "tls-reports", "complaints"};

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

/* ---- by HTTPS ---- */

static int receive_post(
	struct reports *r, struct slice body, const struct received *how, struct err *err)
{
	struct buf text AUTO(buf_done);
	bool is_ours = false;
	int rc = directory_has_domain(r->service->directory, how->to, &is_ours, err);

	if (rc == 0 && !is_ours)
		rc = err_set(err, ERR_NOTFOUND, "that is no domain of ours");
	buf_init(&text, TLS_REPORT_BYTES_MAX);
	if (rc == 0)
		rc = pack_open(body, &text, err);
	return rc < 0 ? rc : read_tls(r, slice_trim(buf_slice(&text)), how, err);
}

int report_post(struct service *service, struct slice body, struct slice domain, struct err *err)
{
	const struct received how = {slice_lit("https (not proven)"), domain};
	struct reports *r = service->reports;
	int rc;

	if (atomic_fetch_add(&r->taking, 1) < TAKING_MAX)
		rc = receive_post(r, body, &how, err);
	else
		rc = err_set(err, ERR_BUSY, "too many reports come at once");
	atomic_fetch_sub(&r->taking, 1);
	return rc;
}

/* ---- in a mail ---- */

/* A stretch of the message, decoded. */
static int read_range(struct incoming *in, struct mime_range range, enum mime_encoding encoding,
	struct buf *out, struct err *err)
{
	struct mime_decoder decoder;
	struct buf raw AUTO(buf_done);
	uint64_t at = range.start;
	int rc = 0;

	buf_init(&raw, PIECE);
	mime_decoder_init(&decoder, encoding, false);
	while (rc == 0 && at < range.end && !out->failed) {
		const uint64_t left = range.end - at;

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
		rc = read_range(in, part.body, part.encoding, &bytes, &one);
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

/* ---- a feedback report in it ---- */

/* What a part says that it is, in its own words. */
static bool is_type(struct incoming *in, const struct mime_section *part, const char *type)
{
	struct buf header AUTO(buf_done);
	struct mime_range range = part->mime;
	struct mime_field field;
	struct slice rest;
	struct err err;

	buf_init(&header, PIECE);
	if (range.end - range.start > PIECE)
		range.end = range.start + PIECE;
	return read_range(in, range, MIME_7BIT, &header, &err) == 0 &&
	       mime_header_find(buf_slice(&header), slice_lit("Content-Type"), &field) &&
	       slice_eq_nocase(slice_trim(slice_cut(field.value, ';', &rest)), slice_str(type));
}

/* The header of the message that it is about: alone, or with its body. */
static int read_reported(struct incoming *in, const struct mime_section *part, struct buf *header,
	bool *is_out, struct err *err)
{
	*is_out = true;
	if (part->kind == MIME_MESSAGE)
		return read_range(in, part->header, MIME_7BIT, header, err);
	if (is_type(in, part, "text/rfc822-headers") || is_type(in, part, "message/rfc822"))
		return read_range(in, part->body, part->encoding, header, err);
	*is_out = false;
	return 0;
}

/* The first feedback report with what is next behind it; fields stay empty where there is none. */
static int find_feedback(
	struct incoming *in, struct buf *fields, struct buf *header, struct err *err)
{
	struct mime_prepared prepared;
	struct mime_section part;
	bool is_over = false;
	size_t at = 0;
	int more, rc = mime_prepared_open(buf_slice(&in->prepared), &prepared, err);

	for (size_t i = 0; rc == 0 && i < PARTS_MAX && !is_over; i++) {
		more = mime_prepared_next(&prepared, &at, &part, err);
		if (more <= 0)
			return more;
		if (fields->len)
			rc = read_reported(in, &part, header, &is_over, err);
		else if (part.kind == MIME_LEAF && is_type(in, &part, "message/feedback-report"))
			rc = read_range(in, part.body, part.encoding, fields, err);
	}
	return rc;
}

/* ---- beside the session ---- */

struct taking {
	struct pool_job job;
	struct reports *reports;
	struct incoming *in;
	char *via, *to;
	bool is_heard; /* people have it, too: what is no feedback report is none of our business */
	report_done_fn *done;
	void *context;
};

static void end(void *context, int rc, const struct err *err)
{
	struct taking *t = context;

	atomic_fetch_sub(&t->reports->taking, 1);
	t->done(t->context, rc, err);
	incoming_free(&t->in);
	free(t->via);
	free(t->to);
	free(t);
}

static void take(struct pool_job *job)
{
	struct taking *t = (struct taking *)job;
	const struct received how = {slice_str(t->via), slice_str(t->to)};
	struct buf fields AUTO(buf_done), header AUTO(buf_done);
	struct err err;
	int rc;

	buf_init(&fields, ARF_FIELDS_BYTES_MAX);
	buf_init(&header, FIELDS_BLOCK_MAX);
	rc = find_feedback(t->in, &fields, &header, &err);
	if (rc == 0 && fields.len) {
		complaint_take(t->reports, buf_slice(&fields), buf_slice(&header), &how, end, t);
		return;
	}
	if (rc == 0 && !t->is_heard)
		rc = receive_parts(t->reports, t->in, &how, &err);
	end(t, rc, &err);
}

static void begin(struct service *service, struct incoming *in, struct slice via,
	struct slice address, bool is_heard, report_done_fn *done, void *context)
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
		.is_heard = is_heard,
		.done = done,
		.context = context};
	pool_run(service->pool, POOL_BULK, &t->job);
}

void report_receive(struct service *service, struct incoming *in, struct slice via,
	struct slice address, report_done_fn *done, void *context)
{
	begin(service, in, via, address, false, done, context);
}

static void on_heard(void *context, int rc, const struct err *err)
{
	(void)context;
	if (rc < 0)
		log_warn(&report_log, "complaint", log_e(err));
}

void report_hear(
	struct service *service, struct incoming *in, struct slice via, struct slice address)
{
	const struct slice local = slice_head(address, slice_rchr(address, '@'));

	if (service->reports && slice_eq_nocase(local, slice_lit("abuse")))
		begin(service, in, via, address, true, on_heard, NULL);
}
