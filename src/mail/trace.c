/* trace.c - see trace.h for the contract. */
#include "mail/trace.h"

#include <string.h>

#include "base/clock.h"
#include "wire/mime/write.h"

static void with_put(struct buf *out, const struct mail_trace *t)
{
	buf_lit(out, " with ");
	if (!t->is_lmtp && !t->is_extended) {
		buf_lit(out, "SMTP");
		return;
	}
	if (t->is_utf8)
		buf_str(out, t->is_lmtp ? "UTF8LMTP" : "UTF8SMTP");
	else
		buf_str(out, t->is_lmtp ? "LMTP" : "ESMTP");
	if (t->tls)
		buf_byte(out, 'S');
	if (t->is_authenticated)
		buf_byte(out, 'A');
	if (t->tls) {
		buf_lit(out, " (");
		buf_str(out, t->tls);
		buf_byte(out, ' ');
		buf_str(out, t->cipher ? t->cipher : "");
		buf_byte(out, ')');
	}
}

size_t mail_trace_put(struct buf *out, const struct mail_trace *t)
{
	const size_t start = out->len;
	size_t first;

	buf_lit(out, "Return-Path: <");
	buf_append(out, t->sender);
	buf_lit(out, ">\r\n");
	first = out->len - start;
	buf_lit(out, "Received: from ");
	buf_append(out, t->helo.len ? t->helo : slice_lit("unknown"));
	if (t->peer.len) {
		buf_str(out, slice_chr(t->peer, ':') != SIZE_MAX ? " ([IPv6:" : " ([");
		buf_append(out, t->peer);
		buf_lit(out, "])");
	}
	buf_lit(out, "\r\n\tby ");
	buf_append(out, t->host_name);
	with_put(out, t);
	buf_lit(out, "\r\n\tid ");
	buf_append(out, t->id);
	if (t->recipient.len) {
		buf_lit(out, " for <");
		buf_append(out, t->recipient);
		buf_byte(out, '>');
	}
	buf_lit(out, ";\r\n\t");
	mime_write_date(out, clock_wall_s());
	buf_lit(out, "\r\n");
	return first;
}

/* A line is whole, or its front is. */
static void hops_line(struct mail_hops *hops)
{
	const struct slice line = {hops->line, hops->n};
	const struct slice name = slice_lit("tls-required:");
	struct slice value = line;

	hops->is_over = line.ptr[0] == '\r' || line.ptr[0] == '\n';
	if (slice_starts_nocase(line, slice_lit("received:")))
		hops->count++;
	if (line.ptr[0] != ' ' && line.ptr[0] != '\t') {
		hops->is_tls_field = slice_starts_nocase(line, name);
		value = slice_from(line, name.len);
	}
	/* A line that is cut off has another value. */
	if (hops->is_tls_field && hops->n < MAIL_HOPS_LINE &&
		slice_eq_nocase(slice_trim(value), slice_lit("no")))
		hops->is_tls_optional = true;
}

void mail_hops_feed(struct mail_hops *hops, struct slice bytes)
{
	while (bytes.len && !hops->is_over) {
		const char *lf = memchr(bytes.ptr, '\n', bytes.len);
		const size_t n = lf ? (size_t)(lf - bytes.ptr) + 1 : bytes.len;
		const size_t room = MAIL_HOPS_LINE - hops->n;

		memcpy(hops->line + hops->n, bytes.ptr, n < room ? n : room);
		hops->n += n < room ? n : room;
		bytes = slice_from(bytes, n);
		if (!lf)
			return;
		hops_line(hops);
		hops->n = 0;
	}
}
