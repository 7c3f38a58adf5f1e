/* letter.c - see letter.h. */
#include "report/letter.h"

#include <inttypes.h>
#include <stdio.h>

#include "wire/mime/write.h"

enum {
	TEXT_MAX = 4096,
	BOUNDARY_MAX = 40,
	LINE_IN = 57, /* base64: bytes of a line, and what it becomes */
	LINE_OUT = 78,
};

#define OWN "Return-Path: <>\r\n"

void letter_file(const struct letter_of *l, struct buf *out)
{
	buf_printf(out, "%.*s!%.*s!%" PRId64 "!%" PRId64 "!%016" PRIx64 ".%s",
		SLICE_ARG(l->submitter), SLICE_ARG(l->domain), l->begin_s, l->end_s, l->id,
		l->kind == LETTER_TLS ? "json" : "xml");
}

uint64_t letter_travels(const struct letter_of *l)
{
	return (l->packed.len + LINE_IN - 1) / LINE_IN * LINE_OUT;
}

static void put_address(struct buf *out, const char *field, struct slice name, struct slice address)
{
	const size_t at = slice_rchr(address, '@');
	struct buf value AUTO(buf_done);

	buf_init(&value, TEXT_MAX);
	mime_write_address(&value, name, slice_head(address, at), slice_from(address, at + 1));
	mime_write_words(out, field, buf_slice(&value));
}

static void put_subject(const struct letter_of *l, struct buf *out)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, TEXT_MAX);
	if (l->kind == LETTER_FAILURE)
		buf_printf(&text, "DMARC failure report for %.*s", SLICE_ARG(l->domain));
	else
		buf_printf(&text,
			"Report Domain: %.*s Submitter: %.*s Report-ID: <%016" PRIx64 "@%.*s>",
			SLICE_ARG(l->domain), SLICE_ARG(l->submitter), l->id,
			SLICE_ARG(l->submitter));
	mime_write_words(out, "Subject", buf_slice(&text));
}

static const char *const types[] = {[LETTER_DMARC] = "mixed",
	[LETTER_TLS] = "report; report-type=\"tlsrpt\"",
	[LETTER_FAILURE] = "report; report-type=\"feedback-report\""};

static void put_head(const struct letter_of *l, const char *boundary, struct buf *out)
{
	struct buf date AUTO(buf_done);

	buf_init(&date, TEXT_MAX);
	put_address(out, "From", l->from_name, l->from);
	put_address(out, "To", (struct slice){0}, l->to);
	put_subject(l, out);
	mime_write_date(&date, l->now_s);
	mime_write_words(out, "Date", buf_slice(&date));
	buf_printf(out, "Message-ID: <%016" PRIx64 ".%zu@%.*s>\r\n", l->id, l->to.len,
		SLICE_ARG(l->submitter));
	buf_lit(out, "Auto-Submitted: auto-generated\r\n"); /* RFC 3834 5 */
	if (l->kind == LETTER_TLS) {
		mime_write_words(out, "TLS-Report-Domain", l->domain);
		mime_write_words(out, "TLS-Report-Submitter", l->submitter);
	}
	buf_printf(out,
		"MIME-Version: 1.0\r\nContent-Type: multipart/%s;\r\n boundary=\"%s\"\r\n\r\n",
		types[l->kind], boundary);
}

static void write_words(const struct letter_of *l, struct buf *out)
{
	struct buf begin AUTO(buf_done), end AUTO(buf_done);

	buf_init(&begin, TEXT_MAX);
	buf_init(&end, TEXT_MAX);
	mime_write_date(&begin, l->begin_s);
	mime_write_date(&end, l->end_s);
	if (l->kind == LETTER_FAILURE)
		buf_printf(out,
			"A message came to %.*s that failed DMARC,\nwith an author at %.*s.\n"
			"What it was follows, without its recipients and its text.\n",
			SLICE_ARG(l->submitter), SLICE_ARG(l->domain));
	else
		buf_printf(out,
			"This is an aggregate report about %s of %.*s,\nmade by %.*s,\nfrom %.*s\n"
			"to   %.*s.\n",
			l->kind == LETTER_TLS ? "TLS to the mail hosts"
					      : "mail with the author's domain",
			SLICE_ARG(l->domain), SLICE_ARG(l->submitter), SLICE_ARG(buf_slice(&begin)),
			SLICE_ARG(buf_slice(&end)));
}

static void put_words(const struct letter_of *l, const char *boundary, struct buf *out)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, TEXT_MAX);
	write_words(l, &text);
	buf_printf(out,
		"--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
		boundary);
	mime_write_qp(out, buf_slice(&text));
}

static void put_file(const struct letter_of *l, const char *boundary, struct buf *out)
{
	struct buf name AUTO(buf_done);
	struct mime_base64 base64 = {.n = 0};

	buf_init(&name, LETTER_NAME_MAX);
	letter_file(l, &name);
	buf_lit(&name, ".gz");
	buf_printf(out, "--%s\r\nContent-Type: application/%s", boundary,
		l->kind == LETTER_TLS ? "tlsrpt+gzip" : "gzip");
	mime_write_param(out, "name", buf_slice(&name));
	buf_lit(out, "\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment");
	mime_write_param(out, "filename", buf_slice(&name));
	buf_lit(out, "\r\n\r\n");
	mime_base64_feed(&base64, l->packed, out);
	mime_base64_finish(&base64, out);
	buf_printf(out, "--%s--\r\n", boundary);
}

static void put_failure(const struct letter_of *l, const char *boundary, struct buf *out)
{
	const size_t at = slice_find(l->failure, slice_lit("\r\n\r\n"));
	const size_t end = at == SIZE_MAX ? l->failure.len : at + 2;

	buf_printf(out, "--%s\r\nContent-Type: message/feedback-report\r\n\r\n", boundary);
	buf_append(out, slice_head(l->failure, end));
	if (l->incidents > 1)
		buf_printf(out, "Incidents: %" PRId64 "\r\n", l->incidents);
	buf_printf(out, "\r\n--%s\r\nContent-Type: text/rfc822-headers\r\n\r\n", boundary);
	buf_append(out, slice_from(l->failure, end + 2));
	buf_printf(out, "\r\n--%s--\r\n", boundary);
}

int letter_put(const struct letter_of *l, struct buf *out, uint64_t *own_bytes_out, struct err *err)
{
	char boundary[BOUNDARY_MAX];

	snprintf(boundary, sizeof(boundary), "=_%016" PRIx64, l->id);
	buf_lit(out, OWN);
	put_head(l, boundary, out);
	put_words(l, boundary, out);
	(l->kind == LETTER_FAILURE ? put_failure : put_file)(l, boundary, out);
	*own_bytes_out = sizeof(OWN) - 1;
	return buf_check(out, "the report's mail", err);
}
