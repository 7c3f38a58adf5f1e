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

/* The line that goes on in bytes, whose front is compared; true when its end is among them. */
static bool hops_line(struct mail_hops *hops, struct slice *bytes)
{
	static const char name[] = "received:";
	const char *lf = memchr(bytes->ptr, '\n', bytes->len);
	const size_t n = lf ? (size_t)(lf - bytes->ptr) + 1 : bytes->len;

	for (size_t i = 0; i < n && hops->at < sizeof(name) - 1; i++) {
		if (ascii_lower((unsigned char)bytes->ptr[i]) != (unsigned char)name[hops->at]) {
			hops->at = UINT8_MAX;
			break;
		}
		if (++hops->at == sizeof(name) - 1)
			hops->count++;
	}
	*bytes = slice_from(*bytes, n);
	return lf;
}

void mail_hops_feed(struct mail_hops *hops, struct slice bytes)
{
	while (bytes.len && !hops->is_over) {
		if (!hops->is_in_line)
			hops->is_blank = bytes.ptr[0] == '\r' || bytes.ptr[0] == '\n';
		hops->is_in_line = !hops_line(hops, &bytes);
		if (hops->is_in_line)
			return;
		hops->at = 0;
		hops->is_over = hops->is_blank;
	}
}
