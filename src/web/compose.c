/* compose.c - from what was typed, and files, to a message (RFC 5322, 2045, 2046, 2183). */
#include <stdio.h>

#include "base/random.h"
#include "mail/trace.h"
#include "web/write.h"
#include "wire/mime/text.h"
#include "wire/mime/write.h"

enum { CHUNK = 57 * 1024, HEADER_MAX = 512 << 10, BOUNDARY_MAX = 48 };

static int flush(struct buf *out, struct write_sink *sink, struct err *err)
{
	int rc = buf_check(out, "message", err);

	if (rc == 0 && out->len)
		rc = sink->append(sink, buf_slice(out), err);
	buf_clear(out);
	return rc;
}

/* RFC 5322 3.6.4: the ids before, and that of the message that is answered. */
static void put_references(const struct write *w, struct buf *out)
{
	struct buf all AUTO(buf_done);

	buf_init(&all, HEADER_MAX);
	if (w->in_reply_to.len == 0)
		return;
	buf_append(&all, w->references);
	if (!slice_ends(w->references, w->in_reply_to)) {
		buf_byte(&all, ' ');
		buf_append(&all, w->in_reply_to);
	}
	mime_write_words(out, "In-Reply-To", w->in_reply_to);
	mime_write_words(out, "References", buf_slice(&all));
}

static void put_header(const struct write *w, bool has_bcc, struct buf *out)
{
	const size_t at = slice_rchr(w->from, '@');
	struct buf value AUTO(buf_done);

	buf_init(&value, HEADER_MAX);
	mime_write_date(&value, w->date_s);
	mime_write_words(out, "Date", buf_slice(&value));
	buf_clear(&value);
	mime_write_address(&value, w->name, slice_head(w->from, at == SIZE_MAX ? 0 : at),
		at == SIZE_MAX ? w->from : slice_from(w->from, at + 1));
	mime_write_words(out, "From", buf_slice(&value));
	if (w->reply_to.len)
		mime_write_addresses(out, "Reply-To", w->reply_list);
	mime_write_addresses(out, "To", w->to_list);
	mime_write_addresses(out, "Cc", w->cc_list);
	if (has_bcc)
		mime_write_addresses(out, "Bcc", w->bcc_list);
	mime_write_text(out, "Subject", w->subject);
	mime_write_words(out, "Message-ID", w->id);
	put_references(w, out);
	buf_lit(out, "MIME-Version: 1.0\r\n");
}

static void put_text(const struct write *w, struct buf *out)
{
	buf_lit(out, "Content-Type: text/plain; charset=utf-8\r\n"
		     "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	mime_write_qp(out, w->body);
}

/* ---- files ---- */

/* A type that a browser made up is written only if it is one. */
static struct slice file_type(struct slice type)
{
	size_t slashes = 0;

	for (size_t i = 0; i < type.len; i++) {
		const unsigned char c = ascii_lower((unsigned char)type.ptr[i]);

		slashes += c == '/';
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '/' && c != '.' &&
			c != '-' && c != '+')
			return slice_lit("application/octet-stream");
	}
	if (slashes != 1 || type.len > 100 || slice_starts_nocase(type, slice_lit("multipart/")) ||
		slice_starts_nocase(type, slice_lit("message/")))
		return slice_lit("application/octet-stream");
	return type;
}

static int put_upload(
	const struct http_file *file, struct buf *out, struct write_sink *sink, struct err *err)
{
	struct mime_base64 base64 = {0};
	struct slice rest = file->bytes;
	int rc;

	buf_lit(out, "Content-Type: ");
	buf_append(out, file_type(file->type));
	mime_write_param(out, "name", file->name);
	buf_lit(out, "\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment");
	mime_write_param(out, "filename", file->name);
	buf_lit(out, "\r\n\r\n");
	rc = flush(out, sink, err);
	while (rc == 0 && rest.len) {
		mime_base64_feed(&base64, slice_head(rest, CHUNK), out);
		rest = slice_from(rest, rest.len < CHUNK ? rest.len : CHUNK);
		rc = flush(out, sink, err);
	}
	mime_base64_finish(&base64, out);
	return rc;
}

/* What the part says of itself, without the rest of a header that it may have been in. */
static int put_kept_header(const struct write_kept *kept, struct account_reader *reader,
	struct buf *out, struct err *err)
{
	static const struct slice names[] = {{"Content-Type", 12},
		{"Content-Transfer-Encoding", 25}, {"Content-Disposition", 19}, {"Content-ID", 10},
		{"Content-Description", 19}};
	const struct mime_range *range = &kept->section.mime;
	const uint64_t size = range->end - range->start;
	struct buf header AUTO(buf_done);
	int rc;

	buf_init(&header, MAIL_HEADER_MAX);
	rc = reader_body(reader, kept->message, range->start,
		size < MAIL_HEADER_MAX ? (size_t)size : MAIL_HEADER_MAX, &header, err);
	if (rc < 0)
		return rc;
	mime_header_filter(buf_slice(&header), names, sizeof(names) / sizeof(names[0]), false, out);
	if (out->len < 4 ||
		!slice_eq(slice_from(buf_slice(out), out->len - 4), slice_lit("\r\n\r\n")))
		buf_lit(out, "\r\n");
	return 0;
}

static int put_kept(const struct write_kept *kept, struct account_reader *reader, struct buf *out,
	struct write_sink *sink, struct err *err)
{
	uint64_t at = kept->section.body.start;
	int rc = put_kept_header(kept, reader, out, err);

	while (rc == 0 && at < kept->section.body.end) {
		const uint64_t left = kept->section.body.end - at;
		const size_t n = left < CHUNK ? (size_t)left : CHUNK;

		rc = reader_body(reader, kept->message, at, n, out, err);
		at += n;
		if (rc == 0)
			rc = flush(out, sink, err);
	}
	return rc;
}

static int put_files(struct http *x, const struct write *w, struct account_reader *reader,
	const char *boundary, struct buf *out, struct write_sink *sink, struct err *err)
{
	struct http_file file;
	size_t at = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < w->kept_n; i++) {
		buf_printf(out, "\r\n--%s\r\n", boundary);
		rc = put_kept(&w->kept[i], reader, out, sink, err);
	}
	while (rc == 0 && http_file_next(x, "file", &at, &file)) {
		if (file.name.len == 0 && file.bytes.len == 0)
			continue; /* nothing was chosen */
		buf_printf(out, "\r\n--%s\r\n", boundary);
		rc = put_upload(&file, out, sink, err);
	}
	buf_printf(out, "\r\n--%s--\r\n", boundary);
	return rc;
}

static bool has_files(struct http *x, const struct write *w)
{
	struct http_file file;
	size_t at = 0;

	while (http_file_next(x, "file", &at, &file)) {
		if (file.name.len || file.bytes.len)
			return true;
	}
	return w->kept_n > 0;
}

int write_compose(struct http *x, const struct write *w, struct account_reader *reader,
	bool has_bcc, struct write_sink *sink, struct err *err)
{
	struct buf out AUTO(buf_done);
	char boundary[BOUNDARY_MAX];
	int rc;

	buf_init(&out, HEADER_MAX + 4 * WEB_BODY_TEXT_MAX);
	put_header(w, has_bcc, &out);
	if (!has_files(x, w)) {
		put_text(w, &out);
		return flush(&out, sink, err);
	}
	/* "=_" stands in no quoted-printable and no base64. */
	snprintf(boundary, sizeof(boundary), "=_%016llx%016llx", (unsigned long long)random_u64(),
		(unsigned long long)random_u64());
	buf_printf(&out, "Content-Type: multipart/mixed;\r\n boundary=\"%s\"\r\n\r\n--%s\r\n",
		boundary, boundary);
	put_text(w, &out);
	rc = flush(&out, sink, err);
	if (rc == 0)
		rc = put_files(x, w, reader, boundary, &out, sink, err);
	return rc < 0 ? rc : flush(&out, sink, err);
}
