/* content.c - the search keys that look into messages: dates, header fields, text. */
#include "imap/match.h"
#include "mail/scan.h"
#include "wire/mime/prepare.h"
#include "wire/mime/text.h"

static int get_row(struct match *m, struct err *err)
{
	int rc;

	if (m->has_row)
		return 0;
	rc = reader_scan(m->reader, m->entry.message, &m->row, err);
	if (rc < 0)
		return rc;
	buf_clear(&m->prepared);
	buf_append(&m->prepared, m->row.prepared);
	m->read += m->row.prepared.len + 1000;
	m->has_row = true;
	return buf_check(&m->prepared, "prepared message", err);
}

static int match_sent(const struct imap_key *key, const struct mime_prepared *prepared)
{
	int32_t day;

	if (!prepared->has_date)
		return 0;
	day = imap_day(prepared->date.utc, prepared->date.zone_min);
	switch (key->kind) {
	case IMAP_KEY_SENTBEFORE:
		return day < key->day;
	case IMAP_KEY_SENTON:
		return day == key->day;
	default:
		return day >= key->day;
	}
}

static int read_range(struct match *m, struct mime_range range, struct buf *out, struct err *err)
{
	const uint64_t size = range.end - range.start;
	const size_t n = size < out->max ? (size_t)size : out->max;

	buf_clear(out);
	m->read += n;
	return reader_body(m->reader, m->entry.message, range.start, n, out, err);
}

/* Looks at the fields of that name, or at all of them with their names (name.len 0). */
static bool scan_fields(struct match *m, struct slice block, struct slice name, struct scan *scan)
{
	struct mime_field field;

	while (!scan->is_found && mime_header_next(&block, &field)) {
		if (name.len && !slice_eq_nocase(field.name, name))
			continue;
		buf_clear(&m->text);
		if (!name.len) {
			buf_append(&m->text, field.name);
			buf_lit(&m->text, ": ");
		}
		mime_header_decode(field.value, &m->text);
		scan_restart(scan);
		scan_feed(scan, buf_slice(&m->text));
	}
	return scan->is_found;
}

static int match_header(struct match *m, const struct imap_key *key, struct scan *scan,
	const struct mime_prepared *prepared, struct err *err)
{
	const struct slice blob = buf_slice(&m->prepared);
	int rc = 0;

	if (mime_prepared_covers(blob, &key->name, 1))
		return scan_fields(m, prepared->fields, key->name, scan);
	rc = read_range(m, (struct mime_range){0, prepared->header_size}, &m->chunk, err);
	return rc < 0 ? rc : scan_fields(m, buf_slice(&m->chunk), key->name, scan);
}

static int scan_body(
	struct match *m, const struct mime_section *part, struct scan *scan, struct err *err)
{
	struct mime_text text;
	uint64_t at = part->body.start;
	int rc = 0;

	mime_text_init(&text, part->encoding, part->charset);
	scan_restart(scan);
	while (rc == 0 && at < part->body.end && !scan->is_found) {
		const uint64_t left = part->body.end - at;
		const uint64_t n = left < SCAN_CHUNK ? left : SCAN_CHUNK;

		rc = read_range(m, (struct mime_range){at, at + n}, &m->chunk, err);
		at += n;
		buf_clear(&m->text);
		if (rc == 0)
			mime_text_feed(&text, buf_slice(&m->chunk), &m->text);
		if (rc == 0 && at == part->body.end)
			mime_text_finish(&text, &m->text);
		scan_feed(scan, buf_slice(&m->text));
	}
	mime_text_done(&text);
	return rc < 0 ? rc : scan->is_found;
}

static int scan_part(
	struct match *m, const struct mime_section *part, struct scan *scan, struct err *err)
{
	int rc;

	if (part->kind == MIME_LEAF && part->is_text)
		return scan_body(m, part, scan, err);
	if (part->kind != MIME_MESSAGE || !part->has_message)
		return 0;
	rc = read_range(m, part->header, &m->chunk, err);
	return rc < 0 ? rc : scan_fields(m, buf_slice(&m->chunk), slice_lit(""), scan);
}

static int match_body(
	struct match *m, struct scan *scan, const struct mime_prepared *prepared, struct err *err)
{
	struct mime_section part;
	size_t at = 0;
	int rc;

	while ((rc = mime_prepared_next(prepared, &at, &part, err)) > 0) {
		rc = scan_part(m, &part, scan, err);
		if (rc != 0)
			return rc;
	}
	return rc;
}

static int match_text(struct match *m, const struct imap_key *key, struct scan *scan,
	const struct mime_prepared *prepared, struct err *err)
{
	const struct mime_range header = {0, prepared->header_size};
	int rc;

	if (key->text.len == 0)
		return 1;
	if (key->kind == IMAP_KEY_TEXT) {
		rc = read_range(m, header, &m->chunk, err);
		if (rc < 0 || scan_fields(m, buf_slice(&m->chunk), slice_lit(""), scan))
			return rc < 0 ? rc : 1;
	}
	return match_body(m, scan, prepared, err);
}

int match_content(struct match *m, const struct imap_key *key, struct err *err)
{
	struct mime_prepared prepared;
	struct scan scan;
	int rc = get_row(m, err);

	if (rc == 0)
		rc = mime_prepared_open(buf_slice(&m->prepared), &prepared, err);
	if (rc < 0)
		return rc;
	if (key->kind == IMAP_KEY_THREADID)
		return key->number && m->row.thread == key->number;
	if (key->kind <= IMAP_KEY_SENTSINCE)
		return match_sent(key, &prepared);
	scan_init(&scan, key->text);
	rc = key->kind == IMAP_KEY_HEADER ? match_header(m, key, &scan, &prepared, err)
					  : match_text(m, key, &scan, &prepared, err);
	scan_done(&scan);
	return rc;
}
